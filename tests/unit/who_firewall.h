/*
 * What the tests of --firewall ask of real rules. Include after cmocka.h.
 */
#ifndef PK_WHO_FIREWALL_H
#define PK_WHO_FIREWALL_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "firewall.h"
#include "who_rules.h"

#define OPEN	"open"
#define BLOCKED "blocked"
#define SOME	"some"
#define UNKNOWN "unknown"

/* One set of rules, and what is said about listeners. */
struct question {
	const char *command; /* NULL: NFT */
	const char *rules;
	struct {
		const char *listener; /* "tcp 22", "udp 53 10.0.0.1" */
		const char *says;
		const char *why; /* is in it; NULL: not looked at */
	} asked[8];
};

static inline const char *word(enum firewall_says says)
{
	switch (says) {
	case FIREWALL_OPEN:
		return OPEN;
	case FIREWALL_BLOCKED:
		return BLOCKED;
	case FIREWALL_SOME:
		return SOME;
	case FIREWALL_UNKNOWN:
		break;
	}
	return UNKNOWN;
}

static inline struct listener listener_of(const char *text)
{
	struct listener l = { .exposure = EXPOSURE_ALL };
	char protocol[8], address[64] = "0.0.0.0", device[IF_NAMESIZE] = "";
	unsigned int port;

	CHECK(sscanf(text, "%7s %u %63s %15s", protocol, &port, address, device) >= 2);
	l.sock.protocol = !strcmp(protocol, "tcp") ? IPPROTO_TCP : IPPROTO_UDP;
	l.sock.state = l.sock.protocol == IPPROTO_TCP ? TCP_LISTEN : TCP_CLOSE;
	l.sock.local_port = (uint16_t)port;
	CHECK(addr_from_text(address, &l.sock.local) == 0);
	l.sock.family = (uint8_t)l.sock.local.family;
	l.sock.has_v6only = l.sock.v6only = true;
	if (device[0]) {
		l.sock.interface = 2;
		memcpy(l.interface, device, sizeof(device));
	}
	return l;
}

/* The machine has two devices and an address of each family on the first. */
static inline struct scene scene_of(const struct ruleset *r)
{
	struct scene s = {
		.ruleset = r,
		.devices = { { 2, "eth0" }, { 3, "eth1" } },
		.n_devices = 2,
		.n_addresses = 3,
	};

	CHECK(addr_from_text("10.0.0.1", &s.addresses[0]) == 0);
	CHECK(addr_from_text("2001:db8::1", &s.addresses[1]) == 0);
	CHECK(addr_from_text("10.9.0.1", &s.addresses[2]) == 0);
	return s;
}

static inline void answer(const void *arg)
{
	const struct question *q = arg;
	struct ruleset r;
	struct scene scene;
	size_t i;
	int wrong = 0;

	feed(q->command ? q->command : NFT, q->rules);
	r = loaded();
	scene = scene_of(&r);
	for (i = 0; i < ARRAY_SIZE(q->asked) && q->asked[i].listener; i++) {
		struct listener l = listener_of(q->asked[i].listener);
		char *why = NULL;
		const char *says = word(firewall_say(&scene, &l, &why));

		CHECK(why);
		if (strcmp(says, q->asked[i].says) ||
		    (q->asked[i].why && !strstr(why, q->asked[i].why))) {
			fprintf(stderr, "%s: %s (%s), expected %s (%s)\n",
				q->asked[i].listener, says, why, q->asked[i].says,
				q->asked[i].why ? q->asked[i].why : "any");
			wrong = 1;
		}
		free(why);
	}
	ruleset_release(&r);
	CHECK(!wrong);
}

#define ASK(...)                                              \
	do {                                                  \
		static const struct question q = __VA_ARGS__; \
		in_namespace(answer, &q);                     \
	} while (0)

#endif
