#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test_sockdiag_bytes.h"

static void a_listener_is_read_in_full(void **state)
{
	struct bytes b = listener();
	struct sock s;

	(void)state;
	assert_int_equal(sockdiag_parse_inet(b.data, b.len, IPPROTO_TCP, &s), 0);
	assert_int_equal(s.family, AF_INET6);
	assert_int_equal(s.protocol, IPPROTO_TCP);
	assert_false(s.mptcp);
	assert_int_equal(s.state, TCP_LISTEN);
	assert_int_equal(s.local_port, 443);
	assert_int_equal(s.remote_port, 0);
	assert_true(addr_is_any(&s.local));
	assert_int_equal(s.local.family, AF_INET6);
	assert_int_equal(s.interface, 3);
	assert_int_equal(s.rqueue, 5);
	assert_int_equal(s.wqueue, 128);
	assert_int_equal(s.uid, 33);
	assert_int_equal(s.inode, 123456);
	assert_true(s.cookie == 0x0123456789abcdefull);
	assert_true(s.has_v6only && s.v6only);
	assert_true(s.has_drops);
	assert_int_equal(s.drops, 8);
	assert_true(s.has_cgroup);
	assert_true(s.cgroup_id == 0x123456789abcdefull);
	assert_int_equal(s.mark, 0xbeef);
	assert_null(s.unix_name);
}

static void what_the_kernel_does_not_tell_is_not_there(void **state)
{
	struct inet_diag_msg msg = plain_msg();
	struct sock s;

	(void)state;
	assert_int_equal(sockdiag_parse_inet(&msg, sizeof(msg), IPPROTO_MPTCP, &s), 0);
	assert_false(s.has_v6only);
	assert_false(s.has_drops);
	assert_false(s.has_cgroup);
	assert_int_equal(s.mark, 0);
	assert_true(s.mptcp);
	assert_int_equal(s.protocol, IPPROTO_TCP);
}

static void a_socket_without_inode_is_nobodys_rather_than_roots(void **state)
{
	struct inet_diag_msg msg = plain_msg();
	struct sock s;

	(void)state;
	msg.idiag_inode = 0;
	msg.idiag_uid = 0;
	assert_int_equal(sockdiag_parse_inet(&msg, sizeof(msg), IPPROTO_TCP, &s), 0);
	assert_true(s.uid == SOCK_NO_UID);
	/* A newer kernel may know better, and one with an inode is root's indeed. */
	msg.idiag_uid = 33;
	assert_int_equal(sockdiag_parse_inet(&msg, sizeof(msg), IPPROTO_TCP, &s), 0);
	assert_int_equal(s.uid, 33);
	msg.idiag_inode = 9;
	msg.idiag_uid = 0;
	assert_int_equal(sockdiag_parse_inet(&msg, sizeof(msg), IPPROTO_TCP, &s), 0);
	assert_int_equal(s.uid, 0);
}

static void only_a_running_timer_expires(void **state)
{
	struct inet_diag_msg msg = plain_msg();
	struct sock s;

	(void)state;
	msg.idiag_expires = 0x5a5a5a5a; /* never written by old kernels for UDP */
	assert_int_equal(sockdiag_parse_inet(&msg, sizeof(msg), IPPROTO_UDP, &s), 0);
	assert_int_equal(s.expires_ms, 0);
	msg.idiag_timer = 3;
	msg.idiag_expires = 59000;
	assert_int_equal(sockdiag_parse_inet(&msg, sizeof(msg), IPPROTO_TCP, &s), 0);
	assert_int_equal(s.expires_ms, 59000);
	msg.idiag_expires = UINT32_MAX - 3; /* ran out a moment ago */
	assert_int_equal(sockdiag_parse_inet(&msg, sizeof(msg), IPPROTO_TCP, &s), 0);
	assert_int_equal(s.expires_ms, 0);
}

static void only_four_bytes_of_an_ipv4_address_are_believed(void **state)
{
	struct inet_diag_msg msg = plain_msg();
	struct addr loopback;
	struct sock s;

	(void)state;
	assert_int_equal(addr_from_text("127.0.0.1", &loopback), 0);
	memset(msg.id.idiag_src, 0xee, sizeof(msg.id.idiag_src));
	msg.id.idiag_src[0] = htonl(INADDR_LOOPBACK);
	msg.idiag_family = AF_INET;
	assert_int_equal(sockdiag_parse_inet(&msg, sizeof(msg), IPPROTO_TCP, &s), 0);
	assert_true(addr_equal(&s.local, &loopback));
}

static void a_link_local_address_gets_the_device_as_its_zone(void **state)
{
	struct inet_diag_msg msg = plain_msg();
	struct sock s;

	(void)state;
	msg.id.idiag_src[0] = htonl(0xfe800000);
	assert_int_equal(sockdiag_parse_inet(&msg, sizeof(msg), IPPROTO_TCP, &s), 0);
	assert_int_equal(s.local.scope, 3);
	assert_int_equal(s.remote.scope, 0);
}

static void a_raw_socket_has_a_protocol_in_place_of_a_port(void **state)
{
	struct inet_diag_msg msg = plain_msg();
	uint8_t protocol = IPPROTO_ICMPV6;
	struct bytes b = { .len = 0 };
	struct sock s;

	(void)state;
	msg.id.idiag_sport = htons(IPPROTO_ICMPV6);
	put(&b, &msg, sizeof(msg));
	assert_int_equal(sockdiag_parse_inet(b.data, b.len, IPPROTO_RAW, &s), 0);
	assert_int_equal(s.raw_protocol, IPPROTO_ICMPV6);
	assert_int_equal(s.local_port, 0);
	put_attr(&b, INET_DIAG_PROTOCOL, &protocol, 1, 0);
	assert_int_equal(sockdiag_parse_inet(b.data, b.len, IPPROTO_RAW, &s), 0);
	assert_int_equal(s.raw_protocol, IPPROTO_ICMPV6);
}

static void an_sctp_association_is_no_socket(void **state)
{
	struct bytes b = listener();
	struct sock s;

	(void)state;
	put_attr(&b, INET_DIAG_LOCALS, "", 0, 0);
	assert_int_equal(sockdiag_parse_inet(b.data, b.len, IPPROTO_SCTP, &s), 0);
	assert_int_equal(s.protocol, IPPROTO_SCTP);
	put_attr(&b, INET_DIAG_PEERS, "", 0, 0);
	assert_int_equal(sockdiag_parse_inet(b.data, b.len, IPPROTO_SCTP, &s), 1);
}

static void every_truncated_message_is_refused_or_lacks_whole_attributes(void **state)
{
	struct bytes whole = listener();
	struct inet_diag_msg msg = plain_msg();
	size_t len, accepted = 0;

	(void)state;
	for (len = 0; len < whole.len; len++) {
		/* Of exactly that size, so that the sanitizer sees a read beyond. */
		uint8_t *part = malloc(len + !len);
		struct sock s = { .inode = 1 };
		int err;

		assert_non_null(part);
		memcpy(part, whole.data, len);
		err = sockdiag_parse_inet(part, len, IPPROTO_TCP, &s);
		free(part);
		if (err) {
			assert_int_equal(err, -EBADMSG);
			assert_int_equal(s.inode, 1);
			continue;
		}
		accepted++;
		assert_true(len >= sizeof(msg));
		assert_false(s.has_drops && len < whole.len - 3);
	}
	/* At each border between attributes, and within the padding after one byte. */
	assert_in_range(accepted, 5, 11);
}

static void attributes_that_lie_about_their_length_are_refused(void **state)
{
	static const uint16_t lies[] = { 1, 2, 3, 9, 200, UINT16_MAX };
	struct inet_diag_msg msg = plain_msg();
	uint32_t mark = 1;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		struct bytes b = { .len = 0 };
		struct sock s;

		put(&b, &msg, sizeof(msg));
		put_attr(&b, INET_DIAG_MARK, &mark, sizeof(mark), lies[i]);
		assert_int_equal(sockdiag_parse_inet(b.data, b.len, IPPROTO_TCP, &s),
				 -EBADMSG);
	}
}

static void attributes_too_short_for_their_kind_count_as_absent(void **state)
{
	static const uint16_t types[] = { INET_DIAG_SKMEMINFO, INET_DIAG_SKV6ONLY,
					  INET_DIAG_MARK, SOCKDIAG_ATTR_CGROUP_ID,
					  INET_DIAG_PROTOCOL };
	uint32_t old_memory[SK_MEMINFO_DROPS] = { 0 };
	struct inet_diag_msg msg = plain_msg();
	struct bytes b = { .len = 0 };
	struct sock s;
	size_t i;

	(void)state;
	put(&b, &msg, sizeof(msg));
	for (i = 0; i < ARRAY_SIZE(types); i++)
		put_attr(&b, types[i], "", 0, 0);
	put_attr(&b, SOCKDIAG_ATTR_CGROUP_ID, "1234567", 7, 0);
	put_attr(&b, INET_DIAG_MARK, "123", 3, 0);
	/* Linux before 4.7 */
	put_attr(&b, INET_DIAG_SKMEMINFO, old_memory, sizeof(old_memory), 0);
	put_attr(&b, INET_DIAG_SKMEMINFO, old_memory, sizeof(old_memory) - 1, 0);
	assert_int_equal(sockdiag_parse_inet(b.data, b.len, IPPROTO_TCP, &s), 0);
	assert_false(s.has_drops);
	assert_false(s.has_v6only);
	assert_false(s.has_cgroup);
	assert_int_equal(s.mark, 0);
	assert_int_equal(s.raw_protocol, 0);
}

static void a_family_or_state_that_can_not_be_is_refused(void **state)
{
	struct inet_diag_msg msg = plain_msg();
	struct sock s;

	(void)state;
	msg.idiag_family = AF_UNIX;
	assert_int_equal(sockdiag_parse_inet(&msg, sizeof(msg), IPPROTO_TCP, &s),
			 -EBADMSG);
	msg = plain_msg();
	msg.idiag_state = 32;
	assert_int_equal(sockdiag_parse_inet(&msg, sizeof(msg), IPPROTO_TCP, &s),
			 -EBADMSG);
}

static void unix_names_are_raw_and_paths_end_at_their_nul(void **state)
{
	struct bytes path = unix_of("/run/a\x1b[1m\0junk", 15);
	struct bytes abstract = unix_of("\0a\0b", 4);
	struct bytes full = unix_of("/no/nul", 7), none = unix_of(NULL, 0);
	struct bytes empty = unix_of("", 0);
	uint32_t uid = 1000;
	struct sock s;

	(void)state;
	assert_int_equal(sockdiag_parse_unix(path.data, path.len, &s), 0);
	assert_int_equal(s.unix_name_len, 10);
	assert_memory_equal(s.unix_name, "/run/a\x1b[1m", 10);
	assert_int_equal(s.rqueue, 3);
	assert_int_equal(s.wqueue, 64);
	assert_int_equal(s.inode, 99);
	assert_int_equal(s.unix_type, SOCK_STREAM);
	assert_int_equal(s.local.family, AF_UNSPEC);
	assert_true(s.cookie == 0x200000001ull);
	assert_true(s.uid == SOCK_NO_UID);
	assert_int_equal(sockdiag_parse_unix(abstract.data, abstract.len, &s), 0);
	assert_int_equal(s.unix_name_len, 4);
	assert_memory_equal(s.unix_name, "\0a\0b", 4);
	assert_int_equal(sockdiag_parse_unix(full.data, full.len, &s), 0);
	assert_int_equal(s.unix_name_len, 7);
	put_attr(&none, SOCKDIAG_UNIX_ATTR_UID, &uid, sizeof(uid), 0);
	assert_int_equal(sockdiag_parse_unix(none.data, none.len, &s), 0);
	assert_null(s.unix_name);
	assert_int_equal(s.uid, 1000);
	assert_int_equal(sockdiag_parse_unix(empty.data, empty.len, &s), 0);
	assert_null(s.unix_name);
	assert_int_equal(sockdiag_parse_unix(empty.data, 15, &s), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listener_is_read_in_full),
		cmocka_unit_test(what_the_kernel_does_not_tell_is_not_there),
		cmocka_unit_test(a_socket_without_inode_is_nobodys_rather_than_roots),
		cmocka_unit_test(only_a_running_timer_expires),
		cmocka_unit_test(only_four_bytes_of_an_ipv4_address_are_believed),
		cmocka_unit_test(a_link_local_address_gets_the_device_as_its_zone),
		cmocka_unit_test(a_raw_socket_has_a_protocol_in_place_of_a_port),
		cmocka_unit_test(an_sctp_association_is_no_socket),
		cmocka_unit_test(
			every_truncated_message_is_refused_or_lacks_whole_attributes),
		cmocka_unit_test(attributes_that_lie_about_their_length_are_refused),
		cmocka_unit_test(attributes_too_short_for_their_kind_count_as_absent),
		cmocka_unit_test(a_family_or_state_that_can_not_be_is_refused),
		cmocka_unit_test(unix_names_are_raw_and_paths_end_at_their_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
