/* SPDX-License-Identifier: MIT */
/*
 * crowd: a busy machine, made up: many processes with many descriptors, some of which
 * listen, in namespaces of its own (pid, network, mount with a /proc that fits).
 *
 *	crowd PROCESSES SERVERS DESCRIPTORS LISTENERS ENDS GROUPS TRUTH
 *
 * Of the PROCESSES, the first SERVERS hold LISTENERS listening TCP sockets from port
 * 10000 on, and the accepted ends; the others hold the clients' ends of the connections,
 * ENDS ends in all. Files, pipes, unix sockets and the like fill up to DESCRIPTORS.
 *
 * Servers come in families of 1, 1, 1, 2 and 3 processes: the members of a family of two
 * or three share three listeners, inherited from the first. Five families are a service.
 * Services are in GROUPS control groups, where cgroup2 can be written, and the other
 * processes in as many of their own; with GROUPS 0 all share one.
 *
 * Who holds what goes to the file TRUTH, "PORT PID" a line, as seen from inside. Then
 * "ready PID GROUPS" is printed, the first process of the crowd as seen from outside
 * and the number of groups that there are. It stays until its parent dies or it gets
 * SIGTERM, and leaves nothing behind.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crowd_groups.h"

#define PROCESSES_MAX	10000
#define DESCRIPTORS_MAX 1000000
#define LISTENERS_MAX	20000
#define FIRST_PORT	10000
#define BACKLOG		128
/* For each step of the whole crowd. */
#define PATIENCE_S 60

/* Sizes of the families; a service has one of each. */
static const int family_sizes[] = { 1, 1, 1, 2, 3 };
#define N_FAMILIES	 5
#define SERVICE_SIZE	 8
#define SHARED_LISTENERS 3

/* All processes wait for each other here. */
enum step { STEP_LISTEN, STEP_CONNECT, STEP_ACCEPT, N_STEPS };

struct meeting {
	sem_t done, go[N_STEPS];
};

struct crowd {
	int processes, servers, descriptors, listeners, ends, n_groups, families;
	struct groups groups;
	FILE *truth;
	struct meeting *meeting;
};

static volatile sig_atomic_t ended, first_pid;

static void die(const char *what)
{
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	exit(3);
}

/* ---- who has which listener ---- */

struct member {
	int family, rank, size;
	int leader; /* the server that is first in the family */
};

/* The families of the last service may be cut short. */
static struct member member_of(const struct crowd *c, int server)
{
	int at = server / SERVICE_SIZE * SERVICE_SIZE;
	struct member m = { .family = server / SERVICE_SIZE * N_FAMILIES };
	int i;

	for (i = 0; at + family_sizes[i] <= server; i++)
		at += family_sizes[i];
	m.family += i;
	m.leader = at;
	m.rank = server - at;
	m.size = family_sizes[i];
	if (at + m.size > c->servers)
		m.size = c->servers - at;
	return m;
}

static bool is_shared(const struct crowd *c, int listener, const struct member *m)
{
	return m->size > 1 && listener / c->families < SHARED_LISTENERS;
}

/* Did M open it? */
static bool is_opener(const struct crowd *c, int listener, const struct member *m)
{
	if (listener % c->families != m->family)
		return false;
	if (is_shared(c, listener, m))
		return m->rank == 0;
	return listener / c->families % m->size == m->rank;
}

static int connections_to(const struct crowd *c, int listener)
{
	int all = c->ends / 2;

	return all / c->listeners + (listener < all % c->listeners);
}

/* Every address that there is: *, 127.0.0.1, [::], [::1]; WHERE is what clients dial. */
static socklen_t address_of(int listener, bool dialled, struct sockaddr_storage *ret_addr)
{
	struct sockaddr_in6 *v6 = (void *)ret_addr;
	struct sockaddr_in *v4 = (void *)ret_addr;
	bool loopback = dialled || listener % 2;

	memset(ret_addr, 0, sizeof(*ret_addr));
	if (listener % 4 >= 2) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)(FIRST_PORT + listener));
		v6->sin6_addr = loopback ? in6addr_loopback : in6addr_any;
		return sizeof(*v6);
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)(FIRST_PORT + listener));
	v4->sin_addr.s_addr = htonl(loopback ? INADDR_LOOPBACK : INADDR_ANY);
	return sizeof(*v4);
}

static int open_listener(int listener)
{
	struct sockaddr_storage addr;
	socklen_t len = address_of(listener, false, &addr);
	int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (void *)&addr, len) < 0 || listen(fd, BACKLOG) < 0)
		die("a listener");
	return fd;
}

/* ---- one of the crowd ---- */

/* From the last one nobody returns. */
static void meet(struct crowd *c, enum step step)
{
	if (sem_post(&c->meeting->done) < 0)
		die("sem_post");
	while (sem_wait(&c->meeting->go[step]) < 0)
		if (errno != EINTR)
			die("sem_wait");
}

/* What programs have open beside their sockets. */
static void open_others(const struct crowd *c, int number)
{
	int holders = 0, n, i, pair[2], err = 0, s;

	for (s = 0; s < c->servers; s++) {
		struct member m = member_of(c, s);

		holders += m.rank ? SHARED_LISTENERS : 0;
	}
	n = c->descriptors - 3 * c->processes - c->listeners - holders - c->ends;
	n = n / c->processes + (number < n % c->processes);
	for (i = 0; i < n && err >= 0; i++) {
		switch (i % 8) {
		case 0:
		case 1:
		case 2:
			err = open(i % 2 ? "/dev/null" : "/proc/self/exe", O_RDONLY);
			break;
		case 3:
			err = eventfd(0, 0);
			break;
		case 4: /* and 5 */
			err = i + 1 < n ? pipe(pair) : dup(0);
			i++;
			break;
		case 6: /* and 7 */
			err = i + 1 < n ? socketpair(AF_UNIX, SOCK_STREAM, 0, pair)
					: dup(0);
			i++;
			break;
		}
	}
	if (err < 0)
		die("files, pipes and unix sockets");
}

static void accept_all(int fd, int n)
{
	while (n--)
		if (accept(fd, NULL, NULL) < 0)
			die("accept");
}

static void tell_truth(const struct crowd *c, int listener)
{
	fprintf(c->truth, "%d %d\n", FIRST_PORT + listener, (int)getpid());
}

/* The first process of a family opens what all share, and makes the others. */
static void serve(struct crowd *c, int server)
{
	struct member m = member_of(c, server);
	int *fds = calloc((size_t)c->listeners, sizeof(*fds));
	int i, rank;

	if (!fds)
		die("memory");
	if (!groups_enter(&c->groups, false, server / SERVICE_SIZE))
		die("its control group");
	for (i = m.family; i < c->listeners; i += c->families)
		if (is_shared(c, i, &m))
			fds[i] = open_listener(i);
	for (rank = 1; rank < m.size && m.rank == 0; rank++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid)
			m.rank = rank;
	}
	for (i = m.family; i < c->listeners; i += c->families) {
		if (!fds[i] && is_opener(c, i, &m))
			fds[i] = open_listener(i);
		if (fds[i])
			tell_truth(c, i);
	}
	if (fclose(c->truth) != 0)
		die("the truth");
	meet(c, STEP_LISTEN);
	meet(c, STEP_CONNECT);
	for (i = m.family; i < c->listeners; i += c->families)
		if (fds[i] && is_opener(c, i, &m))
			accept_all(fds[i], connections_to(c, i));
	free(fds);
	open_others(c, m.leader + m.rank);
	meet(c, STEP_ACCEPT);
}

static void be_client(struct crowd *c, int number)
{
	int clients = c->processes - c->servers, client = number - c->servers, i;

	fclose(c->truth);
	if (!groups_enter(&c->groups, true, client))
		die("its control group");
	meet(c, STEP_LISTEN);
	for (i = client; i < c->ends / 2; i += clients) {
		struct sockaddr_storage addr;
		socklen_t len = address_of(i % c->listeners, true, &addr);
		int fd = socket(addr.ss_family, SOCK_STREAM, 0);

		if (fd < 0 || connect(fd, (void *)&addr, len) < 0)
			die("connect");
	}
	meet(c, STEP_CONNECT);
	open_others(c, number);
	meet(c, STEP_ACCEPT);
}

static void wait_for_all(struct crowd *c)
{
	struct timespec end;
	int i;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_S;
	for (i = 0; i < c->processes; i++) {
		int err;

		do
			err = sem_timedwait(&c->meeting->done, &end);
		while (err < 0 && errno == EINTR);
		if (err < 0)
			die("not all of the crowd came so far");
	}
}

/* Nobody ends before the rest: it has said why. Families have it, too. */
static void on_child(int signal)
{
	(void)signal;
	_exit(3);
}

/* The first process: makes the others, which die with it. */
static void be_first(struct crowd *c, int ready_fd)
{
	int i, step;

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		die("mount /proc");
	signal(SIGCHLD, on_child);
	for (i = 0; i < c->processes; i++) {
		bool server = i < c->servers;
		pid_t pid;

		if (server && member_of(c, i).rank)
			continue; /* its family's first makes it */
		pid = fork();
		if (pid < 0)
			die("fork");
		if (pid)
			continue;
		close(ready_fd);
		if (server)
			serve(c, i);
		else
			be_client(c, i);
		_exit(0);
	}
	for (step = 0; step < N_STEPS; step++) {
		wait_for_all(c);
		for (i = 0; step + 1 < N_STEPS && i < c->processes; i++)
			sem_post(&c->meeting->go[step]);
	}
	/* From now on only strays of those who look at the crowd end here. */
	signal(SIGCHLD, SIG_IGN);
	if (write(ready_fd, "", 1) != 1)
		die("to say so");
	close(ready_fd);
	for (;;)
		pause();
}

/* ---- main ---- */

static void on_end(int signal)
{
	(void)signal;
	ended = 1;
	if (first_pid > 0)
		kill((pid_t)first_pid, SIGKILL);
}

static int argument(const char *text, int min, int max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n < min || n > max) {
		fprintf(stderr, "crowd: '%s': expected a number from %d to %d\n", text,
			min, max);
		exit(2);
	}
	return (int)n;
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		die("the loopback device");
	close(fd);
}

static void parse(struct crowd *c, char **argv)
{
	struct member last;

	c->processes = argument(argv[1], 2, PROCESSES_MAX);
	c->servers = argument(argv[2], 1, c->processes - 1);
	c->descriptors = argument(argv[3], 1, DESCRIPTORS_MAX);
	c->listeners = argument(argv[4], 1, LISTENERS_MAX);
	c->ends = argument(argv[5], 0, DESCRIPTORS_MAX);
	c->n_groups = argument(argv[6], 0, 1000);
	last = member_of(c, c->servers - 1);
	c->families = last.family + 1;
	/* Connections wait for their acceptance until all are there. */
	if (c->ends / 2 / c->listeners >= BACKLOG) {
		fputs("crowd: too many ends for so few listeners\n", stderr);
		exit(2);
	}
}

static void make_world(struct crowd *c)
{
	struct rlimit files = { 20000, 20000 };
	int i;

	setrlimit(RLIMIT_NOFILE, &files);
	c->meeting = mmap(NULL, sizeof(*c->meeting), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->meeting == MAP_FAILED || sem_init(&c->meeting->done, 1, 0) < 0)
		die("shared memory");
	for (i = 0; i < N_STEPS; i++)
		if (sem_init(&c->meeting->go[i], 1, 0) < 0)
			die("sem_init");
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID) < 0)
		die("namespaces");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("mount namespace");
	loopback_up();
	groups_make(&c->groups, c->n_groups);
}

int main(int argc, char **argv)
{
	struct sigaction end = { .sa_handler = on_end };
	struct crowd c = { 0 };
	pid_t parent = getppid(), first;
	int ready[2], status = 0;
	char byte;

	if (argc != 8) {
		fputs("usage: crowd PROCESSES SERVERS DESCRIPTORS LISTENERS ENDS GROUPS "
		      "TRUTH\n",
		      stderr);
		return 2;
	}
	parse(&c, argv);
	/* What the parent left open is not to be in each of us. */
	syscall(SYS_close_range, 3, ~0U, 0);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		return 3;
	c.truth = fopen(argv[7], "ae");
	if (!c.truth)
		die(argv[7]);
	make_world(&c);
	if (pipe2(ready, O_CLOEXEC) < 0 || (first = fork()) < 0)
		die("the first process");
	if (!first) {
		close(ready[0]);
		be_first(&c, ready[1]);
	}
	first_pid = first;
	if (ended)
		kill(first, SIGKILL);
	close(ready[1]);
	if (read(ready[0], &byte, 1) == 1) {
		printf("ready %d %d\n", (int)first, groups_count(&c.groups));
		fflush(stdout);
	} else {
		kill(first, SIGKILL);
	}
	while (waitpid(first, &status, 0) < 0 && errno == EINTR)
		;
	groups_remove(&c.groups);
	return ended ? 0 : 3;
}
