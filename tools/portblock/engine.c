#include "engine.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "engine_private.h"

/* Bounds what a hostile far end can make us keep: 512 for each of the most ports. */
#define PROBES_MAX 32768
/* Packets handled before the sockets get their turn. */
#define PACKETS_A_TURN 256

void engine_init(struct engine *e, const struct portblock_config *config,
		 struct capture *capture, const int raw_fd[2], int signal_fd)
{
	*e = (struct engine){ .config = config,
			      .capture = capture,
			      .raw_fd = { raw_fd[0], raw_fd[1] },
			      .signal_fd = signal_fd };
	e->wall_offset_ns = clock_wall_ns() - clock_now_ns();
}

static void forget_probes(struct engine *e)
{
	size_t i;

	for (i = 0; i < e->n_probes; i++) {
		engine_stop(e, e->probes[i]);
		free(e->probes[i]);
	}
	e->n_probes = 0;
}

void engine_begin(struct engine *e, const struct addr *addr, bool route_is_local)
{
	forget_probes(e);
	e->addr = *addr;
	e->route_is_local = route_is_local;
	e->n_stray_icmp = 0;
	/* The wall clock may be set while we run: the wire's stamps are its. */
	e->wall_offset_ns = clock_wall_ns() - clock_now_ns();
	if (e->capture) {
		int err = capture_watch(e->capture, addr);

		if (err < 0 && !e->error)
			e->error = err;
	}
}

void engine_release(struct engine *e)
{
	forget_probes(e);
	free(e->probes);
	e->probes = NULL;
	e->cap_probes = 0;
}

struct probe *engine_probe(struct engine *e, uint8_t protocol, uint16_t port)
{
	struct probe *p;

	if (e->n_probes == e->cap_probes) {
		size_t cap = e->cap_probes ? 2 * e->cap_probes : 64;
		struct probe **grown =
			cap > PROBES_MAX
				? NULL
				: reallocarray(e->probes, cap, sizeof(struct probe *));

		if (!grown) {
			e->error = -ENOMEM;
			return NULL;
		}
		e->probes = grown;
		e->cap_probes = cap;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		e->error = -ENOMEM;
		return NULL;
	}
	p->protocol = protocol;
	p->port = port;
	p->fd = -1;
	p->answered_ns = -1;
	p->wire.watched = e->capture != NULL;
	e->probes[e->n_probes++] = p;
	return p;
}

void engine_start(struct engine *e, struct probe *p)
{
	if (p->protocol == IPPROTO_TCP)
		tcp_start(e, p);
	else
		datagram_start(e, p);
}

void engine_stop(struct engine *e, struct probe *p)
{
	(void)e;
	if (!p->running)
		return;
	p->running = false;
	if (p->protocol == IPPROTO_TCP)
		tcp_stop(p);
	/* The raw socket is shared, and stays. */
	if (p->fd >= 0 && p->fd != e->raw_fd[0] && p->fd != e->raw_fd[1])
		close(p->fd);
	p->fd = -1;
}

bool engine_stopped(const struct engine *e)
{
	return e->signal || e->error;
}

static void read_signal(struct engine *e)
{
	struct signalfd_siginfo info;

	if (read(e->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		e->signal = (int)info.ssi_signo;
}

static bool read_wire(struct engine *e)
{
	struct packet packet;
	int64_t wall_ns;
	int i, rc = 1;

	for (i = 0; i < PACKETS_A_TURN; i++) {
		rc = capture_next(e->capture, &packet, &wall_ns);
		if (rc <= 0)
			break;
		wire_packet(e, &packet, wall_ns - e->wall_offset_ns);
	}
	if (rc < 0 && !e->error)
		e->error = rc;
	return rc > 0;
}

/* End the holding of those that have been held long enough; *UNTIL_NS comes no later than
 * the next one's end. True: one ended. */
static bool end_holds(struct engine *e, int64_t *until_ns)
{
	bool ended = false;
	size_t i;

	for (i = 0; i < e->n_probes; i++) {
		struct probe *p = e->probes[i];

		if (!p->running || !p->holding)
			continue;
		if (clock_now_ns() >= p->answered_ns + p->hold_ns) {
			tcp_hold_ends(e, p);
			ended = true;
		} else {
			*until_ns = min_i64(*until_ns, p->answered_ns + p->hold_ns);
		}
	}
	return ended;
}

/* The sockets to wait for: signal, capture, then one a running probe. */
static size_t fill_polls(struct engine *e, struct pollfd *polls, size_t *owners)
{
	size_t n = 0, i;

	polls[n++] = (struct pollfd){ .fd = e->signal_fd, .events = POLLIN };
	polls[n++] = (struct pollfd){ .fd = e->capture ? capture_fd(e->capture) : -1,
				      .events = POLLIN };
	for (i = 0; i < e->n_probes; i++) {
		struct probe *p = e->probes[i];
		short events = POLLIN;

		if (!p->running || (probe_answered(p) && !p->holding))
			continue;
		if (p->protocol == IPPROTO_TCP && !p->holding)
			events = POLLOUT;
		owners[n] = i;
		polls[n++] = (struct pollfd){ .fd = p->fd, .events = events };
	}
	return n;
}

static int wait_ms(int64_t until_ns)
{
	int64_t left_ns = until_ns - clock_now_ns();

	/* Up, or the last millisecond would be spent spinning. */
	return left_ns <= 0 ? 0
			    : (int)min_i64((left_ns + NS_PER_MS - 1) / NS_PER_MS, 60000);
}

static void step(struct engine *e, struct pollfd *polls, size_t *owners, int64_t until_ns)
{
	size_t n, i;
	bool more = false;

	/* Perhaps that was all that was waited for. */
	if (end_holds(e, &until_ns))
		return;
	n = fill_polls(e, polls, owners);
	if (poll(polls, n, wait_ms(until_ns)) < 0) {
		if (errno != EINTR)
			e->error = -errno;
		return;
	}
	if (polls[0].revents)
		read_signal(e);
	/* The wire first: it says what the sockets only hint at. */
	if (polls[1].revents)
		more = read_wire(e);
	for (i = 2; i < n; i++) {
		struct probe *p = e->probes[owners[i]];

		if (!polls[i].revents || !p->running)
			continue;
		if (p->protocol == IPPROTO_TCP)
			tcp_event(e, p, polls[i].revents);
		else
			datagram_event(e, p, polls[i].revents);
	}
	if (more)
		(void)read_wire(e);
}

void engine_run(struct engine *e, int64_t until_ns, engine_enough_fn *enough, void *arg)
{
	struct pollfd *polls = calloc(e->n_probes + 2, sizeof(*polls));
	size_t *owners = calloc(e->n_probes + 2, sizeof(*owners));

	if (!polls || !owners)
		e->error = -ENOMEM;
	while (!engine_stopped(e) && !(enough && enough(arg))) {
		bool last = clock_now_ns() >= until_ns;

		/* Once more after the deadline, so that what lies there is read. */
		step(e, polls, owners, until_ns);
		if (last)
			break;
	}
	free(polls);
	free(owners);
}

static bool is_answered(void *arg)
{
	const struct probe *p = arg;

	return probe_answered(p) && !p->holding;
}

bool engine_ask(struct engine *e, struct probe *p, int64_t wait_ns)
{
	if (!p)
		return false;
	engine_start(e, p);
	engine_run(e, p->sent_ns + wait_ns, is_answered, p);
	engine_stop(e, p);
	return probe_answered(p);
}

int64_t probe_rtt_ns(const struct probe *p)
{
	return probe_answered(p) ? max_i64(p->answered_ns - p->sent_ns, 1) : -1;
}

uint8_t probe_ttl(const struct probe *p, enum ttl_source *ret_source)
{
	const struct mark *m = p->answer == ANSWER_RESET ? &p->wire.reset
							 : &p->wire.syn_ack;

	*ret_source = TTL_UNKNOWN;
	if (p->answer == ANSWER_ICMP && p->icmp.ttl) {
		*ret_source = TTL_SOCKET;
		return p->icmp.ttl;
	}
	if ((p->answer == ANSWER_RESET || p->answer == ANSWER_SYN_ACK) && m->seen) {
		*ret_source = TTL_WIRE;
		return m->ttl;
	}
	if (p->ttl_got)
		*ret_source = TTL_SOCKET;
	return p->ttl_got;
}
