/*
 * cgroup: ids, paths and processes; in the kernel's tree where there is one that we may
 * change, and in a made-up one, which has to be walked.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cgroup.h"
#include "proc.h"

#define NOBODY	   65534
#define NO_SUCH_ID UINT64_C(0x7fffffff7fffffff)
/* The namespace can't be made here. */
#define CANT 200

/* Where cgroup2 is; false: nowhere. */
static bool find_mount(char path[PATH_MAX])
{
	static const char *const usual[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		snprintf(path, PATH_MAX, "%s/cgroup.controllers", usual[i]);
		if (access(path, F_OK) == 0) {
			snprintf(path, PATH_MAX, "%s", usual[i]);
			return true;
		}
	}
	return false;
}

static uint64_t id_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	/* A group goes with the kernel's files in it. */
	return type == FTW_DP ? rmdir(path) : 0;
}

static int remove_any(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* ---- the kernel's ---- */

static void this_process_group_is_found_by_its_id(void **state)
{
	char mount[PATH_MAX], path[2 * PATH_MAX];
	struct cgroups *c = NULL;
	struct process self;
	struct proc *proc;
	const char *found;
	struct stat st;

	(void)state;
	if (!find_mount(mount))
		skip();
	assert_int_equal(proc_open(&proc, "/proc"), 0);
	assert_int_equal(process_read(proc, getpid(), &self), 0);
	snprintf(path, sizeof(path), "%s%s", mount, self.cgroup ? self.cgroup : "");
	/* A hybrid set-up may have the path from elsewhere. */
	if (!self.cgroup || stat(path, &st) < 0) {
		process_release(&self);
		proc_close(proc);
		skip();
	}
	assert_int_equal(cgroups_open(&c, NULL), 0);
	found = cgroups_path(c, st.st_ino);
	assert_non_null(found);
	assert_string_equal(found, self.cgroup);
	assert_ptr_equal(cgroups_path(c, st.st_ino), found);
	cgroups_close(c);
	process_release(&self);
	proc_close(proc);
}

static void ids_of_no_group_are_not_known(void **state)
{
	char mount[PATH_MAX];
	struct cgroups *c = NULL;

	(void)state;
	if (!find_mount(mount))
		skip();
	assert_int_equal(cgroups_open(&c, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_null(cgroups_path(c, 0));
		assert_null(cgroups_path(c, NO_SUCH_ID));
	}
	assert_non_null(cgroups_path(c, id_of(mount)));
	cgroups_close(c);
}

/* A group of ours with one below, and a child in that. */
struct nest {
	char mount[PATH_MAX], outer[PATH_MAX + 64], inner[PATH_MAX + 96];
	pid_t child;
};

static bool nest_init(struct nest *n)
{
	char path[PATH_MAX + 128], text[16];
	int fd;

	if (!find_mount(n->mount))
		return false;
	snprintf(n->outer, sizeof(n->outer), "%s/portkit-test-%d", n->mount, getpid());
	snprintf(n->inner, sizeof(n->inner), "%s/my inner.service", n->outer);
	if (mkdir(n->outer, 0755) < 0)
		return false;
	assert_int_equal(mkdir(n->inner, 0755), 0);
	n->child = fork();
	assert_true(n->child >= 0);
	if (!n->child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	snprintf(path, sizeof(path), "%s/cgroup.procs", n->inner);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	snprintf(text, sizeof(text), "%d", n->child);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return true;
}

static void nest_release(struct nest *n)
{
	kill(n->child, SIGKILL);
	waitpid(n->child, NULL, 0);
	nftw(n->outer, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(access(n->outer, F_OK), -1);
}

static int look_at_nest(const struct nest *n, const char *root)
{
	const char *inner = n->inner + strlen(n->mount), *path;
	uint64_t id = id_of(n->inner);
	struct cgroups *c;
	pid_t *pids;
	size_t i, n_pids;

	if (cgroups_open(&c, root))
		return 1;
	path = cgroups_path(c, id);
	if (!path || strcmp(path, inner) != 0)
		return 2;
	if (cgroups_path(c, id) != path)
		return 3;
	if (strcmp(cgroups_path(c, id_of(n->mount)), "/") != 0)
		return 4;
	/* In itself, and from above. */
	if (cgroups_pids(c, path, &pids, &n_pids) || n_pids != 1 || pids[0] != n->child)
		return 5;
	free(pids);
	if (cgroups_pids(c, n->outer + strlen(n->mount), &pids, &n_pids) || n_pids != 1 ||
	    pids[0] != n->child)
		return 6;
	free(pids);
	if (cgroups_pids(c, "/", &pids, &n_pids))
		return 7;
	for (i = 0; i < n_pids && pids[i] != n->child; i++)
		;
	if (i == n_pids)
		return 8;
	free(pids);
	cgroups_close(c);
	return 0;
}

static int in_child(int (*fn)(const struct nest *n), const struct nest *n)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(fn(n));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_group_below_is_found_with_its_processes(void **state)
{
	struct nest n;

	(void)state;
	if (!nest_init(&n))
		skip();
	assert_int_equal(look_at_nest(&n, NULL), 0);
	assert_int_equal(look_at_nest(&n, n.mount), 0);
	nest_release(&n);
}

static int look_as_nobody(const struct nest *n)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		return 100;
	return look_at_nest(n, NULL);
}

static void without_privilege_the_tree_is_walked(void **state)
{
	struct nest n;
	int result;

	(void)state;
	if (geteuid() != 0 || !nest_init(&n))
		skip();
	result = in_child(look_as_nobody, &n);
	nest_release(&n);
	assert_int_equal(result, 0);
}

/* All that is mounted of cgroup2 is the outer group, at a path with a blank, and a wide
 * one is hidden by another file system. */
static int look_with_part(const struct nest *n)
{
	static const char there[] = "/tmp/portkit cgroup test";
	const char *inner = n->inner + strlen(n->mount), *path;
	uint64_t root_id = id_of(n->mount), id = id_of(n->inner);
	struct cgroups *c;
	size_t n_pids;
	pid_t *pids;

	mkdir(there, 0755);
	if (unshare(CLONE_NEWNS) || mount("", "/", "none", MS_PRIVATE | MS_REC, NULL) ||
	    mount(n->outer, there, NULL, MS_BIND, NULL) ||
	    mount("tmpfs", n->mount, "tmpfs", 0, NULL))
		return CANT;
	if (cgroups_open(&c, NULL))
		return 1;
	path = cgroups_path(c, id);
	if (!path || strcmp(path, inner) != 0)
		return 2;
	if (cgroups_path(c, root_id))
		return 3;
	if (cgroups_pids(c, inner, &pids, &n_pids) || n_pids != 1 || pids[0] != n->child)
		return 4;
	free(pids);
	if (cgroups_pids(c, "/", &pids, &n_pids) != -ENOENT)
		return 5;
	cgroups_close(c);
	return 0;
}

static void a_mount_of_a_part_of_the_tree_gives_whole_paths(void **state)
{
	struct nest n;
	int result;

	(void)state;
	if (geteuid() != 0 || !nest_init(&n))
		skip();
	result = in_child(look_with_part, &n);
	rmdir("/tmp/portkit cgroup test");
	nest_release(&n);
	if (result == CANT)
		skip();
	assert_int_equal(result, 0);
}

/* ---- a made-up one ---- */

struct fake {
	char path[64];
};

static void fake_group(const struct fake *f, const char *group, const char *procs)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", f->path, group);
	mkdir(path, 0755);
	if (!procs)
		return;
	snprintf(path, sizeof(path), "%s%s/cgroup.procs", f->path, group);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(procs, file);
	fclose(file);
}

static void fake_init(struct fake *f)
{
	snprintf(f->path, sizeof(f->path), "/tmp/portkit-cgroup-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	fake_group(f, "", "1\n2\n");
	fake_group(f, "/a", "");
	fake_group(f, "/a/b", "30\n0\n31\n99999999999999999999\n32");
	fake_group(f, "/.hidden", "40\n\n41\nx\n");
	fake_group(f, "/no-list", NULL);
}

static void fake_release(struct fake *f)
{
	nftw(f->path, remove_any, 8, FTW_DEPTH | FTW_PHYS);
}

static uint64_t fake_id(const struct fake *f, const char *group)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", f->path, group);
	return id_of(path);
}

static void all_of_a_tree_is_known_after_one_walk(void **state)
{
	static const char *const groups[] = { "/a", "/a/b", "/.hidden", "/no-list" };
	struct cgroups *c = NULL;
	struct fake f;

	(void)state;
	fake_init(&f);
	assert_int_equal(cgroups_open(&c, f.path), 0);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		assert_string_equal(cgroups_path(c, fake_id(&f, groups[i])), groups[i]);
	assert_string_equal(cgroups_path(c, fake_id(&f, "")), "/");
	assert_null(cgroups_path(c, NO_SUCH_ID));

	cgroups_close(c);
	fake_release(&f);
}

static void a_group_that_came_later_is_found_later(void **state)
{
	struct cgroups *c = NULL;
	const char *path = NULL;
	struct fake f;
	uint64_t id;

	(void)state;
	fake_init(&f);
	assert_int_equal(cgroups_open(&c, f.path), 0);
	assert_string_equal(cgroups_path(c, fake_id(&f, "/a")), "/a");
	fake_group(&f, "/a/late", "");
	id = fake_id(&f, "/a/late");
	/* At most a second, of which a test can't know how much has passed. */
	for (int i = 0; i < 200 && !path; i++) {
		struct timespec pause_10ms = { 0, 10 * NS_PER_MS };

		path = cgroups_path(c, id);
		if (!path)
			nanosleep(&pause_10ms, NULL);
	}
	assert_non_null(path);
	assert_string_equal(path, "/a/late");
	cgroups_close(c);
	fake_release(&f);
}

static void pids_are_of_a_group_and_all_below(void **state)
{
	struct cgroups *c = NULL;
	pid_t *pids = NULL;
	struct fake f;
	size_t n = 0;

	(void)state;
	fake_init(&f);
	assert_int_equal(cgroups_open(&c, f.path), 0);
	assert_int_equal(cgroups_pids(c, "/a", &pids, &n), 0);
	/* Zero is nobody that we know; a number that is none is no process's. */
	assert_int_equal(n, 2);
	assert_true(pids[0] == 30 && pids[1] == 31);
	free(pids);
	assert_int_equal(cgroups_pids(c, "/.hidden/", &pids, &n), 0);
	assert_int_equal(n, 2);
	free(pids);
	assert_int_equal(cgroups_pids(c, "/", &pids, &n), 0);
	assert_int_equal(n, 6);
	free(pids);
	assert_int_equal(cgroups_pids(c, "/no-list", &pids, &n), 0);
	assert_int_equal(n, 0);
	assert_null(pids);
	cgroups_close(c);
	fake_release(&f);
}

static void what_is_not_in_the_tree_is_enoent(void **state)
{
	static const char *const bad[] = { "/none",	    "/a/none",
					   "/..",	    "/../tmp",
					   "/a/../a",	    "/a/b/..",
					   "/cgroup.procs", "/a/b/cgroup.procs/x" };
	struct cgroups *c = NULL;
	pid_t *pids = NULL;
	struct fake f;
	size_t n = 7;

	(void)state;
	fake_init(&f);
	assert_int_equal(cgroups_open(&c, "/nowhere/at/all"), -ENOENT);
	assert_int_equal(cgroups_open(&c, f.path), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(cgroups_pids(c, bad[i], &pids, &n), -ENOENT);
	/* Dots in a name are no step up. */
	fake_group(&f, "/..x", "5\n");
	fake_group(&f, "/..x/y..", "6\n");
	assert_int_equal(cgroups_pids(c, "/..x/y..", &pids, &n), 0);
	assert_int_equal(n, 1);
	free(pids);
	cgroups_close(c);
	cgroups_close(NULL);
	fake_release(&f);
}

static void a_tree_without_end_is_left_at_some_depth(void **state)
{
	struct cgroups *c = NULL;
	char path[400] = "";
	pid_t *pids = NULL;
	struct fake f;
	size_t n = 0;

	(void)state;
	fake_init(&f);
	for (int i = 0; i < 60; i++) {
		strcat(path, "/d");
		fake_group(&f, path, "50\n");
	}
	assert_int_equal(cgroups_open(&c, f.path), 0);
	assert_int_equal(cgroups_pids(c, "/", &pids, &n), 0);
	assert_true(n > 6 + 30 && n < 6 + 40);
	free(pids);
	assert_null(cgroups_path(c, fake_id(&f, path)));
	cgroups_close(c);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_process_group_is_found_by_its_id),
		cmocka_unit_test(ids_of_no_group_are_not_known),
		cmocka_unit_test(a_group_below_is_found_with_its_processes),
		cmocka_unit_test(without_privilege_the_tree_is_walked),
		cmocka_unit_test(a_mount_of_a_part_of_the_tree_gives_whole_paths),
		cmocka_unit_test(all_of_a_tree_is_known_after_one_walk),
		cmocka_unit_test(a_group_that_came_later_is_found_later),
		cmocka_unit_test(pids_are_of_a_group_and_all_below),
		cmocka_unit_test(what_is_not_in_the_tree_is_enoent),
		cmocka_unit_test(a_tree_without_end_is_left_at_some_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
