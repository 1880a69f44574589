/*
 * Everything in children: what is given up does not come back.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "addr.h"
#include "priv.h"

#define NOBODY 65534

/* In the child: nothing of cmocka's, which would jump into the parent's copy. */
#define CHECK(what)                                                                \
	do {                                                                       \
		if (!(what)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
			_exit(1);                                                  \
		}                                                                  \
	} while (0)

static void in_child(void (*body)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(30);
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void in_child_of_root(void (*body)(void))
{
	if (geteuid() != 0 || !priv_has(CAP_SETPCAP) || !priv_has(CAP_NET_RAW))
		skip();
	in_child(body);
}

static bool raw_socket_opens(void)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (fd < 0)
		CHECK(errno == EPERM);
	else
		close(fd);
	return fd >= 0;
}

/* The permitted, effective and inheritable set as the kernel has them. */
struct sets {
	uint64_t permitted, effective, inheritable;
};

static struct sets sets_now(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	CHECK(syscall(SYS_capget, &header, data) == 0);
	return (struct sets){
		.permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted,
		.effective = (uint64_t)data[1].effective << 32 | data[0].effective,
		.inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable,
	};
}

static void set_sets(struct sets s)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)s.effective, (uint32_t)s.permitted, (uint32_t)s.inheritable },
		{ (uint32_t)(s.effective >> 32), (uint32_t)(s.permitted >> 32),
		  (uint32_t)(s.inheritable >> 32) },
	};

	CHECK(syscall(SYS_capset, &header, data) == 0);
}

#define BIT(capability) (1ull << (capability))

static void check_left(uint64_t capabilities)
{
	struct sets s = sets_now();
	int i;

	CHECK(s.permitted == capabilities);
	CHECK(s.effective == capabilities);
	CHECK(s.inheritable == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	for (i = 0; i <= CAP_LAST_CAP; i++)
		CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) <= 0);
}

/* nobody, with these capabilities and no others. */
static void become_nobody_with(struct sets s)
{
	CHECK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
	CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0);
	CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	set_sets(s);
}

/* ---- giving all up ---- */

static void drop_all(void)
{
	int i;

	CHECK(priv_has(CAP_NET_RAW));
	CHECK(raw_socket_opens());
	CHECK(priv_drop(-1) == 0);
	check_left(0);
	CHECK(!priv_has(CAP_NET_RAW));
	CHECK(!raw_socket_opens());
	CHECK(chroot("/") < 0 && errno == EPERM);
	for (i = 0; i <= CAP_LAST_CAP; i++)
		CHECK(prctl(PR_CAPBSET_READ, i, 0, 0, 0) <= 0);
}

static void root_can_do_nothing_special_afterwards(void **state)
{
	(void)state;
	in_child_of_root(drop_all);
}

static void run_a_program(void)
{
	static const char script[] =
		"while read -r name value; do"
		" case $name in Cap???:) case $value in *[!0]*) exit 3 ;; esac ;; esac; "
		"done </proc/self/status";

	CHECK(priv_drop(-1) == 0);
	execl("/bin/sh", "sh", "-c", script, (char *)NULL);
	CHECK(!"sh runs");
}

static void a_program_that_root_starts_has_none_either(void **state)
{
	(void)state;
	in_child_of_root(run_a_program);
}

static void drop_twice(void)
{
	CHECK(priv_drop(CAP_NET_RAW) == 0);
	CHECK(priv_drop(CAP_NET_RAW) == 0);
	check_left(BIT(CAP_NET_RAW));
	CHECK(priv_drop(-1) == 0);
	check_left(0);
	/* What is gone can't be kept. */
	CHECK(priv_drop(CAP_NET_RAW) == 0);
	check_left(0);
}

static void it_can_be_done_in_steps(void **state)
{
	(void)state;
	in_child_of_root(drop_twice);
}

/* ---- keeping one ---- */

static void keep_one(void)
{
	CHECK(priv_drop(CAP_NET_RAW) == 0);
	check_left(BIT(CAP_NET_RAW));
	CHECK(priv_has(CAP_NET_RAW));
	CHECK(!priv_has(CAP_NET_ADMIN));
	CHECK(raw_socket_opens());
	CHECK(chroot("/") < 0 && errno == EPERM);
}

static void one_can_be_kept(void **state)
{
	(void)state;
	in_child_of_root(keep_one);
}

/* As a file with cap_net_raw+p starts: permitted, not in effect, no CAP_SETPCAP. */
static void keep_permitted(void)
{
	become_nobody_with(
		(struct sets){ .permitted = BIT(CAP_NET_RAW) | BIT(CAP_NET_ADMIN) });
	CHECK(!priv_has(CAP_NET_RAW));
	CHECK(!raw_socket_opens());
	CHECK(priv_drop(CAP_NET_RAW) == 0);
	check_left(BIT(CAP_NET_RAW));
	CHECK(raw_socket_opens());
}

static void what_is_only_permitted_is_kept_in_effect(void **state)
{
	(void)state;
	in_child_of_root(keep_permitted);
}

static void drop_ambient(void)
{
	uint64_t both = BIT(CAP_NET_RAW) | BIT(CAP_NET_ADMIN);

	become_nobody_with((struct sets){ both, both, both });
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) == 0);
	CHECK(priv_drop(CAP_NET_RAW) == 0);
	check_left(BIT(CAP_NET_RAW));
}

static void ambient_ones_are_not_handed_on(void **state)
{
	(void)state;
	in_child_of_root(drop_ambient);
}

/* ---- without any ---- */

static void drop_nothing(void)
{
	if (geteuid() == 0)
		become_nobody_with((struct sets){ 0 });
	CHECK(!priv_has(CAP_NET_RAW));
	CHECK(priv_drop(CAP_NET_RAW) == 0);
	check_left(0);
	CHECK(priv_drop(-1) == 0);
	check_left(0);
}

static void it_does_no_harm_to_who_has_none(void **state)
{
	(void)state;
	in_child(drop_nothing);
}

static void numbers_out_of_range_are_no_capability(void **state)
{
	(void)state;
	assert_false(priv_has(-1));
	assert_false(priv_has(64));
	assert_false(priv_has(1000));
}

/* ---- set-user-ID ---- */

static void check_is_nobody(void)
{
	uid_t uid[3];
	gid_t gid[3];

	CHECK(getresuid(&uid[0], &uid[1], &uid[2]) == 0);
	CHECK(getresgid(&gid[0], &gid[1], &gid[2]) == 0);
	CHECK(uid[0] == NOBODY && uid[1] == NOBODY && uid[2] == NOBODY);
	CHECK(gid[0] == NOBODY && gid[1] == NOBODY && gid[2] == NOBODY);
	CHECK(setuid(0) < 0 && errno == EPERM);
}

static void drop_setuid(void)
{
	CHECK(setresgid(NOBODY, 0, 0) == 0);
	CHECK(setresuid(NOBODY, 0, 0) == 0);
	CHECK(priv_drop(-1) == 0);
	check_is_nobody();
	check_left(0);
	CHECK(!raw_socket_opens());
}

static void a_lent_root_is_given_back(void **state)
{
	(void)state;
	in_child_of_root(drop_setuid);
}

static void keep_setuid(void)
{
	CHECK(setresuid(NOBODY, 0, 0) == 0);
	CHECK(setresgid(NOBODY, 0, 0) == 0);
	CHECK(priv_drop(CAP_NET_RAW) == 0);
	check_is_nobody();
	check_left(BIT(CAP_NET_RAW));
	CHECK(raw_socket_opens());
}

static void a_lent_root_is_given_back_but_for_what_is_kept(void **state)
{
	(void)state;
	in_child_of_root(keep_setuid);
}

static void drop_saved(void)
{
	CHECK(setresgid(NOBODY, NOBODY, 0) == 0);
	CHECK(setresuid(NOBODY, NOBODY, 0) == 0);
	CHECK(priv_drop(-1) == 0);
	check_is_nobody();
	check_left(0);
}

static void a_root_that_is_only_put_aside_is_given_back_too(void **state)
{
	(void)state;
	in_child_of_root(drop_saved);
}

/* ---- verification ---- */

/* A kernel in which a system call says 0 and does nothing. */
static void break_call(unsigned int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0);
}

static void drop_in_vain(void)
{
	break_call(SYS_capset);
	CHECK(priv_drop(-1) == -EPERM);
	CHECK(raw_socket_opens());
}

static void capabilities_that_stay_are_noticed(void **state)
{
	(void)state;
	in_child_of_root(drop_in_vain);
}

static void give_back_in_vain(void)
{
	CHECK(setresuid(NOBODY, 0, 0) == 0);
	break_call(SYS_setresuid);
	CHECK(priv_drop(-1) == -EPERM);
}

static void a_root_that_stays_is_noticed(void **state)
{
	(void)state;
	in_child_of_root(give_back_in_vain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_can_do_nothing_special_afterwards),
		cmocka_unit_test(a_program_that_root_starts_has_none_either),
		cmocka_unit_test(it_can_be_done_in_steps),
		cmocka_unit_test(one_can_be_kept),
		cmocka_unit_test(what_is_only_permitted_is_kept_in_effect),
		cmocka_unit_test(ambient_ones_are_not_handed_on),
		cmocka_unit_test(it_does_no_harm_to_who_has_none),
		cmocka_unit_test(numbers_out_of_range_are_no_capability),
		cmocka_unit_test(a_lent_root_is_given_back),
		cmocka_unit_test(a_lent_root_is_given_back_but_for_what_is_kept),
		cmocka_unit_test(a_root_that_is_only_put_aside_is_given_back_too),
		cmocka_unit_test(capabilities_that_stay_are_noticed),
		cmocka_unit_test(a_root_that_stays_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
