#include "parse.h"

#include <errno.h>
#include <string.h>

#define DURATION_MAX_NS (365 * 86400 * NS_PER_S)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int parse_u64_n(const char *s, size_t len, uint64_t min, uint64_t max, uint64_t *ret_n)
{
	bool overflow = false;
	uint64_t n = 0;

	if (!len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		unsigned int digit;

		if (!is_digit(s[i]))
			return -EINVAL;
		digit = (unsigned int)(s[i] - '0');
		/* Read on: what follows decides between too large and no number. */
		if (n > (UINT64_MAX - digit) / 10)
			overflow = true;
		else
			n = n * 10 + digit;
	}
	if (overflow || n < min || n > max)
		return -ERANGE;
	*ret_n = n;
	return 0;
}

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret_n)
{
	return parse_u64_n(s, strlen(s), min, max, ret_n);
}

struct duration_unit {
	const char *name;
	int64_t ns;
};

static const struct duration_unit duration_units[] = {
	{ "", NS_PER_S },
	{ "s", NS_PER_S },
	{ "ms", NS_PER_MS },
	{ "us", NS_PER_US },
	{ "ns", 1 },
	{ "m", 60 * NS_PER_S },
	{ "min", 60 * NS_PER_S },
	{ "h", 3600 * NS_PER_S },
	{ "d", 86400 * NS_PER_S },
};

/* How many ns the unit NAME has, 0 if it is none. */
static int64_t unit_ns(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(duration_units); i++)
		if (!strcmp(name, duration_units[i].name))
			return duration_units[i].ns;
	return 0;
}

/*
 * UNIT times 0.DIGITS, rounded down. From the last digit to the first: as only integers
 * are added before each division by ten, rounding down at every step is the same as doing
 * so once at the end, and any number of digits fits.
 */
static int64_t fraction_ns(const char *digits, size_t len, int64_t unit)
{
	int64_t ns = 0;

	while (len--)
		ns = ((digits[len] - '0') * unit + ns) / 10;
	return ns;
}

int parse_duration_ns(const char *s, int64_t *ret_ns)
{
	size_t n_whole = 0, n_fraction = 0;
	const char *fraction, *unit;
	int64_t per_unit, ns;
	uint64_t whole;
	int err;

	while (is_digit(s[n_whole]))
		n_whole++;
	fraction = unit = s + n_whole;
	if (*unit == '.') {
		fraction++;
		while (is_digit(fraction[n_fraction]))
			n_fraction++;
		if (!n_fraction)
			return -EINVAL;
		unit = fraction + n_fraction;
	}
	per_unit = unit_ns(unit);
	if (!n_whole || !per_unit)
		return -EINVAL;
	err = parse_u64_n(s, n_whole, 0, (uint64_t)(DURATION_MAX_NS / per_unit), &whole);
	if (err)
		return err;
	ns = (int64_t)whole * per_unit + fraction_ns(fraction, n_fraction, per_unit);
	if (ns > DURATION_MAX_NS)
		return -ERANGE;
	*ret_ns = ns;
	return 0;
}
