#include "fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_guard_stdio(void)
{
	for (int i = 0; i <= STDERR_FILENO; i++) {
		int fd;

		if (fcntl(i, F_GETFD) >= 0)
			continue;
		if (errno != EBADF)
			return -errno;
		/* The lowest free number is I, as those below it are open by now. */
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (fd != i) {
			/* Another thread was quicker and holds I now; leave it alone. */
			close(fd);
			continue;
		}
		/* Standard streams are inherited, or a child would have the same gap. */
		if (fcntl(fd, F_SETFD, 0) < 0)
			return -errno;
	}
	return 0;
}

static size_t limit_size(rlim_t limit)
{
	/* RLIM_INFINITY is the largest rlim_t; where size_t is narrower, its own is. */
	return limit > SIZE_MAX ? SIZE_MAX : (size_t)limit;
}

int fd_raise_limit(size_t *ret_limit)
{
	struct rlimit limit, raised;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	raised = limit;
	raised.rlim_cur = raised.rlim_max;
	if (limit.rlim_cur != limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) < 0) {
		int err = -errno;

		*ret_limit = limit_size(limit.rlim_cur);
		return err;
	}
	*ret_limit = limit_size(raised.rlim_cur);
	return 0;
}

size_t fd_count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	size_t n = 0;

	if (!dir)
		return 3;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			n++;
	closedir(dir);
	/* The directory's own descriptor was among them. */
	return n ? n - 1 : 3;
}

int fd_write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n > 0) {
			at += n;
			len -= (size_t)n;
		} else if (n == 0) {
			/* No file should do this; going on could spin for ever. */
			return -EIO;
		} else if (errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			/* What poll() has to say of errors, the next write() says too. */
			if (poll(&p, 1, -1) < 0 && errno != EINTR)
				return -errno;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}
