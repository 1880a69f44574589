/*
 * Floor 1: descriptors.
 */
#ifndef PK_FD_H
#define PK_FD_H

#include "base.h"

/* Close *FD if >= 0 and set it to -1; errno is kept. Fits PK_CLEANUP. */
void fd_close(int *fd);
/* Open /dev/null on each of 0, 1, 2 that is closed, so that no socket lands there and
 * receives what was meant for the screen. 0 or -errno. */
int fd_guard_stdio(void);
/* Raise the soft limit of open files to the hard one; *RET_LIMIT is what holds then, also
 * when raising failed. 0 or -errno. */
int fd_raise_limit(size_t *ret_limit);
/* How many descriptors are open in this process now (from /proc/self/fd, else 3). */
size_t fd_count_open(void);
/* Write all LEN bytes, through EINTR and short writes, waiting where FD would block.
 * 0 or -errno. */
int fd_write_all(int fd, const void *bytes, size_t len);

#endif
