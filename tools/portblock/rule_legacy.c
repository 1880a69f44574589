/*
 * iptables-legacy: the kernel's tables with their counters, before and after.
 */
#include "rule_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fd.h"

/* filter, nat, mangle, raw, security */
#define TABLES_MAX 8

struct rule_legacy {
	int fd, family;
	struct xtables_table before[TABLES_MAX], after[TABLES_MAX];
	size_t n_tables;
};

static int read_before(struct rule_legacy *l, char *names)
{
	char *name, *next;
	int err = 0;

	for (name = names; !err && *name && l->n_tables < TABLES_MAX; name = next) {
		struct xtables_table *t = &l->before[l->n_tables];

		next = name + strcspn(name, "\n");
		if (*next)
			*next++ = '\0';
		if (!*name || strlen(name) >= sizeof(t->name))
			continue;
		t->family = l->family;
		rule_copy(t->name, sizeof(t->name), name);
		l->n_tables++;
		err = xtables_read_table(l->fd, t);
	}
	return err;
}

int rule_legacy_open(struct rule_legacy **ret_legacy, int family)
{
	struct rule_legacy *l;
	char names[512];
	int err = xtables_read_names(family, names, sizeof(names));

	if (err <= 0)
		return err;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->family = family;
	l->fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	err = l->fd < 0 ? -errno : read_before(l, names);
	if (err < 0) {
		rule_legacy_close(l);
		return err;
	}
	*ret_legacy = l;
	return 1;
}

int rule_legacy_find(struct rule_legacy *l, const struct legacy_wanted *wanted,
		     struct legacy_rule *ret_rules, size_t *ret_n)
{
	size_t n = 0, i;
	int err = 0;

	for (i = 0; !err && i < l->n_tables; i++) {
		l->after[i].family = l->family;
		memcpy(l->after[i].name, l->before[i].name, sizeof(l->after[i].name));
		err = xtables_read_table(l->fd, &l->after[i]);
		if (!err)
			err = legacy_compare(&l->before[i], &l->after[i], wanted,
					     ret_rules, &n);
	}
	if (!err)
		*ret_n = n;
	return err;
}

void rule_legacy_close(struct rule_legacy *l)
{
	size_t i;

	if (!l)
		return;
	for (i = 0; i < l->n_tables; i++) {
		free(l->before[i].entries);
		free(l->after[i].entries);
	}
	fd_close(&l->fd);
	free(l);
}
