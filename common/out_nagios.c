#include <math.h>
#include <string.h>

#include "out_private.h"

/* check_tcp's precision: microseconds where the unit is s. */
#define PERF_DECIMALS 6

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Tools have ASCII names; toupper() would ask the locale. */
static char ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static const char *status_word(enum out_nagios status)
{
	switch (status) {
	case OUT_NAGIOS_OK:
		return "OK";
	case OUT_NAGIOS_WARNING:
		return "WARNING";
	case OUT_NAGIOS_CRITICAL:
		return "CRITICAL";
	case OUT_NAGIOS_UNKNOWN:
		break;
	}
	return "UNKNOWN";
}

static void add_label(struct buf *b, const char *label)
{
	bool quote = !*label || strpbrk(label, " '\t\r\n");

	if (quote)
		buf_addc(b, '\'');
	for (; *label; label++) {
		if (*label == '\'')
			buf_addc(b, '\'');
		if (*label == '=' || *label == '|')
			buf_addc(b, '_');
		else
			buf_addc(b, is_control(*label) ? ' ' : *label);
	}
	if (quote)
		buf_addc(b, '\'');
}

static void add_perf(struct buf *b, const struct out_perf *p)
{
	const double bounds[] = { p->warn, p->crit, p->min, p->max };
	size_t n_bounds = ARRAY_SIZE(bounds);

	add_label(b, p->label);
	buf_addc(b, '=');
	/* Numbers are of the guidelines' class [-0-9.]. */
	if (p->known && isfinite(p->value)) {
		out_add_short(b, p->value, PERF_DECIMALS);
		if (p->unit)
			buf_adds(b, p->unit);
	} else {
		buf_addc(b, 'U');
	}
	while (n_bounds && !isfinite(bounds[n_bounds - 1]))
		n_bounds--;
	for (size_t i = 0; i < n_bounds; i++) {
		buf_addc(b, ';');
		if (isfinite(bounds[i]))
			out_add_short(b, bounds[i], PERF_DECIMALS);
	}
}

void out_nagios_line(struct buf *out, const char *tool, enum out_nagios status,
		     const char *message, const struct out_perf *perfs, size_t n_perfs)
{
	for (; *tool; tool++)
		buf_addc(out, ascii_upper(*tool));
	buf_addc(out, ' ');
	buf_adds(out, status_word(status));
	if (message && *message)
		buf_adds(out, " - ");
	for (; message && *message; message++) {
		if (*message == '|')
			buf_addc(out, '/');
		else
			buf_addc(out, is_control(*message) ? ' ' : *message);
	}
	if (n_perfs)
		buf_adds(out, " |");
	for (size_t i = 0; i < n_perfs; i++) {
		buf_addc(out, ' ');
		add_perf(out, &perfs[i]);
	}
	buf_addc(out, '\n');
}
