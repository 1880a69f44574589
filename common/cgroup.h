/*
 * Floor 5: control groups: from the id that a socket carries to the unit or container
 * that made it, and to the processes in it.
 *
 * An id is the inode number of a directory of the cgroup2 file system; paths begin with
 * '/' and are as /proc/PID/cgroup has them, "/" being the root that we see (within a
 * container with a cgroup namespace, its own). Where there is only version 1, ids are not
 * resolved and everything says "not known".
 *
 * Facts: cgroups(7); systemd's naming: systemd.slice(5), systemd.scope(5); containers:
 * docker-<64 hex>.scope, cri-containerd-<64 hex>.scope, crio-<64 hex>.scope,
 * libpod-<64 hex>.scope, /docker/<64 hex>, /kubepods.../pod<uid>/<64 hex>,
 * lxc.payload.NAME, machine.slice/systemd-nspawn@NAME.service. Ids: open_by_handle_at(2)
 * with what linux/exportfs.h calls FILEID_KERNFS.
 */
#ifndef PK_CGROUP_H
#define PK_CGROUP_H

#include <sys/types.h>

#include "base.h"

struct cgroups;

/* ROOT: NULL finds the mount of cgroup2 by /proc/self/mountinfo. 0, -ENOENT (there is
 * none), or another -errno. */
PK_MUST_CHECK int cgroups_open(struct cgroups **ret_cgroups, const char *root);
void cgroups_close(struct cgroups *c);
/*
 * The path of ID, good until cgroups_close(); NULL: not known (gone, outside of what is
 * mounted here, or not permitted to see). Asked for the same id again, it is remembered,
 * and the same pointer. With CAP_DAC_READ_SEARCH the kernel opens it by its id; else the
 * whole tree is walked, for ids that are new then again, but at most once a second.
 */
const char *cgroups_path(struct cgroups *c, uint64_t id);
/* The processes in PATH itself and in all groups below it (32 levels, by no order), those
 * of other pid namespaces left out. The caller frees RET_PIDS, NULL if there are none. 0,
 * -ENOENT or another -errno. */
PK_MUST_CHECK int cgroups_pids(struct cgroups *c, const char *path, pid_t **ret_pids,
			       size_t *ret_n);

/*
 * What a path says. Pure.
 *
 * Unit and container are the outermost that the path names: those that this machine's own
 * systemctl and engine know, not what runs inside of a container. A process that keeps
 * things going for a container (podman's and CRI-O's conmon, LXC's monitor) counts to it.
 */
struct cgroup_place {
	char unit[256];	    /* "nginx.service", "session-3.scope", "" (no slices); as
			      * systemctl takes it */
	bool user_unit;	    /* of a user's manager: systemctl --user */
	char container[80]; /* its id (12 digits as docker ps shows them) or name; "" */
	char engine[24];    /* "docker", "podman", "containerd", "cri-o", "lxc", "nspawn",
			      * "buildkit"; "": a container, of whom is not known */
	char pod[48];	    /* the uid of a Kubernetes pod, "" */
};
void cgroup_place_of(const char *path, struct cgroup_place *ret_place);

#endif
