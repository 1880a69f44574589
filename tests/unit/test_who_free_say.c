/*
 * portwho --free: the sentences and the advice, from sockets made up here.
 */
#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "who_free_socks.h"

#define MAX 8

/* An answer, and the sockets of its holders. */
struct world {
	struct free_answer answer;
	struct listener listeners[MAX];
	struct holder holders[MAX];
	struct process processes[MAX];
	struct free_holder free_holders[MAX];
	struct free_context context;
};

static void world_init(struct world *w, int protocol, uint16_t port)
{
	memset(w, 0, sizeof(*w));
	w->answer = (struct free_answer){ .port = port,
					  .protocol = (uint8_t)protocol,
					  .error = EADDRINUSE,
					  .asked_v4 = true,
					  .asked_v6 = true,
					  .reuse_asked = protocol == IPPROTO_TCP,
					  .capable = true,
					  .root = true,
					  .shows_bound = true,
					  .frees_in_ms = -1,
					  .ephemeral = port >= 32768 && port <= 60999,
					  .ephemeral_first = 32768,
					  .ephemeral_last = 60999,
					  .privileged_below = 1024,
					  .holders = w->free_holders };
	w->context.root = true;
}

/* A holder, with a process if COMM is not NULL. */
static struct listener *world_add(struct world *w, struct sock s, const char *comm,
				  pid_t pid)
{
	size_t at = w->answer.n_holders++;
	struct listener *l = &w->listeners[at];
	enum free_kind kind;

	assert_true(at < MAX);
	if (s.state != TCP_LISTEN && s.state != SOCK_BOUND_INACTIVE && !s.remote_port &&
	    s.protocol == IPPROTO_TCP) {
		s.remote = addr_of(s.family == AF_INET ? "192.0.2.9" : "2001:db8::9");
		s.remote_port = 50000;
	}
	l->sock = s;
	l->owner = comm ? OWNER_PROCESS : OWNER_HIDDEN;
	if (comm) {
		w->processes[at] = (struct process){ .pid = pid,
						     .ppid = 1000 + pid,
						     .comm = (char *)comm,
						     .has_uid = true };
		w->holders[at].process = &w->processes[at];
		l->holders = &w->holders[at];
		l->n_holders = 1;
	}
	kind = free_kind_of(&w->answer, &s);
	w->free_holders[at] = (struct free_holder){ .kind = kind, .listener = l };
	w->answer.n_kind[kind]++;
	return l;
}

static void world_says(struct world *w, const char *sentence)
{
	struct buf out = BUF_INIT;
	struct naming names;

	naming_init(&names, true);
	w->answer.cause = free_cause_of(&w->answer);
	free_message(&out, &names, &w->answer);
	assert_string_equal(out.data, sentence);
	buf_release(&out);
	naming_release(&names);
}

/* "label: command|label: command". */
static void world_advises(struct world *w, const char *wanted)
{
	struct free_advice advice[FREE_ADVICE_MAX];
	struct buf out = BUF_INIT;
	size_t n, i;

	w->answer.cause = free_cause_of(&w->answer);
	n = free_advise(&w->answer, &w->context, advice);
	for (i = 0; i < n; i++) {
		buf_addf(&out, "%s%s: %s", i ? "|" : "", advice[i].label,
			 advice[i].text.data);
		buf_release(&advice[i].text);
	}
	assert_string_equal(out.data, wanted);
	buf_release(&out);
}

/* ---- sentences ---- */

static void free_is_said_with_what_may_happen(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, IPPROTO_TCP, 3000);
	w.answer.error = 0;
	world_says(&w, "3000/tcp is free");
	world_advises(&w, "");
	w.answer.addr = addr_of("127.0.0.1");
	world_says(&w, "3000/tcp is free on 127.0.0.1");
	w.answer.addr = addr_of("::1");
	world_says(&w, "3000/tcp is free on [::1]");
	w.answer.addr = addr_of("::");
	world_says(&w, "3000/tcp is free on [::]");
	w.answer.v6only = true;
	world_says(&w, "3000/tcp is free for IPv6");
	w.answer.addr = addr_of("0.0.0.0");
	world_says(&w, "3000/tcp is free for IPv4");
	world_init(&w, IPPROTO_UDP, 40000);
	w.answer.error = 0;
	world_says(&w, "40000/udp is free; but a connection that goes out may take it, "
		       "since it is of the ephemeral range (32768-60999)");
	world_advises(&w, "");
	w.context.single = true;
	world_advises(&w, "to keep it: add 40000 to net.ipv4.ip_local_reserved_ports");
	w.answer.reserved = true;
	world_says(&w, "40000/udp is free; it is kept for a server, by "
		       "net.ipv4.ip_local_reserved_ports");
	world_advises(&w, "");
}

static void a_listener_is_said_with_its_addresses(void **state)
{
	struct world w;
	struct listener *l;

	(void)state;
	world_init(&w, IPPROTO_TCP, 3000);
	world_add(&w, sock_of(IPPROTO_TCP, TCP_LISTEN, "::", 3000), "no\nde", 42);
	world_says(&w, "3000/tcp is not free: no\\nde (pid 42, user 0) listens on every "
		       "address");
	world_advises(&w, "to end it: portwho --kill 3000");
	w.listeners[0].sock.v6only = true;
	w.answer.free_v4 = true;
	world_says(&w, "3000/tcp is not free: no\\nde (pid 42, user 0) listens on every "
		       "IPv6 address; for IPv4 alone it is free");
	l = world_add(&w, sock_of(IPPROTO_TCP, TCP_LISTEN, "127.0.0.1", 3000), "ruby",
		      43);
	w.answer.free_v4 = false;
	world_says(&w, "3000/tcp is not free: no\\nde (pid 42, user 0) listens on every "
		       "IPv6 address, ruby (pid 43, user 0) listens on 127.0.0.1");
	world_advises(&w, "to end them: portwho --kill 3000");
	/* One program that opens both wildcards. */
	w.holders[1].process = &w.processes[0];
	l->sock.local = addr_of("0.0.0.0");
	world_says(&w, "3000/tcp is not free: no\\nde (pid 42, user 0) listens on every "
		       "address");
	w.context.netns = "blue";
	world_advises(&w, "to end it: portwho --netns blue --kill 3000");
}

static void a_service_is_stopped_by_its_manager_unless_it_is_our_own(void **state)
{
	struct world w;
	struct listener *l;

	(void)state;
	world_init(&w, IPPROTO_TCP, 80);
	l = world_add(&w, sock_of(IPPROTO_TCP, TCP_LISTEN, "0.0.0.0", 80), "nginx", 42);
	strcpy(l->place.unit, "nginx.service");
	world_says(&w,
		   "80/tcp is not free: nginx (pid 42, user 0, nginx.service) listens "
		   "on every IPv4 address");
	world_advises(&w, "to end it: systemctl stop nginx.service");
	strcpy(w.context.place.unit, "nginx.service");
	world_advises(&w, "to end it: portwho --kill 80");
	strcpy(l->place.unit, "session-3.scope");
	world_advises(&w, "to end it: portwho --kill 80");
	strcpy(l->place.container, "0123456789ab");
	strcpy(l->place.engine, "docker");
	world_advises(&w, "to end it: docker stop 0123456789ab");
}

static void who_is_hidden_is_never_called_nobody(void **state)
{
	struct world w;
	struct listener *l;

	(void)state;
	world_init(&w, IPPROTO_UDP, 53);
	l = world_add(&w, sock_of(IPPROTO_UDP, TCP_CLOSE, "127.0.0.53", 53), NULL, 0);
	l->sock.uid = 101;
	w.answer.root = w.context.root = false;
	w.answer.owners_hidden = true;
	world_says(&w, "53/udp is not free: a hidden process (user 101; root sees it) "
		       "receives on 127.0.0.53");
	world_advises(&w, "to end it: sudo portwho --kill 53/udp");
	w.answer.root = true;
	world_says(&w, "53/udp is not free: a hidden process (user 101; of another "
		       "container, perhaps) receives on 127.0.0.53");
	l->owner = OWNER_KERNEL;
	world_says(&w,
		   "53/udp is not free: the kernel itself (a tunnel, NFS or WireGuard, "
		   "perhaps) receives on 127.0.0.53");
	world_advises(&w, "");
}

static void bound_is_said(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, IPPROTO_TCP, 3000);
	world_add(&w, sock_of(IPPROTO_TCP, SOCK_BOUND_INACTIVE, "127.0.0.1", 3000), "x",
		  42);
	w.answer.reuse_works = true;
	world_says(&w,
		   "3000/tcp is not free: x (pid 42, user 0) has bound 127.0.0.1 and "
		   "does not listen; a server that sets SO_REUSEADDR, as most do, can "
		   "start now");
	world_advises(&w, "to end it: portwho --kill 3000");
}

static void time_wait_is_said_with_its_seconds(void **state)
{
	struct world w;
	struct sock s = sock_of(IPPROTO_TCP, TCP_TIME_WAIT, "::1", 3000);

	(void)state;
	s.inode = 0;
	world_init(&w, IPPROTO_TCP, 3000);
	world_add(&w, s, NULL, 0);
	w.answer.frees_in_ms = 41001;
	w.answer.reuse_works = true;
	world_says(&w,
		   "3000/tcp is not free: nothing listens there, but a connection with "
		   "[2001:db8::9]:50000, closed here, is remembered for 42 s more "
		   "(TIME_WAIT); a server that sets SO_REUSEADDR, as most do, can "
		   "start now");
	world_advises(&w, "");
	w.answer.n_kind[FREE_KIND_TIME_WAIT] = 3;
	w.answer.reuse_works = false;
	world_says(&w, "3000/tcp is not free: nothing listens there, but 3 connections, "
		       "closed here, are remembered for 42 s more (TIME_WAIT); a server "
		       "that sets SO_REUSEADDR has to wait as well, since the one before "
		       "did not set it");
}

static void connections_are_said_by_their_way(void **state)
{
	struct world w;
	struct sock s;

	(void)state;
	world_init(&w, IPPROTO_TCP, 3000);
	world_add(&w, sock_of(IPPROTO_TCP, TCP_CLOSE_WAIT, "127.0.0.1", 3000), "x", 42);
	world_says(&w, "3000/tcp is not free: nothing listens there, but x (pid 42, user "
		       "0) still has a connection that came in from 192.0.2.9:50000; the "
		       "other end has closed, the program has not (CLOSE_WAIT); "
		       "SO_REUSEADDR does not help");
	world_advises(&w, "to end it: kill 42");
	world_add(&w, sock_of(IPPROTO_TCP, TCP_ESTABLISHED, "127.0.0.1", 3000), "y", 43);
	w.answer.reuse_works = true;
	world_says(&w, "3000/tcp is not free: nothing listens there, but x (pid 42, user "
		       "0) still has 2 connections that came in from 192.0.2.9:50000 and "
		       "others; a server that sets SO_REUSEADDR, as most do, can start "
		       "now");
	world_advises(&w, "to end them: kill 42 43");

	world_init(&w, IPPROTO_TCP, 40000);
	s = sock_of(IPPROTO_TCP, TCP_ESTABLISHED, "127.0.0.1", 40000);
	s.remote = addr_of("192.0.2.9");
	s.remote_port = 443;
	world_add(&w, s, "curl", 42);
	w.answer.reserve = (char *)"8080,40000";
	world_says(&w, "40000/tcp is not free: curl (pid 42, user 0) has it for a "
		       "connection to 192.0.2.9:443; the port is of the ephemeral range "
		       "(32768-60999), from which the kernel takes one for each "
		       "connection");
	world_advises(&w, "to end it: kill 42|to keep it: sysctl "
			  "net.ipv4.ip_local_reserved_ports=8080,40000");
	w.context.root = false;
	world_advises(&w, "to end it: kill 42|to keep it: sudo sysctl "
			  "net.ipv4.ip_local_reserved_ports=8080,40000");

	world_init(&w, IPPROTO_TCP, 700);
	s.local_port = 700;
	s.remote_port = 2049;
	world_add(&w, s, NULL, 0);
	w.listeners[0].owner = OWNER_KERNEL;
	world_says(&w, "700/tcp is not free: the kernel itself (a tunnel, NFS or "
		       "WireGuard, perhaps) has it for a connection with 192.0.2.9:2049");
	world_advises(&w, "");
}

static void what_is_closed_but_not_over_has_no_owner(void **state)
{
	struct world w;
	struct sock s = sock_of(IPPROTO_TCP, TCP_FIN_WAIT2, "127.0.0.1", 3000);

	(void)state;
	s.inode = 0;
	world_init(&w, IPPROTO_TCP, 3000);
	world_add(&w, s, NULL, 0);
	world_says(&w,
		   "3000/tcp is not free: nothing listens there, but a connection with "
		   "192.0.2.9:50000, closed here, is not over: the other end has not "
		   "closed it (FIN_WAIT2); SO_REUSEADDR does not help");
	w.listeners[0].sock.state = TCP_FIN_WAIT1;
	w.answer.reuse_works = true;
	w.answer.n_kind[FREE_KIND_ORPHAN] = 2;
	world_says(&w, "3000/tcp is not free: nothing listens there, but 2 connections "
		       "with 192.0.2.9:50000 and others, closed here, are not over: the "
		       "other end has not confirmed it (FIN_WAIT1); a server that sets "
		       "SO_REUSEADDR, as most do, can start now");
	world_advises(&w, "");
}

static void privileged_is_said_only_where_it_is_the_reason(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, IPPROTO_TCP, 80);
	w.answer.error = EACCES;
	w.answer.reuse_asked = false;
	world_says(&w,
		   "80/tcp is not free: the kernel does not let us bind it (EACCES), "
		   "by a security module or Landlock, or since the network belongs to "
		   "another user namespace; no socket has it");
	assert_int_equal(w.answer.cause, FREE_UNKNOWN);
	w.answer.capable = w.context.root = false;
	world_says(&w,
		   "80/tcp is not free: ports below 1024 are for root and for programs "
		   "with CAP_NET_BIND_SERVICE; nothing else is in the way");
	world_advises(&w, "to allow it: sudo setcap cap_net_bind_service=+ep PROGRAM|or: "
			  "sudo sysctl net.ipv4.ip_unprivileged_port_start=80");
	world_add(&w, sock_of(IPPROTO_TCP, TCP_LISTEN, "::", 80), "x", 42);
	world_says(&w, "80/tcp is not free: x (pid 42, user 0) listens on every address; "
		       "besides, ports below 1024 are for root");
	world_init(&w, IPPROTO_TCP, 3000);
	w.answer.error = EPERM;
	w.answer.reuse_asked = w.answer.capable = false;
	world_says(&w,
		   "3000/tcp is not free: the kernel does not let us bind it (EPERM), "
		   "by a BPF program of our control group, perhaps; no socket has it");
	w.answer.error = EACCES;
	world_says(&w,
		   "3000/tcp is not free: the kernel does not let us bind it (EACCES), "
		   "by a security module or Landlock, or since the network belongs to "
		   "another user namespace; no socket has it");
}

static void what_is_not_known_is_said_to_be(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, IPPROTO_TCP, 3000);
	world_says(&w, "3000/tcp is not free: the kernel says that it is in use, but no "
		       "socket is seen that has it");
	assert_int_equal(w.answer.cause, FREE_UNKNOWN);
	world_advises(&w, "");
	w.answer.shows_bound = false;
	world_says(&w,
		   "3000/tcp is not free: the kernel says that it is in use, but no "
		   "socket is seen that has it (one that is bound and does not listen "
		   "is not, before Linux 6.8)");
	w.answer.blind = true;
	world_says(&w,
		   "3000/tcp is not free: the kernel says that it is in use, but does "
		   "not list its sockets here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free_is_said_with_what_may_happen),
		cmocka_unit_test(a_listener_is_said_with_its_addresses),
		cmocka_unit_test(
			a_service_is_stopped_by_its_manager_unless_it_is_our_own),
		cmocka_unit_test(who_is_hidden_is_never_called_nobody),
		cmocka_unit_test(bound_is_said),
		cmocka_unit_test(time_wait_is_said_with_its_seconds),
		cmocka_unit_test(connections_are_said_by_their_way),
		cmocka_unit_test(what_is_closed_but_not_over_has_no_owner),
		cmocka_unit_test(privileged_is_said_only_where_it_is_the_reason),
		cmocka_unit_test(what_is_not_known_is_said_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
