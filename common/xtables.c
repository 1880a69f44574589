#include "xtables.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"

/* Tens of thousands of rules. */
#define TABLE_MAX_BYTES (64u << 20)
/* A table that is changed while it is read is read again, so many times in all. */
#define READS_MAX 5

/* Both families number these alike, and lay out their structures alike. */
_Static_assert(IPT_SO_GET_INFO == IP6T_SO_GET_INFO, "getsockopt");
_Static_assert(IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES, "getsockopt");
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "getsockopt");
_Static_assert(offsetof(struct ipt_get_entries, entrytable) ==
		       offsetof(struct ip6t_get_entries, entrytable),
	       "getsockopt");
_Static_assert(NF_INET_NUMHOOKS == 5, "struct xtables_table");

/* ---- from the kernel ---- */

static int level(int family)
{
	return family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
}

int xtables_read_names(int family, char *out, size_t size)
{
	const char *path = family == AF_INET6 ? "/proc/net/ip6_tables_names"
					      : "/proc/net/ip_tables_names";
	int fd PK_CLEANUP(fd_close) = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	while (n > 0 && len < size - 1) {
		n = read(fd, out + len, size - 1 - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	}
	out[len] = '\0';
	return len > 0;
}

static int read_once(int fd, struct xtables_table *t)
{
	struct ipt_getinfo info = { .valid_hooks = 0 };
	struct ipt_get_entries head = { .size = 0 };
	const size_t head_size = offsetof(struct ipt_get_entries, entrytable);
	socklen_t len = sizeof(info);
	uint8_t *answer;

	memcpy(info.name, t->name, sizeof(info.name));
	if (getsockopt(fd, level(t->family), IPT_SO_GET_INFO, &info, &len) < 0)
		return -errno;
	if (info.size > TABLE_MAX_BYTES)
		return -E2BIG;
	answer = malloc(head_size + info.size);
	if (!answer)
		return -ENOMEM;
	memcpy(head.name, t->name, sizeof(head.name));
	head.size = info.size;
	memcpy(answer, &head, head_size);
	len = (socklen_t)(head_size + info.size);
	if (getsockopt(fd, level(t->family), IPT_SO_GET_ENTRIES, answer, &len) < 0) {
		int err = -errno;

		free(answer);
		return err;
	}
	t->valid_hooks = info.valid_hooks;
	memcpy(t->hook_entry, info.hook_entry, sizeof(t->hook_entry));
	memcpy(t->underflow, info.underflow, sizeof(t->underflow));
	memmove(answer, answer + head_size, info.size);
	free(t->entries);
	t->entries = answer;
	t->size = info.size;
	return 0;
}

int xtables_read_table(int fd, struct xtables_table *t)
{
	int err = -EAGAIN, i;

	for (i = 0; err == -EAGAIN && i < READS_MAX; i++)
		err = read_once(fd, t);
	return err;
}

/* ---- one entry ---- */

static struct addr address(int family, const void *ip)
{
	struct addr a = { .family = (uint16_t)family };

	memcpy(a.ip, ip, family == AF_INET6 ? 16 : 4);
	return a;
}

/* What both families have, in their own order. */
struct head {
	size_t size;
	uint16_t target_offset, next_offset;
};

static void read_v4(const struct ipt_entry *from, struct xtables_entry *e, struct head *h)
{
	const struct ipt_ip *ip = &from->ip;

	e->src = address(AF_INET, &ip->src);
	e->src_mask = address(AF_INET, &ip->smsk);
	e->dst = address(AF_INET, &ip->dst);
	e->dst_mask = address(AF_INET, &ip->dmsk);
	memcpy(e->in, ip->iniface, IF_NAMESIZE);
	memcpy(e->out, ip->outiface, IF_NAMESIZE);
	e->protocol = ip->proto;
	e->flags = ip->flags;
	e->inverse = ip->invflags;
	e->n_packets = from->counters.pcnt;
	*h = (struct head){ sizeof(*from), from->target_offset, from->next_offset };
}

static void read_v6(const struct ip6t_entry *from, struct xtables_entry *e,
		    struct head *h)
{
	const struct ip6t_ip6 *ip = &from->ipv6;

	e->src = address(AF_INET6, &ip->src);
	e->src_mask = address(AF_INET6, &ip->smsk);
	e->dst = address(AF_INET6, &ip->dst);
	e->dst_mask = address(AF_INET6, &ip->dmsk);
	memcpy(e->in, ip->iniface, IF_NAMESIZE);
	memcpy(e->out, ip->outiface, IF_NAMESIZE);
	e->protocol = ip->proto;
	e->flags = ip->flags;
	e->inverse = ip->invflags;
	e->n_packets = from->counters.pcnt;
	*h = (struct head){ sizeof(*from), from->target_offset, from->next_offset };
}

static int read_target(struct xtables_entry *e, const uint8_t *bytes, size_t len)
{
	struct xt_entry_target target;

	if (len < sizeof(target))
		return -EBADMSG;
	memcpy(&target, bytes, sizeof(target));
	if (target.u.target_size < sizeof(target) || target.u.target_size > len)
		return -EBADMSG;
	memcpy(e->target, target.u.user.name, sizeof(target.u.user.name));
	e->target_revision = target.u.user.revision;
	e->target_data = bytes + sizeof(target);
	e->target_len = target.u.target_size - sizeof(target);
	if (!e->target[0]) {
		if (e->target_len < sizeof(e->verdict))
			return -EBADMSG;
		memcpy(&e->verdict, e->target_data, sizeof(e->verdict));
	}
	return 0;
}

int xtables_entry_read(const struct xtables_table *t, size_t at,
		       struct xtables_entry *ret_entry)
{
	struct xtables_entry e = { .family = t->family, .at = at };
	struct ipt_entry v4;
	struct ip6t_entry v6;
	struct head h;
	int err;

	if (at > t->size ||
	    t->size - at < (t->family == AF_INET6 ? sizeof(v6) : sizeof(v4)))
		return -EBADMSG;
	if (t->family == AF_INET6) {
		memcpy(&v6, t->entries + at, sizeof(v6));
		read_v6(&v6, &e, &h);
	} else {
		memcpy(&v4, t->entries + at, sizeof(v4));
		read_v4(&v4, &e, &h);
	}
	if (h.next_offset > t->size - at || h.target_offset < h.size ||
	    h.target_offset >= h.next_offset)
		return -EBADMSG;
	/* No more than that is ours to print. */
	e.in[IF_NAMESIZE - 1] = e.out[IF_NAMESIZE - 1] = '\0';
	e.next = at + h.next_offset;
	e.matches = t->entries + at + h.size;
	e.matches_len = h.target_offset - h.size;
	err = read_target(&e, t->entries + at + h.target_offset,
			  (size_t)(h.next_offset - h.target_offset));
	if (!err)
		*ret_entry = e;
	return err;
}

bool xtables_match_read(const struct xtables_entry *e, size_t *at,
			struct xtables_match *ret_match)
{
	struct xtables_match m = { .revision = 0 };
	struct xt_entry_match match;

	if (*at > e->matches_len || e->matches_len - *at < sizeof(match))
		return false;
	memcpy(&match, e->matches + *at, sizeof(match));
	if (match.u.match_size < sizeof(match) ||
	    match.u.match_size > e->matches_len - *at)
		return false;
	memcpy(m.name, match.u.user.name, sizeof(match.u.user.name));
	m.revision = match.u.user.revision;
	m.data = e->matches + *at + sizeof(match);
	m.len = match.u.match_size - sizeof(match);
	*at += match.u.match_size;
	*ret_match = m;
	return true;
}
