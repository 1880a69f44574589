#include "picture.h"

#include <stdio.h>
#include <string.h>

#include "say_private.h"
#include "words.h"

/* Stations are numbered by their hop: 0 is this machine, and the target comes last. */
#define AT_SELF	  0
#define AT_TARGET (HOPS_MAX + 1)

/* Where it is blocked: at a station, or on the way from it to the next one that is
 * drawn. */
struct place {
	bool known;
	bool between;
	int at;
	const char *what;
};

static struct place here(int at, const char *what)
{
	return (struct place){ .known = at >= 0, .at = at, .what = what };
}

static struct place behind(int at, const char *what)
{
	struct place p = here(at, what);

	p.between = true;
	return p;
}

/* ---- the place of each cause ---- */

static struct place place_of_drop(const struct findings *f, const struct judgement *j)
{
	bool udp = f->protocol == IPPROTO_UDP;

	switch (j->where) {
	case WHERE_PATH:
		if (j->next_hop > j->last_hop + 1)
			return behind(j->last_hop,
				      "dropped somewhere from here to the next "
				      "hop that is known");
		return behind(j->last_hop, udp ? "the datagram is dropped here"
					       : "the SYN is dropped here");
	case WHERE_LAST_HOP:
		return behind(j->last_hop, "dropped here or at the host itself");
	case WHERE_TARGET:
		return here(AT_TARGET, "drops it");
	case WHERE_UNKNOWN:
		return behind(j->last_hop, "not seen any more from here on");
	case WHERE_LOCAL:
		break;
	}
	return here(AT_SELF, "drops it");
}

static struct place place_of_box(const struct findings *f, const struct judgement *j,
				 const char *what)
{
	int hop = by_hop(f, j);

	/* It has said nothing but its error, in the walk. */
	if (hop <= 0 && j->last_hop > 0 && addr_equal(&j->by, &j->last_hop_address))
		hop = j->last_hop;
	if (hop <= 0 || (j->target_hops > 0 && hop >= j->target_hops))
		return (struct place){ .known = false };
	return here(hop, what);
}

static struct place place_of(const struct findings *f, const struct judgement *j)
{
	switch (j->cause) {
	case CAUSE_LOCAL_DROP_OUT:
		return here(AT_SELF, "drops it before it leaves");
	case CAUSE_LOCAL_REJECT:
		return here(AT_SELF, "rejects it before it leaves");
	case CAUSE_LOCAL_DROP_IN:
	case CAUSE_LOCAL_RP_FILTER:
		return here(AT_SELF, "drops the answer as it comes back");
	case CAUSE_NO_ROUTE_LOCAL:
		return here(AT_SELF, "has no route to it");
	case CAUSE_NEIGHBOUR_DOWN:
	case CAUSE_GATEWAY_DOWN:
		return behind(AT_SELF, f->addr.family == AF_INET6
					       ? "no answer to neighbour discovery"
					       : "no answer to ARP");
	case CAUSE_RESET_AFTER:
		return here(AT_TARGET, "accepts, then resets");
	case CAUSE_NO_LISTENER:
	case CAUSE_NO_LISTENER_MAYBE:
		return here(AT_TARGET, "refuses: nothing listens there");
	case CAUSE_RESET_BY_HOST_FIREWALL:
	case CAUSE_REJECTED_BY_HOST:
		return here(AT_TARGET, "its firewall rejects it");
	case CAUSE_ANSWERS_ALL:
		return place_of_box(f, j, "accepts every port");
	case CAUSE_PROXY_REFUSES:
		return place_of_box(f, j,
				    "accepts in the host's stead, the host does not");
	case CAUSE_RESET_AFTER_BOX:
		return place_of_box(f, j, "resets the connection");
	case CAUSE_RESET_BY_BOX:
	case CAUSE_RESET_INJECTED:
		return place_of_box(f, j, "sends the RST");
	case CAUSE_REJECTED_BY_BOX:
		return place_of_box(f, j, "rejects it");
	case CAUSE_NET_UNREACHABLE:
		return place_of_box(f, j, "says that it has no way");
	case CAUSE_TIME_EXCEEDED:
		return place_of_box(f, j, "says time exceeded");
	case CAUSE_HOST_UNREACHABLE:
		if (addr_equal(&j->by, &f->addr))
			return here(AT_TARGET, "says that what is behind it is down");
		return behind(by_hop(f, j),
			      "the router says: the host does not answer it");
	case CAUSE_DROPPED_PATH:
	case CAUSE_DROPPED_LAST_HOP:
	case CAUSE_DROPPED_TARGET:
	case CAUSE_DROPPED_SOMEWHERE:
		return place_of_drop(f, j);
	case CAUSE_HOST_SILENT:
	case CAUSE_UDP_SILENT:
	case CAUSE_LOSS_UNDECIDED:
		return behind(j->last_hop,
			      "not seen any more from here on: lost, dropped, or "
			      "not answered");
	case CAUSE_RESET_NEAR:
	case CAUSE_UNRESOLVED:
	case CAUSE_OPEN:
	case CAUSE_OPEN_BY_PROXY:
	case CAUSE_OPEN_LOSSY:
	case CAUSE_LOCAL_ERROR:
	case CAUSE_INTERRUPTED:
		break;
	}
	return (struct place){ .known = false };
}

/* ---- the stations ---- */

struct drawing {
	const struct findings *f;
	const struct judgement *j;
	struct place place;
	struct picture_item *items;
	size_t n;
};

static struct picture_item *add(struct drawing *d, enum picture_kind kind,
				const char *name)
{
	struct picture_item *item = &d->items[d->n++];

	*item = (struct picture_item){ .kind = kind };
	snprintf(item->name, sizeof(item->name), "%s", name);
	return item;
}

static bool is_beyond(const struct drawing *d, int at)
{
	bool answered = d->j->cause == CAUSE_LOCAL_DROP_IN ||
			d->j->cause == CAUSE_LOCAL_RP_FILTER;

	return d->place.known && at > d->place.at && !answered;
}

/* The mark, once the station AT is drawn. */
static void add_block(struct drawing *d, int at)
{
	struct picture_item *item;

	if (!d->place.known || d->place.at != at)
		return;
	item = add(d, d->place.between ? PICTURE_BLOCK : PICTURE_BLOCK_HERE, "");
	snprintf(item->note, sizeof(item->note), "%s", d->place.what);
}

/* The last hop in front of the target, as far as anything tells; 0: none known. */
static int last_router(const struct drawing *d)
{
	const struct findings *f = d->f;
	const struct control *c = distance_control(f);
	int last = 0, hop;

	if (f->route_known && f->route.kind == ROUTE_LOCAL)
		return 0;
	if (d->j->target_hops > 0)
		return d->j->target_hops - 1;
	for (hop = 1; hop <= HOPS_MAX; hop++) {
		const struct addr *a = hop_address(f, hop);

		if (a && !addr_equal(a, &f->addr))
			last = hop;
	}
	if (c && ttl_distance(c->ttl) > last)
		last = ttl_distance(c->ttl);
	if (d->place.known && d->place.at > last && d->place.at < AT_TARGET)
		last = d->place.at;
	if (!last && f->route_known && f->route.gateway.family != AF_UNSPEC)
		last = 1;
	return last < HOPS_MAX ? last : HOPS_MAX;
}

static void note_time(struct picture_item *item, int64_t ns)
{
	struct buf text = BUF_INIT;

	phrase_time(&text, ns);
	snprintf(item->note, sizeof(item->note), "%s", text.data);
	buf_release(&text);
}

static void add_hop(struct drawing *d, int hop, const struct addr *a)
{
	const struct hop *mine = &d->f->walk.hops[hop];
	const struct hop *other = &d->f->control_walk.hops[hop];
	char name[32];
	struct picture_item *item;

	snprintf(name, sizeof(name), "hop %d", hop);
	item = add(d, PICTURE_HOP, name);
	addr_to_text(a, item->address);
	item->beyond = is_beyond(d, hop);
	if (mine->state == HOP_EXCEEDED && mine->rtt_ns > 0)
		note_time(item, mine->rtt_ns);
	else if (other->state == HOP_EXCEEDED && other->rtt_ns > 0)
		note_time(item, other->rtt_ns);
}

/* The gateway is hop 1, whether or not it says anything. */
static bool is_gateway(const struct drawing *d, int hop)
{
	return hop == 1 && d->f->route_known && d->f->route.gateway.family != AF_UNSPEC;
}

static bool was_asked(const struct findings *f, int hop)
{
	return f->walk.hops[hop].state == HOP_SILENT ||
	       f->control_walk.hops[hop].state == HOP_SILENT;
}

/* Hops FIRST to LAST have no address. */
static void add_silent(struct drawing *d, int first, int last)
{
	char name[32];
	struct picture_item *item;

	if (last > first)
		snprintf(name, sizeof(name), "hops %d-%d", first, last);
	else
		snprintf(name, sizeof(name), "hop %d", first);
	item = add(d, PICTURE_SILENT, name);
	item->beyond = is_beyond(d, first);
	if (is_gateway(d, first) && first == last) {
		addr_to_text(&d->f->route.gateway, item->address);
		snprintf(item->note, sizeof(item->note), "the gateway");
	} else if (was_asked(d->f, first)) {
		snprintf(item->note, sizeof(item->note), "does not say who it is");
	}
}

static void add_routers(struct drawing *d)
{
	int last = last_router(d), hop, end;

	for (hop = 1; hop <= last; hop = end + 1) {
		const struct addr *a = hop_address(d->f, hop);

		end = hop;
		if (a) {
			add_hop(d, hop, a);
		} else {
			/* One station, up to the block or to a hop of another kind. */
			while (end < last && !is_gateway(d, end) && end != d->place.at &&
			       !hop_address(d->f, end + 1) &&
			       was_asked(d->f, end + 1) == was_asked(d->f, end))
				end++;
			add_silent(d, hop, end);
		}
		add_block(d, end);
	}
}

/* "port 22 answers": what shows that the host is there. */
static void note_alive(struct picture_item *item, const struct drawing *d)
{
	const struct findings *f = d->f;
	const struct control *c = findings_control(f, IPPROTO_TCP, ANSWER_SYN_ACK);
	struct buf text = BUF_INIT;

	if (!c)
		c = findings_control(f, IPPROTO_TCP, ANSWER_RESET);
	if (!c)
		c = findings_alive(f);
	if (verdict_is_yes(d->j->verdict))
		buf_addf(&text, "port %u answers", f->port);
	else if (c && !(c->asked && c->port == f->port && c->protocol == f->protocol)) {
		phrase_control(&text, c);
		buf_adds(&text, c->protocol == IPPROTO_ICMP ? " is answered"
				: c->answer == ANSWER_SYN_ACK || c->answer == ANSWER_REPLY
					? " answers"
					: " is closed");
	}
	snprintf(item->note, sizeof(item->note), "%s", text.data);
	buf_release(&text);
}

size_t picture_of(const struct findings *f, const struct judgement *j,
		  struct picture_item items[PICTURE_MAX])
{
	struct drawing d = { .f = f, .j = j, .items = items };
	struct picture_item *item;

	if (f->unresolved || j->cause == CAUSE_LOCAL_ERROR ||
	    j->cause == CAUSE_INTERRUPTED)
		return 0;
	d.place = place_of(f, j);
	item = add(&d, PICTURE_SELF, "this machine");
	if (f->source.family != AF_UNSPEC)
		addr_to_text(&f->source, item->address);
	add_block(&d, AT_SELF);
	add_routers(&d);
	item = add(&d, PICTURE_TARGET, "target");
	addr_to_text(&f->addr, item->address);
	item->beyond = is_beyond(&d, AT_TARGET);
	note_alive(item, &d);
	add_block(&d, AT_TARGET);
	return d.n;
}
