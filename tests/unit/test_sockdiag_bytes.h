/* Replies of the kernel, made by hand. Include after cmocka.h. */
#ifndef PK_TEST_SOCKDIAG_BYTES_H
#define PK_TEST_SOCKDIAG_BYTES_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdlib.h>
#include <string.h>

#include "sockdiag_parse.h"

/* Bytes under construction. */
struct bytes {
	_Alignas(8) uint8_t data[2048];
	size_t len;
};

static inline void put(struct bytes *b, const void *data, size_t len)
{
	assert_true(b->len + len <= sizeof(b->data));
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

static inline void put_padding(struct bytes *b)
{
	static const uint8_t zeros[4];

	put(b, zeros, (4 - b->len % 4) % 4);
}

/* CLAIMED: what the attribute says its whole length is; 0: the truth. */
static inline void put_attr(struct bytes *b, uint16_t type, const void *value, size_t len,
			    uint16_t claimed)
{
	struct nlattr attr = { .nla_len = (uint16_t)(NLA_HDRLEN + len),
			       .nla_type = type };

	if (claimed)
		attr.nla_len = claimed;
	put(b, &attr, sizeof(attr));
	put(b, value, len);
	put_padding(b);
}

static inline struct inet_diag_msg plain_msg(void)
{
	struct inet_diag_msg msg = {
		.idiag_family = AF_INET6,
		.idiag_state = TCP_LISTEN,
		.id = { .idiag_sport = htons(443),
			.idiag_if = 3,
			.idiag_cookie = { 0x89abcdef, 0x01234567 } },
		.idiag_rqueue = 5,
		.idiag_wqueue = 128,
		.idiag_uid = 33,
		.idiag_inode = 123456,
	};

	return msg;
}

static inline struct bytes listener(void)
{
	struct inet_diag_msg msg = plain_msg();
	uint32_t memory[SK_MEMINFO_VARS] = { [SK_MEMINFO_DROPS] = 8 };
	uint64_t cgroup = 0x123456789abcdefull;
	uint32_t mark = 0xbeef;
	uint8_t yes = 1;
	struct bytes b = { .len = 0 };

	put(&b, &msg, sizeof(msg));
	put_attr(&b, INET_DIAG_SHUTDOWN, &yes, 1, 0);
	put_attr(&b, INET_DIAG_SKV6ONLY, &yes, 1, 0);
	put_attr(&b, INET_DIAG_MARK, &mark, sizeof(mark), 0);
	put_attr(&b, SOCKDIAG_ATTR_CGROUP_ID, &cgroup, sizeof(cgroup), 0);
	put_attr(&b, INET_DIAG_SKMEMINFO, memory, sizeof(memory), 0);
	return b;
}

static inline struct bytes unix_of(const void *name, size_t len)
{
	struct unix_diag_msg msg = { .udiag_family = AF_UNIX,
				     .udiag_type = SOCK_STREAM,
				     .udiag_state = TCP_LISTEN,
				     .udiag_ino = 99,
				     .udiag_cookie = { 1, 2 } };
	struct unix_diag_rqlen queues = { 3, 64 };
	struct bytes b = { .len = 0 };

	put(&b, &msg, sizeof(msg));
	if (name)
		put_attr(&b, UNIX_DIAG_NAME, name, len, 0);
	put_attr(&b, UNIX_DIAG_RQLEN, &queues, sizeof(queues), 0);
	return b;
}

#endif
