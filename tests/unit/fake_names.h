/*
 * A getaddrinfo(3) that stands in front of the C library's, for a test program of one
 * file. What it makes of a name is in its first label:
 *
 *	a3.test		three IPv4 addresses, from 192.0.2.1 on
 *	twice.test	the same address twice, and another one
 *	six.test	one IPv6 address, and EAI_NONAME when asked for IPv4
 *	e11.test	fails with minus that EAI_* number, errno EMFILE
 *	slow.test	waits for the gate to open
 *
 * Names outside .test go to the library.
 */
#ifndef FAKE_NAMES_H
#define FAKE_NAMES_H

#include <dlfcn.h>
#include <errno.h>
#include <langinfo.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "addr.h"
#include "parse.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open;
	int inside, most_inside;
	int flags; /* of the last call */
	bool utf8; /* the locale at that time */
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

struct fake {
	struct addrinfo info;
	struct sockaddr_storage sa;
};
#define FAKE_FLAGS 0x7e57

static struct addrinfo *fake_entry(const char *text, struct addrinfo *next)
{
	struct fake *f = calloc(1, sizeof(*f));
	struct addr a;

	if (!f || addr_from_text(text, &a) < 0)
		abort();
	f->info = (struct addrinfo){ .ai_flags = FAKE_FLAGS,
				     .ai_family = a.family,
				     .ai_socktype = SOCK_STREAM,
				     .ai_addrlen = addr_to_sockaddr(&a, 0, &f->sa),
				     .ai_addr = (struct sockaddr *)&f->sa,
				     .ai_next = next };
	return &f->info;
}

static void pass_gate(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.inside++;
	if (gate.inside > gate.most_inside)
		gate.most_inside = gate.inside;
	pthread_cond_broadcast(&gate.changed);
	while (!gate.open)
		pthread_cond_wait(&gate.changed, &gate.lock);
	gate.inside--;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

static int fake_lookup(const char *name, const struct addrinfo *hints,
		       struct addrinfo **ret_list)
{
	struct addrinfo *list = NULL;
	uint64_t n;

	if (!strcmp(name, "twice.test")) {
		list = fake_entry("192.0.2.2", fake_entry("192.0.2.1", NULL));
		list = fake_entry("192.0.2.2", list);
	} else if (!strcmp(name, "six.test")) {
		if (hints->ai_family == AF_INET)
			return EAI_NONAME;
		list = fake_entry("2001:db8::1", NULL);
	} else if (!strcmp(name, "slow.test")) {
		pass_gate();
		list = fake_entry("192.0.2.1", NULL);
	} else if (!parse_u64_n(name + 1, strcspn(name, ".") - 1, 0, 999, &n)) {
		struct addr first;
		char text[ADDR_TEXT_SIZE];

		if (name[0] == 'e') {
			errno = EMFILE;
			return -(int)n;
		}
		while (n--) {
			if (addr_from_text("192.0.2.1", &first) < 0)
				abort();
			first = addr_plus(&first, n);
			list = fake_entry(addr_to_text(&first, text), list);
		}
	}
	*ret_list = list;
	return list ? 0 : EAI_NONAME;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret_list)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
		    struct addrinfo **);
	const char *end = name + strlen(name) - min_size(strlen(name), 5);

	pthread_mutex_lock(&gate.lock);
	gate.flags = hints->ai_flags;
	gate.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	pthread_mutex_unlock(&gate.lock);
	if (!strcmp(end, ".test"))
		return fake_lookup(name, hints, ret_list);
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(name, service, hints, ret_list);
}

void freeaddrinfo(struct addrinfo *list)
{
	void (*real)(struct addrinfo *);

	while (list && list->ai_flags == FAKE_FLAGS) {
		struct addrinfo *next = list->ai_next;

		free(container_of(list, struct fake, info));
		list = next;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "freeaddrinfo");
	if (list)
		real(list);
}

static inline void set_gate(bool open)
{
	pthread_mutex_lock(&gate.lock);
	gate.open = open;
	if (!open)
		gate.most_inside = 0;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

/* Wait until N look-ups are at the gate; false when they have not come after a while. */
static inline bool wait_inside(int n)
{
	struct timespec until;
	bool there;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	pthread_mutex_lock(&gate.lock);
	while (gate.inside != n &&
	       !pthread_cond_timedwait(&gate.changed, &gate.lock, &until))
		;
	there = gate.inside == n;
	pthread_mutex_unlock(&gate.lock);
	return there;
}

#endif
