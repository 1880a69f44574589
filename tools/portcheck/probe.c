#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "probe_private.h"
#include "verdict.h"

/* When short of local resources, try again after this. */
#define BLOCKED_NS (50 * NS_PER_MS)
int64_t probe_now(const struct probe *p)
{
	return p->owner->loop->now_ns;
}

/* ---- sockets ---- */

void probe_close(struct probe *p, struct attempt *a)
{
	loop_io_close(p->owner->loop, &a->io);
}

void probe_close_others(struct probe *p, const struct attempt *keep)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(p->attempts); i++)
		if (&p->attempts[i] != keep)
			probe_close(p, &p->attempts[i]);
}

void probe_close_all(struct probe *p)
{
	probe_close_others(p, NULL);
}

static int set_ttl(int fd, int family, int ttl)
{
	if (family == AF_INET6)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl));
	return setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
}

static int bind_source(int fd, const struct portcheck_config *c, int family)
{
	static const int on = 1;
	struct sockaddr_storage sa;
	struct addr source = c->source;
	socklen_t len;

	if (source.family == AF_UNSPEC)
		source = (struct addr){ .family = (uint16_t)family };
	else if (source.family != family)
		return -EAFNOSUPPORT;
	if (c->source_port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	else
		/* The port is chosen at connect, by the whole 4-tuple: no exhaustion. */
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	len = addr_to_sockaddr(&source, c->source_port, &sa);
	return bind(fd, (struct sockaddr *)&sa, len) < 0 ? -errno : 0;
}

int probe_socket(const struct probe *p, int type, const char *device)
{
	const struct portcheck_config *c = p->owner->config;
	int family = p->result.check.addr.family;
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = icmp_enable(fd, family);
	if (!device)
		device = c->interface;
	if (!err && device[0] &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
		       (socklen_t)strlen(device)) < 0)
		err = -errno;
	if (!err && c->ttl && set_ttl(fd, family, c->ttl) < 0)
		err = -errno;
	if (!err && (c->source.family != AF_UNSPEC || c->source_port))
		err = bind_source(fd, c, family);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

const struct route *probe_route(struct probe *p)
{
	const struct portcheck_config *c = p->owner->config;

	return host_route(&p->owner->hosts, p->host, &c->source,
			  c->interface[0] ? (int)if_nametoindex(c->interface) : 0);
}

/* ---- a probe's life ---- */

static void list_remove(struct prober *o, struct probe *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		o->active = p->next;
	if (p->next)
		p->next->prev = p->prev;
}

static void release(struct probe *p)
{
	struct prober *o = p->owner;

	probe_close_all(p);
	loop_timer_cancel(o->loop, &p->timer);
	list_remove(o, p);
	o->in_flight--;
	if (p->host && p->host->users == 1 && p->host->holds_neighbour) {
		p->host->holds_neighbour = false;
		o->on_link--;
	}
	if (p->host)
		host_put(&o->hosts, p->host);
	free(p->banner);
	p->banner = NULL;
	p->next = o->free;
	o->free = p;
}

void probe_finish(struct probe *p, enum seen seen, int error)
{
	struct prober *o = p->owner;
	struct result *r = &p->result;

	r->seen.seen = seen;
	r->seen.error = error;
	r->attempts = p->n_sent;
	if (p->host) {
		observe_context(p);
		verdict_decide(r);
		if (r->seen.has_icmp && r->state == STATE_FILTERED)
			p->host->n_rejects++;
		else if (r->reason == REASON_NO_RESPONSE && p->host->n_rejects &&
			 r->check.protocol == IPPROTO_TCP)
			r->detail = DETAIL_RATE_LIMIT;
	} else {
		r->state = STATE_ERROR;
		r->reason = REASON_RESOURCE_LIMIT;
	}
	if (r->reason == REASON_NO_RESPONSE && p->service && p->service->silent_note) {
		r->detail = DETAIL_SILENT_SERVICE;
		r->silent_note = p->service->silent_note;
	}
	if (o->config->banner && p->banner_len) {
		r->banner = p->banner;
		r->banner_len = p->banner_len;
	}
	probe_close_all(p);
	o->source->done(o->source->arg, r);
	o->source_wait_ns = 0;
	release(p);
}

void probe_arm(struct probe *p, int64_t at_ns)
{
	if (loop_timer_set(p->owner->loop, &p->timer, at_ns) < 0)
		probe_finish(p, SEEN_SYNC_ERROR, ENOMEM);
}

void probe_answered(struct probe *p, const struct attempt *a)
{
	struct prober *o = p->owner;
	int64_t rtt = max_i64(probe_now(p) - a->sent_ns, 1);

	/* An answer after the kernel's own repeat can't be dated (RFC 6298 3, Karn). */
	if (rtt < NS_PER_S) {
		rtt_sample(&p->host->rtt, rtt);
		if (p->host->network)
			rtt_sample(p->host->network, rtt);
	}
	pace_answer(&o->pace, a->number > 0);
}

bool probe_error_is_shortage(const struct probe *p, int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EAGAIN:
		return true;
	case EADDRNOTAVAIL:
		/* All local ports taken, if there is an address to send from at all. */
		return p->owner->in_flight > 1;
	default:
		return false;
	}
}

void probe_blocked(struct probe *p, int error)
{
	struct prober *o = p->owner;

	if (p->phase != PHASE_BLOCKED)
		p->phase_ns = clock_now_ns();
	else if (clock_now_ns() - (p->start_ns ? p->start_ns : p->phase_ns) >
		 p->result.check.budget_ns - TIMING_RTO_MIN_NS) {
		probe_finish(p, SEEN_SYNC_ERROR, error);
		return;
	}
	p->phase = PHASE_BLOCKED;
	if (o->window > o->in_flight && o->in_flight > 1)
		o->window = o->in_flight - 1;
	probe_arm(p, clock_now_ns() + BLOCKED_NS);
}

int64_t probe_give_up_ns(const struct probe *p)
{
	int64_t after_last =
		p->schedule.give_up_ns - p->schedule.at_ns[p->schedule.n - 1];

	/* What was sent late still gets its time, within the budget. */
	return min_i64(max_i64(p->start_ns + p->schedule.give_up_ns,
			       p->sent_ns + after_last),
		       p->start_ns + p->result.check.budget_ns);
}

void probe_try_once(struct probe *p)
{
	p->schedule.n = 1;
	p->schedule.give_up_ns = p->result.check.budget_ns;
}

void probe_send(struct probe *p)
{
	struct prober *o = p->owner;
	bool tcp = p->result.check.protocol == IPPROTO_TCP;
	unsigned int number = p->n_sent;
	struct attempt *a = &p->attempts[tcp && !o->sweep ? number : 0];
	int err;

	a->number = number;
	a->sent_ns = clock_now_ns();
	if (!p->start_ns)
		p->start_ns = a->sent_ns;
	p->n_sent++;
	pace_spend(&o->pace, 1);
	err = tcp ? tcp_send(p, a) : udp_send(p, a);
	if (err == -EALREADY)
		return; /* finished in the call */
	if (err < 0 && number > 0) {
		/* In a small run the first is still out; what it learns counts. */
		p->n_sent--;
		if (o->sweep) {
			probe_blocked(p, -err);
			return;
		}
		probe_arm(p, min_i64(p->start_ns + p->schedule.give_up_ns,
				     probe_now(p) + BLOCKED_NS * 4));
		p->schedule.n = p->n_sent;
		return;
	}
	if (err < 0) {
		p->n_sent--;
		p->start_ns = 0;
		if (probe_error_is_shortage(p, -err))
			probe_blocked(p, -err);
		else
			probe_finish(p, SEEN_SYNC_ERROR, -err);
		return;
	}
	p->phase = PHASE_WAITING;
	p->sent_ns = a->sent_ns;
	if (p->n_sent < p->schedule.n)
		probe_arm(p, max_i64(p->start_ns + p->schedule.at_ns[p->n_sent],
				     a->sent_ns + p->schedule.at_ns[p->n_sent] -
					     p->schedule.at_ns[number]));
	else
		probe_arm(p, probe_give_up_ns(p));
}

static void timer_fired(struct loop_timer *timer)
{
	struct probe *p = container_of(timer, struct probe, timer);

	/* Now that an answer takes its time, while the route is still what was used: the
	 * kernel turns away from a dead IPv6 gateway. */
	if (!p->owner->sweep && p->host)
		probe_route(p);
	if (p->phase == PHASE_BLOCKED)
		probe_send(p);
	else if (p->result.check.protocol == IPPROTO_TCP)
		tcp_timer(p);
	else
		udp_timer(p);
}

static struct probe *probe_new(struct prober *o)
{
	struct probe *p = o->free;
	size_t i;

	if (p)
		o->free = p->next;
	else
		p = malloc(sizeof(*p));
	if (!p)
		return NULL;
	*p = (struct probe){ .owner = o, .timer.fn = timer_fired };
	for (i = 0; i < ARRAY_SIZE(p->attempts); i++) {
		p->attempts[i].io.fd = -1;
		p->attempts[i].probe = p;
	}
	p->next = o->active;
	if (o->active)
		o->active->prev = p;
	o->active = p;
	o->in_flight++;
	return p;
}

/*
 * Would a probe to this address make a neighbour entry? Dead on-link hosts keep theirs
 * for seconds, and the table is small (gc_thresh3): beyond it, packets vanish and live
 * hosts look filtered. Routes are asked for once a /24 or /64: it is only a question of
 * pace.
 */
static bool needs_neighbour(struct prober *o, const struct addr *a)
{
	struct addr net = addr_network(a, a->family == AF_INET6 ? 64 : 24);
	struct route route;

	if (!o->sweep || !host_routes(&o->hosts))
		return false;
	if (!addr_equal(&net, &o->near_net)) {
		o->near_net = net;
		o->near = route_lookup(o->hosts.routes, a, &o->config->source, 0,
				       &route) == 0 &&
			  route.kind == ROUTE_UNICAST &&
			  route.gateway.family == AF_UNSPEC;
	}
	return o->near;
}

static void probe_start(struct prober *o, struct probe *p, const struct check *check)
{
	p->result = (struct result){ .check = *check,
				     .connect_ns = -1,
				     .race_ns = -1,
				     .kernel_rtt_ns = -1,
				     .held_ns = -1 };
	p->host = host_get(&o->hosts, &check->addr);
	if (!p->host) {
		probe_finish(p, SEEN_SYNC_ERROR, ENOMEM);
		return;
	}
	if (p->host->users == 1 && needs_neighbour(o, &check->addr)) {
		p->host->holds_neighbour = true;
		o->on_link++;
	}
	if (o->config->targets.targets[check->target].kind == TARGET_BLOCK)
		p->host->network = &o->networks[check->target];
	p->schedule = timing_schedule(&p->host->rtt, p->host->network, check->budget_ns,
				      o->size);
	if (o->config->source_port)
		probe_try_once(p);
	if (check->protocol == IPPROTO_UDP)
		udp_prepare(p);
	p->phase_ns = clock_now_ns();
	probe_send(p);
}

/* ---- the window ---- */

/* 1: *ret_check may start; 0: not now; -1: no more. */
static int pull(struct prober *o, int64_t now_ns, struct check *ret_check)
{
	if (!o->has_held) {
		int ret;

		if (o->source_ended)
			return -1;
		if (o->source_wait_ns > now_ns)
			return 0;
		ret = o->source->next(o->source->arg, now_ns, &o->held,
				      &o->source_wait_ns);
		if (ret < 0)
			o->source_ended = true;
		if (ret <= 0)
			return ret;
		o->source_wait_ns = 0;
		o->has_held = true;
	}
	if (o->on_link >= o->on_link_max && needs_neighbour(o, &o->held.addr)) {
		const struct host *h = host_find(&o->hosts, &o->held.addr);

		if (!h || !h->holds_neighbour)
			return 0;
	}
	o->has_held = false;
	*ret_check = o->held;
	return 1;
}

int64_t prober_pump(struct prober *o)
{
	int64_t now_ns = clock_now_ns();
	unsigned int credit = pace_credit(&o->pace, now_ns);

	o->loop->now_ns = now_ns;
	while (credit-- && o->in_flight < o->window) {
		struct check check;
		struct probe *p;
		int ret = pull(o, now_ns, &check);

		if (ret < 0)
			return INT64_MAX;
		if (ret == 0)
			return o->has_held ? INT64_MAX : o->source_wait_ns;
		p = probe_new(o);
		if (!p) {
			o->held = check;
			o->has_held = true;
			return now_ns + BLOCKED_NS;
		}
		probe_start(o, p, &check);
	}
	if (o->in_flight >= o->window)
		return INT64_MAX; /* the end of a probe wakes */
	return pace_next_ns(&o->pace, now_ns);
}

void prober_restart(struct prober *o)
{
	o->source_ended = false;
	o->source_wait_ns = 0;
}

void prober_wake(struct prober *o)
{
	o->source_wait_ns = 0;
}

bool prober_finished(const struct prober *o)
{
	return o->source_ended && !o->has_held && !o->in_flight;
}

int prober_create(struct prober **ret_prober, const struct portcheck_config *config,
		  struct loop *loop, const struct probe_source *source, uint64_t n_checks)
{
	struct prober *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return -ENOMEM;
	o->config = config;
	o->loop = loop;
	o->source = source;
	o->sweep = n_checks > PORTCHECK_SMALL;
	o->networks = calloc(config->targets.n_targets + 1, sizeof(*o->networks));
	err = o->networks ? host_table_init(&o->hosts, o->sweep) : -ENOMEM;
	if (err < 0) {
		free(o->networks);
		free(o);
		return err;
	}
	prober_set_limits(o);
	o->size = !o->sweep ? RUN_SMALL : n_checks > o->window ? RUN_HUGE : RUN_SWEEP;
	pace_init(&o->pace, config->rate, clock_now_ns());
	if (getrandom(&o->nonce_seed, sizeof(o->nonce_seed), GRND_NONBLOCK) < 0)
		o->nonce_seed = (uint64_t)clock_wall_ns();
	*ret_prober = o;
	return 0;
}

void prober_destroy(struct prober *o)
{
	if (!o)
		return;
	while (o->active)
		release(o->active);
	while (o->free) {
		struct probe *p = o->free;

		o->free = p->next;
		free(p);
	}
	host_table_release(&o->hosts);
	free(o->networks);
	free(o);
}
