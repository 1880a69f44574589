/*
 * A rule of iptables-legacy in the words of iptables-save. Of matches and targets that
 * are not known here the name is written, and "..." for their options.
 */
#include "rule_private.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_owner.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv4/ipt_REJECT.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netfilter_ipv6/ip6t_REJECT.h>
#include <string.h>

static void negate(struct buf *out, bool inverse)
{
	if (inverse)
		buf_adds(out, " !");
}

/* How many bits a mask has; -1: it has holes. */
static int mask_bits(const struct addr *mask)
{
	int bits = 0, i, n = (int)addr_len(mask) * 8;

	for (i = 0; i < n && mask->ip[i / 8] & 0x80 >> i % 8; i++)
		bits++;
	for (; i < n; i++)
		if (mask->ip[i / 8] & 0x80 >> i % 8)
			return -1;
	return bits;
}

static void add_address(struct buf *out, const char *option, const struct addr *a,
			const struct addr *mask, bool inverse)
{
	char text[ADDR_TEXT_SIZE];
	int bits = mask_bits(mask);

	if (bits == 0 && addr_is_any(a) && !inverse)
		return;
	negate(out, inverse);
	buf_addf(out, " %s %s/", option, addr_to_text(a, text));
	if (bits >= 0)
		buf_addf(out, "%d", bits);
	else
		buf_adds(out, addr_to_text(mask, text));
}

/* A "+" for any interface of this beginning is part of the name. */
static void add_interface(struct buf *out, const char *option, const char *name,
			  bool inverse)
{
	if (!name[0])
		return;
	negate(out, inverse);
	buf_addf(out, " %s %s", option, name);
}

static void add_protocol(struct buf *out, uint16_t protocol, bool inverse)
{
	const char *name = protocol == IPPROTO_TCP	? "tcp"
			   : protocol == IPPROTO_UDP	? "udp"
			   : protocol == IPPROTO_ICMP	? "icmp"
			   : protocol == IPPROTO_ICMPV6 ? "ipv6-icmp"
							: NULL;

	if (!protocol)
		return;
	negate(out, inverse);
	if (name)
		buf_addf(out, " -p %s", name);
	else
		buf_addf(out, " -p %u", protocol);
}

/* ---- matches ---- */

static void add_ports(struct buf *out, const char *option, const uint16_t range[2],
		      bool inverse)
{
	if (range[0] == 0 && range[1] == UINT16_MAX && !inverse)
		return;
	negate(out, inverse);
	buf_addf(out, " %s %u", option, range[0]);
	if (range[1] != range[0])
		buf_addf(out, ":%u", range[1]);
}

static void add_tcp_flags(struct buf *out, uint8_t flags)
{
	static const char *const names[] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG" };
	bool any = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(flags & 1u << i))
			continue;
		buf_addf(out, "%s%s", any ? "," : "", names[i]);
		any = true;
	}
	if (!any)
		buf_adds(out, "NONE");
}

static bool add_tcp(struct buf *out, const struct xtables_match *m)
{
	struct xt_tcp tcp;

	if (m->len < sizeof(tcp))
		return false;
	memcpy(&tcp, m->data, sizeof(tcp));
	add_ports(out, "--sport", tcp.spts, tcp.invflags & XT_TCP_INV_SRCPT);
	add_ports(out, "--dport", tcp.dpts, tcp.invflags & XT_TCP_INV_DSTPT);
	if (tcp.option) {
		negate(out, tcp.invflags & XT_TCP_INV_OPTION);
		buf_addf(out, " --tcp-option %u", tcp.option);
	}
	if (tcp.flg_mask || tcp.invflags & XT_TCP_INV_FLAGS) {
		negate(out, tcp.invflags & XT_TCP_INV_FLAGS);
		buf_adds(out, " --tcp-flags ");
		add_tcp_flags(out, tcp.flg_mask);
		buf_addc(out, ' ');
		add_tcp_flags(out, tcp.flg_cmp);
	}
	return true;
}

static bool add_udp(struct buf *out, const struct xtables_match *m)
{
	struct xt_udp udp;

	if (m->len < sizeof(udp))
		return false;
	memcpy(&udp, m->data, sizeof(udp));
	add_ports(out, "--sport", udp.spts, udp.invflags & XT_UDP_INV_SRCPT);
	add_ports(out, "--dport", udp.dpts, udp.invflags & XT_UDP_INV_DSTPT);
	return true;
}

static bool add_multiport(struct buf *out, const struct xtables_match *m)
{
	static const char *const options[] = { [XT_MULTIPORT_SOURCE] = "--sports",
					       [XT_MULTIPORT_DESTINATION] = "--dports",
					       [XT_MULTIPORT_EITHER] = "--ports" };
	struct xt_multiport_v1 ports;
	unsigned int i;

	if (m->revision != 1 || m->len < sizeof(ports))
		return false;
	memcpy(&ports, m->data, sizeof(ports));
	if (ports.flags >= ARRAY_SIZE(options) || ports.count > XT_MULTI_PORTS)
		return false;
	negate(out, ports.invert);
	buf_addf(out, " %s ", options[ports.flags]);
	for (i = 0; i < ports.count; i++) {
		buf_addf(out, "%s%u", i ? "," : "", ports.ports[i]);
		/* The next one is this range's end. */
		if (ports.pflags[i] && i + 1 < ports.count)
			buf_addf(out, ":%u", ports.ports[++i]);
	}
	return true;
}

static bool add_comment(struct buf *out, const struct xtables_match *m)
{
	size_t len = strnlen((const char *)m->data, m->len), i;

	buf_adds(out, " --comment \"");
	for (i = 0; i < len; i++) {
		if (m->data[i] == '"' || m->data[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, (char)m->data[i]);
	}
	buf_addc(out, '"');
	return true;
}

static void add_states(struct buf *out, unsigned int mask)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} states[] = {
		{ XT_CONNTRACK_STATE_INVALID, "INVALID" },
		{ XT_CONNTRACK_STATE_BIT(IP_CT_NEW), "NEW" },
		{ XT_CONNTRACK_STATE_BIT(IP_CT_RELATED), "RELATED" },
		{ XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED), "ESTABLISHED" },
		{ XT_CONNTRACK_STATE_UNTRACKED, "UNTRACKED" },
		{ XT_CONNTRACK_STATE_SNAT, "SNAT" },
		{ XT_CONNTRACK_STATE_DNAT, "DNAT" },
	};
	bool any = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		if (!(mask & states[i].bit))
			continue;
		buf_addf(out, "%s%s", any ? "," : "", states[i].name);
		any = true;
	}
}

static bool add_state(struct buf *out, const struct xtables_match *m)
{
	struct xt_state_info info;

	if (m->len < sizeof(info))
		return false;
	memcpy(&info, m->data, sizeof(info));
	buf_adds(out, " --state ");
	add_states(out, info.statemask);
	return true;
}

static bool add_conntrack(struct buf *out, const struct xtables_match *m)
{
	struct xt_conntrack_mtinfo3 info;

	if (m->revision != 3 || m->len < sizeof(info))
		return false;
	memcpy(&info, m->data, sizeof(info));
	if ((info.match_flags & ~XT_CONNTRACK_STATE_ALIAS) != XT_CONNTRACK_STATE)
		return false;
	negate(out, info.invert_flags & XT_CONNTRACK_STATE);
	buf_adds(out, info.match_flags & XT_CONNTRACK_STATE_ALIAS ? " --state "
								  : " --ctstate ");
	add_states(out, info.state_mask);
	return true;
}

static void add_id(struct buf *out, const char *option, uint32_t low, uint32_t high,
		   bool inverse)
{
	negate(out, inverse);
	buf_addf(out, " %s %u", option, low);
	if (high != low)
		buf_addf(out, "-%u", high);
}

static bool add_owner(struct buf *out, const struct xtables_match *m)
{
	struct xt_owner_match_info info;

	if (m->revision != 1 || m->len < sizeof(info))
		return false;
	memcpy(&info, m->data, sizeof(info));
	if (info.match & ~(XT_OWNER_UID | XT_OWNER_GID))
		return false;
	if (info.match & XT_OWNER_UID)
		add_id(out, "--uid-owner", info.uid_min, info.uid_max,
		       info.invert & XT_OWNER_UID);
	if (info.match & XT_OWNER_GID)
		add_id(out, "--gid-owner", info.gid_min, info.gid_max,
		       info.invert & XT_OWNER_GID);
	return true;
}

static void add_match(struct buf *out, const struct xtables_match *m)
{
	static const struct {
		const char *name;
		bool (*add)(struct buf *out, const struct xtables_match *m);
	} known[] = {
		{ "tcp", add_tcp },
		{ "udp", add_udp },
		{ "multiport", add_multiport },
		{ "comment", add_comment },
		{ "state", add_state },
		{ "conntrack", add_conntrack },
		{ "owner", add_owner },
	};
	size_t i;

	buf_addf(out, " -m %s", m->name);
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(m->name, known[i].name) && known[i].add(out, m))
			return;
	if (m->len)
		buf_adds(out, " ...");
}

/* ---- the target ---- */

static const char *reject_with(int family, uint32_t with)
{
	static const char *const v4[] = {
		[IPT_ICMP_NET_UNREACHABLE] = "icmp-net-unreachable",
		[IPT_ICMP_HOST_UNREACHABLE] = "icmp-host-unreachable",
		[IPT_ICMP_PROT_UNREACHABLE] = "icmp-proto-unreachable",
		[IPT_ICMP_PORT_UNREACHABLE] = "icmp-port-unreachable",
		[IPT_ICMP_NET_PROHIBITED] = "icmp-net-prohibited",
		[IPT_ICMP_HOST_PROHIBITED] = "icmp-host-prohibited",
		[IPT_TCP_RESET] = "tcp-reset",
		[IPT_ICMP_ADMIN_PROHIBITED] = "icmp-admin-prohibited",
	};
	static const char *const v6[] = {
		[IP6T_ICMP6_NO_ROUTE] = "icmp6-no-route",
		[IP6T_ICMP6_ADM_PROHIBITED] = "icmp6-adm-prohibited",
		[IP6T_ICMP6_ADDR_UNREACH] = "icmp6-addr-unreachable",
		[IP6T_ICMP6_PORT_UNREACH] = "icmp6-port-unreachable",
		[IP6T_TCP_RESET] = "tcp-reset",
		[IP6T_ICMP6_POLICY_FAIL] = "icmp6-policy-fail",
		[IP6T_ICMP6_REJECT_ROUTE] = "icmp6-reject-route",
	};

	if (family == AF_INET6)
		return with < ARRAY_SIZE(v6) ? v6[with] : NULL;
	return with < ARRAY_SIZE(v4) ? v4[with] : NULL;
}

static void add_target(struct buf *out, const struct legacy_rule *rule)
{
	const struct xtables_entry *e = &rule->entry;
	const char *with;
	uint32_t value;

	if (!e->target[0]) {
		buf_addf(out, " -j %s",
			 strcmp(rule->verdict, "queue") ? "DROP" : "QUEUE");
		return;
	}
	buf_addf(out, " -j %s", e->target);
	if (!e->target_len)
		return;
	if (!strcmp(e->target, "REJECT") && e->target_len >= sizeof(value)) {
		memcpy(&value, e->target_data, sizeof(value));
		with = reject_with(e->family, value);
		if (with) {
			buf_addf(out, " --reject-with %s", with);
			return;
		}
	}
	buf_adds(out, " ...");
}

void legacy_rule_text(struct buf *out, const struct legacy_rule *rule)
{
	const struct xtables_entry *e = &rule->entry;
	struct xtables_match m;
	size_t at = 0;

	if (!rule->number) {
		buf_addf(out, "-P %s DROP", rule->chain);
		return;
	}
	buf_addf(out, "-A %s", rule->chain);
	/* The numbers are those of IP6T_*, too. */
	add_address(out, "-s", &e->src, &e->src_mask, e->inverse & IPT_INV_SRCIP);
	add_address(out, "-d", &e->dst, &e->dst_mask, e->inverse & IPT_INV_DSTIP);
	add_interface(out, "-i", e->in, e->inverse & IPT_INV_VIA_IN);
	add_interface(out, "-o", e->out, e->inverse & IPT_INV_VIA_OUT);
	add_protocol(out, e->protocol, e->inverse & XT_INV_PROTO);
	if (e->family == AF_INET && e->flags & IPT_F_FRAG) {
		negate(out, e->inverse & IPT_INV_FRAG);
		buf_adds(out, " -f");
	}
	while (xtables_match_read(e, &at, &m))
		add_match(out, &m);
	add_target(out, rule);
}
