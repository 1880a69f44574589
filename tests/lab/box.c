/* SPDX-License-Identifier: MIT */
/*
 * box: a bump in the wire that delays and loses packets, for a kernel without netem.
 *
 *	box [--ready-fd N] IF1 IF2 [delay=20ms] [jitter=2ms] [loss=2%] [loss-up=…]
 *	    [loss-down=…] [seed=N]
 *
 * Every frame of IF1 leaves by IF2 and the other way round, delay ± jitter later (jitter
 * is uniform, never reorders). Loss is random, independent for up (IF1 to IF2) and down,
 * and the same in each run with the same seed and the same packets: broadcast,
 * multicast, ARP and neighbour discovery are never lost and draw no number, because a
 * wire that loses the ARP of the first packet tests something else, and because the
 * kernel sends such packets when it likes.
 *
 * One thread for each direction; they share nothing. What the box lost by its own fault
 * is counted apart (drop_…) and printed on SIGUSR1 and at the end on standard error:
 *	box: up rx=… tx=… lost=… held=… drop_socket=… drop_queue=… drop_send=… drop_if=…
 * Frames of more than FRAME_BYTES, VLAN tags and checksum offload are not carried; the
 * far ends have offload switched off.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "lab.h"

#define BATCH	     64
#define FRAME_BYTES  2048
#define QUEUE_BYTES  (64u << 20) /* 800,000 small packets a direction */
#define RCVBUF_BYTES (64 << 20)	 /* a limit, not an allocation; the kernel doubles it */
#define MICRO	     1000000
#define MAX_DELAY_NS (60 * NSEC_PER_SEC)

struct config {
	const char *ifname[2];
	int64_t delay_ns, jitter_ns;
	uint64_t loss[2]; /* of 2^32 */
	uint64_t seed;
	int ready_fd;
};

/* One delayed frame in the queue, data behind it; bytes 0: the rest is unused. */
struct record {
	int64_t due_ns;
	uint32_t bytes;
	uint32_t stride;
};

struct port {
	const char *name;
	int fd;
	uint64_t if_drops; /* when we started */
};

struct way {
	const struct config *cfg;
	struct port *in, *out;
	unsigned char *queue;
	size_t head, tail, used; /* head: next to send */
	int64_t last_due_ns;
	uint64_t loss_rng, jitter_rng, loss;
	unsigned char (*frames)[FRAME_BYTES];
	atomic_ullong rx, tx, lost, drop_queue, drop_send;
	uint64_t drop_socket; /* of the main thread */
};

/* splitmix64: Steele, Lea, Flood 2014. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* ---- arguments -------------------------------------------------------------------- */

/* A decimal in millionths; what follows it is the unit. */
static int64_t parse_decimal(const char *s, const char **ret_unit)
{
	int64_t v = (int64_t)parse_number(s, ".%smun", 1000000, &s) * MICRO;

	if (*s == '.')
		for (int64_t unit = MICRO / 10; isdigit((unsigned char)*++s); unit /= 10)
			v += unit * (*s - '0');
	*ret_unit = s;
	return v;
}

static int64_t parse_duration(const char *arg)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{ "", NSEC_PER_SEC }, { "s", NSEC_PER_SEC }, { "ms", NSEC_PER_MSEC },
		{ "us", 1000 },	      { "ns", 1 },
	};
	const char *unit;
	int64_t v = parse_decimal(arg, &unit);

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(unit, units[i].name) &&
		    v / MICRO <= MAX_DELAY_NS / units[i].ns)
			return v / MICRO * units[i].ns + v % MICRO * units[i].ns / MICRO;
	die("bad duration '%s': expected 20ms and at most a minute", arg);
}

static uint64_t parse_percent(const char *arg)
{
	const char *unit;
	int64_t v = parse_decimal(arg, &unit);

	if ((*unit && strcmp(unit, "%")) || v > 100 * MICRO)
		die("bad loss '%s': expected 0%% to 100%%", arg);
	return ((uint64_t)v << 32) / (100 * MICRO);
}

static const char *value_of(const char *arg, const char *key)
{
	size_t len = strlen(key);

	return strncmp(arg, key, len) || arg[len] != '=' ? NULL : arg + len + 1;
}

static void parse_args(struct config *cfg, int argc, char **argv)
{
	size_t names = 0;
	const char *v;

	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (!strcmp(arg, "--ready-fd") && i + 1 < argc)
			cfg->ready_fd = (int)parse_number(argv[++i], "", 1023, NULL);
		else if ((v = value_of(arg, "delay")))
			cfg->delay_ns = parse_duration(v);
		else if ((v = value_of(arg, "jitter")))
			cfg->jitter_ns = parse_duration(v);
		else if ((v = value_of(arg, "loss")))
			cfg->loss[0] = cfg->loss[1] = parse_percent(v);
		else if ((v = value_of(arg, "loss-up")))
			cfg->loss[0] = parse_percent(v);
		else if ((v = value_of(arg, "loss-down")))
			cfg->loss[1] = parse_percent(v);
		else if ((v = value_of(arg, "seed")))
			cfg->seed = parse_number(v, "", UINT32_MAX, NULL);
		else if (names < 2 && *arg != '-' && !strchr(arg, '='))
			cfg->ifname[names++] = arg;
		else
			die("what is '%s'?", arg);
	}
	if (names != 2)
		die("expected two interfaces");
	if (cfg->jitter_ns > cfg->delay_ns)
		die("jitter must not exceed the delay");
}

/* ---- interfaces ------------------------------------------------------------------- */

/* What the kernel dropped around our interface, before or behind our sockets. */
static uint64_t interface_drops(const char *ifname)
{
	static const char *const files[] = { "rx_dropped", "tx_dropped" };
	uint64_t sum = 0;

	for (size_t i = 0; i < 2; i++) {
		char path[128], text[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", ifname,
			 files[i]);
		f = fopen(path, "re");
		if (f && fgets(text, sizeof(text), f))
			sum += parse_number(text, "\n", ULONG_MAX, NULL);
		if (f)
			fclose(f);
	}
	errno = 0;
	return sum;
}

static void open_port(struct port *port, const char *ifname)
{
	int bytes = RCVBUF_BYTES, on = 1;
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(ifname),
	};

	if (!sll.sll_ifindex)
		die("no interface '%s'", ifname);
	port->name = ifname;
	/* Protocol 0: nothing arrives before bind has chosen the interface. */
	port->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (port->fd < 0)
		die("packet socket");
	if (setsockopt(port->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		die("SO_RCVBUFFORCE");
	if (setsockopt(port->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)))
		die("PACKET_IGNORE_OUTGOING");
	setsockopt(port->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	port->if_drops = interface_drops(ifname);
	if (bind(port->fd, (struct sockaddr *)&sll, sizeof(sll)))
		die("bind to '%s'", ifname);
}

/* ---- the queue -------------------------------------------------------------------- */

static struct record *record_at(struct way *way, size_t at)
{
	return (struct record *)(void *)(way->queue + at);
}

static void push(struct way *way, const unsigned char *frame, uint32_t bytes, int64_t due)
{
	uint32_t stride = (uint32_t)(sizeof(struct record) + bytes + 7) & ~7u;
	struct record *rec;
	size_t rest;

	/* An empty queue starts again at the front: few pages stay in the cache. */
	if (!way->used)
		way->head = way->tail = 0;
	rest = QUEUE_BYTES - way->tail;
	if (way->used + stride + (rest < stride ? rest : 0) > QUEUE_BYTES) {
		way->drop_queue++;
		return;
	}
	if (rest < stride) {
		if (rest >= sizeof(*rec))
			*record_at(way, way->tail) = (struct record){ .due_ns = 0 };
		way->used += rest;
		way->tail = 0;
	}
	rec = record_at(way, way->tail);
	*rec = (struct record){ .due_ns = due, .bytes = bytes, .stride = stride };
	memcpy(rec + 1, frame, bytes);
	way->tail = (way->tail + stride) % QUEUE_BYTES;
	way->used += stride;
}

/* The first record, past the unused rest of the array; NULL when the queue is empty. */
static struct record *first(struct way *way)
{
	size_t rest = QUEUE_BYTES - way->head;

	if (!way->used)
		return NULL;
	if (rest < sizeof(struct record) || !record_at(way, way->head)->bytes) {
		way->head = 0;
		way->used -= rest;
	}
	return record_at(way, way->head);
}

static void pop(struct way *way, uint32_t stride)
{
	way->head = (way->head + stride) % QUEUE_BYTES;
	way->used -= stride;
}

/* Sends one batch of what is due. Returns when the next one is, INT64_MAX for none. */
static int64_t send_due(struct way *way)
{
	struct iovec iov[BATCH];
	struct mmsghdr msgs[BATCH];
	struct record *rec = first(way);
	int64_t now = now_ns();
	size_t at = way->head, left = way->used;
	unsigned n = 0;
	int sent;

	if (!rec || rec->due_ns > now)
		return rec ? rec->due_ns : INT64_MAX;
	/* Not across the end of the array: first() does that step. */
	while (n < BATCH && left && QUEUE_BYTES - at >= sizeof(*rec)) {
		rec = record_at(way, at);
		if (!rec->bytes || rec->due_ns > now)
			break;
		iov[n] = (struct iovec){ rec + 1, rec->bytes };
		msgs[n] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[n],
							 .msg_iovlen = 1 } };
		n++;
		left -= rec->stride;
		at += rec->stride;
	}
	sent = sendmmsg(way->out->fd, msgs, n, 0);
	if (sent > 0) {
		way->tx += (unsigned)sent;
	} else { /* it stops at the first that fails: that one is given up */
		way->drop_send++;
		sent = 1;
	}
	while (sent--)
		pop(way, record_at(way, way->head)->stride);
	rec = first(way);
	return rec ? rec->due_ns : INT64_MAX;
}

/* ---- a direction ------------------------------------------------------------------ */

/* May it be lost? Not what the kernel sends on its own to find its neighbours. */
static bool is_payload(const unsigned char *f, uint32_t bytes)
{
	enum { PROTO_AT = 12, IP6_NEXT_AT = 20, ICMP6_TYPE_AT = 54 };
	unsigned proto;

	if (bytes < ETH_HLEN || f[0] & 1)
		return false;
	proto = (unsigned)f[PROTO_AT] << 8 | f[PROTO_AT + 1];
	if (proto == ETH_P_IP)
		return true;
	if (proto != ETH_P_IPV6)
		return false;
	/* RFC 4861: types 133 to 137 are neighbour discovery. */
	return bytes <= ICMP6_TYPE_AT || f[IP6_NEXT_AT] != IPPROTO_ICMPV6 ||
	       f[ICMP6_TYPE_AT] < 133 || f[ICMP6_TYPE_AT] > 137;
}

static void take(struct way *way, const unsigned char *frame, uint32_t bytes, int64_t now)
{
	const struct config *cfg = way->cfg;
	int64_t due = now + cfg->delay_ns;

	way->rx++;
	if (bytes > FRAME_BYTES) { /* MSG_TRUNC */
		way->drop_queue++;
		return;
	}
	if (way->loss && is_payload(frame, bytes) &&
	    draw(&way->loss_rng) >> 32 < way->loss) {
		way->lost++;
		return;
	}
	if (cfg->jitter_ns)
		due += (int64_t)(draw(&way->jitter_rng) %
				 (uint64_t)(2 * cfg->jitter_ns + 1)) -
		       cfg->jitter_ns;
	if (due < way->last_due_ns)
		due = way->last_due_ns;
	way->last_due_ns = due;
	push(way, frame, bytes, due);
}

static void *run_way(void *arg)
{
	struct way *way = arg;
	struct iovec iov[BATCH];
	struct mmsghdr msgs[BATCH];

	prctl(PR_SET_TIMERSLACK, 1);
	for (size_t i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ way->frames[i], FRAME_BYTES };
		msgs[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i],
							 .msg_iovlen = 1 } };
	}
	for (;;) {
		int64_t due = send_due(way), now;
		int n = recvmmsg(way->in->fd, msgs, BATCH, MSG_DONTWAIT | MSG_TRUNC,
				 NULL);

		now = now_ns();
		for (int i = 0; i < n; i++)
			take(way, way->frames[i], msgs[i].msg_len, now);
		if (n <= 0 && due > now) {
			struct pollfd pfd = { .fd = way->in->fd, .events = POLLIN };
			int64_t wait = due - now;
			struct timespec ts = { .tv_sec = wait / NSEC_PER_SEC,
					       .tv_nsec = wait % NSEC_PER_SEC };

			ppoll(&pfd, 1, due == INT64_MAX ? NULL : &ts, NULL);
		}
	}
	return NULL;
}

/* ---- start and end ---------------------------------------------------------------- */

static void init_way(struct way *way, const struct config *cfg, struct port *ports, int i)
{
	way->cfg = cfg;
	way->in = &ports[i];
	way->out = &ports[!i];
	way->loss = cfg->loss[i];
	/* Own streams, so that jitter does not change which packets are lost. */
	way->loss_rng = cfg->seed * 4 + (unsigned)i * 2;
	way->jitter_rng = cfg->seed * 4 + (unsigned)i * 2 + 1;
	way->loss_rng = draw(&way->loss_rng);
	way->jitter_rng = draw(&way->jitter_rng);
	way->frames = calloc(BATCH, FRAME_BYTES);
	way->queue = mmap(NULL, QUEUE_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!way->frames || way->queue == MAP_FAILED)
		die("memory");
}

static void print_counters(struct way *ways)
{
	for (int i = 0; i < 2; i++) {
		struct way *way = &ways[i];
		struct tpacket_stats st = { 0 };
		socklen_t len = sizeof(st);
		unsigned long long rx, tx, lost, dq, ds;

		/* Reading it sets it to zero. */
		if (!getsockopt(way->in->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len))
			way->drop_socket += st.tp_drops;
		tx = way->tx, lost = way->lost, dq = way->drop_queue, ds = way->drop_send;
		rx = way->rx;
		fprintf(stderr,
			"box: %s rx=%llu tx=%llu lost=%llu held=%llu "
			"drop_socket=%llu drop_queue=%llu drop_send=%llu drop_if=%llu\n",
			i ? "down" : "up", rx, tx, lost, rx - tx - lost - dq - ds,
			(unsigned long long)way->drop_socket, dq, ds,
			(unsigned long long)(interface_drops(way->in->name) -
					     way->in->if_drops));
	}
}

int main(int argc, char **argv)
{
	static struct config cfg = { .ready_fd = STDOUT_FILENO, .seed = 1 };
	static struct port ports[2];
	static struct way ways[2];
	char line[32];
	sigset_t set;
	int sig;

	die_with_parent();
	parse_args(&cfg, argc, argv);
	/* All signals come to sigwait below, and the threads inherit that. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 2; i++)
		open_port(&ports[i], cfg.ifname[i]);
	for (int i = 0; i < 2; i++) {
		pthread_t thread;

		init_way(&ways[i], &cfg, ports, i);
		errno = pthread_create(&thread, NULL, run_way, &ways[i]);
		if (errno)
			die("thread");
	}
	snprintf(line, sizeof(line), "ready %d\n", (int)getpid());
	say_ready(cfg.ready_fd, line);
	do {
		if (sigwait(&set, &sig))
			die("sigwait");
		print_counters(ways);
	} while (sig == SIGUSR1);
	return 0;
}
