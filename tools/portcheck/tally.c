#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN_OPEN = 1, SEEN_NOT_OPEN = 2, SEEN_UNKNOWN = 4, SEEN_UNRESOLVED = 8 };

static size_t ports_of(const struct tally *t, size_t target)
{
	return target_ports(&t->config->targets, &t->config->targets.targets[target])
		->n_ports;
}

int tally_init(struct tally *t, const struct portcheck_config *config)
{
	size_t i;

	*t = (struct tally){ .config = config };
	t->names = calloc(config->targets.n_targets + 1, sizeof(*t->names));
	if (!t->names)
		return -ENOMEM;
	for (i = 0; i < config->targets.n_targets; i++) {
		if (config->targets.targets[i].kind != TARGET_NAME)
			continue;
		t->names[i] = calloc(ports_of(t, i), 1);
		if (!t->names[i]) {
			tally_release(t);
			return -ENOMEM;
		}
	}
	return 0;
}

void tally_release(struct tally *t)
{
	size_t i;

	for (i = 0; t->names && i < t->config->targets.n_targets; i++)
		free(t->names[i]);
	free(t->names);
	t->names = NULL;
}

void tally_clear(struct tally *t)
{
	size_t i;

	for (i = 0; i < t->config->targets.n_targets; i++)
		if (t->names[i])
			memset(t->names[i], 0, ports_of(t, i));
	t->open = t->not_open = t->unknown = 0;
	t->resolver_failed = false;
}

static uint8_t seen_of(enum port_state state)
{
	switch (state) {
	case STATE_OPEN:
		return SEEN_OPEN;
	case STATE_CLOSED:
	case STATE_FILTERED:
	case STATE_OPEN_FILTERED:
	case STATE_UNREACHABLE:
		return SEEN_NOT_OPEN;
	case STATE_UNRESOLVED:
		return SEEN_UNRESOLVED;
	case STATE_ERROR:
		return SEEN_UNKNOWN;
	}
	return SEEN_UNKNOWN;
}

void tally_add(struct tally *t, const struct result *r)
{
	uint8_t seen = seen_of(r->state);
	uint8_t *ports = t->names[r->check.target];

	if (r->reason == REASON_NAME_FAILURE)
		t->resolver_failed = true;
	if (ports)
		ports[r->check.port_index] |= seen;
	else if (seen == SEEN_OPEN)
		t->open++;
	else if (seen == SEEN_NOT_OPEN)
		t->not_open++;
	else
		t->unknown++;
}

struct tally_counts tally_count(const struct tally *t)
{
	struct tally_counts c = { .open = t->open,
				  .not_open = t->not_open,
				  .unknown = t->unknown };
	size_t i, k;

	for (i = 0; i < t->config->targets.n_targets; i++) {
		for (k = 0; t->names[i] && k < ports_of(t, i); k++) {
			uint8_t seen = t->names[i][k];

			if (seen & SEEN_OPEN &&
			    !(t->config->all_addresses && seen & ~SEEN_OPEN))
				c.open++;
			else if (seen & SEEN_NOT_OPEN && !(seen & SEEN_UNKNOWN))
				c.not_open++;
			else if (seen & SEEN_NOT_OPEN && t->config->all_addresses)
				c.not_open++;
			else if (seen & SEEN_UNRESOLVED)
				c.unresolved++;
			else
				c.unknown++;
		}
	}
	return c;
}

enum answer tally_answer(const struct tally *t)
{
	struct tally_counts c = tally_count(t);

	if (c.not_open || c.unresolved)
		return ANSWER_NO;
	return c.unknown || !c.open ? ANSWER_UNKNOWN : ANSWER_YES;
}

bool tally_reached(const struct tally *t)
{
	struct tally_counts c = tally_count(t);
	uint64_t wanted = t->config->until_closed ? c.not_open : c.open;
	uint64_t all = c.open + c.not_open + c.unresolved + c.unknown;

	return wanted > 0 && (t->config->any || wanted == all);
}
