/* SPDX-License-Identifier: MIT */
/*
 * Control groups (cgroup2) of a crowd: N services and N jobs, or a single one, in a
 * folder that nobody else uses. Included by crowd.c alone.
 */
#ifndef CROWD_GROUPS_H
#define CROWD_GROUPS_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUPS_ROOT "/sys/fs/cgroup"
#define GROUPS_NAME "pk-crowd-"
#define GROUPS_PATH (PATH_MAX + 64)

struct groups {
	int n;		      /* of each kind; 0: one for all */
	char slice[PATH_MAX]; /* their folder; "": there are none */
};

static int groups_count(const struct groups *g)
{
	if (!g->slice[0])
		return 0;
	return g->n ? 2 * g->n : 1;
}

/* The even ones are services, the odd ones jobs. */
static void groups_path(const struct groups *g, int i, char path[GROUPS_PATH])
{
	if (g->n)
		snprintf(path, GROUPS_PATH, "%s/%s-%d.service", g->slice,
			 i % 2 ? "job" : "web", i / 2);
	else
		snprintf(path, GROUPS_PATH, "%s/all.service", g->slice);
}

/* This process, from now on, is in the service or job of that number, counted round. */
static bool groups_enter(const struct groups *g, bool job, int number)
{
	char path[GROUPS_PATH], file[GROUPS_PATH + 16];
	bool done;
	int fd;

	if (!g->slice[0])
		return true;
	groups_path(g, g->n ? 2 * (number % g->n) + job : 0, path);
	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, "0", 1) == 1;
	if (fd >= 0)
		close(fd);
	return done;
}

/* Once all processes in them are gone. */
static void groups_remove(struct groups *g)
{
	char path[GROUPS_PATH];
	int i;

	for (i = 0; i < groups_count(g); i++) {
		groups_path(g, i, path);
		rmdir(path);
	}
	if (g->slice[0])
		rmdir(g->slice);
	g->slice[0] = '\0';
}

/* Folders of a crowd that was killed too hard to remove them. */
static void groups_sweep(const char *root)
{
	DIR *dir = opendir(root);
	const struct dirent *e, *f;

	while (dir && (e = readdir(dir))) {
		char path[GROUPS_PATH + 256];
		DIR *slice;
		long pid;

		if (strncmp(e->d_name, GROUPS_NAME, strlen(GROUPS_NAME)) != 0)
			continue;
		pid = strtol(e->d_name + strlen(GROUPS_NAME), NULL, 10);
		if (pid <= 0 || kill((pid_t)pid, 0) == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", root, e->d_name);
		slice = opendir(path);
		while (slice && (f = readdir(slice)))
			if (f->d_type == DT_DIR && f->d_name[0] != '.')
				unlinkat(dirfd(slice), f->d_name, AT_REMOVEDIR);
		if (slice)
			closedir(slice);
		rmdir(path);
	}
	if (dir)
		closedir(dir);
}

/* Where cgroup2 is mounted; the last of several lies on top. "41 31 0:38 / /sys/fs/cgroup
 * rw - cgroup2 cgroup2 rw" (proc_pid_mountinfo(5)). */
static bool groups_find_root(char root[PATH_MAX])
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[PATH_MAX + 512], where[PATH_MAX];
	bool found = false;

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, " - cgroup2 ") &&
		    sscanf(line, "%*s %*s %*s / %4095s ", where) == 1) {
			snprintf(root, PATH_MAX, "%s", where);
			found = true;
		}
	if (f)
		fclose(f);
	return found;
}

static bool groups_make_in(struct groups *g, const char *root)
{
	char path[GROUPS_PATH];
	int i;

	groups_sweep(root);
	if (snprintf(g->slice, sizeof(g->slice), "%s/" GROUPS_NAME "%d.slice", root,
		     (int)getpid()) >= (int)sizeof(g->slice) ||
	    mkdir(g->slice, 0755) < 0) {
		g->slice[0] = '\0';
		return false;
	}
	for (i = 0; i < groups_count(g); i++) {
		groups_path(g, i, path);
		if (mkdir(path, 0755) < 0) {
			groups_remove(g);
			return false;
		}
	}
	return true;
}

/* In a mount namespace of our own: where there is no cgroup2 to be written, it is
 * mounted, if we may. Else there are no groups. */
static void groups_make(struct groups *g, int n)
{
	char root[PATH_MAX];

	g->n = n;
	if (groups_find_root(root) && groups_make_in(g, root))
		return;
	if (mount("cgroup2", GROUPS_ROOT, "cgroup2", 0, NULL) == 0)
		groups_make_in(g, GROUPS_ROOT);
}

#endif
