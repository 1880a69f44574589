#include "ticket.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "say_private.h"
#include "services.h"
#include "text.h"
#include "ticket_private.h"
#include "words.h"

/* Columns of a name: that of the DNS has 253 (RFC 1035 2.3.4). */
#define NAME_COLUMNS 260
#define RULE_SHOWN   500

int ticket_format_of(const char *path, enum ticket_format *ret_format)
{
	static const struct {
		const char *end;
		enum ticket_format format;
	} ends[] = {
		{ ".md", TICKET_MARKDOWN },
		{ ".markdown", TICKET_MARKDOWN },
		{ ".html", TICKET_HTML },
		{ ".htm", TICKET_HTML },
	};
	size_t len = strlen(path), i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t n = strlen(ends[i].end);

		if (len < n || strcmp(path + len - n, ends[i].end))
			continue;
		*ret_format = ends[i].format;
		return 0;
	}
	return -EINVAL;
}

/* ---- sentences ---- */

/* TEXT with a capital in front. */
static void add_capital(struct buf *out, const char *text)
{
	bool small = *text >= 'a' && *text <= 'z';

	if (small)
		buf_addc(out, (char)(*text - 'a' + 'A'));
	buf_adds(out, text + small);
}

void ticket_sentence(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	add_capital(out, text);
	if (len && !strchr(".!?", text[len - 1]))
		buf_addc(out, '.');
}

/* ---- advice ---- */

/* The bytes of TEXT in front of a command: none, or "on HOST: ". */
static size_t lead_in(const char *text)
{
	const char *colon = strstr(text, ": ");

	return strncmp(text, "on ", 3) || !colon ? 0 : (size_t)(colon - text) + 2;
}

static bool is_command(const char *text)
{
	static const char *const programs[] = {
		"sudo",	      "portblock", "portcheck", "ip",	"ip6tables",  "iptables",
		"nft",	      "tcpdump",   "ss",	"ping", "whois",      "getent",
		"resolvectl", "sysctl",	   "ulimit",	"grep", "traceroute", "portwho"
	};
	size_t n = strcspn(text, " "), i;

	for (i = 0; i < ARRAY_SIZE(programs); i++)
		if (strlen(programs[i]) == n && !strncmp(text, programs[i], n))
			return true;
	return false;
}

/* The bytes of the command TEXT up to where words of ours go on. */
static size_t command_len(const char *text)
{
	static const char *const tails[] = { " would also see ", " while this is " };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tails); i++) {
		const char *at = strstr(text, tails[i]);

		if (at)
			return (size_t)(at - text);
	}
	return strlen(text);
}

static void add_code(struct buf *out, const char *text, size_t len)
{
	buf_adds(out, CODE_BEGIN);
	buf_add(out, text, len);
	buf_adds(out, CODE_END);
}

bool ticket_advice(struct buf *out, const struct account *a, size_t i)
{
	const char *text = a->next.items[i];
	size_t lead = lead_in(text), len;

	if (!strncmp(text, "ask the owner of ", strlen("ask the owner of ")))
		return false;
	if (!is_command(text + lead)) {
		ticket_sentence(out, text);
		return true;
	}
	len = command_len(text + lead);
	if (lead)
		buf_adds(out, "On ");
	buf_add(out, text + (lead ? 3 : 0), lead ? lead - 3 : 0);
	add_code(out, text + lead, len);
	buf_adds(out, text + lead + len);
	buf_adds(out, text[lead + len] ? "." : "");
	return true;
}

/* ---- one port ---- */

static enum ticket_tone tone_of(const struct judgement *j)
{
	if (j->verdict == VERDICT_LOSSY || j->verdict == VERDICT_INCONCLUSIVE ||
	    j->cause == CAUSE_OPEN_BY_PROXY)
		return TONE_WARN;
	return verdict_is_yes(j->verdict) ? TONE_GOOD : TONE_BAD;
}

static const char *meaning(const struct judgement *j)
{
	switch (j->confidence) {
	case CONFIDENCE_CERTAIN:
		if (j->cause == CAUSE_UNRESOLVED)
			return "the resolver itself says so";
		return "the kernel of the machine that tested, or the packets "
		       "themselves, prove it";
	case CONFIDENCE_HIGH:
		return "several independent observations agree, and none contradicts";
	case CONFIDENCE_MEDIUM:
		return "the likeliest cause, but another one would look the same in some "
		       "networks";
	case CONFIDENCE_LOW:
		break;
	}
	return "one observation only, or packets were lost: to be confirmed before "
	       "anything is changed";
}

static const char *protocol_name(const struct findings *f)
{
	return f->protocol == IPPROTO_UDP ? "UDP" : "TCP";
}

static void name_port(struct ticket_view *v, const char *service,
		      const struct findings *f)
{
	char address[ADDR_TEXT_SIZE] = "";
	struct buf host = BUF_INIT;

	if (f->addr.family != AF_UNSPEC)
		addr_to_text(&f->addr, address);
	/* Of a block, the address is the target. */
	if (strchr(f->target, '/'))
		buf_adds(&host, address);
	else
		phrase_foreign(&host, f->target, NAME_COLUMNS);
	buf_addf(&v->subject, strchr(host.data, ':') ? "[%s]:%u" : "%s:%u", host.data,
		 f->port);
	if (*service) {
		text_escape_str(&v->about, service);
		buf_adds(&v->about, ", ");
	}
	buf_adds(&v->about, protocol_name(f));
	if (*address && strcmp(address, host.data))
		buf_addf(&v->about, ", at %s", address);
	v->subject.failed |= host.failed;
	buf_release(&host);
}

/* ---- the connection ---- */

static struct buf *add_fact(struct ticket_view *v, const char *name)
{
	struct ticket_fact *fact = &v->facts[v->n_facts++];

	fact->name = name;
	buf_init(&fact->value);
	return &fact->value;
}

static void add_endpoint(struct buf *out, const struct addr *a, uint16_t port)
{
	char text[ADDR_ENDPOINT_SIZE];

	if (port)
		addr_endpoint_text(a, port, text);
	else
		addr_to_text(a, text);
	add_code(out, text, strlen(text));
}

static void add_ends(struct ticket_view *v, const struct findings *f)
{
	struct buf *out = add_fact(v, "Protocol");

	buf_adds(out, protocol_name(f));
	if (f->addr.family == AF_UNSPEC)
		return;
	buf_adds(out, f->addr.family == AF_INET6 ? " over IPv6" : " over IPv4");
	if (f->source.family != AF_UNSPEC) {
		out = add_fact(v, "Source");
		add_endpoint(out, &f->source, f->source_port);
		buf_adds(out, " (\"this machine\" in this ticket; before any NAT)");
		if (f->tries > 1)
			buf_addf(out,
				 "; the first of %u attempts, the others came from "
				 "other ports",
				 f->tries);
	}
	out = add_fact(v, "Destination");
	add_endpoint(out, &f->addr, f->port);
}

static void add_times(struct ticket_view *v, const struct findings *f)
{
	char text[CLOCK_RFC3339_SIZE];
	struct buf *out = add_fact(v, "Time (UTC)");

	clock_rfc3339(f->start_wall_ns, text);
	add_code(out, text, strlen(text));
	buf_adds(&v->evidence_from, text);
	buf_adds(out, " to ");
	clock_rfc3339(f->end_wall_ns, text);
	add_code(out, text, strlen(text));
}

/* In the syntax of pcap-filter(7), which most firewalls' captures take. */
static void add_filter(struct ticket_view *v, const struct findings *f)
{
	struct buf filter = BUF_INIT;
	struct addr a = f->addr, source = f->source;

	if (a.family == AF_UNSPEC || addr_is_loopback(&a))
		return;
	a.scope = source.scope = 0;
	buf_addf(&filter, "%s port %u and host ", protocol_word(f->protocol), f->port);
	phrase_addr(&filter, &a);
	if (source.family != AF_UNSPEC && !addr_equal(&source, &a)) {
		buf_adds(&filter, " and host ");
		phrase_addr(&filter, &source);
	}
	add_code(add_fact(v, "Capture filter"), filter.data, filter.len);
	buf_release(&filter);
}

static void add_result(struct ticket_view *v, const struct judgement *j)
{
	struct buf words = BUF_INIT;

	buf_addf(&words, "verdict=%s where=%s", verdict_word(j->verdict),
		 where_word(j->where));
	if (method_word(j->method))
		buf_addf(&words, " method=%s", method_word(j->method));
	buf_addf(&words, " state=%s reason=%s", state_word(j->state),
		 reason_word(j->reason));
	add_code(add_fact(v, "Result codes"), words.data, words.len);
	buf_release(&words);
}

static void add_facts(struct ticket_view *v, const struct findings *f,
		      const struct judgement *j)
{
	struct buf rule = BUF_INIT;

	add_ends(v, f);
	add_times(v, f);
	if (f->walk.done && f->walk.source_port)
		buf_addf(add_fact(v, "Path walk"),
			 "the packets that asked hop by hop came from port " CODE_BEGIN
			 "%u" CODE_END,
			 f->walk.source_port);
	if (j->by.family != AF_UNSPEC) {
		struct buf *out = add_fact(v, "Answer from");

		add_endpoint(out, &j->by, 0);
		if (j->by_inferred)
			buf_adds(out, " (concluded from its distance and the path)");
	}
	if (f->local_rule.found) {
		phrase_rule(&rule, &f->local_rule, RULE_SHOWN);
		add_code(add_fact(v, "Rule"), rule.data, rule.len);
		buf_release(&rule);
	}
	add_filter(v, f);
	add_result(v, j);
}

/* ---- the picture ---- */

static const char *picture_note(const struct ticket_view *v, const struct judgement *j)
{
	size_t i;

	if (j->cause == CAUSE_DROPPED_PATH && j->last_hop > 0 && j->next_hop > 0)
		return "A router that drops while it forwards still answers for packets "
		       "that end at it, one that drops on arrival does not: so it is "
		       "the hop before the mark, the one behind it, or a box between "
		       "them.";
	for (i = 0; i < v->n_items; i++)
		if (v->items[i].beyond)
			return "Behind the mark, nothing shows that the packet got "
			       "there.";
	return "";
}

static void view_init(struct ticket_view *v, unsigned int number, const char *service,
		      const struct findings *f, const struct judgement *j,
		      const struct account *a)
{
	struct buf headline = BUF_INIT, message = BUF_INIT;

	*v = (struct ticket_view){ .number = number,
				   .tone = tone_of(j),
				   .subject = BUF_INIT,
				   .about = BUF_INIT,
				   .headline = BUF_INIT,
				   .message = BUF_INIT,
				   .request = BUF_INIT,
				   .evidence_from = BUF_INIT,
				   .confidence = confidence_word(j->confidence),
				   .confidence_means = meaning(j),
				   .account = a };
	name_port(v, service, f);
	words_headline(&headline, f, j);
	add_capital(&v->headline, headline.data);
	v->headline.failed |= headline.failed;
	buf_release(&headline);
	words_message(&message, f, j);
	ticket_sentence(&v->message, message.data);
	v->message.failed |= message.failed;
	buf_release(&message);
	ticket_request(&v->request, f, j);
	add_facts(v, f, j);
	v->n_items = picture_of(f, j, v->items);
	v->picture_note = picture_note(v, j);
}

/* Returns whether memory was short. */
static bool view_release(struct ticket_view *v)
{
	struct buf *all[] = { &v->subject, &v->about,	&v->headline,
			      &v->message, &v->request, &v->evidence_from };
	bool failed = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		failed |= all[i]->failed;
		buf_release(all[i]);
	}
	for (i = 0; i < v->n_facts; i++) {
		failed |= v->facts[i].value.failed;
		buf_release(&v->facts[i].value);
	}
	return failed;
}

void ticket_add(struct ticket *t, const char *service, const struct findings *f,
		const struct judgement *j, const struct account *a)
{
	struct ticket_view v;

	t->n_ports++;
	t->n_open += verdict_is_yes(j->verdict);
	view_init(&v, t->n_ports, service, f, j, a);
	if (t->n_ports == 1)
		buf_addf(&t->title, "%s: %s", v.subject.data, v.headline.data);
	switch (t->format) {
	case TICKET_MARKDOWN:
		markdown_row(&t->rows, &v);
		markdown_section(&t->sections, &v);
		break;
	case TICKET_HTML:
		html_row(&t->rows, &v);
		html_section(&t->sections, &v);
		break;
	}
	t->sections.failed |= view_release(&v);
}

/* ---- the document ---- */

void ticket_finish(const struct ticket *t, struct buf *out, const char *command,
		   int64_t wall_ns)
{
	struct ticket_frame frame = { .title = BUF_INIT, .command = command };

	clock_rfc3339(wall_ns, frame.time);
	if (t->n_ports == 1)
		buf_adds(&frame.title, t->title.data);
	else if (t->n_ports)
		buf_addf(&frame.title, "%u ports were examined, %u can be reached",
			 t->n_ports, t->n_open);
	else
		buf_adds(&frame.title, "The run ended before a port was examined");
	switch (t->format) {
	case TICKET_MARKDOWN:
		markdown_document(out, t, &frame);
		break;
	case TICKET_HTML:
		html_document(out, t, &frame);
		break;
	}
	out->failed |= t->title.failed || t->rows.failed || t->sections.failed ||
		       frame.title.failed;
	buf_release(&frame.title);
}

void ticket_release(struct ticket *t)
{
	if (!t)
		return;
	buf_release(&t->title);
	buf_release(&t->rows);
	buf_release(&t->sections);
	t->n_ports = t->n_open = 0;
}
