/*
 * The part of the filter that goes by processes, users and units.
 */
#include <string.h>

#include "collect.h"
#include "owners.h"

/* An update replaces the file of a program that runs. */
static bool is_program(const char *exe, const char *name)
{
	const char *base = exe ? strrchr(exe, '/') : NULL;
	size_t n = strlen(name);

	return base && !strncmp(base + 1, name, n) &&
	       (!base[1 + n] || !strcmp(base + 1 + n, " (deleted)"));
}

static bool has_name(const struct listener *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n_holders; i++)
		if (!strcmp(l->holders[i].process->comm, name) ||
		    is_program(l->holders[i].process->exe, name))
			return true;
	return false;
}

/* "nginx" is nginx.service, too. */
static bool is_unit(const struct cgroup_place *place, const char *name)
{
	const char *unit = place->unit;
	size_t n = strlen(name);

	if (!strcmp(place->container, name) && *name)
		return true;
	return *unit && !strncmp(unit, name, n) &&
	       (!unit[n] || !strcmp(unit + n, ".service") ||
		!strcmp(unit + n, ".socket"));
}

/* Of the socket, or of any process that holds it. */
static bool has_unit(const struct listener *l, const char *name)
{
	size_t i;

	if (is_unit(&l->place, name))
		return true;
	for (i = 0; i < l->n_holders; i++) {
		const struct process *p = l->holders[i].process;
		struct cgroup_place place = { .unit = "" };

		if (p->cgroup)
			cgroup_place_of(p->cgroup, &place);
		if (is_unit(&place, name))
			return true;
	}
	return false;
}

static bool has_pid(const struct listener *l, pid_t pid)
{
	size_t i;

	for (i = 0; i < l->n_holders; i++)
		if (l->holders[i].process->pid == pid)
			return true;
	return false;
}

static bool has_user(const struct listener *l, uint32_t uid)
{
	size_t i;

	for (i = 0; i < l->n_holders; i++)
		if (l->holders[i].process->has_uid && l->holders[i].process->uid == uid)
			return true;
	return l->sock.uid == uid;
}

bool filter_asks_owner(const struct filter *f)
{
	return f->n_names || f->pid || f->has_uid || f->unit;
}

bool filter_admits_owner(const struct filter *f, const struct listener *l)
{
	bool named = !f->n_names || (f->either && filter_has_port(f, l));
	size_t i;

	for (i = 0; !named && i < f->n_names; i++)
		named = has_name(l, f->names[i]) || has_unit(l, f->names[i]);
	return named && (!f->pid || has_pid(l, f->pid)) &&
	       (!f->has_uid || has_user(l, f->uid)) && (!f->unit || has_unit(l, f->unit));
}

void owners_filter(struct snapshot *s, const struct filter *f)
{
	size_t i, kept = 0;

	for (i = 0; i < s->n; i++) {
		if (filter_admits_owner(f, &s->listeners[i])) {
			s->listeners[kept++] = s->listeners[i];
			continue;
		}
		listener_release(&s->listeners[i]);
	}
	s->n = kept;
}
