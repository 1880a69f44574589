/*
 * The extensions of iptables, with their binary data: those that say something about
 * protocol, port, connection and addresses are understood, of others only that not every
 * packet passes.
 */
#include "firewall_private.h"

#include <endian.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_pkttype.h>
#include <linux/netfilter/xt_rpfilter.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* Of the connection's status: none that is expected, or translated. */
#define STATUS_KNOWN \
	(IPS_EXPECTED | IPS_SEEN_REPLY | IPS_CONFIRMED | IPS_SRC_NAT | IPS_DST_NAT)
#define TCP_FLAGS_AT 13
#define TCP_KNOWN    0x3f

/* The data of S into VALUE; false: shorter than that. */
static bool take(const struct step *s, void *value, size_t size)
{
	if (s->data_len < size)
		return false;
	memcpy(value, s->data, size);
	return true;
}

static enum fit fit_if(bool yes)
{
	return yes ? FIT_YES : FIT_NO;
}

static bool is_any_port(const uint16_t range[2])
{
	return range[0] == 0 && range[1] == 65535;
}

static bool in_ports(const struct follower *f, const uint16_t range[2], bool invert)
{
	return (range[0] <= f->packet->port && f->packet->port <= range[1]) != invert;
}

static enum fit match_tcp(const struct follower *f, const struct step *s,
			  const char **ret_what)
{
	struct xt_tcp tcp;
	uint8_t flags = f->transport.value[TCP_FLAGS_AT];
	bool flags_known;

	if (!take(s, &tcp, sizeof(tcp)))
		return FIT_OPAQUE;
	if (!in_ports(f, tcp.dpts, tcp.invflags & XT_TCP_INV_DSTPT))
		return FIT_NO;
	/* Of the flags that are known, some may differ already. */
	flags_known = !(tcp.flg_mask & ~TCP_KNOWN);
	if ((tcp.flg_cmp ^ flags) & tcp.flg_mask & TCP_KNOWN) {
		if (!(tcp.invflags & XT_TCP_INV_FLAGS))
			return FIT_NO;
	} else if (flags_known && tcp.invflags & XT_TCP_INV_FLAGS) {
		return FIT_NO;
	} else if (!flags_known) {
		*ret_what = "TCP's flags";
		return FIT_MAYBE;
	}
	if (tcp.option) {
		*ret_what = "an option of TCP";
		return FIT_MAYBE;
	}
	if (!is_any_port(tcp.spts)) {
		*ret_what = "the source port";
		return FIT_MAYBE;
	}
	return fit_if(!(tcp.invflags & XT_TCP_INV_SRCPT));
}

static enum fit match_udp(const struct follower *f, const struct step *s,
			  const char **ret_what)
{
	struct xt_udp udp;

	if (!take(s, &udp, sizeof(udp)))
		return FIT_OPAQUE;
	if (!in_ports(f, udp.dpts, udp.invflags & XT_UDP_INV_DSTPT))
		return FIT_NO;
	if (!is_any_port(udp.spts)) {
		*ret_what = "the source port";
		return FIT_MAYBE;
	}
	return fit_if(!(udp.invflags & XT_UDP_INV_SRCPT));
}

static enum fit match_multiport(const struct follower *f, const struct step *s,
				const char **ret_what)
{
	struct xt_multiport_v1 m;
	bool has = false;
	unsigned int i;

	if (s->revision != 1 || !take(s, &m, sizeof(m)) || m.count > XT_MULTI_PORTS)
		return FIT_OPAQUE;
	for (i = 0; i < m.count; i++) {
		uint16_t first = m.ports[i], last = first;

		if (m.pflags[i] && i + 1 < m.count)
			last = m.ports[++i];
		has |= first <= f->packet->port && f->packet->port <= last;
	}
	*ret_what = "the source port";
	switch (m.flags) {
	case XT_MULTIPORT_SOURCE:
		return FIT_MAYBE;
	case XT_MULTIPORT_DESTINATION:
		return fit_if(has != m.invert);
	case XT_MULTIPORT_EITHER:
		return has ? fit_if(!m.invert) : FIT_MAYBE;
	default:
		return FIT_OPAQUE;
	}
}

static uint32_t state_bit(enum ct ct)
{
	switch (ct) {
	case CT_NONE:
		return XT_CONNTRACK_STATE_INVALID;
	case CT_NEW:
		return XT_CONNTRACK_STATE_BIT(IP_CT_NEW);
	case CT_ESTABLISHED:
		return XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED);
	case CT_UNTRACKED:
		return XT_CONNTRACK_STATE_UNTRACKED;
	case CT_UNSURE:
		break;
	}
	return 0;
}

static enum fit match_state(const struct follower *f, const struct step *s,
			    const char **ret_what)
{
	struct xt_state_info info;

	if (!take(s, &info, sizeof(info)))
		return FIT_OPAQUE;
	*ret_what = "whether it is tracked";
	return f->ct == CT_UNSURE ? FIT_MAYBE : fit_if(info.statemask & state_bit(f->ct));
}

static enum fit match_conntrack(const struct follower *f, const struct step *s,
				const char **ret_what)
{
	const uint16_t known = XT_CONNTRACK_STATE | XT_CONNTRACK_STATUS |
			       XT_CONNTRACK_PROTO | XT_CONNTRACK_DIRECTION;
	struct xt_conntrack_mtinfo2 info;
	bool inverts;

	/* The third has more behind, for what is not looked at here. */
	if (s->revision < 2 || s->revision > 3 || !take(s, &info, sizeof(info)))
		return FIT_OPAQUE;
	*ret_what = "the connection";
	if (f->ct == CT_UNSURE)
		return FIT_MAYBE;
	inverts = info.invert_flags & XT_CONNTRACK_STATE;
	if (info.match_flags & XT_CONNTRACK_STATE &&
	    !(info.state_mask & state_bit(f->ct)) != inverts)
		return FIT_NO;
	if (f->ct != CT_NEW && f->ct != CT_ESTABLISHED)
		return fit_if(info.match_flags & XT_CONNTRACK_STATE);
	if (info.match_flags & XT_CONNTRACK_DIRECTION &&
	    info.invert_flags & XT_CONNTRACK_DIRECTION)
		return FIT_NO;
	inverts = info.invert_flags & XT_CONNTRACK_PROTO;
	if (info.match_flags & XT_CONNTRACK_PROTO &&
	    (info.l4proto == f->packet->protocol) == inverts)
		return FIT_NO;
	inverts = info.invert_flags & XT_CONNTRACK_STATUS;
	if (info.match_flags & XT_CONNTRACK_STATUS) {
		uint16_t status = f->ct == CT_ESTABLISHED ? IPS_SEEN_REPLY | IPS_CONFIRMED
							  : 0;

		if (info.status_mask & ~STATUS_KNOWN)
			return FIT_MAYBE;
		if (!(info.status_mask & status) != inverts)
			return FIT_NO;
	}
	return info.match_flags & ~known ? FIT_MAYBE : FIT_YES;
}

static enum fit type_fits(uint16_t wanted, bool invert, unsigned int type)
{
	return wanted ? fit_if(!!(wanted & 1u << type) != invert) : FIT_YES;
}

static enum fit match_addrtype(const struct step *s, const char **ret_what)
{
	struct xt_addrtype_info old;
	struct xt_addrtype_info_v1 info;
	enum fit source, dest;

	if (s->revision == 0 && take(s, &old, sizeof(old))) {
		info = (struct xt_addrtype_info_v1){ .source = old.source,
						     .dest = old.dest };
		info.flags |= old.invert_source ? XT_ADDRTYPE_INVERT_SOURCE : 0;
		info.flags |= old.invert_dest ? XT_ADDRTYPE_INVERT_DEST : 0;
	} else if (s->revision != 1 || !take(s, &info, sizeof(info))) {
		return FIT_OPAQUE;
	}
	*ret_what = "the interface";
	if (info.flags &
	    (XT_ADDRTYPE_LIMIT_IFACE_IN | (uint32_t)XT_ADDRTYPE_LIMIT_IFACE_OUT))
		return FIT_MAYBE;
	source = type_fits(info.source, info.flags & XT_ADDRTYPE_INVERT_SOURCE,
			   RTN_UNICAST);
	dest = type_fits(info.dest, info.flags & XT_ADDRTYPE_INVERT_DEST, RTN_LOCAL);
	return source == FIT_NO ? source : dest;
}

static enum fit match_iprange(const struct follower *f, const struct step *s,
			      const char **ret_what)
{
	const struct addr *to = &f->packet->to;
	struct xt_iprange_mtinfo info;
	bool inside;

	if (!take(s, &info, sizeof(info)))
		return FIT_OPAQUE;
	if (info.flags & IPRANGE_DST) {
		*ret_what = "the destination address";
		if (!to->family)
			return FIT_MAYBE;
		inside = memcmp(to->ip, &info.dst_min, addr_len(to)) >= 0 &&
			 memcmp(to->ip, &info.dst_max, addr_len(to)) <= 0;
		if (inside == !!(info.flags & IPRANGE_DST_INV))
			return FIT_NO;
	}
	if (!(info.flags & IPRANGE_SRC))
		return FIT_YES;
	*ret_what = "the source address";
	return FIT_MAYBE;
}

/* What not every packet has. */
static const struct {
	const char *name, *what;
} sometimes[] = {
	{ "limit", "the rate" },
	{ "hashlimit", "the rate" },
	{ "recent", "earlier packets" },
	{ "time", "the time" },
	{ "statistic", "chance, or a count" },
	{ "connlimit", "the number of connections" },
	{ "connbytes", "the connection" },
	{ "connlabel", "the connection" },
	{ "connmark", "the connection's mark" },
	{ "mark", "the packet's mark" },
	{ "mac", "the hardware address" },
	{ "physdev", "the bridge's device" },
	{ "devgroup", "the interface" },
	{ "policy", "IPsec" },
	{ "socket", "the socket" },
	{ "helper", "the connection" },
	{ "length", "the packet's length" },
	{ "ttl", "the TTL" },
	{ "hl", "the hop limit" },
	{ "tos", "the packet's header" },
	{ "dscp", "the packet's header" },
	{ "ecn", "the packet's header" },
	{ "tcpmss", "an option of TCP" },
	{ "realm", "routing" },
	{ "quota", "a quota" },
	{ "cpu", "the processor" },
	{ "geoip", "the source address" },
};

enum fit xt_match(const struct follower *f, const struct step *s, const char **ret_what)
{
	const char *name = s->name;
	struct xt_pkttype_info type;
	struct xt_rpfilter_info back;
	size_t i;

	*ret_what = name;
	if (!strcmp(name, "tcp"))
		return match_tcp(f, s, ret_what);
	if (!strcmp(name, "udp"))
		return match_udp(f, s, ret_what);
	if (!strcmp(name, "multiport"))
		return match_multiport(f, s, ret_what);
	if (!strcmp(name, "conntrack"))
		return match_conntrack(f, s, ret_what);
	if (!strcmp(name, "state"))
		return match_state(f, s, ret_what);
	if (!strcmp(name, "addrtype"))
		return match_addrtype(s, ret_what);
	if (!strcmp(name, "iprange"))
		return match_iprange(f, s, ret_what);
	if (!strcmp(name, "comment") || !strcmp(name, "nfacct"))
		return FIT_YES;
	if (!strcmp(name, "icmp") || !strcmp(name, "icmp6"))
		return FIT_NO;
	/* Somebody who can be answered. */
	if (!strcmp(name, "rpfilter") && take(s, &back, sizeof(back)))
		return fit_if(!(back.flags & XT_RPFILTER_INVERT));
	if (!strcmp(name, "pkttype") && take(s, &type, sizeof(type)))
		return fit_if((type.pkttype == 0) == !type.invert); /* PACKET_HOST */
	for (i = 0; i < ARRAY_SIZE(sometimes); i++)
		if (!strcmp(name, sometimes[i].name)) {
			*ret_what = sometimes[i].what;
			return FIT_MAYBE;
		}
	return FIT_OPAQUE;
}

/* ---- targets ---- */

static void set_range(struct target *t, int family, unsigned int flags, const void *min,
		      const void *max, uint16_t port_min, uint16_t port_max)
{
	size_t len = family == AF_INET6 ? 16 : 4;

	if (flags & NF_NAT_RANGE_MAP_IPS) {
		t->has_addr = !memcmp(min, max, len);
		t->several |= !t->has_addr;
		t->addr.family = (uint16_t)family;
		memcpy(t->addr.ip, min, len);
	}
	if (flags & NF_NAT_RANGE_PROTO_SPECIFIED) {
		t->has_port = port_min == port_max;
		t->several |= !t->has_port;
		t->port = be16toh(port_min);
	}
}

/* Where DNAT or REDIRECT sends it. The first revision for IPv4 has its own structure. */
static void nat_target(const struct follower *f, const struct step *s, struct target *t)
{
	struct nf_nat_ipv4_multi_range_compat old;
	struct nf_nat_range range;
	int family = f->packet->family;

	if (s->revision == 0 && family == AF_INET && take(s, &old, sizeof(old)))
		set_range(t, family, old.range[0].flags, &old.range[0].min_ip,
			  &old.range[0].max_ip, old.range[0].min.all,
			  old.range[0].max.all);
	else if ((s->revision || family == AF_INET6) && take(s, &range, sizeof(range)))
		set_range(t, family, range.flags, &range.min_addr, &range.max_addr,
			  range.min_proto.all, range.max_proto.all);
	else
		t->several = true;
}

static const struct {
	const char *name;
	enum xt_effect effect;
} effects[] = {
	{ "REJECT", XT_DROPS },	       { "DNAT", XT_FORWARDS },
	{ "REDIRECT", XT_FORWARDS },   { "NETMAP", XT_UNKNOWN },
	{ "SNAT", XT_ACCEPTS },	       { "MASQUERADE", XT_ACCEPTS },
	{ "NOTRACK", XT_NOTRACK },     { "NFQUEUE", XT_TAKES },
	{ "TPROXY", XT_TAKES },	       { "SYNPROXY", XT_TAKES },
	{ "TARPIT", XT_TAKES },	       { "LOG", XT_GOES_ON },
	{ "NFLOG", XT_GOES_ON },       { "ULOG", XT_GOES_ON },
	{ "MARK", XT_GOES_ON },	       { "CONNMARK", XT_GOES_ON },
	{ "TRACE", XT_GOES_ON },       { "TCPMSS", XT_GOES_ON },
	{ "CLASSIFY", XT_GOES_ON },    { "DSCP", XT_GOES_ON },
	{ "TOS", XT_GOES_ON },	       { "TTL", XT_GOES_ON },
	{ "HL", XT_GOES_ON },	       { "SECMARK", XT_GOES_ON },
	{ "AUDIT", XT_GOES_ON },       { "CONNSECMARK", XT_GOES_ON },
	{ "LED", XT_GOES_ON },	       { "RATEEST", XT_GOES_ON },
	{ "SET", XT_GOES_ON },	       { "IDLETIMER", XT_GOES_ON },
	{ "CHECKSUM", XT_GOES_ON },    { "TEE", XT_GOES_ON },
	{ "TCPOPTSTRIP", XT_GOES_ON },
};

enum xt_effect xt_target(const struct follower *f, const struct step *s,
			 struct target *ret_target)
{
	struct xt_ct_target_info ct;
	size_t i;

	/* Both revisions begin with the flags. */
	if (!strcmp(s->name, "CT") && take(s, &ct.flags, sizeof(ct.flags)))
		return ct.flags & XT_CT_NOTRACK ? XT_NOTRACK : XT_GOES_ON;
	for (i = 0; i < ARRAY_SIZE(effects); i++) {
		if (strcmp(effects[i].name, s->name))
			continue;
		if (effects[i].effect == XT_FORWARDS)
			nat_target(f, s, ret_target);
		return effects[i].effect;
	}
	return XT_UNKNOWN;
}
