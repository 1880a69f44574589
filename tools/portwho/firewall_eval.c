#include "firewall_eval.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <string.h>

#include "firewall_private.h"

/* linux include/net/netfilter/nf_tables.h: NFT_JUMP_STACK_SIZE */
#define DEPTH_MAX 16
/* A ruleset that takes more is not followed to its end. */
#define STEPS_MAX ((size_t)4 << 20)

/* How the packet came to where it is. */
struct path {
	struct cause depends, opaque; /* `what` NULL: no */
};

/* Where it may go from here. */
enum {
	STAYS = 1 << 0,	  /* to the next step of the rule */
	GOES_ON = 1 << 1, /* to the next rule */
	RETURNS = 1 << 2,
};

static unsigned int walk(struct follower *f, const struct chain *chain, struct path path,
			 unsigned int depth);

/* ---- what is found out ---- */

static void note(struct follower *f, unsigned int fate, struct cause *first,
		 const struct path *path, struct cause cause)
{
	f->fate->fates |= fate;
	if (!first->chain)
		*first = cause;
	if (!f->fate->depends.chain && path->depends.what)
		f->fate->depends = path->depends;
	if (!f->fate->opaque.chain && path->opaque.what)
		f->fate->opaque = path->opaque;
}

static void note_pass(struct follower *f, const struct path *path, struct cause cause)
{
	f->passes = true;
	note(f, 0, &f->fate->in, path, cause);
	/* A rule says more than a policy, and a later one more than an earlier one. */
	if (cause.rule || !f->fate->in.rule)
		f->fate->in = cause;
}

static void note_unknown(struct follower *f, struct cause cause, const char *what)
{
	struct path path = { .opaque = cause };

	path.opaque.what = what ? what : "something";
	note(f, FATE_UNKNOWN, &f->fate->opaque, &path, path.opaque);
}

static void note_target(struct follower *f, const struct target *t)
{
	struct fate *fate = f->fate;
	size_t i;

	for (i = 0; i < fate->n_targets; i++) {
		const struct target *o = &fate->targets[i];

		if (o->has_addr == t->has_addr && o->has_port == t->has_port &&
		    o->port == t->port && o->several == t->several &&
		    (!t->has_addr || addr_equal(&o->addr, &t->addr)))
			return;
	}
	if (i < FATE_TARGETS_MAX)
		fate->targets[fate->n_targets++] = *t;
}

/* ---- verdicts ---- */

struct place {
	struct follower *f;
	const struct chain *chain;
	const struct rule *rule;
	struct path path;
	unsigned int depth;
};

static struct cause cause_of(const struct place *p)
{
	return (struct cause){ .chain = p->chain, .rule = p->rule };
}

static unsigned int taken(struct place *p, const char *what)
{
	struct cause cause = cause_of(p);

	cause.what = what;
	note(p->f, FATE_TAKEN, &p->f->fate->taken, &p->path, cause);
	return 0;
}

static unsigned int dropped(struct place *p, const char *what)
{
	struct cause cause = cause_of(p);

	cause.what = what;
	note(p->f, FATE_DROPPED, &p->f->fate->dropped, &p->path, cause);
	return 0;
}

static unsigned int accepted(struct place *p)
{
	note_pass(p->f, &p->path, cause_of(p));
	return 0;
}

static unsigned int forwarded(struct place *p, const struct target *t)
{
	note(p->f, FATE_FORWARDED, &p->f->fate->forwarded, &p->path, cause_of(p));
	note_target(p->f, t);
	return 0;
}

static unsigned int decide(struct place *p, int32_t verdict, const struct chain *to)
{
	struct fate *fate = p->f->fate;

	switch (verdict) {
	case NFT_CONTINUE:
		return STAYS;
	case NFT_BREAK:
		return GOES_ON;
	case NFT_RETURN:
		if (!fate->depends.chain && p->path.depends.what)
			fate->depends = p->path.depends;
		if (!fate->opaque.chain && p->path.opaque.what)
			fate->opaque = p->path.opaque;
		return RETURNS;
	case NFT_JUMP:
	case NFT_GOTO:
		if (!to || p->depth >= DEPTH_MAX) {
			note_unknown(p->f, cause_of(p), "a jump");
			return GOES_ON;
		}
		if (!walk(p->f, to, p->path, p->depth + 1))
			return 0;
		return verdict == NFT_JUMP ? GOES_ON : RETURNS;
	default:
		break;
	}
	switch (verdict & NF_VERDICT_MASK) {
	case NF_ACCEPT:
		return accepted(p);
	case NF_DROP:
		return dropped(p, "drops it");
	case NF_QUEUE:
		return taken(p, "handed to a program by queue");
	default:
		return taken(p, "taken by the kernel");
	}
}

static struct target native_target(const struct place *p, const struct step *s)
{
	const struct registers *r = &p->f->registers;
	bool v6 = p->f->packet->family == AF_INET6;
	struct target t = { .several = s->invert };
	uint8_t port[2];

	if (s->kind == STEP_DNAT && s->sreg != RULESET_NO_REG) {
		t.addr.family = v6 ? AF_INET6 : AF_INET;
		t.has_addr = registers_get(r, s->sreg, v6 ? 16 : 4, t.addr.ip);
		t.several |= !t.has_addr;
	}
	if (s->dreg != RULESET_NO_REG) {
		t.has_port = registers_get(r, s->dreg, sizeof(port), port);
		t.several |= !t.has_port;
		if (t.has_port)
			t.port = (uint16_t)(port[0] << 8 | port[1]);
	}
	return t;
}

static unsigned int not_tracked(struct place *p)
{
	/* All packets, or has something parted them before? */
	const struct fate *fate = p->f->fate;
	bool sure = !p->path.depends.what && !p->path.opaque.what &&
		    !fate->depends.chain && !fate->opaque.chain;

	p->f->tracked = p->f->ct = sure ? CT_UNTRACKED : CT_UNSURE;
	return STAYS;
}

static unsigned int xt_decide(struct place *p, const struct step *s)
{
	struct target t = { false };

	switch (xt_target(p->f, s, &t)) {
	case XT_GOES_ON:
		return STAYS;
	case XT_DROPS:
		return dropped(p, "rejects it");
	case XT_ACCEPTS:
		return accepted(p);
	case XT_FORWARDS:
		return forwarded(p, &t);
	case XT_NOTRACK:
		return not_tracked(p);
	case XT_TAKES:
		return taken(p, s->name);
	case XT_UNKNOWN:
		break;
	}
	note_unknown(p->f, cause_of(p), s->name);
	return STAYS;
}

/* A verdict map: of all elements that may fit, what they say. */
static unsigned int map_decides(struct place *p, const struct step *s)
{
	const struct set *set = s->set;
	const struct registers registers = p->f->registers;
	struct path before = p->path;
	unsigned int where = 0;
	bool sure = false;
	size_t i;

	if (!set || set->incomplete) {
		note_unknown(p->f, cause_of(p), "a map that could not be read");
		return GOES_ON;
	}
	for (i = 0; i < set->n && !sure; i++) {
		const struct element *e = &set->elements[i];
		enum fit fit;

		p->f->registers = registers;
		fit = follower_element(p->f, s, e);
		/* The last one; nothing else was sure to fit. */
		sure = fit == FIT_YES || e->catchall;
		if (fit == FIT_NO)
			continue;
		if (!sure || where) {
			p->path.depends = cause_of(p);
			p->path.depends.what =
				registers_what(&p->f->registers, s->sreg, set->key_len);
			if (!p->path.depends.what)
				p->path.depends.what = "a limit";
		}
		if (fit == FIT_OPAQUE)
			p->path.opaque = p->path.depends;
		where |= e->has_verdict ? decide(p, e->verdict, e->chain) : STAYS;
		p->path = before;
	}
	/* Where nothing fits the rule ends. */
	return sure ? where : where | GOES_ON;
}

/* ---- rules ---- */

static bool is_verdict(const struct step *s)
{
	switch (s->kind) {
	case STEP_VERDICT:
	case STEP_REJECT:
	case STEP_DNAT:
	case STEP_REDIRECT:
	case STEP_SNAT:
	case STEP_NOTRACK:
	case STEP_TARGET:
	case STEP_TAKEN:
		return true;
	case STEP_LOOKUP:
		return s->key;
	case STEP_NOTHING:
	case STEP_SOMETIMES:
	case STEP_OPAQUE:
	case STEP_PAYLOAD:
	case STEP_META:
	case STEP_CT:
	case STEP_FIB:
	case STEP_UNKNOWN:
	case STEP_CMP:
	case STEP_RANGE:
	case STEP_BITWISE:
	case STEP_SHIFT:
	case STEP_BYTEORDER:
	case STEP_IMMEDIATE:
	case STEP_REWRITE:
	case STEP_MATCH:
		break;
	}
	return false;
}

/* In a table of both families, one of them may be meant. */
static bool is_for_other_family(const struct place *p, const struct step *s)
{
	uint8_t own = p->f->packet->family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;

	return (s->kind == STEP_DNAT || s->kind == STEP_SNAT) && s->op &&
	       s->op != NFPROTO_INET && s->op != own;
}

static unsigned int take_verdict(struct place *p, const struct step *s)
{
	struct target t;

	if (is_for_other_family(p, s))
		return STAYS;
	if (s->kind == STEP_LOOKUP)
		return map_decides(p, s);
	if (s->kind == STEP_TARGET)
		return xt_decide(p, s);
	if (s->kind == STEP_VERDICT)
		return decide(p, s->verdict, s->chain);
	if (s->kind == STEP_REJECT)
		return dropped(p, "rejects it");
	if (s->kind == STEP_SNAT)
		return accepted(p);
	if (s->kind == STEP_TAKEN)
		return taken(p, s->name);
	if (s->kind == STEP_NOTRACK)
		return not_tracked(p);
	t = native_target(p, s);
	return forwarded(p, &t);
}

/* What is not sure to fit is remembered for what it decides. */
static void note_doubt(struct place *p, enum fit fit, const char *what)
{
	struct cause cause = cause_of(p);

	cause.what = what ? what : "the packet";
	if (fit == FIT_MAYBE && !p->path.depends.what)
		p->path.depends = cause;
	if (fit == FIT_OPAQUE && !p->path.opaque.what)
		p->path.opaque = cause;
}

static unsigned int follow_rule(struct place *p)
{
	const struct rule *rule = p->rule;
	unsigned int where = 0;
	size_t i;

	for (i = 0; i < rule->n; i++) {
		const struct step *s = &rule->steps[i];
		const char *what = NULL;
		enum fit fit;

		p->f->n_steps++;
		if (is_verdict(s)) {
			unsigned int next = take_verdict(p, s);

			where |= next & ~(unsigned int)STAYS;
			if (!(next & STAYS))
				return where;
			continue;
		}
		/* May do anything, end the packet's way as well. */
		if (s->kind == STEP_REWRITE || s->kind == STEP_OPAQUE)
			note_unknown(p->f, cause_of(p), s->name);
		fit = follower_step(p->f, s, &what);
		if (fit == FIT_NO)
			break;
		if (fit == FIT_YES)
			continue;
		where |= GOES_ON;
		note_doubt(p, fit, what);
	}
	return where | GOES_ON;
}

/* 0: nothing comes out at its end. */
static unsigned int walk(struct follower *f, const struct chain *chain, struct path path,
			 unsigned int depth)
{
	unsigned int returned = 0;
	size_t i;

	for (i = 0; i < chain->n; i++) {
		struct place p = { .f = f,
				   .chain = chain,
				   .rule = &chain->rules[i],
				   .path = path,
				   .depth = depth };
		unsigned int where;

		if (f->n_steps > STEPS_MAX) {
			note_unknown(f, cause_of(&p), "too many rules");
			return RETURNS;
		}
		where = follow_rule(&p);
		returned |= where & RETURNS;
		if (!(where & GOES_ON))
			return returned;
	}
	return RETURNS;
}

/* ---- base chains ---- */

static bool meets(const struct packet *p, const struct chain *c)
{
	if (c->family == NFPROTO_IPV4 && p->family != AF_INET)
		return false;
	if (c->family == NFPROTO_IPV6 && p->family != AF_INET6)
		return false;
	/* Translated is the first packet; others follow it. */
	if (c->nat && p->later)
		return false;
	return p->local == (c->stage == STAGE_OUTPUT);
}

/* Only what comes by a bridge, or by certain devices, gets there. */
static bool is_on_some_ways(const struct chain *c)
{
	return c->one_device || c->stage == STAGE_BRIDGE_PREROUTING ||
	       c->stage == STAGE_BRIDGE_INPUT;
}

static enum ct tracking(const struct follower *f, const struct chain *c)
{
	if (f->tracked != CT_NEW)
		return f->tracked; /* notrack was said */
	if (c->stage == STAGE_BRIDGE_PREROUTING || c->stage == STAGE_BRIDGE_INPUT)
		return CT_UNSURE;
	if (c->stage < STAGE_PREROUTING)
		return CT_NONE;
	if (c->stage == STAGE_INPUT || c->priority > NF_IP_PRI_CONNTRACK)
		return f->packet->later ? CT_ESTABLISHED : CT_NEW;
	return c->priority < NF_IP_PRI_CONNTRACK ? CT_NONE : CT_UNSURE;
}

/* True: something gets past it. */
static bool follow_base(struct follower *f, const struct chain *c)
{
	struct path path = { .depends = { .chain = NULL } };
	struct place end = { .f = f, .chain = c };

	f->ct = tracking(f, c);
	f->passes = is_on_some_ways(c);
	if (f->passes)
		path.depends = (struct cause){ .chain = c, .what = "the device" };
	end.path = path;
	if (walk(f, c, path, 0))
		(void)decide(&end, c->policy, NULL);
	return f->passes;
}

void firewall_follow(const struct ruleset *r, const struct packet *p,
		     struct fate *ret_fate)
{
	struct follower f = {
		.ruleset = r, .packet = p, .fate = ret_fate, .tracked = CT_NEW
	};
	size_t i;

	memset(ret_fate, 0, sizeof(*ret_fate));
	follower_init(&f);
	for (i = 0; i < r->n_bases; i++)
		if (meets(p, r->bases[i]) && !follow_base(&f, r->bases[i]))
			return;
	ret_fate->fates |= FATE_IN;
}
