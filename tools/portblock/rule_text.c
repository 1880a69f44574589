/*
 * The language of nft: what we write in it, and what we read of it.
 */
#include "rule_private.h"

#include <limits.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

/* Ports that packets were sent from meanwhile. */
#define FLOWS_MAX 4096

/* The chain of MARK, with MATCH (NULL: it only marks). */
static void add_chain(struct buf *out, enum rule_mark mark, const char *hook,
		      int priority, const char *match)
{
	buf_addf(out,
		 "\tchain %s {\n\t\ttype filter hook %s priority %d; policy accept;\n",
		 rule_mark_chain(mark), hook, priority);
	if (match)
		buf_addf(out, "\t\t%s;\n", match);
	buf_adds(out, "\t}\n");
}

/* What sets the trace for answers, and what came over lo from ourselves. Others' packets,
 * which a router forwards, are left alone. */
static void arriving_match(struct buf *out, const struct rule_flow *flow, const char *ip,
			   const char *address, const char *protocol)
{
	bool tcp = flow->protocol == IPPROTO_TCP;

	buf_addf(out, "%s saddr %s %s sport %u %s dport @flows%s meta nftrace set 1", ip,
		 address, protocol, flow->port, protocol,
		 tcp ? " tcp flags & (syn | rst) != 0x0" : "");
	buf_addf(out,
		 ";\n\t\t%s daddr %s %s dport %u %s sport @flows%s meta nftrace set 1",
		 ip, address, protocol, flow->port, protocol,
		 tcp ? " tcp flags & (syn | ack) == syn" : "");
}

static void add_ingress(struct buf *out, const struct rule_chains *chains,
			const char *match)
{
	struct buf hook = BUF_INIT;
	size_t i;

	if (!chains->n_devices)
		return;
	buf_adds(&hook, "ingress devices = {");
	for (i = 0; i < chains->n_devices; i++)
		buf_addf(&hook, "%s \"%s\"", i ? "," : "", chains->devices[i]);
	buf_adds(&hook, " }");
	add_chain(out, MARK_INGRESS, hook.data, INT_MIN, match);
	out->failed |= hook.failed;
	buf_release(&hook);
}

void rule_table_text(struct buf *out, const char *name, const struct rule_flow *flow,
		     const struct rule_chains *chains)
{
	/* A scope is not part of the header. */
	struct addr plain = flow->addr;
	char address[ADDR_TEXT_SIZE];
	const char *ip = plain.family == AF_INET6 ? "ip6" : "ip";
	const char *protocol = flow->protocol == IPPROTO_UDP ? "udp" : "tcp";
	struct buf leaving = BUF_INIT, arriving = BUF_INIT;

	plain.scope = 0;
	addr_to_text(&plain, address);
	/* Of a connection only what makes it: what comes later, such as a reset when we
	 * close, may be dropped without being the cause of anything. */
	buf_addf(&leaving,
		 "%s daddr %s %s dport %u%s meta nftrace set 1 "
		 "add @flows { %s sport }",
		 ip, address, protocol, flow->port,
		 flow->protocol == IPPROTO_TCP ? " tcp flags & (syn | ack) == syn" : "",
		 protocol);
	arriving_match(&arriving, flow, ip, address, protocol);
	buf_addf(out,
		 "table inet %s {\n\tflags owner;\n"
		 "\tset flows {\n\t\ttype inet_service;\n\t\tflags dynamic;\n"
		 "\t\tsize %d;\n\t}\n",
		 name, FLOWS_MAX);
	add_chain(out, MARK_OUTPUT, "output", INT_MIN, leaving.data);
	add_chain(out, MARK_POSTROUTING, "postrouting", INT_MIN, NULL);
	add_chain(out, MARK_LEFT, "postrouting", INT_MAX, NULL);
	add_ingress(out, chains, arriving.data);
	add_chain(out, MARK_PREROUTING, "prerouting", INT_MIN, arriving.data);
	add_chain(out, MARK_INPUT, "input", INT_MIN, NULL);
	add_chain(out, MARK_DELIVERED, "input", INT_MAX, NULL);
	buf_adds(out, "}\n");
	out->failed |= leaving.failed || arriving.failed;
	buf_release(&leaving);
	buf_release(&arriving);
}

bool rule_name_is_plain(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return name[0] && strchr(letters, name[0]) &&
	       name[strspn(name, "0123456789_-./abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

/* ---- what nft lists ---- */

struct line {
	const char *at;
	size_t len;
};

static bool next_line(const char **text, struct line *ret_line)
{
	const char *end = strchr(*text, '\n');

	if (!**text)
		return false;
	ret_line->at = *text;
	ret_line->len = end ? (size_t)(end - *text) : strlen(*text);
	*text = end ? end + 1 : *text + ret_line->len;
	return true;
}

static bool begins_with(const struct line *l, const char *prefix)
{
	size_t len = strlen(prefix);

	return l->len >= len && !memcmp(l->at, prefix, len);
}

/* The line's text without the tabs in front, up to LEN bytes. */
static void add_text(struct buf *out, const struct line *l, size_t len)
{
	size_t tabs = 0;

	while (tabs < len && l->at[tabs] == '\t')
		tabs++;
	buf_add(out, l->at + tabs, len - tabs);
}

bool rule_text_find(struct buf *out, const char *listing, const char *family,
		    const char *table, const char *chain, uint64_t handle)
{
	char head[2 * RULE_NAME_SIZE], inside[2 * RULE_NAME_SIZE], tail[40];
	bool in_table = false, in_chain = false;
	struct line l;
	size_t len;

	snprintf(head, sizeof(head), "table %s %s {", family, table);
	snprintf(inside, sizeof(inside), "\tchain %s {", chain);
	snprintf(tail, sizeof(tail), " # handle %llu", (unsigned long long)handle);
	len = strlen(tail);
	while (next_line(&listing, &l)) {
		if (l.len && l.at[0] != '\t')
			in_table = begins_with(&l, head);
		else if (begins_with(&l, "\t") && !begins_with(&l, "\t\t"))
			in_chain = begins_with(&l, inside);
		if (!in_table || !begins_with(&l, "\t\t"))
			continue;
		if (!handle && in_chain && begins_with(&l, "\t\ttype ")) {
			add_text(out, &l, l.len);
			return true;
		}
		/* A table counts the handles of all its chains together. */
		if (handle && l.len > len && !memcmp(l.at + l.len - len, tail, len)) {
			add_text(out, &l, l.len - len);
			return true;
		}
	}
	return false;
}

void rule_copy(char *out, size_t size, const char *s)
{
	size_t len = strlen(s);

	if (len >= size) {
		len = size - 1;
		/* Not through the middle of a character (RFC 3629: 10xxxxxx). */
		while (len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, s, len);
	out[len] = '\0';
}
