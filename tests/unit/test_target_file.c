#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "target.h"

static void check_ports(const struct target_set *set, size_t i, const char *text,
			size_t n, uint16_t first, int protocol)
{
	const struct port_list *list = target_ports(set, &set->targets[i]);
	uint16_t port = 0;
	int number = 0;

	assert_string_equal(set->targets[i].text, text);
	assert_int_equal(list->n_ports, n);
	port_list_at(list, 0, &port, &number);
	assert_int_equal(port, first);
	assert_int_equal(number, protocol);
}

/* Write LEN bytes to a new file, whose path goes to PATH. */
static void make_file(char path[64], const char *bytes, size_t len)
{
	int fd;

	snprintf(path, 64, "/tmp/test_target.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static int read_file(struct target_set *set, const char *bytes, size_t len, char *why)
{
	char path[64], line[TARGET_WHY_SIZE];
	int err;

	make_file(path, bytes, len);
	err = target_set_file(set, path, line);
	unlink(path);
	if (err && strncmp(line + 1, path, strlen(path)) != 0)
		fail_msg("the file is not named: %s", line);
	/* Without the name, which is never the same. */
	if (err)
		snprintf(why, TARGET_WHY_SIZE, "%s", line + strlen(path) + 3);
	return err;
}

static void a_file_has_a_target_a_line(void **state)
{
	static const char text[] = "\xef\xbb\xbf# hosts\r\n"
				   "\n"
				   "example.com\r\n"
				   " \t192.0.2.1\t22,80 443 # with ports of its own\n"
				   "[2001:db8::1]:53/udp\n"
				   "https://example.com/#fragment #comment\n"
				   "10.0.0.0/30";
	char why[TARGET_WHY_SIZE] = "";
	struct target_set set;

	(void)state;
	target_set_init(&set, IPPROTO_TCP);
	assert_int_equal(read_file(&set, text, sizeof(text) - 1, why), 0);
	assert_int_equal(target_set_finish(&set, why), -EINVAL);
	assert_string_equal(
		why, "'example.com': no ports given (expected e.g. 80, 1-1024, https)");
	/* With targets from a file, ports may be the first operand. */
	assert_int_equal(target_set_add(&set, "8080", why), 0);
	assert_int_equal(target_set_finish(&set, why), 0);
	assert_int_equal(set.n_targets, 5);
	check_ports(&set, 0, "example.com", 1, 8080, IPPROTO_TCP);
	check_ports(&set, 1, "192.0.2.1", 3, 22, IPPROTO_TCP);
	check_ports(&set, 2, "2001:db8::1", 1, 53, IPPROTO_UDP);
	check_ports(&set, 3, "example.com", 1, 443, IPPROTO_TCP);
	check_ports(&set, 4, "10.0.0.0/30", 1, 8080, IPPROTO_TCP);
	target_set_release(&set);
}

static void a_bad_line_is_named_and_nothing_is_added(void **state)
{
	static const struct {
		const char *text;
		size_t len; /* 0: up to the NUL */
		const char *why;
	} cases[] = {
		{ "a\nb\n\n#\nc\nd\na..b\ne\n", 0,
		  "line 7: 'a..b': not a host name (an empty label)" },
		{ "a\nhost 70000", 0, "line 2: port '70000': expected 1-65535" },
		{ "a\n80\n", 0,
		  "line 2: '80': expected a target before the ports, as in 'HOST 80'" },
		{ "a b\n", 0,
		  "line 1: 'b': expected ports after the target, which stands "
		  "alone on its "
		  "line" },
		{ "a:1 b:2\n", 0,
		  "line 1: 'b:2': expected ports after the target, which stands "
		  "alone on its "
		  "line" },
		{ "a:1 2\n", 0,
		  "line 1: '2': ports without a target: those before it have their own "
		  "(expected e.g. 'HOST 22 80')" },
		{ "a\nb\0c\n", 6, "line 2: a NUL byte (expected text)" },
		{ "a\n10.0.0.0/4\n", 0,
		  "line 2: '10.0.0.0/4': 268435456 addresses: expected a block "
		  "of at most "
		  "1048576, or --yes" },
		{ "a\nb\x01\n", 0,
		  "line 2: 'b\x01': not a host name (expected letters, digits, "
		  "'-', '_' and "
		  "'.')" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = cases[i].len ? cases[i].len : strlen(cases[i].text);
		char why[TARGET_WHY_SIZE] = "";
		struct target_set set;

		target_set_init(&set, IPPROTO_TCP);
		assert_int_equal(target_set_add(&set, "before", why), 0);
		assert_int_equal(read_file(&set, cases[i].text, len, why), -EINVAL);
		assert_string_equal(why, cases[i].why);
		assert_int_equal(set.n_targets, 1);
		assert_string_equal(set.targets[0].text, "before");
		target_set_release(&set);
	}
}

static void lines_of_a_file_are_bounded(void **state)
{
	char text[TARGET_LINE_BYTES + 2], why[TARGET_WHY_SIZE] = "";
	struct target_set set;

	(void)state;
	target_set_init(&set, IPPROTO_TCP);
	memset(text, ' ', sizeof(text));
	text[0] = 'a';
	text[TARGET_LINE_BYTES] = '\n';
	assert_int_equal(read_file(&set, text, TARGET_LINE_BYTES + 1, why), 0);
	assert_int_equal(set.n_targets, 1);
	text[TARGET_LINE_BYTES] = ' ';
	text[TARGET_LINE_BYTES + 1] = '\n';
	assert_int_equal(read_file(&set, text, TARGET_LINE_BYTES + 2, why), -EINVAL);
	assert_string_equal(why, "line 1: expected at most 4096 bytes");
	assert_int_equal(set.n_targets, 1);
	target_set_release(&set);
}

static void many_lines_are_read_across_the_bounds_of_reads(void **state)
{
	const size_t n = 20000;
	char *text = malloc(n * 16), why[TARGET_WHY_SIZE] = "";
	struct target_set set;
	size_t used = 0;
	char name[16];

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, 16, "h%zu\n", i);
	target_set_init(&set, IPPROTO_TCP);
	assert_int_equal(read_file(&set, text, used, why), 0);
	free(text);
	assert_int_equal(set.n_targets, n);
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "h%zu", i);
		assert_string_equal(set.targets[i].text, name);
	}
	target_set_release(&set);
}

static void a_file_that_cannot_be_read_is_named_with_the_reason(void **state)
{
	char why[TARGET_WHY_SIZE] = "";
	struct target_set set;

	(void)state;
	target_set_init(&set, IPPROTO_TCP);
	assert_int_equal(target_set_file(&set, "/nonexistent/hosts.txt", why), -ENOENT);
	assert_string_equal(
		why, "cannot open '/nonexistent/hosts.txt': No such file or directory");
	assert_int_equal(target_set_file(&set, "/", why), -EISDIR);
	assert_string_equal(why, "cannot read '/': Is a directory");
	target_set_release(&set);
}

static void a_dash_reads_standard_input(void **state)
{
	char path[64], why[TARGET_WHY_SIZE] = "";
	struct target_set set;
	int saved = dup(STDIN_FILENO), fd, err;

	(void)state;
	make_file(path, "one\n127.1\n", 10);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	assert_true(fd >= 0);
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
	target_set_init(&set, IPPROTO_TCP);
	err = target_set_file(&set, "-", why);
	if (saved >= 0) {
		dup2(saved, STDIN_FILENO);
		close(saved);
	}
	assert_int_equal(err, -EINVAL);
	assert_string_equal(why,
			    "standard input line 2: '127.1': looks like an IPv4 address "
			    "but isn't one (expected four decimal numbers 0-255)");
	target_set_release(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_a_target_a_line),
		cmocka_unit_test(a_bad_line_is_named_and_nothing_is_added),
		cmocka_unit_test(lines_of_a_file_are_bounded),
		cmocka_unit_test(many_lines_are_read_across_the_bounds_of_reads),
		cmocka_unit_test(a_file_that_cannot_be_read_is_named_with_the_reason),
		cmocka_unit_test(a_dash_reads_standard_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
