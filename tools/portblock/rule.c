#include "rule.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule_private.h"

struct rule_trace {
	struct rule_flow flow;
	uint16_t source_port;
	struct rule_nft *nft; /* NULL: `no_nft` says why */
	char no_nft[160];
	struct rule_legacy *legacy; /* NULL: not in use, or an error: */
	int legacy_err;
};

int rule_begin(struct rule_trace **ret_trace, const struct addr *addr, uint16_t port,
	       uint8_t protocol, char *ret_why, size_t why_size)
{
	struct rule_trace *t;
	int err, rc;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) {
		snprintf(ret_why, why_size, "only TCP and UDP can be traced");
		return -EINVAL;
	}
	t = calloc(1, sizeof(*t));
	if (!t) {
		snprintf(ret_why, why_size, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	t->flow = (struct rule_flow){ .addr = *addr, .port = port, .protocol = protocol };
	err = rule_nft_open(&t->nft, &t->flow, t->no_nft, sizeof(t->no_nft));
	rc = rule_legacy_open(&t->legacy, addr->family);
	if (rc < 0)
		t->legacy_err = rc;
	/* The counters alone are enough where there is no nftables. */
	if (err < 0 && (err != -ENOSYS || !t->legacy)) {
		snprintf(ret_why, why_size, "%s",
			 t->no_nft[0] ? t->no_nft : strerror(-err));
		rule_legacy_close(t->legacy);
		free(t);
		return err;
	}
	*ret_trace = t;
	return 0;
}

void rule_only(struct rule_trace *t, uint16_t source_port)
{
	t->source_port = source_port;
}

static void say_why(struct rule_found *r, const char *fmt, ...) PK_PRINTF(2, 3);

static void say_why(struct rule_found *r, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (!text.failed)
		rule_copy(r->why, sizeof(r->why), text.data);
	buf_release(&text);
}

/* ---- nftables ---- */

static bool is_hook_chain(const char *chain)
{
	static const char *const names[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					     "POSTROUTING" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(chain, names[i]))
			return true;
	return false;
}

/*
 * What iptables-nft makes has no mark of its own. It is in these tables, below these
 * chains, and each of its rules counts.
 */
static bool is_iptables(const struct rule_packet *p, const struct rule_detail *d)
{
	static const char *const tables[] = { "filter", "nat", "mangle", "raw",
					      "security" };
	size_t i;

	if (p->by.family != NFPROTO_IPV4 && p->by.family != NFPROTO_IPV6)
		return false;
	if (!is_hook_chain(p->base[0] ? p->base : p->by.chain))
		return false;
	for (i = 0; i < ARRAY_SIZE(tables); i++)
		if (!strcmp(p->by.table, tables[i]))
			return d->xtables || d->counter;
	return false;
}

static const char *verdict_name(int32_t verdict, bool reject)
{
	switch (verdict & NF_VERDICT_MASK) {
	case NF_QUEUE:
		return "queue";
	case NF_STOLEN:
		return "stolen";
	default:
		return reject ? "reject" : "drop";
	}
}

static void add_comment(struct buf *text, const struct rule_detail *d)
{
	/* nft leaves it out, and it is what tells who made the rule. */
	if (d->comment[0] && !strstr(text->data, d->comment))
		buf_addf(text, " /* %s */", d->comment);
}

static void name_nft_rule(struct rule_trace *t, const struct rule_packet *p,
			  struct rule_found *r)
{
	const struct rule_event *e = &p->by;
	struct rule_detail detail = { .counter = e->type == NFT_TRACETYPE_POLICY };
	struct buf text = BUF_INIT;

	r->found = true;
	r->policy = e->type == NFT_TRACETYPE_POLICY;
	r->handle = r->policy ? 0 : e->handle;
	rule_copy(r->family, sizeof(r->family), rule_family_name(e->family));
	rule_copy(r->table, sizeof(r->table), e->table);
	rule_copy(r->chain, sizeof(r->chain), e->chain);
	rule_copy(r->hook, sizeof(r->hook), rule_packet_hook(p));
	/* It may be gone by now: then there is no text. */
	if (!r->policy && rule_nft_detail(t->nft, e, &detail) < 0)
		detail = (struct rule_detail){ .counter = true };
	rule_copy(r->verdict, sizeof(r->verdict),
		  verdict_name(e->verdict, detail.reject));
	rule_copy(r->backend, sizeof(r->backend),
		  is_iptables(p, &detail) ? "iptables-nft" : "nftables");
	if (rule_nft_text(t->nft, &text, e->family, e->table, e->chain, r->handle))
		add_comment(&text, &detail);
	if (!text.failed)
		rule_copy(r->text, sizeof(r->text), text.data);
	buf_release(&text);
}

/* ---- iptables-legacy ---- */

static void name_legacy_rule(const struct legacy_rule *rule, unsigned int hooks,
			     struct rule_found *r)
{
	struct buf text = BUF_INIT;
	uint32_t hook = 0;

	r->found = true;
	r->policy = rule->number == 0;
	r->handle = rule->number;
	rule_copy(r->backend, sizeof(r->backend), "iptables-legacy");
	rule_copy(r->family, sizeof(r->family),
		  rule->entry.family == AF_INET6 ? "ip6" : "ip");
	rule_copy(r->table, sizeof(r->table), rule->table);
	rule_copy(r->chain, sizeof(r->chain), rule->chain);
	rule_copy(r->verdict, sizeof(r->verdict), rule->verdict);
	hooks = hooks & rule->hooks ? hooks & rule->hooks : rule->hooks;
	while (hooks && !(hooks & 1u << hook))
		hook++;
	rule_copy(r->hook, sizeof(r->hook),
		  hooks ? rule_hook_name(NFPROTO_INET, hook) : "");
	legacy_rule_text(&text, rule);
	if (!text.failed)
		rule_copy(r->text, sizeof(r->text), text.data);
	buf_release(&text);
}

/* The one that takes packets for sure, before those that hand them to a program. */
static const struct legacy_rule *only_one(const struct legacy_rule *rules, size_t n)
{
	const struct legacy_rule *one = NULL;
	size_t i, n_sure = 0;

	for (i = 0; i < n && i < LEGACY_RULES_MAX; i++) {
		if (!strcmp(rules[i].verdict, "queue"))
			continue;
		one = &rules[i];
		n_sure++;
	}
	if (n_sure)
		return n_sure == 1 && n <= LEGACY_RULES_MAX ? one : NULL;
	return n == 1 ? &rules[0] : NULL;
}

/* True: R has the rule, or why there is none. False: no counter changed. */
static bool find_legacy(struct rule_trace *t, const struct legacy_wanted *wanted,
			struct rule_found *r)
{
	struct legacy_rule rules[LEGACY_RULES_MAX];
	const struct legacy_rule *one;
	size_t n = 0;
	int err;

	if (!t->legacy)
		return false;
	err = rule_legacy_find(t->legacy, wanted, rules, &n);
	if (err == -EAGAIN) {
		say_why(r, "the rules of iptables-legacy changed meanwhile");
		return true;
	}
	if (err < 0) {
		say_why(r, "the counters of iptables-legacy can't be read: %s",
			strerror(-err));
		return true;
	}
	one = only_one(rules, n);
	if (one)
		name_legacy_rule(one, wanted->hooks, r);
	else if (n)
		say_why(r,
			"%zu rules of iptables-legacy counted packets that may have been "
			"this one, first: %s %s %u",
			n, rules[0].table, rules[0].chain, rules[0].number);
	return n > 0;
}

/* ---- what became of the packets ---- */

/* The hooks where a packet that got to MARK and not to the next one can have ended. */
static unsigned int hooks_behind(enum rule_mark mark)
{
	switch (mark) {
	case MARK_OUTPUT:
		return 1u << NF_INET_LOCAL_OUT;
	case MARK_POSTROUTING:
		return 1u << NF_INET_POST_ROUTING;
	case MARK_NONE:
	case MARK_INGRESS:
	case MARK_PREROUTING:
		return 1u << NF_INET_PRE_ROUTING;
	case MARK_INPUT:
		return 1u << NF_INET_LOCAL_IN;
	case MARK_LEFT:
	case MARK_DELIVERED:
		break;
	}
	return 0;
}

static void explain_vanished(struct rule_trace *t, const struct rule_packet *p,
			     struct rule_found *r)
{
	struct legacy_wanted wanted = { .flow = &t->flow,
					.hooks = hooks_behind(p->mark),
					.answer = p->answer };

	if (find_legacy(t, &wanted, r))
		return;
	/* The destination may have been translated before the rule saw it. */
	wanted.flow = NULL;
	if (!p->answer && find_legacy(t, &wanted, r))
		return;
	say_why(r, "%s passed all rules of nftables and ended in or behind hook %s: %s",
		p->answer ? "the answer" : "the packet", rule_packet_hook(p),
		t->legacy_err ? "iptables-legacy (its counters can't be read) or another"
				" part of the kernel"
		: p->mark == MARK_PREROUTING
			? "reverse-path filter, routing, or another part of the kernel"
			: "another part of the kernel (eBPF, a module)");
}

static void conclude(struct rule_trace *t, struct rule_found *r)
{
	bool lost = false;
	const struct rule_history *h = rule_nft_read(t->nft, &lost);
	const struct rule_packet *p = NULL;
	enum rule_fate fate = rule_history_fate(h, t->source_port, &p);

	rule_nft_withdraw(t->nft);
	if (fate == FATE_TAKEN) {
		name_nft_rule(t, p, r);
		return;
	}
	if (lost) {
		say_why(r, "too many packets at once: a part of the trace was lost");
		return;
	}
	switch (fate) {
	case FATE_TAKEN:
		break;
	case FATE_VANISHED:
		explain_vanished(t, p, r);
		break;
	case FATE_UNSEEN:
		say_why(r, "no packet for the port came as far as the OUTPUT hook");
		break;
	case FATE_NO_ANSWER:
		say_why(r, "the packet left this machine past all rules, and no answer "
			   "came back");
		break;
	case FATE_DELIVERED:
		say_why(r, "neither the packet nor its answer was taken by a rule here");
		break;
	}
}

static void conclude_without_nft(struct rule_trace *t, struct rule_found *r)
{
	struct legacy_wanted wanted = { .flow = &t->flow, .any_direction = true };

	if (!find_legacy(t, &wanted, r))
		say_why(r, "no rule of iptables-legacy took it; nftables: %s", t->no_nft);
}

void rule_end(struct rule_trace *t, struct rule_found *ret_rule)
{
	struct rule_found r = { .asked = true };

	if (!t)
		return;
	if (t->nft)
		conclude(t, &r);
	else
		conclude_without_nft(t, &r);
	rule_nft_close(t->nft);
	rule_legacy_close(t->legacy);
	free(t);
	*ret_rule = r;
}
