#include "target.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

#define REFUSE(why, ...) (snprintf((why), TARGET_WHY_SIZE, __VA_ARGS__), -EINVAL)

void target_set_init(struct target_set *set, int default_protocol)
{
	*set = (struct target_set){ .default_protocol = default_protocol };
}

void target_set_release(struct target_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->n_targets; i++)
		target_release(&set->targets[i]);
	free(set->targets);
	port_list_release(&set->ports);
	target_set_init(set, set->default_protocol);
}

int target_set_take(struct target_set *set, struct target *t,
		    char ret_why[TARGET_WHY_SIZE])
{
	if (set->n_targets >= TARGET_MAX_TARGETS)
		return REFUSE(ret_why, "expected at most %zu targets",
			      TARGET_MAX_TARGETS);
	if (set->n_targets == set->cap_targets) {
		size_t cap = set->cap_targets ? 2 * set->cap_targets : 4;
		struct target *targets =
			reallocarray(set->targets, cap, sizeof(*targets));

		if (!targets) {
			snprintf(ret_why, TARGET_WHY_SIZE, "out of memory");
			return -ENOMEM;
		}
		set->targets = targets;
		set->cap_targets = cap;
	}
	set->targets[set->n_targets++] = *t;
	*t = (struct target){ 0 };
	return 0;
}

/* Can OPERAND be nothing but ports, also where a target is expected? */
static bool is_only_ports(const char *operand, int default_protocol)
{
	const char *slash = strchr(operand, '/');
	struct port_list list = { 0 };
	char why[TARGET_WHY_SIZE];
	bool ports;

	if (strpbrk(operand, ".:%[]"))
		return false;
	/* "10/8" is half of a block. */
	if (slash && slash[1] && strspn(slash + 1, "0123456789") == strlen(slash + 1))
		return false;
	if (isdigit((unsigned char)operand[0]))
		return strpbrk(operand, ",/") ||
		       strspn(operand, "0123456789-") == strlen(operand);
	if (operand[0] == '-')
		return operand[1] && strspn(operand, "0123456789-") == strlen(operand);
	/* "ssh,https", "domain/udp". A lone word is a host. */
	if (!strpbrk(operand, ",/"))
		return false;
	ports = !port_list_add(&list, operand, default_protocol, why, sizeof(why));
	port_list_release(&list);
	return ports;
}

static bool wants_ports(const struct target_set *set)
{
	for (size_t i = set->n_targets; i-- > 0;) {
		if (!set->targets[i].own_ports)
			return true;
	}
	return false;
}

/* Could OPERAND, after a target, be a service's name with a slip in it? */
static bool is_doubtful(const struct target_set *set, const struct target *t)
{
	return set->n_targets && !set->ports_given && t->kind == TARGET_NAME &&
	       !t->own_ports && !strchr(t->text, '.');
}

static int add_target(struct target_set *set, const char *operand, char *why)
{
	struct target t = { 0 };
	bool doubtful;
	int err = target_parse(operand, set->default_protocol, set->allow_huge, &t, why);

	if (err)
		return err;
	doubtful = is_doubtful(set, &t);
	err = target_set_take(set, &t, why);
	if (err)
		target_release(&t);
	else if (doubtful)
		set->doubtful = set->n_targets;
	return err;
}

/* The place of the first operand: nothing but a target will do. */
static int add_first(struct target_set *set, const char *operand, char *why)
{
	char shown[OPERAND_SHOWN_SIZE];

	if (is_only_ports(operand, set->default_protocol))
		return REFUSE(why,
			      "'%s': expected a target before the ports, as in 'HOST 80'",
			      operand_shown(operand, strlen(operand), shown));
	return add_target(set, operand, why);
}

int target_set_add(struct target_set *set, const char *operand,
		   char ret_why[TARGET_WHY_SIZE])
{
	char shown[OPERAND_SHOWN_SIZE];
	uint64_t port;

	operand_shown(operand, strlen(operand), shown);
	if (set->ports_given && !parse_u64(operand, 1, 65535, &port))
		return REFUSE(ret_why, "'%s': expected a target, as the ports are given",
			      shown);
	if (set->ports_given)
		return add_target(set, operand, ret_why);
	if (!set->n_targets)
		return add_first(set, operand, ret_why);
	if (!*operand)
		return REFUSE(ret_why, "'': expected ports or a target");
	if (!port_list_looks_like(operand))
		return add_target(set, operand, ret_why);
	if (!wants_ports(set))
		return REFUSE(ret_why,
			      "'%s': ports without a target: those before it have "
			      "their own (expected e.g. 'HOST 22 80')",
			      shown);
	return port_list_add(&set->ports, operand, set->default_protocol, ret_why,
			     TARGET_WHY_SIZE);
}

int target_set_ports(struct target_set *set, const char *ports,
		     char ret_why[TARGET_WHY_SIZE])
{
	int err = port_list_add(&set->ports, ports, set->default_protocol, ret_why,
				TARGET_WHY_SIZE);

	if (!err)
		set->ports_given = true;
	return err;
}

int target_set_finish(struct target_set *set, char ret_why[TARGET_WHY_SIZE])
{
	const struct target *lacking = NULL;
	char shown[OPERAND_SHOWN_SIZE];

	if (!set->n_targets)
		return REFUSE(ret_why, "expected a target, as in 'example.com 80'");
	if (set->ports.n_ports)
		return 0;
	for (size_t i = 0; i < set->n_targets && !lacking; i++) {
		if (!set->targets[i].own_ports)
			lacking = &set->targets[i];
	}
	if (!lacking)
		return 0;
	if (set->doubtful)
		lacking = &set->targets[set->doubtful - 1];
	operand_shown(lacking->text, strlen(lacking->text), shown);
	if (set->doubtful)
		return REFUSE(ret_why,
			      "'%s': neither a port nor a known service "
			      "(expected e.g. 80, 1-1024, https)",
			      shown);
	return REFUSE(ret_why, "'%s': no ports given (expected e.g. 80, 1-1024, https)",
		      shown);
}

const struct port_list *target_ports(const struct target_set *set, const struct target *t)
{
	return t->own_ports ? &t->ports : &set->ports;
}

struct addr target_addr(const struct target *t, uint64_t i)
{
	return addr_plus(&t->addr, i);
}
