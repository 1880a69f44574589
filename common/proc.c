#include "proc_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "fd.h"
#include "parse.h"

/* Far more than any machine holds descriptors of the wanted sockets. */
#define MAX_HOLDERS ((size_t)1 << 24)
/* USER_HZ, where sysconf(3) does not know (asm-generic/param.h). */
#define DEFAULT_TICKS_PER_S 100
/* Lines of mounts: some thousands on a busy container host. */
#define MAX_MOUNTINFO_BYTES ((size_t)8 << 20)

/* ---- the set of wanted inodes ---- */

/* CAP is a power of two. Inodes are handed out in sequence, so that the low bits of the
 * product (Knuth, 6.4) spread them; the set is at most half full. */
static size_t slot_of(const uint32_t *slots, size_t cap, uint32_t inode)
{
	size_t i = (size_t)(inode * UINT32_C(2654435761)) & (cap - 1);

	while (slots[i] && slots[i] != inode)
		i = (i + 1) & (cap - 1);
	return i;
}

int inode_set_add(struct inode_set *set, uint32_t inode)
{
	size_t i, at;

	if (!inode || inode_set_has(set, inode))
		return 0;
	if (2 * (set->n + 1) > set->cap) {
		size_t cap = set->cap ? 2 * set->cap : 64;
		uint32_t *slots = calloc(cap, sizeof(*slots));

		if (!slots)
			return -ENOMEM;
		for (i = 0; i < set->cap; i++) {
			if (!set->slots[i])
				continue;
			at = slot_of(slots, cap, set->slots[i]);
			slots[at] = set->slots[i];
		}
		free(set->slots);
		set->slots = slots;
		set->cap = cap;
	}
	set->slots[slot_of(set->slots, set->cap, inode)] = inode;
	set->n++;
	return 0;
}

bool inode_set_has(const struct inode_set *set, uint32_t inode)
{
	return inode && set->cap && set->slots[slot_of(set->slots, set->cap, inode)];
}

void inode_set_release(struct inode_set *set)
{
	if (!set)
		return;
	free(set->slots);
	*set = (struct inode_set){ 0 };
}

/* ---- the list of holders ---- */

int proc_holders_add(struct proc_holders *h, const struct proc_holder *item)
{
	if (h->n == h->cap) {
		size_t cap = h->cap ? 2 * h->cap : 64;
		struct proc_holder *items =
			cap <= MAX_HOLDERS ? realloc(h->items, cap * sizeof(*items))
					   : NULL;

		if (!items)
			return -ENOMEM;
		h->items = items;
		h->cap = cap;
	}
	h->items[h->n++] = *item;
	return 0;
}

void proc_holders_release(struct proc_holders *h)
{
	if (!h)
		return;
	free(h->items);
	*h = (struct proc_holders){ 0 };
}

static int compare_holders(const void *va, const void *vb)
{
	const struct proc_holder *a = va, *b = vb;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->fd > b->fd) - (a->fd < b->fd);
}

void proc_holders_sort(struct proc_holders *h)
{
	size_t i, kept = 1;

	if (!h->n)
		return;
	qsort(h->items, h->n, sizeof(*h->items), compare_holders);
	for (i = 1; i < h->n; i++)
		if (compare_holders(&h->items[i], &h->items[kept - 1]) != 0)
			h->items[kept++] = h->items[i];
	h->n = kept;
}

const struct proc_holder *proc_holders_of(const struct proc_holders *h, uint32_t inode,
					  size_t *ret_n)
{
	size_t low = 0, high = h->n, end;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (h->items[mid].inode < inode)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < h->n && h->items[end].inode == inode; end++)
		;
	*ret_n = end - low;
	return end > low ? &h->items[low] : NULL;
}

/* ---- /proc itself ---- */

int proc_number(const char *name)
{
	uint64_t n;

	/* The kernel writes no leading zeros. */
	if ((name[0] == '0' && name[1]) || parse_u64(name, 0, INT_MAX, &n) < 0)
		return -1;
	return (int)n;
}

ssize_t proc_read_text(struct proc *p, int dir, const char *name)
{
	PK_CLEANUP(fd_close) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, p->scratch + len, PROC_SCRATCH_BYTES - 1 - len);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	} while (n > 0 && len < PROC_SCRATCH_BYTES - 1);
	p->scratch[len] = '\0';
	return (ssize_t)len;
}

/* Who has CAP_SYS_PTRACE is shown everything. */
static bool may_trace(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &head, data) == 0 &&
	       (data[CAP_TO_INDEX(CAP_SYS_PTRACE)].effective &
		CAP_TO_MASK(CAP_SYS_PTRACE)) != 0;
}

/*
 * Does the line of mountinfo, of LEN bytes, tell of the file system DEV, and that it
 * leaves processes of others out? "23 28 0:21 / /proc rw - proc proc rw,hidepid=2":
 * numbers 2 and 4 are spelled out since Linux 5.8 (Documentation/filesystems/proc.rst).
 */
static bool line_hides(const char *line, size_t len, dev_t dev)
{
	static const char *const hiding[] = { "hidepid=2", "hidepid=4",
					      "hidepid=invisible", "hidepid=ptraceable" };
	char number[32];
	const char *at = memchr(line, ' ', len), *end = line + len;
	int n = snprintf(number, sizeof(number), " %u:%u ", major(dev), minor(dev));
	size_t i;

	at = at ? memchr(at + 1, ' ', (size_t)(end - at - 1)) : NULL;
	if (!at || end - at < n || memcmp(at, number, (size_t)n) != 0)
		return false;
	at = memmem(line, len, " - proc ", 8);
	for (i = 0; at && i < ARRAY_SIZE(hiding); i++)
		if (memmem(at, (size_t)(end - at), hiding[i], strlen(hiding[i])))
			return true;
	return false;
}

static bool mounted_hiding(const struct proc *p)
{
	PK_CLEANUP(fd_close)
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	struct buf text = BUF_INIT;
	bool hides = false;
	struct stat st;
	const char *at, *end;
	ssize_t n;

	if (fd < 0 || fstat(p->fd, &st) < 0)
		return false;
	while (text.len < MAX_MOUNTINFO_BYTES &&
	       (n = read(fd, p->scratch, PROC_SCRATCH_BYTES)) > 0)
		buf_add(&text, p->scratch, (size_t)n);
	for (at = text.data; !hides && *at; at = *end ? end + 1 : end) {
		end = strchrnul(at, '\n');
		hides = line_hides(at, (size_t)(end - at), st.st_dev);
	}
	buf_release(&text);
	return hides;
}

/*
 * Are processes left out of the listing? Process 1 is always there, unless it is hidden
 * from us. Where it is ours, as in a container, only the mount's option tells.
 */
static bool hides_processes(const struct proc *p)
{
	struct stat st;

	if (!p->is_real)
		return false;
	if (fstatat(p->fd, "1", &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return true;
	return !may_trace() && mounted_hiding(p);
}

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts = { 0 };

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int proc_open(struct proc **ret_proc, const char *path)
{
	struct proc *p = calloc(1, sizeof(*p));
	long ticks = sysconf(_SC_CLK_TCK);
	struct statfs fs;
	int err = -ENOMEM;

	if (!p)
		return -ENOMEM;
	p->fd = -1;
	p->scratch = malloc(PROC_SCRATCH_BYTES);
	if (!p->scratch)
		goto fail;
	p->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->fd < 0) {
		err = -errno;
		goto fail;
	}
	p->is_real = fstatfs(p->fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
	p->hidepid = hides_processes(p);
	p->ticks_per_s = ticks > 0 ? ticks : DEFAULT_TICKS_PER_S;
	p->boot_wall_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	*ret_proc = p;
	return 0;
fail:
	proc_close(p);
	return err;
}

void proc_close(struct proc *p)
{
	if (!p)
		return;
	fd_close(&p->fd);
	free(p->scratch);
	free(p);
}
