#include "services.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse.h"

/* One bit a port, in words, for each of the two protocols. */
#define SEEN_WORDS (65536 / 64)
/* From so many ranges on, a list keeps its bits instead of making them anew. */
#define FEW_RANGES 8

static size_t seen_at(int protocol)
{
	return protocol == IPPROTO_UDP ? SEEN_WORDS : 0;
}

/* The bits of word I that stand for ports from FIRST to LAST. */
static uint64_t mask_of(size_t i, uint32_t first, uint32_t last)
{
	uint64_t mask = UINT64_MAX;

	if (i == first / 64)
		mask &= UINT64_MAX << first % 64;
	if (i == last / 64)
		mask &= UINT64_MAX >> (63 - last % 64);
	return mask;
}

static void set_bits(uint64_t *bits, uint32_t first, uint32_t last)
{
	for (size_t i = first / 64; i <= last / 64; i++)
		bits[i] |= mask_of(i, first, last);
}

/* The first port from FIRST to LAST whose bit is WANTED; LAST + 1 if there is none. */
static uint32_t find_bit(const uint64_t *bits, uint32_t first, uint32_t last, bool wanted)
{
	for (size_t i = first / 64; first <= last && i <= last / 64; i++) {
		uint64_t found = (wanted ? bits[i] : ~bits[i]) & mask_of(i, first, last);

		if (found)
			return (uint32_t)i * 64 + (uint32_t)__builtin_ctzll(found);
	}
	return last + 1;
}

/* Make sure that EXTRA more ranges fit, and that there are bits if they become many. */
static int reserve(struct port_list *list, size_t extra)
{
	size_t need = list->n_ranges + extra;

	if (need > list->cap_ranges) {
		size_t cap = list->cap_ranges ? 2 * list->cap_ranges : 1;
		struct port_range *ranges;

		cap = cap < need ? need : cap;
		ranges = reallocarray(list->ranges, cap, sizeof(*ranges));
		if (!ranges)
			return -ENOMEM;
		list->ranges = ranges;
		list->cap_ranges = cap;
	}
	if (need > FEW_RANGES && !list->seen) {
		list->seen = calloc(2 * SEEN_WORDS, sizeof(*list->seen));
		if (!list->seen)
			return -ENOMEM;
		for (size_t i = 0; i < list->n_ranges; i++)
			set_bits(list->seen + seen_at(list->ranges[i].protocol),
				 list->ranges[i].first, list->ranges[i].last);
	}
	return 0;
}

/* Add ports none of which the list has. There is room. */
static void append(struct port_list *list, uint32_t first, uint32_t last, int protocol)
{
	struct port_range *before = list->n_ranges ? &list->ranges[list->n_ranges - 1]
						   : NULL;

	if (before && before->protocol == protocol && before->last + 1U == first)
		before->last = (uint16_t)last;
	else
		list->ranges[list->n_ranges++] = (struct port_range){
			.first = (uint16_t)first,
			.last = (uint16_t)last,
			.protocol = (uint8_t)protocol,
			.index = (uint32_t)list->n_ports,
		};
	list->n_ports += last - first + 1;
}

/* Add those of the ports that the list does not have. There is room. */
static void append_new(struct port_list *list, const struct port_range *range)
{
	uint64_t made[SEEN_WORDS] = { 0 };
	uint64_t *bits = list->seen ? list->seen + seen_at(range->protocol) : made;
	uint32_t last = range->last, at;

	for (size_t i = 0; !list->seen && i < list->n_ranges; i++) {
		if (list->ranges[i].protocol == range->protocol)
			set_bits(made, list->ranges[i].first, list->ranges[i].last);
	}
	at = find_bit(bits, range->first, last, false);
	while (at <= last) {
		uint32_t end = find_bit(bits, at, last, true);

		append(list, at, end - 1, range->protocol);
		at = find_bit(bits, end, last, false);
	}
	set_bits(bits, range->first, last);
}

int port_list_add_range(struct port_list *list, uint16_t first, uint16_t last,
			int protocol)
{
	const struct port_range range = { first, last, (uint8_t)protocol, 0 };
	int err;

	if (!first || first > last ||
	    (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP))
		return -EINVAL;
	/* Each range that is there can split the new one once more. */
	err = reserve(list, list->n_ranges + 1);
	if (!err)
		append_new(list, &range);
	return err;
}

void port_list_release(struct port_list *list)
{
	if (!list)
		return;
	free(list->ranges);
	free(list->seen);
	*list = (struct port_list){ 0 };
}

void port_list_at(const struct port_list *list, size_t i, uint16_t *ret_port,
		  int *ret_protocol)
{
	size_t low = 0, high = list->n_ranges;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (list->ranges[middle].index <= i)
			low = middle;
		else
			high = middle;
	}
	*ret_port = (uint16_t)(list->ranges[low].first + (i - list->ranges[low].index));
	*ret_protocol = list->ranges[low].protocol;
}

/* Where a part of a port list is read, and where to say what is wrong with it. */
struct item {
	const char *text; /* with the suffix, cut for messages */
	const char *body; /* without it */
	size_t len;	  /* of the body */
	char *why;
	size_t why_size;
};

#define REFUSE(item, ...) (snprintf((item)->why, (item)->why_size, __VA_ARGS__), -EINVAL)

static int read_range(const struct item *item, struct port_range *range)
{
	const char *dash = memchr(item->body, '-', item->len);
	size_t first_len = dash ? (size_t)(dash - item->body) : item->len;
	size_t last_len = dash ? item->len - first_len - 1 : 0;
	const char *what = dash ? "port range" : "port";
	int err_first, err_last = 0;
	uint64_t first, last;

	if (dash && (!first_len || !last_len || memchr(dash + 1, '-', last_len)))
		return REFUSE(
			item,
			"%s '%s': expected the first and the last port, as in 1-1024",
			what, item->text);
	err_first = parse_u64_n(item->body, first_len, 0, 65535, &first);
	if (dash)
		err_last = parse_u64_n(dash + 1, last_len, 0, 65535, &last);
	if (err_first || err_last)
		return REFUSE(item, "%s '%s': expected 1-65535", what, item->text);
	if (!dash)
		last = first;
	if (!first && !dash)
		return REFUSE(item,
			      "port '%s': reserved, nothing can be reached there "
			      "(expected 1-65535)",
			      item->text);
	if (first > last)
		return REFUSE(item, "%s '%s': expected the lower port first", what,
			      item->text);
	if (!first)
		return REFUSE(item, "%s '%s': port 0 is reserved (expected 1-65535)",
			      what, item->text);
	range->first = (uint16_t)first;
	range->last = (uint16_t)last;
	return 0;
}

static int read_service(const struct item *item, struct port_range *range)
{
	int other = range->protocol == IPPROTO_UDP ? IPPROTO_TCP : IPPROTO_UDP;
	char name[SERVICES_NAME_SIZE] = "";
	uint16_t port;

	if (item->len < sizeof(name) && !memchr(item->body, '\0', item->len))
		memcpy(name, item->body, item->len);
	if (!services_port(name, range->protocol, &range->first)) {
		range->last = range->first;
		return 0;
	}
	if (!services_port(name, other, &port))
		return REFUSE(
			item,
			"service '%s': in the services database for %s only, as %u/%s "
			"(expected %s/%s, or a port number)",
			name, protocol_word(other), (unsigned int)port,
			protocol_word(other), name, protocol_word(other));
	if (isdigit((unsigned char)item->body[0]))
		return REFUSE(item, "port '%s': expected a number from 1 to 65535",
			      item->text);
	return REFUSE(item,
		      "service '%s': not in the services database "
		      "(expected a port number or a service name)",
		      item->text);
}

/* Read the LEN bytes at TEXT, which have no comma. */
static int read_item(const char *text, size_t len, int default_protocol,
		     struct port_range *ret_range, char *why, size_t why_size)
{
	const char *slash = memchr(text, '/', len);
	size_t body_len = slash ? (size_t)(slash - text) : len;
	size_t suffix_len = slash ? len - body_len - 1 : 0;
	char shown[OPERAND_SHOWN_SIZE];
	const struct item item = { operand_shown(text, len, shown), text, body_len, why,
				   why_size };
	struct port_range range = { .protocol = (uint8_t)default_protocol };
	bool number = true;
	int err;

	if (slash && suffix_len == 3 && strncasecmp(slash + 1, "tcp", 3) == 0)
		range.protocol = IPPROTO_TCP;
	else if (slash && suffix_len == 3 && strncasecmp(slash + 1, "udp", 3) == 0)
		range.protocol = IPPROTO_UDP;
	else if (slash)
		return REFUSE(&item,
			      "port '%s': unknown protocol (expected /tcp or /udp)",
			      shown);
	if (!body_len)
		return REFUSE(&item,
			      "port '%s': expected a port before the slash, as in 53/udp",
			      shown);
	for (size_t i = 0; i < body_len; i++)
		number = number && strchr("0123456789-", text[i]) && text[i];
	err = number ? read_range(&item, &range) : read_service(&item, &range);
	if (!err)
		*ret_range = range;
	return err;
}

/* Is TEXT a list at all: parts with commas between them? */
static int check_list(const char *text, char *why, size_t why_size)
{
	size_t len = strlen(text);
	char shown[OPERAND_SHOWN_SIZE];

	operand_shown(text, len, shown);
	if (!len)
		snprintf(why, why_size, "ports '': expected e.g. 80, 1-1024, https");
	else if (strpbrk(text, " \t\r\n"))
		snprintf(why, why_size, "ports '%s': expected no blanks, as in 80,443",
			 shown);
	else if (text[0] == ',' || text[len - 1] == ',' || strstr(text, ",,"))
		snprintf(why, why_size,
			 "ports '%s': expected a port on both sides of a comma", shown);
	else
		return 0;
	return -EINVAL;
}

int port_list_add(struct port_list *list, const char *text, int default_protocol,
		  char *ret_why, size_t why_size)
{
	int err = check_list(text, ret_why, why_size);
	struct port_list added = { 0 };
	struct port_range range;

	if (err)
		return err;
	for (const char *at = text; !err && *at;) {
		size_t len = strcspn(at, ",");

		err = read_item(at, len, default_protocol, &range, ret_why, why_size);
		if (!err)
			err = port_list_add_range(&added, range.first, range.last,
						  range.protocol);
		at += len;
		at += *at == ',';
	}
	/* From here on nothing fails, so that the list takes all or nothing. */
	if (!err)
		err = reserve(list, list->n_ranges + added.n_ranges);
	for (size_t i = 0; !err && i < added.n_ranges; i++)
		append_new(list, &added.ranges[i]);
	port_list_release(&added);
	if (err == -ENOMEM)
		snprintf(ret_why, why_size, "out of memory");
	return err;
}

bool port_list_looks_like(const char *text)
{
	if (!*text || strpbrk(text, ".:%[]"))
		return false;
	if (isdigit((unsigned char)text[0]) || strpbrk(text, ",/") || text[0] == '-')
		return true;
	/* Of any protocol: ports of one that can't be asked for are reported as such. */
	return services_known(text);
}
