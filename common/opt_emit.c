#include <string.h>

#include "opt_emit.h"
#include "parse.h"

bool opt_emit_takes_command(const struct opt_tool *tool)
{
	for (size_t i = 0; tool->synopsis[i]; i++)
		if (strstr(tool->synopsis[i], "-- "))
			return true;
	return false;
}

void opt_emit_template(struct buf *out, const struct opt_tool *tool, const char *text)
{
	static const char mark[] = "PK_TOOL";
	const char *at;

	while ((at = strstr(text, mark))) {
		buf_add(out, text, (size_t)(at - text));
		buf_adds(out, tool->name);
		text = at + strlen(mark);
	}
	buf_adds(out, text);
}

void opt_emit_letters(struct buf *out, const struct opt_tool *tool, bool takes)
{
	for (size_t i = 0; i < tool->n_options; i++) {
		const struct opt *o = &tool->options[i];

		if (o->letter && (o->kind != OPT_FLAG) == takes)
			buf_addc(out, o->letter);
	}
}

void opt_emit_durations(struct buf *out, const struct opt *o)
{
	static const char *const samples[] = { "250ms", "1s", "3s", "10s",
					       "1m",	"5m", "1h" };
	size_t n = 0;

	/* The longer ones are for options that begin beyond the short ones. */
	for (size_t i = 0; i < ARRAY_SIZE(samples) && n < 4; i++) {
		int64_t ns;

		if (parse_duration_ns(samples[i], &ns))
			continue;
		if ((o->min || o->max) && (ns < o->min || ns > o->max))
			continue;
		buf_addf(out, "%s%s", n++ ? " " : "", samples[i]);
	}
}

const struct opt *opt_emit_first(const struct opt_tool *tool, enum opt_kind kind)
{
	for (size_t i = 0; i < tool->n_options; i++)
		if (tool->options[i].kind == kind)
			return &tool->options[i];
	return NULL;
}
