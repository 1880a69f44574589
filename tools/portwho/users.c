#include "users.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "sockdiag.h"

static struct user_name *look_up(struct users *u, uint32_t uid)
{
	const struct passwd *pw;
	size_t i;

	for (i = 0; i < u->n; i++)
		if (u->names[i].uid == uid)
			return &u->names[i];
	if (u->n == u->cap) {
		size_t cap = u->cap ? 2 * u->cap : 16;
		struct user_name *more = realloc(u->names, cap * sizeof(*more));

		if (!more)
			return NULL;
		u->names = more;
		u->cap = cap;
	}
	pw = getpwuid(uid);
	u->names[u->n].uid = uid;
	snprintf(u->names[u->n].name, sizeof(u->names[u->n].name), "%s",
		 pw ? pw->pw_name : "");
	return &u->names[u->n++];
}

const char *users_name(struct users *u, uint32_t uid, char out[USER_TEXT_SIZE])
{
	const struct user_name *known =
		u->numeric || uid == SOCK_NO_UID ? NULL : look_up(u, uid);

	if (uid == SOCK_NO_UID)
		snprintf(out, USER_TEXT_SIZE, "?");
	else if (known && known->name[0])
		snprintf(out, USER_TEXT_SIZE, "%s", known->name);
	else
		snprintf(out, USER_TEXT_SIZE, "%u", uid);
	return out;
}

void users_release(struct users *u)
{
	free(u->names);
	*u = (struct users){ .numeric = u->numeric };
}
