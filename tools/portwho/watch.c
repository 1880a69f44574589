#include "watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "collect.h"
#include "diag.h"
#include "fd.h"
#include "group.h"
#include "look.h"
#include "report.h"
#include "table.h"
#include "text.h"

/* So long a process may take to end. */
#define ENDING_NS NS_PER_S

/* What was new at one look. Kept as long as one of its listeners is there. */
struct batch {
	struct snapshot snapshot;
	size_t n_alive;
};

struct watched {
	uint64_t cookie;
	const struct netns *netns;
	struct batch *batch;
	size_t index;	 /* in the batch */
	bool seen;	 /* in the present look */
	int64_t lost_ns; /* since when its owner is gone, and nobody is found; 0 */
};

struct watch {
	const struct portwho_config *config;
	struct owners *owners;
	struct naming names;
	struct out out;
	struct out_record record;
	struct watched *known; /* sorted by compare() */
	size_t n_known, cap_known;
	int signal_fd;
	int64_t until_ns; /* 0: no end */
	int64_t n_changes;
	int signal; /* that ended it */
	bool first; /* nothing is a change yet */
	bool color;
};

static struct listener *listener_of(const struct watched *w)
{
	return &w->batch->snapshot.listeners[w->index];
}

static bool is_over(const struct watch *w)
{
	return w->signal || w->out.closed || w->out.error ||
	       (w->config->count && w->n_changes >= w->config->count) ||
	       (w->until_ns && clock_now_ns() >= w->until_ns);
}

/* ---- one change ---- */

static enum term_style style_of(const char *event)
{
	return !strcmp(event, "opened")	  ? TERM_GOOD
	       : !strcmp(event, "closed") ? TERM_BAD
					  : TERM_WARN;
}

/* "12:31:07 opened 3000 on *: node (pid 4711), user alice, session-3.scope" */
static void write_line(struct watch *w, const struct listener *l, const char *event,
		       int64_t wall_ns)
{
	const struct process *p = listener_process(l);
	struct row row = { .first = l,
			   .n_sockets = 1,
			   .both_families = listener_is_dual_stack(l) };
	char user[USER_TEXT_SIZE], when[32];
	time_t now = (time_t)(wall_ns / NS_PER_S);
	struct buf text = BUF_INIT;
	struct tm tm;

	if (!localtime_r(&now, &tm) || !strftime(when, sizeof(when), "%H:%M:%S", &tm))
		when[0] = '\0';
	buf_addf(&text, "%s %s%-6s%s ", when, term_begin(style_of(event), w->color),
		 event, term_end(style_of(event), w->color));
	cell_name(&text, l);
	buf_adds(&text, l->sock.family == AF_UNIX ? " " : " on ");
	cell_address(&text, &row);
	buf_adds(&text, ": ");
	if (p) {
		text_escape_str(&text, p->comm);
		buf_addf(&text, " (pid %d)", (int)p->pid);
	} else {
		buf_adds(&text, l->owner == OWNER_KERNEL ? "kernel"
				: l->owner == OWNER_GONE ? "gone again"
							 : "hidden");
	}
	buf_adds(&text, ", user ");
	text_escape_str(&text, users_name(&w->names.users,
					  p && p->has_uid ? p->uid : l->sock.uid, user));
	if (l->place.unit[0] || l->place.container[0]) {
		buf_adds(&text, ", ");
		cell_unit(&text, l);
	}
	buf_addc(&text, '\n');
	if (text.failed)
		w->out.error = -ENOMEM;
	else
		out_text(&w->out, text.data);
	buf_release(&text);
}

static void tell(struct watch *w, const struct listener *l, const char *event,
		 int64_t wall_ns)
{
	if (w->first || !filter_admits_owner(&w->config->filter, l) || is_over(w))
		return;
	w->n_changes++;
	if (w->config->quiet)
		return;
	if (w->config->format == OUT_TEXT) {
		write_line(w, l, event, wall_ns);
		return;
	}
	out_record_clear(&w->record, wall_ns);
	report_listener(&w->record, &w->names, l);
	out_set_string(&w->record, WHO_EVENT, event);
	out_record(&w->out, &w->record);
}

/* ---- what is known ---- */

static int compare(const void *a, const void *b)
{
	const struct watched *x = a, *y = b;

	if (x->cookie != y->cookie)
		return x->cookie < y->cookie ? -1 : 1;
	return x->netns < y->netns ? -1 : x->netns > y->netns;
}

static struct watched *find(struct watch *w, const struct listener *l)
{
	struct watched key = { .cookie = l->sock.cookie, .netns = l->netns };

	return w->n_known ? bsearch(&key, w->known, w->n_known, sizeof(key), compare)
			  : NULL;
}

static void batch_drop(struct batch *b)
{
	if (!b || --b->n_alive)
		return;
	snapshot_release(&b->snapshot);
	free(b);
}

static int add_known(struct watch *w, struct batch *batch)
{
	size_t n = batch->snapshot.n, i;
	size_t cap = w->n_known + n;

	if (cap > w->cap_known) {
		struct watched *more = realloc(w->known, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		w->known = more;
		w->cap_known = cap;
	}
	for (i = 0; i < n; i++)
		w->known[w->n_known++] = (struct watched){
			.cookie = batch->snapshot.listeners[i].sock.cookie,
			.netns = batch->snapshot.listeners[i].netns,
			.batch = batch,
			.index = i,
			.seen = true
		};
	batch->n_alive = n;
	if (n)
		qsort(w->known, w->n_known, sizeof(*w->known), compare);
	return 0;
}

/* Sockets of NEW that are not known: with their owners, told, and known from now on. */
static int take_new(struct watch *w, struct snapshot *new)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	size_t i;
	int err = 0;

	if (!batch)
		return -ENOMEM;
	batch->snapshot = *new;
	*new = (struct snapshot){ 0 };
	err = look_owners(w->config, w->owners, w->config->verbose, &batch->snapshot);
	for (i = 0; !err && i < batch->snapshot.n; i++)
		tell(w, &batch->snapshot.listeners[i], "opened", batch->snapshot.wall_ns);
	if (!err)
		err = add_known(w, batch);
	if (err || !batch->snapshot.n) {
		batch->n_alive = 1;
		batch_drop(batch);
	}
	return err;
}

/* ---- one look ---- */

/* Leave in S what is not known; mark what is. */
static void keep_new(struct watch *w, struct snapshot *s)
{
	size_t i, kept = 0;

	for (i = 0; i < w->n_known; i++)
		w->known[i].seen = false;
	for (i = 0; i < s->n; i++) {
		struct watched *k = find(w, &s->listeners[i]);

		if (!k) {
			s->listeners[kept++] = s->listeners[i];
			continue;
		}
		k->seen = true;
		listener_release(&s->listeners[i]);
	}
	s->n = kept;
}

static void drop_closed(struct watch *w, int64_t wall_ns)
{
	size_t i, kept = 0;

	for (i = 0; i < w->n_known; i++) {
		if (w->known[i].seen) {
			w->known[kept++] = w->known[i];
			continue;
		}
		tell(w, listener_of(&w->known[i]), "closed", wall_ns);
		batch_drop(w->known[i].batch);
	}
	w->n_known = kept;
}

/* Does the descriptor H still stand for the socket? True where it can't be told. */
static bool still_holds(const struct holder *h, uint32_t inode)
{
	char path[64], link[64], want[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)h->process->pid, h->fd);
	snprintf(want, sizeof(want), "socket:[%" PRIu32 "]", inode);
	n = readlink(path, link, sizeof(link));
	if (n < 0)
		return errno != ENOENT && errno != ESRCH;
	return n == (ssize_t)strlen(want) && !memcmp(link, want, (size_t)n);
}

/* Has the process that is named for it ended or let it go, though the socket is still
 * there? One that ended and was not waited for has no descriptors, either. */
static bool has_lost_owner(struct watch *w, const struct listener *l)
{
	const struct process *p = listener_process(l);
	uint64_t ticks;
	size_t i;

	if (!p)
		return false;
	if (process_start_ticks(w->owners->proc, p->pid, &ticks) < 0 ||
	    ticks != p->start_ticks)
		return true;
	for (i = 0; i < l->n_holders; i++)
		if (l->holders[i].process == p &&
		    still_holds(&l->holders[i], l->sock.inode))
			return false;
	return true;
}

static bool same_process(const struct process *a, const struct process *b)
{
	return a && b ? a->pid == b->pid && a->start_ticks == b->start_ticks : a == b;
}

/* A process that ends has no descriptors any more, and still its sockets for a moment. */
static bool is_ending(struct watched *k, const struct listener *now)
{
	int64_t now_ns = clock_now_ns();

	if (now->n_holders)
		return false;
	if (!k->lost_ns)
		k->lost_ns = now_ns;
	return now_ns - k->lost_ns < ENDING_NS;
}

/* Who holds it now? Its sockets stay known, in a batch of their own. */
static int change_owners(struct watch *w, int64_t wall_ns)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < w->n_known; i++) {
		struct watched *k = &w->known[i];
		struct batch *own;
		bool same;

		if (!has_lost_owner(w, listener_of(k))) {
			k->lost_ns = 0;
			continue;
		}
		own = calloc(1, sizeof(*own));
		if (!own)
			return -ENOMEM;
		own->n_alive = 1;
		own->snapshot.wall_ns = wall_ns;
		err = snapshot_copy_socket(&own->snapshot, listener_of(k));
		if (!err)
			err = look_owners(w->config, w->owners, true, &own->snapshot);
		/* What is closed by now is told as such at the next look, by the owner
		 * that it had. */
		if (err || own->snapshot.listeners[0].owner == OWNER_GONE ||
		    is_ending(k, &own->snapshot.listeners[0])) {
			batch_drop(own);
			continue;
		}
		same = same_process(listener_process(listener_of(k)),
				    listener_process(&own->snapshot.listeners[0]));
		batch_drop(k->batch);
		k->batch = own;
		k->index = 0;
		if (!same)
			tell(w, listener_of(k), "owner", wall_ns);
	}
	return err;
}

static int look_again(struct watch *w)
{
	struct snapshot s = { 0 };
	int err = look_sockets(w->config, w->owners, &s);
	int64_t wall_ns = s.wall_ns;

	if (!err && w->first)
		look_warn(&s);
	if (!err) {
		keep_new(w, &s);
		drop_closed(w, wall_ns);
		err = change_owners(w, wall_ns);
	}
	if (!err && s.n)
		err = take_new(w, &s);
	snapshot_release(&s);
	w->first = false;
	return err;
}

/* ---- all ---- */

static int watch_signals(struct watch *w)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	w->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return w->signal_fd < 0 ? -errno : 0;
}

static void wait_interval(struct watch *w, int64_t next_ns)
{
	struct signalfd_siginfo info;

	while (!is_over(w)) {
		struct pollfd poll_fd = { .fd = w->signal_fd, .events = POLLIN };
		int64_t until_ns = w->until_ns ? min_i64(w->until_ns, next_ns) : next_ns;
		int64_t left_ns = until_ns - clock_now_ns();

		if (left_ns <= 0)
			return;
		if (poll(&poll_fd, 1, (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS)) > 0 &&
		    read(w->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
			w->signal = (int)info.ssi_signo;
	}
}

static void die_by(int signo)
{
	sigset_t mask;

	signal(signo, SIG_DFL);
	raise(signo);
	sigemptyset(&mask);
	sigaddset(&mask, signo);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
}

static int watch_on(struct watch *w)
{
	int err = 0;
	int64_t next_ns = clock_now_ns();

	if (w->config->format == OUT_TEXT && !w->config->quiet)
		diag_hint("waiting for changes; Ctrl-C ends it");
	while (!err && !is_over(w)) {
		err = look_again(w);
		if (!err)
			(void)out_flush(&w->out); /* told by out_finish() */
		next_ns += w->config->interval_ns;
		wait_interval(w, next_ns);
		/* After a long look: not one look after the other without a rest. */
		if (next_ns < clock_now_ns())
			next_ns = clock_now_ns();
	}
	if (err) {
		if (err != LOOK_SAID)
			diag_error("cannot look: %s", strerror(-err));
		return 3;
	}
	if (out_finish(&w->out) < 0) {
		if (w->out.error)
			diag_error("cannot write to standard output: %s",
				   strerror(-w->out.error));
		return 3;
	}
	return w->n_changes ? 0 : 1;
}

int watch_run(const struct portwho_config *config, struct owners *owners)
{
	struct watch w = { .config = config,
			   .owners = owners,
			   .signal_fd = -1,
			   .first = true,
			   .color = term_use_color(config->color, STDOUT_FILENO) };
	int status = 3, err = watch_signals(&w);

	if (config->timeout_ns)
		w.until_ns = clock_now_ns() + config->timeout_ns;
	naming_init(&w.names, config->numeric);
	out_record_init(&w.record, &report_listeners, 0);
	if (!err)
		err = out_open(&w.out, config->quiet ? OUT_TEXT : config->format,
			       &report_listeners, NULL, STDOUT_FILENO);
	if (err)
		diag_error("cannot start: %s", strerror(-err));
	else
		status = watch_on(&w);
	while (w.n_known)
		batch_drop(w.known[--w.n_known].batch);
	free(w.known);
	out_release(&w.out);
	out_record_release(&w.record);
	naming_release(&w.names);
	fd_close(&w.signal_fd);
	if (w.signal)
		die_by(w.signal);
	return status;
}
