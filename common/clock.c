#include "clock.h"

#include <string.h>
#include <time.h>

static int64_t clock_read_ns(clockid_t id)
{
	struct timespec ts;

	/* Can't fail: both clocks exist on every Linux, and the pointer is good. */
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

/* Write N in decimal, with zeros in front up to WIDTH digits. Returns the end. */
static char *put_number(char *at, uint64_t n, size_t width)
{
	char digits[20];
	size_t n_digits = 0;

	do {
		digits[n_digits++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	for (; width > n_digits; width--)
		*at++ = '0';
	while (n_digits)
		*at++ = digits[--n_digits];
	return at;
}

static char *put_text(char *at, const char *s)
{
	size_t len = strlen(s);

	memcpy(at, s, len);
	return at + len;
}

void clock_rfc3339(int64_t wall_ns, char out[CLOCK_RFC3339_SIZE])
{
	int64_t s = wall_ns / NS_PER_S, ns = wall_ns % NS_PER_S;
	char *at = out;
	struct tm tm;
	time_t t;

	/* Before 1970 the fraction still counts forward. */
	if (ns < 0) {
		ns += NS_PER_S;
		s--;
	}
	t = (time_t)s;
	/* 64 bits of ns reach from 1677 to 2262: always four digits, never an error. */
	gmtime_r(&t, &tm);
	at = put_number(at, (uint64_t)tm.tm_year + 1900, 4);
	*at++ = '-';
	at = put_number(at, (uint64_t)tm.tm_mon + 1, 2);
	*at++ = '-';
	at = put_number(at, (uint64_t)tm.tm_mday, 2);
	*at++ = 'T';
	at = put_number(at, (uint64_t)tm.tm_hour, 2);
	*at++ = ':';
	at = put_number(at, (uint64_t)tm.tm_min, 2);
	*at++ = ':';
	at = put_number(at, (uint64_t)tm.tm_sec, 2);
	*at++ = '.';
	at = put_number(at, (uint64_t)(ns / NS_PER_MS), 3);
	*at++ = 'Z';
	*at = '\0';
}

/* How a duration below a minute is shown: rounded to STEP_NS, if it then has less than
 * LIMIT steps. The first that fits is taken, so 999.6 ms falls through to "1.00 s". */
struct human_range {
	uint64_t step_ns;
	uint64_t limit;
	unsigned int decimals;
	const char *unit;
};

static const struct human_range human_ranges[] = {
	{ 10 * NS_PER_US, 1000, 2, " ms" }, { 100 * NS_PER_US, 1000, 1, " ms" },
	{ NS_PER_MS, 1000, 0, " ms" },	    { 10 * NS_PER_MS, 1000, 2, " s" },
	{ 100 * NS_PER_MS, 600, 1, " s" },
};

static char *put_human(char *at, uint64_t ns)
{
	uint64_t n;

	for (size_t i = 0; i < ARRAY_SIZE(human_ranges); i++) {
		const struct human_range *r = &human_ranges[i];
		uint64_t scale = r->decimals == 2 ? 100 : r->decimals == 1 ? 10 : 1;

		n = (ns + r->step_ns / 2) / r->step_ns;
		if (n >= r->limit)
			continue;
		at = put_number(at, n / scale, 1);
		if (r->decimals) {
			*at++ = '.';
			at = put_number(at, n % scale, r->decimals);
		}
		return put_text(at, r->unit);
	}
	n = (ns + NS_PER_S / 2) / NS_PER_S;
	if (n < 3600) {
		at = put_text(put_number(at, n / 60, 1), " min ");
		return put_text(put_number(at, n % 60, 1), " s");
	}
	n = (ns + 30 * NS_PER_S) / (60 * NS_PER_S);
	at = put_text(put_number(at, n / 60, 1), " h ");
	return put_text(put_number(at, n % 60, 1), " min");
}

void clock_human(int64_t ns, char *out, size_t size)
{
	char text[CLOCK_HUMAN_SIZE];
	size_t len;

	if (!size)
		return;
	len = (size_t)(put_human(text, ns > 0 ? (uint64_t)ns : 0) - text);
	len = min_size(len, size - 1);
	memcpy(out, text, len);
	out[len] = '\0';
}
