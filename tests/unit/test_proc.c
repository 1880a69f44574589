/*
 * proc: the set of inodes, the list of holders, and a made-up /proc with what no real
 * kernel would write on request.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proc.h"
#include "test_proc_fake.h"

/* ---- the set, the list ---- */

static void a_set_has_what_was_added_and_nothing_else(void **state)
{
	struct inode_set set = { 0 };

	(void)state;
	assert_false(inode_set_has(&set, 1));
	for (uint32_t i = 1; i <= 5000; i++)
		assert_int_equal(inode_set_add(&set, i * 3), 0);
	assert_int_equal(inode_set_add(&set, 3), 0);
	assert_int_equal(inode_set_add(&set, UINT32_MAX), 0);
	assert_int_equal(set.n, 5001);
	for (uint32_t i = 1; i <= 15000; i++)
		assert_int_equal(inode_set_has(&set, i), i % 3 == 0);
	assert_true(inode_set_has(&set, UINT32_MAX));
	inode_set_release(&set);
	inode_set_release(NULL);
	assert_int_equal(set.cap, 0);
}

static void inode_zero_is_in_no_set(void **state)
{
	struct inode_set set = { 0 };

	(void)state;
	assert_int_equal(inode_set_add(&set, 0), 0);
	assert_int_equal(set.n, 0);
	assert_int_equal(inode_set_add(&set, 7), 0);
	assert_false(inode_set_has(&set, 0));
	inode_set_release(&set);
}

static void holders_are_sorted_and_each_is_there_once(void **state)
{
	struct proc_holder items[] = { { 9, 5, 3 }, { 2, 7, 1 }, { 9, 4, 8 },
				       { 9, 5, 3 }, { 9, 4, 2 }, { 2, 7, 1 } };
	struct proc_holders h = { .items = items, .n = ARRAY_SIZE(items) }, none = { 0 };
	const struct proc_holder *of;
	size_t n = 99;

	(void)state;
	proc_holders_sort(&h);
	assert_int_equal(h.n, 4);
	of = proc_holders_of(&h, 9, &n);
	assert_int_equal(n, 3);
	assert_true(of[0].pid == 4 && of[0].fd == 2);
	assert_true(of[1].pid == 4 && of[1].fd == 8);
	assert_true(of[2].pid == 5 && of[2].fd == 3);
	assert_ptr_equal(proc_holders_of(&h, 2, &n), items);
	assert_int_equal(n, 1);
	assert_null(proc_holders_of(&h, 5, &n));
	assert_int_equal(n, 0);
	proc_holders_sort(&none);
	assert_null(proc_holders_of(&none, 5, &n));
	proc_holders_release(&none);
	proc_holders_release(NULL);
}

/* ---- a made-up /proc ---- */

static void only_links_that_say_exactly_socket_count(void **state)
{
	static const char *const others[] = {
		"socket:[77]x",	   "socket:77",		  "socket:[]",
		"socket:[077]",	   "socket:[77",	  "Socket:[77]",
		"socket:[ 77]",	   "socket:[+77]",	  "pipe:[77]",
		"/socket:[77]",	   "socket:[77]]",	  "socket:[77] (deleted)",
		"socket:[0]",	   "socket:[-77]",	  "socket:[0x4d]",
		"anon_inode:[77]", "socket:[4294967373]", /* 77 + 2^32 */
	};
	struct fake f;
	struct proc *p;
	struct proc_holders h;
	char name[16], longest[300];

	(void)state;
	fake_init(&f);
	fake_link(&f, "12", "5", "socket:[77]");
	fake_link(&f, "13", "2147483647", "socket:[77]");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		snprintf(name, sizeof(name), "%zu", 10 + i);
		fake_link(&f, "12", name, others[i]);
	}
	memset(longest, '7', sizeof(longest));
	memcpy(longest, "socket:[", 8);
	longest[63] = ']';
	longest[sizeof(longest) - 1] = '\0';
	fake_link(&f, "12", "100", longest);
	/* Names that are no numbers. */
	fake_link(&f, "12", "x", "socket:[77]");
	fake_link(&f, "12", "07", "socket:[77]");
	fake_link(&f, "12", "2147483648", "socket:[77]");
	fake_link(&f, "012", "5", "socket:[77]");
	fake_link(&f, "self", "5", "socket:[77]");
	fake_link(&f, "0", "5", "socket:[77]");
	fake_link(&f, "99999999999", "5", "socket:[77]");
	/* A process without a table, and a file where a folder belongs. */
	assert_int_equal(mkdirat(f.fd, "14", 0755), 0);
	close(openat(f.fd, "15", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));

	p = open_proc(f.path);
	h = holders_of(p, 77, NULL, 0);
	assert_int_equal(h.n, 2);
	assert_true(holds(&h, 12, 5) && holds(&h, 13, 2147483647));
	assert_int_equal(h.n_hidden, 0);
	assert_false(h.hidepid);
	proc_holders_release(&h);
	proc_close(p);
	fake_release(&f);
}

static void a_table_longer_than_one_reading_is_read_whole(void **state)
{
	struct proc_holders h;
	struct fake f;
	struct proc *p;
	char name[16];

	(void)state;
	fake_init(&f);
	for (int i = 0; i < 4000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		fake_link(&f, "12", name, "socket:[77]");
	}
	p = open_proc(f.path);
	h = holders_of(p, 77, NULL, 0);
	assert_int_equal(h.n, 4000);
	assert_int_equal(h.items[3999].fd, 3999);
	proc_holders_release(&h);
	proc_close(p);
	fake_release(&f);
}

static void what_is_no_folder_is_not_opened(void **state)
{
	struct proc *p = NULL;

	(void)state;
	assert_int_equal(proc_open(&p, "/nowhere/at/all"), -ENOENT);
	assert_int_equal(proc_open(&p, "/dev/null"), -ENOTDIR);
	assert_null(p);
	proc_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_has_what_was_added_and_nothing_else),
		cmocka_unit_test(inode_zero_is_in_no_set),
		cmocka_unit_test(holders_are_sorted_and_each_is_there_once),
		cmocka_unit_test(only_links_that_say_exactly_socket_count),
		cmocka_unit_test(a_table_longer_than_one_reading_is_read_whole),
		cmocka_unit_test(what_is_no_folder_is_not_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
