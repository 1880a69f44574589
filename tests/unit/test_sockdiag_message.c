#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test_sockdiag_bytes.h"

#define SEQUENCE 77
#define PORTID	 4711

static void put_message(struct bytes *b, uint16_t type, uint16_t flags, uint32_t sequence,
			const struct bytes *payload)
{
	struct nlmsghdr head = { .nlmsg_len = (uint32_t)(NLMSG_HDRLEN + payload->len),
				 .nlmsg_type = type,
				 .nlmsg_flags = flags,
				 .nlmsg_seq = sequence,
				 .nlmsg_pid = PORTID };

	put(b, &head, sizeof(head));
	put(b, payload->data, payload->len);
	put_padding(b);
}

static struct sockdiag_reply reply_of(const struct bytes *b)
{
	return (struct sockdiag_reply){
		.at = b->data, .left = b->len, .sequence = SEQUENCE, .portid = PORTID
	};
}

static void messages_are_told_apart(void **state)
{
	struct bytes payload = listener(), nothing = { .len = 0 }, b = { .len = 0 };
	int no_entry = -ENOENT, all_well = 0, strange = INT32_MIN;
	struct bytes bad = { .len = 0 }, ack = { .len = 0 }, odd = { .len = 0 };
	struct sockdiag_message m;
	struct sockdiag_reply r;
	size_t i;
	static const struct {
		enum sockdiag_kind kind;
		int error;
		bool interrupted;
	} expected[] = {
		{ SOCKDIAG_SOCKET, 0, false },	     { SOCKDIAG_SOCKET, 0, true },
		{ SOCKDIAG_OTHER, 0, false },	     { SOCKDIAG_OTHER, 0, false },
		{ SOCKDIAG_ERROR, -ENOENT, false },  { SOCKDIAG_ERROR, 0, false },
		{ SOCKDIAG_ERROR, -ENOBUFS, false }, { SOCKDIAG_DONE, -ENOENT, true },
		{ SOCKDIAG_DONE, -EBADMSG, false },  { SOCKDIAG_DONE, 0, false },
	};

	(void)state;
	put(&bad, &no_entry, sizeof(no_entry));
	put(&ack, &all_well, sizeof(all_well));
	put(&odd, &strange, sizeof(strange));
	put_message(&b, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, SEQUENCE, &payload);
	put_message(&b, TCPDIAG_GETSOCK, NLM_F_DUMP_INTR, SEQUENCE, &payload);
	put_message(&b, SOCK_DIAG_BY_FAMILY, 0, SEQUENCE - 1, &payload);
	put_message(&b, NLMSG_NOOP, 0, SEQUENCE, &nothing);
	put_message(&b, NLMSG_ERROR, 0, SEQUENCE, &bad);
	put_message(&b, NLMSG_ERROR, 0, SEQUENCE, &ack);
	put_message(&b, NLMSG_OVERRUN, 0, SEQUENCE, &nothing);
	put_message(&b, NLMSG_DONE, NLM_F_DUMP_INTR, SEQUENCE, &bad);
	put_message(&b, NLMSG_DONE, 0, SEQUENCE, &odd);
	put_message(&b, NLMSG_DONE, 0, SEQUENCE, &nothing);
	r = reply_of(&b);
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(sockdiag_next(&r, &m), 1);
		assert_int_equal(m.kind, expected[i].kind);
		assert_int_equal(m.error, expected[i].error);
		assert_int_equal(m.interrupted, expected[i].interrupted);
	}
	assert_int_equal(sockdiag_next(&r, &m), 0);

	r = reply_of(&b);
	r.portid++;
	assert_int_equal(sockdiag_next(&r, &m), 1);
	assert_int_equal(m.kind, SOCKDIAG_OTHER);
}

static void messages_with_lengths_that_can_not_be_are_refused(void **state)
{
	static const uint32_t lies[] = { 0, 1, 15, 21, UINT32_MAX, UINT32_MAX - 2 };
	struct sockdiag_message m = { .error = 42 };
	struct bytes payload = { .len = 4 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		struct bytes b = { .len = 0 };
		struct sockdiag_reply r;

		put_message(&b, SOCK_DIAG_BY_FAMILY, 0, SEQUENCE, &payload);
		memcpy(b.data, &lies[i], sizeof(lies[i]));
		r = reply_of(&b);
		assert_int_equal(sockdiag_next(&r, &m), -EBADMSG);
		assert_int_equal(m.error, 42);
	}
	/* A head cut short, and an error without its number. */
	for (i = 1; i < NLMSG_HDRLEN; i++) {
		struct bytes b = { .len = i };
		struct sockdiag_reply r = reply_of(&b);

		assert_int_equal(sockdiag_next(&r, &m), -EBADMSG);
	}
	payload.len = 3;
	{
		struct bytes b = { .len = 0 };
		struct sockdiag_reply r;

		put_message(&b, NLMSG_ERROR, 0, SEQUENCE, &payload);
		r = reply_of(&b);
		assert_int_equal(sockdiag_next(&r, &m), -EBADMSG);
	}
}

static uint64_t random_next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 33;
}

static void any_bytes_are_read_or_refused(void **state)
{
	struct bytes model = listener(), name = unix_of("\0x", 2);
	uint64_t seed = 1;
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		const struct bytes *from = i % 2 ? &model : &name;
		size_t len = (size_t)random_next(&seed) % (from->len + 1), j;
		uint8_t *part = malloc(len + !len);
		struct sock s = { 0 };

		assert_non_null(part);
		/* Half all random, half a good message with a few bytes changed. */
		for (j = 0; j < len; j++)
			part[j] = i % 4 < 2 ? (uint8_t)random_next(&seed) : from->data[j];
		for (j = 0; len && j < 3; j++)
			part[random_next(&seed) % len] = (uint8_t)random_next(&seed);
		if (i % 8 == 0 && len) {
			struct sockdiag_reply r = { .at = part, .left = len };
			struct sockdiag_message m;
			size_t left = r.left;

			while (sockdiag_next(&r, &m) == 1) {
				assert_true(r.left < left);
				left = r.left;
			}
		}
		if (i % 2) {
			if (sockdiag_parse_inet(part, len, IPPROTO_SCTP, &s) >= 0)
				assert_true(s.state < 32);
		} else if (sockdiag_parse_unix(part, len, &s) == 0 && s.unix_name) {
			assert_true((const uint8_t *)s.unix_name >= part);
			assert_true((const uint8_t *)s.unix_name + s.unix_name_len <=
				    part + len);
		}
		free(part);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_told_apart),
		cmocka_unit_test(messages_with_lengths_that_can_not_be_are_refused),
		cmocka_unit_test(any_bytes_are_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
