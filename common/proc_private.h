/*
 * Floor 5: what the parts of proc share.
 *
 *	proc.c		/proc itself, the set of wanted inodes, the list of holders
 *	proc_scan.c	the walk through the descriptors
 *	proc_process.c	what one process is
 */
#ifndef PK_PROC_PRIVATE_H
#define PK_PROC_PRIVATE_H

#include "proc.h"

/* Room for one getdents64(2): some 2,000 descriptors a call. */
#define PROC_SCRATCH_BYTES ((size_t)64 << 10)
/* "4194304/task/4194304/fd" and more (PID_MAX_LIMIT, linux/threads.h). */
#define PROC_NAME_SIZE 64

struct proc {
	int fd;
	bool is_real; /* the kernel's own, no test's */
	bool hidepid;
	int64_t boot_wall_ns; /* since 1970 */
	int64_t ticks_per_s;  /* of start_ticks */
	char *scratch;	      /* PROC_SCRATCH_BYTES; each thread has its own */
};

/* A process or descriptor number as /proc names it; -1 if NAME is none. */
int proc_number(const char *name);
/* Read NAME below the folder DIR, at most PROC_SCRATCH_BYTES - 1 bytes of it, into
 * P->scratch, with a NUL behind. Bytes read, or -errno. */
ssize_t proc_read_text(struct proc *p, int dir, const char *name);
/* 0 or -ENOMEM. */
int proc_holders_add(struct proc_holders *h, const struct proc_holder *item);

#endif
