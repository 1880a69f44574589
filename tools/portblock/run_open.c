/*
 * Privileged work: acquire, drop, verify; before anything from outside is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/icmp6.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "diag.h"
#include "fd.h"
#include "priv.h"
#include "run_private.h"

static int watch_signals(struct run *run)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	run->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return run->signal_fd < 0 ? -errno : 0;
}

/* Only where ping sockets are not allowed; failing leaves -1, and echo is not asked. */
static void open_raw(struct run *run)
{
	struct icmp6_filter filter;

	if (run->config->no_capture)
		return;
	run->raw_fd[0] =
		socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	run->raw_fd[1] =
		socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	if (run->raw_fd[0] >= 0) {
		(void)icmp_enable(run->raw_fd[0], AF_INET);
		(void)icmp_enable_ttl(run->raw_fd[0], AF_INET);
	}
	if (run->raw_fd[1] < 0)
		return;
	(void)icmp_enable(run->raw_fd[1], AF_INET6);
	(void)icmp_enable_ttl(run->raw_fd[1], AF_INET6);
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
	setsockopt(run->raw_fd[1], IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
}

static int open_write_file(struct run *run)
{
	const char *path = run->config->write_file;
	int fd, err;

	if (!path)
		return 0;
	if (!run->capture) {
		diag_error("option '--write': no capture: %s", run->no_capture_why);
		return 3;
	}
	fd = !strcmp(path, "-")
		     ? dup(STDOUT_FILENO)
		     : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	err = fd < 0 ? -errno : capture_write_to(run->capture, fd);
	if (err < 0) {
		diag_error("cannot write: '%s': %s", path, strerror(-err));
		return 3;
	}
	return 0;
}

static int open_report_file(struct run *run)
{
	const char *path = run->config->report_file;

	if (!path)
		return 0;
	if (ticket_format_of(path, &run->ticket.format) < 0)
		return 2; /* config.c has said so */
	/* Now, while we may; emptied only when there is something to put in. */
	run->report_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (run->report_fd < 0) {
		diag_error("cannot write: '%s': %s", path, strerror(errno));
		return 3;
	}
	return 0;
}

static void open_capture(struct run *run)
{
	int err;

	if (run->config->no_capture) {
		snprintf(run->no_capture_why, sizeof(run->no_capture_why),
			 "--no-capture was given");
		return;
	}
	err = capture_open(&run->capture, run->no_capture_why,
			   sizeof(run->no_capture_why));
	if (err < 0)
		run->capture = NULL;
}

static int check_rule(const struct run *run)
{
	if (!run->config->rule || priv_has(CAP_NET_ADMIN))
		return 0;
	diag_error("option '--rule': needs CAP_NET_ADMIN (try sudo)");
	return 3;
}

int run_open(struct run *run)
{
	int status = check_rule(run);
	int err = 0;

	if (!status)
		open_capture(run);
	if (!status)
		status = open_write_file(run);
	if (!status)
		status = open_report_file(run);
	if (status)
		return status;
	open_raw(run);
	err = priv_drop(run->config->rule ? CAP_NET_ADMIN : -1);
	if (err < 0) {
		diag_error("cannot give up privilege: %s", strerror(-err));
		return 3;
	}
	err = watch_signals(run);
	if (!err)
		err = resolver_create(&run->resolver);
	if (!err)
		err = out_open(&run->out,
			       run->config->quiet ? OUT_TEXT : run->config->format,
			       &report_blocks, NULL, STDOUT_FILENO);
	if (err < 0) {
		diag_error("cannot start: %s", strerror(-err));
		return 3;
	}
	if (route_open(&run->routes) < 0)
		run->routes = NULL;
	engine_init(&run->engine, run->config, run->capture, run->raw_fd, run->signal_fd);
	return 0;
}

void run_close(struct run *run)
{
	engine_release(&run->engine);
	capture_close(run->capture);
	resolver_destroy(run->resolver);
	route_close(run->routes);
	services_release(&run->services);
	out_release(&run->out);
	out_record_release(&run->record);
	ticket_release(&run->ticket);
	fd_close(&run->raw_fd[0]);
	fd_close(&run->raw_fd[1]);
	fd_close(&run->signal_fd);
	fd_close(&run->report_fd);
}
