/*
 * From what can become of packets to what is said about a listener.
 */
#include "firewall.h"

#include <string.h>

#include "firewall_eval.h"
#include "text.h"

/* So many different packets are followed for a listener; if there are more kinds, what is
 * different about them is left open. */
#define PACKETS_MAX 32

/* What was found for one kind of packet. */
struct found {
	struct packet packet;
	struct fate fate;
	bool there;
};

struct asking {
	const struct scene *scene;
	const struct listener *listener;
	unsigned int fates; /* of all */
	/* The first with that fate, of IPv4 and of IPv6, and of both. */
	struct found in[2], dropped[2], elsewhere, unknown;
};

/* ---- all packets that could come ---- */

static void keep_first(struct found *to, const struct packet *p, const struct fate *fate,
		       unsigned int fates)
{
	if (to->there || !(fate->fates & fates))
		return;
	*to = (struct found){ .packet = *p, .fate = *fate, .there = true };
}

/* A connection needs its second packet, too. */
static void follow(const struct ruleset *r, const struct packet *p, struct fate *fate)
{
	struct packet next = *p;
	struct fate then;

	firewall_follow(r, p, fate);
	if (p->protocol != IPPROTO_TCP || !(fate->fates & FATE_IN))
		return;
	next.later = true;
	firewall_follow(r, &next, &then);
	if (!(then.fates & FATE_IN))
		fate->fates &= ~(unsigned int)FATE_IN;
	fate->fates |= then.fates & ~(unsigned int)FATE_IN;
	if (!fate->dropped.chain && then.dropped.chain) {
		fate->dropped = then.dropped;
		fate->dropped.what = "takes the connection's second packet";
	}
	if (!fate->taken.chain)
		fate->taken = then.taken;
	if (!fate->depends.chain)
		fate->depends = then.depends;
	if (!fate->opaque.chain)
		fate->opaque = then.opaque;
}

static void ask(struct asking *a, const struct packet *p)
{
	struct fate fate;

	follow(a->scene->ruleset, p, &fate);
	keep_first(&a->in[p->family == AF_INET6], p, &fate, FATE_IN);
	keep_first(&a->dropped[p->family == AF_INET6], p, &fate, FATE_DROPPED);
	keep_first(&a->elsewhere, p, &fate, FATE_FORWARDED | FATE_TAKEN);
	keep_first(&a->unknown, p, &fate, FATE_UNKNOWN);
}

static void ask_by_devices(struct asking *a, struct packet *p, size_t room)
{
	const struct scene *s = a->scene;
	const struct listener *l = a->listener;
	size_t i;

	if (l->sock.interface && l->interface[0]) {
		p->interface = l->sock.interface;
		memcpy(p->interface_name, l->interface, sizeof(p->interface_name));
		ask(a, p);
		return;
	}
	p->interface = 0;
	if (!s->ruleset->looks_at_interface || !s->n_devices || s->n_devices > room ||
	    s->n_devices > SCENE_DEVICES_MAX) {
		ask(a, p);
		return;
	}
	for (i = 0; i < s->n_devices; i++) {
		p->interface = s->devices[i].index;
		memcpy(p->interface_name, s->devices[i].name, sizeof(p->interface_name));
		ask(a, p);
	}
}

static size_t addresses_of(const struct scene *s, int family)
{
	size_t i, n = 0;

	for (i = 0; i < s->n_addresses && i < SCENE_ADDRESSES_MAX; i++)
		n += s->addresses[i].family == family;
	return n;
}

/* To every address of the machine, where the rules tell them apart. */
static void ask_to_all(struct asking *a, struct packet *p)
{
	const struct scene *s = a->scene;
	size_t n = addresses_of(s, p->family), i;

	p->to = (struct addr){ .family = AF_UNSPEC };
	if (!s->ruleset->looks_at_address || !n || n > PACKETS_MAX ||
	    s->n_addresses > SCENE_ADDRESSES_MAX) {
		ask_by_devices(a, p, PACKETS_MAX);
		return;
	}
	for (i = 0; i < s->n_addresses; i++) {
		if (s->addresses[i].family != p->family)
			continue;
		p->to = s->addresses[i];
		ask_by_devices(a, p, PACKETS_MAX / n);
	}
}

static void ask_all(struct asking *a)
{
	const struct listener *l = a->listener;
	struct addr local = addr_unmap(&l->sock.local);
	struct packet p = { .family = local.family,
			    .protocol = l->sock.protocol,
			    .port = l->sock.local_port };
	bool both = listener_is_dual_stack(l);

	if (!addr_is_any(&local)) {
		p.to = local;
		p.to.scope = 0;
		ask_by_devices(a, &p, PACKETS_MAX);
		return;
	}
	/* A family without an address is none that anything could come by. */
	if (!both || addresses_of(a->scene, AF_INET6) || !addresses_of(a->scene, AF_INET))
		ask_to_all(a, &p);
	p.family = AF_INET;
	if (both && addresses_of(a->scene, AF_INET))
		ask_to_all(a, &p);
}

/* ---- words ---- */

static void add_cause(struct buf *out, const struct cause *c, const char *does)
{
	ruleset_name_rule(out, c->chain, c->rule);
	buf_addf(out, " %s", does);
}

static void add_in(struct buf *out, const struct found *f)
{
	if (f->fate.in.chain)
		add_cause(out, &f->fate.in, "accepts it");
	else
		buf_adds(out, "no rule of this machine filters input");
}

static void add_dropped(struct buf *out, const struct found *f)
{
	const char *what = f->fate.dropped.what;

	add_cause(out, &f->fate.dropped, what ? what : "drops it");
}

static void add_elsewhere(struct buf *out, const struct found *f)
{
	const struct target *t = &f->fate.targets[0];
	char address[ADDR_TEXT_SIZE];

	if (!(f->fate.fates & FATE_FORWARDED)) {
		ruleset_name_rule(out, f->fate.taken.chain, f->fate.taken.rule);
		buf_addf(out, ": %s", f->fate.taken.what);
		return;
	}
	add_cause(out, &f->fate.forwarded, "sends it on to ");
	if (t->several || f->fate.n_targets > 1)
		buf_adds(out, "others");
	else if (t->has_addr && t->has_port)
		buf_adds(out, addr_endpoint_text(&t->addr, t->port,
						 (char[ADDR_ENDPOINT_SIZE]){ 0 }));
	else if (t->has_addr)
		buf_adds(out, addr_to_text(&t->addr, address));
	else if (t->has_port)
		buf_addf(out, "port %u", t->port);
	else
		buf_adds(out, "this machine's own address");
	buf_adds(out, " before it gets here");
}

static const struct found *first_of(const struct found f[2])
{
	return f[1].there ? &f[1] : f[0].there ? &f[0] : NULL;
}

/* What makes the difference between a packet that gets in and one that does not. */
static const char *difference(const struct found *in, const struct found *dropped)
{
	if (in->fate.depends.what)
		return in->fate.depends.what;
	if (dropped->fate.depends.what)
		return dropped->fate.depends.what;
	if (in->packet.family != dropped->packet.family)
		return "the family (IPv4, IPv6)";
	if (in->packet.interface != dropped->packet.interface)
		return "the interface";
	return "the destination address";
}

static const struct cause *not_understood(const struct asking *a, const struct found *in,
					  const struct found *dropped)
{
	if (a->unknown.there)
		return &a->unknown.fate.opaque;
	if (!in || !dropped)
		return NULL;
	if (in->fate.opaque.what)
		return &in->fate.opaque;
	return dropped->fate.opaque.what ? &dropped->fate.opaque : NULL;
}

static enum firewall_says say(const struct asking *a, struct buf *out)
{
	const struct found *in = first_of(a->in), *dropped = first_of(a->dropped);
	const struct cause *opaque = not_understood(a, in, dropped);
	size_t i;

	if (opaque) {
		ruleset_name_rule(out, opaque->chain, opaque->rule);
		buf_adds(out, " has something that is not understood: ");
		text_escape_str(out, opaque->what);
		return FIREWALL_UNKNOWN;
	}
	if (a->elsewhere.there) {
		add_elsewhere(out, &a->elsewhere);
		return FIREWALL_UNKNOWN;
	}
	if (in && dropped) {
		/* Two of the same family, if there are. */
		for (i = 0; i < 2; i++)
			if (a->in[i].there && a->dropped[i].there) {
				in = &a->in[i];
				dropped = &a->dropped[i];
			}
		buf_addf(out, "depends on %s: ", difference(in, dropped));
		if (in->fate.in.chain) {
			add_in(out, in);
			buf_adds(out, ", ");
		}
		add_dropped(out, dropped);
		return FIREWALL_SOME;
	}
	if (dropped) {
		add_dropped(out, dropped);
		return FIREWALL_BLOCKED;
	}
	if (!in) {
		buf_adds(out, "what becomes of a packet could not be followed");
		return FIREWALL_UNKNOWN;
	}
	add_in(out, in);
	return FIREWALL_OPEN;
}

enum firewall_says firewall_say(const struct scene *scene, const struct listener *l,
				char **ret_why)
{
	struct asking a = { .scene = scene, .listener = l };
	struct buf why = BUF_INIT;
	enum firewall_says says = FIREWALL_UNKNOWN;

	if (l->forwarded_to) {
		buf_adds(&why, "forwarded; the rules for that are not followed");
	} else {
		ask_all(&a);
		says = say(&a, &why);
	}
	*ret_why = buf_steal(&why);
	return says;
}
