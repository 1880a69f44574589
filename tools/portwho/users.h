/*
 * Names of users, each looked up once.
 */
#ifndef PORTWHO_USERS_H
#define PORTWHO_USERS_H

#include "base.h"

struct user_name {
	uint32_t uid;
	char name[64]; /* as the system has it, raw; "" if it has none */
};

/* All zero is an empty one. */
struct users {
	struct user_name *names;
	size_t n, cap;
	bool numeric; /* no look-ups */
};

/* The name of UID, or its number in OUT. Good until the next call. */
#define USER_TEXT_SIZE 64
const char *users_name(struct users *u, uint32_t uid, char out[USER_TEXT_SIZE]);
void users_release(struct users *u);

#endif
