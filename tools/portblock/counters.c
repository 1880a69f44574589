#include "counters.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"

/* /proc/net/netstat has about 4 KB, snmp6 8 KB; it grows with kernels. */
#define FILE_BYTES 65536

static int read_file(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (len + 1 < size && (n = read(fd, out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	fd_close(&fd);
	return n < 0 ? -EIO : 0;
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* The number at S, 0 if there is none. */
static int64_t number_at(const char *s)
{
	int64_t n = 0;

	for (s = skip_blanks(s); *s >= '0' && *s <= '9' && n < INT64_MAX / 10 - 1; s++)
		n = n * 10 + (*s - '0');
	return n;
}

/* The line behind S, NULL at the end. */
static const char *next_line(const char *s)
{
	s = strchr(s, '\n');
	return s && s[1] ? s + 1 : NULL;
}

static bool starts_word(const char *s, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(s, word, len) && strchr(" \t\n", s[len]);
}

/* The place of NAME in a line of words, from 1; 0: not there. */
static size_t word_place(const char *line, const char *name)
{
	size_t place = 0;

	while (*line && *line != '\n') {
		if (starts_word(line, name))
			return place;
		line += strcspn(line, " \t\n");
		line = skip_blanks(line);
		place++;
	}
	return 0;
}

static const char *word_at(const char *line, size_t place)
{
	for (; place; place--) {
		line += strcspn(line, " \t\n");
		line = skip_blanks(line);
	}
	return line;
}

int counters_find(const char *text, const char *group, const char *name,
		  int64_t *ret_value)
{
	size_t len = group ? strlen(group) : 0;
	const char *line, *values;

	for (line = text; line; line = next_line(line)) {
		size_t place;

		if (!group && starts_word(line, name)) {
			*ret_value = number_at(line + strlen(name));
			return 0;
		}
		if (!group || strncmp(line, group, len) || line[len] != ':')
			continue;
		values = next_line(line);
		place = word_place(line, name);
		if (!values || strncmp(values, group, len) || values[len] != ':')
			continue;
		if (place) {
			*ret_value = number_at(word_at(values, place));
			return 0;
		}
		line = values;
	}
	return -ENOENT;
}

static int read_one(const char *text, const char *group, const char *received,
		    const char *delivered, const char *forwarded, int64_t *ret_vanished)
{
	int64_t in, up, on;
	int err = counters_find(text, group, received, &in);

	if (!err)
		err = counters_find(text, group, delivered, &up);
	if (!err)
		err = counters_find(text, group, forwarded, &on);
	if (!err)
		*ret_vanished = in - up - on;
	return err;
}

int counters_read(int family, struct counters *ret_counters)
{
	struct counters c = { 0 };
	char text[FILE_BYTES];
	int err;

	if (family == AF_INET6) {
		err = read_file("/proc/net/snmp6", text, sizeof(text));
		if (!err)
			err = read_one(text, NULL, "Ip6InReceives", "Ip6InDelivers",
				       "Ip6OutForwDatagrams", &c.vanished);
	} else {
		err = read_file("/proc/net/snmp", text, sizeof(text));
		if (!err)
			err = read_one(text, "Ip", "InReceives", "InDelivers",
				       "ForwDatagrams", &c.vanished);
	}
	if (err)
		return err;
	/* IPv6 has no reverse-path filter in the kernel's routing. */
	if (family == AF_INET && !read_file("/proc/net/netstat", text, sizeof(text)) &&
	    counters_find(text, "TcpExt", "IPReversePathFilter", &c.rp_filter) < 0)
		c.rp_filter = 0;
	*ret_counters = c;
	return 0;
}
