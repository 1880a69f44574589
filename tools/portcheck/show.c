#include "show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "report.h"
#include "services.h"

/* Lines are held back this long to be sorted: too short to notice, long enough for
 * answers that come together. A sweep's are rarer and may take longer. */
#define HOLD_NS	      (40 * NS_PER_MS)
#define HOLD_SWEEP_NS (1000 * NS_PER_MS)
#define LINES_MAX     4096

static enum term_style style_of(enum port_state state)
{
	switch (state) {
	case STATE_OPEN:
		return TERM_GOOD;
	case STATE_CLOSED:
	case STATE_FILTERED:
	case STATE_UNREACHABLE:
	case STATE_UNRESOLVED:
		return TERM_BAD;
	case STATE_OPEN_FILTERED:
	case STATE_ERROR:
		return TERM_WARN;
	}
	return TERM_PLAIN;
}

void show_state(struct buf *out, enum port_state state, bool color)
{
	const char *word = state_word(state);
	size_t len = strlen(word);

	buf_adds(out, term_begin(style_of(state), color));
	buf_adds(out, word);
	buf_adds(out, term_end(style_of(state), color));
	buf_fill(out, ' ', len < 11 ? 13 - len : 2);
}

static void timer_fired(struct loop_timer *timer)
{
	show_flush(container_of(timer, struct show, timer));
}

int show_init(struct show *s, const struct portcheck_config *config, struct loop *loop,
	      struct out *out, bool sweep)
{
	*s = (struct show){ .config = config,
			    .loop = loop,
			    .out = out,
			    .sweep = sweep && !config->verbose,
			    .color = term_use_color(config->color, STDOUT_FILENO),
			    .timer.fn = timer_fired,
			    .start_ns = clock_now_ns() };
	return s->sweep ? group_set_create(&s->groups, config) : 0;
}

void show_release(struct show *s)
{
	size_t i;

	for (i = 0; i < s->n_lines; i++)
		free(s->lines[i].text);
	free(s->lines);
	s->lines = NULL;
	s->n_lines = 0;
	group_set_destroy(s->groups);
	s->groups = NULL;
}

static int compare(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	/* Inside a block the address leads, of a name the port. */
	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	return addr_compare(&x->addr, &y->addr);
}

void show_flush(struct show *s)
{
	size_t i;

	loop_timer_cancel(s->loop, &s->timer);
	if (s->n_lines)
		qsort(s->lines, s->n_lines, sizeof(*s->lines), compare);
	for (i = 0; i < s->n_lines; i++) {
		out_text(s->out, s->lines[i].text);
		free(s->lines[i].text);
	}
	s->n_lines = 0;
}

/* "example.com:80 (http) at 192.0.2.1" */
static void say_what(struct buf *out, const struct result *r,
		     const struct out_record *rec)
{
	const char *target = out_get_string(rec, CHECK_TARGET);
	const char *address = out_get_string(rec, CHECK_ADDRESS);
	const char *service = out_get_string(rec, CHECK_SERVICE);
	bool brackets = strchr(target, ':') != NULL;

	/* Of a block, the address is the target. */
	if (address && strchr(target, '/')) {
		target = address;
		address = NULL;
		brackets = strchr(target, ':') != NULL;
	}
	buf_addf(out, brackets ? "[%s]:%u" : "%s:%u", target, r->check.port);
	if (r->check.protocol == IPPROTO_UDP)
		buf_adds(out, "/udp");
	if (service && service[0])
		buf_addf(out, " (%s)", service);
	if (address && strcmp(address, target) != 0)
		buf_addf(out, " at %s", address);
}

static void say_evidence(struct buf *out, const struct result *r,
			 const struct out_record *rec)
{
	char human[CLOCK_HUMAN_SIZE];

	buf_addf(out, "             reason %s, %u attempt%s",
		 out_get_string(rec, CHECK_REASON), r->attempts,
		 r->attempts == 1 ? "" : "s");
	if (r->seen.has_icmp)
		buf_addf(out, ", ICMP type %u code %u", r->seen.icmp.type,
			 r->seen.icmp.code);
	if (r->check.resolve_ns >= 0) {
		clock_human(r->check.resolve_ns, human, sizeof(human));
		buf_addf(out, ", name resolved in %s", human);
	}
	if (r->kernel_rtt_ns >= 0) {
		clock_human(r->kernel_rtt_ns, human, sizeof(human));
		buf_addf(out, ", kernel RTT %s, %u SYN%s resent by the kernel", human,
			 r->resent, r->resent == 1 ? "" : "s");
	}
	if (r->race_ns >= 0) {
		clock_human(r->race_ns, human, sizeof(human));
		buf_addf(out, ", first to connect, %s after the race of addresses began",
			 human);
	}
	buf_addc(out, '\n');
}

static char *make_line(struct show *s, const struct result *r,
		       const struct out_record *rec, uint64_t round)
{
	struct buf b = BUF_INIT;
	const char *banner = out_get_string(rec, CHECK_BANNER);

	if (round)
		buf_addf(&b, "#%-4llu ", (unsigned long long)round);
	show_state(&b, r->state, s->color);
	say_what(&b, r, rec);
	buf_addf(&b, "  %s\n", out_get_string(rec, CHECK_MESSAGE));
	if (s->config->banner && r->state == STATE_OPEN)
		buf_addf(&b, "             says %s%s%s\n", banner ? "\"" : "",
			 banner ? banner : "nothing first", banner ? "\"" : "");
	if (s->config->verbose)
		say_evidence(&b, r, rec);
	return buf_steal(&b);
}

bool show_grouped(struct show *s, const struct result *r)
{
	if (!s->sweep || r->state == STATE_OPEN || r->state == STATE_UNRESOLVED)
		return false;
	if (!s->config->open_only && !group_set_add(s->groups, r))
		return false;
	s->n_results++;
	s->by_state[r->state]++;
	return true;
}

void show_result(struct show *s, const struct result *r, const struct out_record *rec,
		 uint64_t round)
{
	struct line *line;

	s->n_results++;
	s->by_state[r->state]++;
	if (r->state != STATE_OPEN && s->config->open_only)
		return;
	if (s->n_lines == LINES_MAX)
		show_flush(s);
	if (s->n_lines == s->cap_lines) {
		size_t cap = s->cap_lines ? 2 * s->cap_lines : 16;
		struct line *lines = realloc(s->lines, cap * sizeof(*lines));

		if (!lines)
			return;
		s->lines = lines;
		s->cap_lines = cap;
	}
	line = &s->lines[s->n_lines];
	*line = (struct line){ .target = r->check.target,
			       .addr = r->check.addr,
			       .port = r->check.port,
			       .protocol = r->check.protocol,
			       .text = make_line(s, r, rec, round) };
	if (!line->text)
		return;
	s->n_lines++;
	if (!s->timer.heap &&
	    loop_timer_set(s->loop, &s->timer,
			   clock_now_ns() + (s->sweep ? HOLD_SWEEP_NS : HOLD_NS)) < 0)
		show_flush(s);
}

void show_end(struct show *s, bool interrupted)
{
	struct buf b = BUF_INIT;
	char human[CLOCK_HUMAN_SIZE];
	bool first = true;
	size_t i;

	show_flush(s);
	if (!s->sweep)
		return;
	group_set_say(s->groups, &b, s->color);
	clock_human(clock_now_ns() - s->start_ns, human, sizeof(human));
	buf_add_grouped(&b, s->n_results);
	buf_addf(&b, " check%s in %s%s: ", s->n_results == 1 ? "" : "s", human,
		 interrupted ? ", interrupted" : "");
	for (i = 0; i < STATE_COUNT; i++) {
		if (!s->by_state[i] && i != STATE_OPEN)
			continue;
		buf_adds(&b, first ? "" : ", ");
		buf_add_grouped(&b, s->by_state[i]);
		buf_addf(&b, " %s", state_word((enum port_state)i));
		first = false;
	}
	buf_addc(&b, '\n');
	out_text(s->out, b.data);
	buf_release(&b);
}
