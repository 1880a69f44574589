#include "services.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "parse.h"

#define SERVICES_PATH "/etc/services"
/* Looking for so many in the text costs less than a table of it. */
#define SINGLE_LOOKUPS 8
/* Debian's has 12 kB. */
#define SERVICES_MAX_BYTES ((size_t)4 << 20)
/* A line of the database with all its aliases. */
#define LOOKUP_BYTES ((size_t)16 << 10)
const char *protocol_word(int protocol)
{
	return protocol == IPPROTO_UDP ? "udp" : "tcp";
}

const char *operand_shown(const char *text, size_t len, char out[OPERAND_SHOWN_SIZE])
{
	size_t room = OPERAND_SHOWN_SIZE - 1;

	if (len > room) {
		len = room - strlen("...");
		/* Not in the middle of a UTF-8 sequence (RFC 3629 3), which has 4 bytes
		 * at most. */
		for (int i = 0; i < 3 && ((unsigned char)text[len] & 0xc0) == 0x80; i++)
			len--;
		memcpy(out + len, "...", strlen("..."));
		room = len + strlen("...");
	} else {
		room = len;
	}
	memcpy(out, text, len);
	out[room] = '\0';
	return out;
}

/* The port of NAME for the protocol with that word (NULL: any). 0 or -ENOENT. */
static int lookup_exact(const char *name, const char *protocol, uint16_t *ret_port)
{
	struct servent entry, *found = NULL;
	char memory[LOOKUP_BYTES];

	if (getservbyname_r(name, protocol, &entry, memory, sizeof(memory), &found) ||
	    !found)
		return -ENOENT;
	/* Databases are files: they may say 0. */
	if (!ntohs((uint16_t)found->s_port))
		return -ENOENT;
	*ret_port = ntohs((uint16_t)found->s_port);
	return 0;
}

static int lookup_name(const char *name, const char *protocol, uint16_t *ret_port)
{
	char lower[SERVICES_NAME_SIZE];
	size_t len = strlen(name);

	if (!len || len >= sizeof(lower))
		return -ENOENT;
	if (!lookup_exact(name, protocol, ret_port))
		return 0;
	for (size_t i = 0; i <= len; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	if (strcmp(lower, name) == 0)
		return -ENOENT;
	return lookup_exact(lower, protocol, ret_port);
}

int services_port(const char *name, int protocol, uint16_t *ret_port)
{
	return lookup_name(name, protocol_word(protocol), ret_port);
}

bool services_known(const char *name)
{
	uint16_t port;

	return !lookup_name(name, NULL, &port);
}

void services_init(struct services *s)
{
	*s = (struct services){ .text = BUF_INIT, .names = BUF_INIT };
}

void services_release(struct services *s)
{
	if (!s)
		return;
	free(s->entries);
	buf_release(&s->names);
	buf_release(&s->text);
	services_init(s);
}

static uint32_t key_of(uint16_t port, int protocol)
{
	return (uint32_t)protocol << 16 | port;
}

/* By key; of the same key, the one that was read first. */
static int compare_entries(const void *a, const void *b)
{
	const struct services_entry *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

static int compare_keys(const void *a, const void *b)
{
	const struct services_entry *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static int remember(struct services *s, uint32_t key, const char *name)
{
	if (s->n_entries == s->cap_entries) {
		size_t cap = s->cap_entries ? 2 * s->cap_entries : 512;
		struct services_entry *entries =
			reallocarray(s->entries, cap, sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		s->entries = entries;
		s->cap_entries = cap;
	}
	/* Offsets are unique, also of empty names, as each has its NUL. */
	s->entries[s->n_entries] = (struct services_entry){ key, (uint32_t)s->names.len };
	buf_add(&s->names, name, strnlen(name, SERVICES_NAME_SIZE - 1));
	buf_addc(&s->names, '\0');
	if (s->names.failed)
		return -ENOMEM;
	s->n_entries++;
	return 0;
}

/* The next word of *REST, NULL: none. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t\r");
	size_t len = strcspn(word, " \t\r");

	*rest = word + len + (word[len] != '\0');
	if (!len)
		return NULL;
	word[len] = '\0';
	return word;
}

/* One line: "ssh 22/tcp alias # comment". What does not look like one is passed over, as
 * getservent(3) does. The line is cut up. */
static int take_line(struct services *s, char *line)
{
	char *rest = line, *name, *number, *slash;
	uint64_t port;
	int protocol;

	line[strcspn(line, "#")] = '\0';
	name = next_word(&rest);
	number = next_word(&rest);
	slash = number ? strchr(number, '/') : NULL;
	if (!slash || parse_u64_n(number, (size_t)(slash - number), 1, 65535, &port))
		return 0;
	if (strcmp(slash, "/tcp") == 0)
		protocol = IPPROTO_TCP;
	else if (strcmp(slash, "/udp") == 0)
		protocol = IPPROTO_UDP;
	else
		return 0;
	return remember(s, key_of((uint16_t)port, protocol), name);
}

/* The file itself: one getservbyport(3) takes ten times as long, as it asks several
 * sources first. */
static void read_file(struct services *s)
{
	char chunk[16384];
	ssize_t n;
	int fd = open(SERVICES_PATH, O_RDONLY | O_CLOEXEC);

	s->read = true;
	while (fd >= 0 && s->text.len < SERVICES_MAX_BYTES) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		buf_add(&s->text, chunk, (size_t)n);
	}
	fd_close(&fd);
}

/* For the few ports of a small run: look for "22/tcp", then at the line around it. */
static void find_in_text(const struct services *s, uint16_t port, int protocol,
			 char out[SERVICES_NAME_SIZE])
{
	char wanted[16];
	size_t len = (size_t)snprintf(wanted, sizeof(wanted), "%u/%s", port,
				      protocol_word(protocol));
	const char *at = s->text.data;

	for (; (at = strstr(at, wanted)); at += len) {
		const char *line = at, *end;

		while (line > s->text.data && line[-1] != '\n')
			line--;
		line += strspn(line, " \t\r");
		end = line + strcspn(line, " \t\r#\n");
		/* It has to be the second word, and whole. */
		if (end == line || end + strspn(end, " \t\r") != at ||
		    (at[len] && !strchr(" \t\r#\n", at[len])))
			continue;
		snprintf(out, SERVICES_NAME_SIZE, "%.*s", (int)(end - line), line);
		return;
	}
}

/* For many: a sorted table. What memory doesn't suffice for is left out: names are a
 * convenience. */
static void make_table(struct services *s)
{
	char *line, *rest = s->text.data;
	size_t kept = 0;

	while (s->text.len && (line = strsep(&rest, "\n")))
		if (take_line(s, line) < 0)
			break;
	buf_release(&s->text);
	if (s->n_entries)
		qsort(s->entries, s->n_entries, sizeof(*s->entries), compare_entries);
	for (size_t i = 0; i < s->n_entries; i++) {
		if (!kept || s->entries[i].key != s->entries[kept - 1].key)
			s->entries[kept++] = s->entries[i];
	}
	s->n_entries = kept;
	s->complete = true;
}

const char *services_name(struct services *s, uint16_t port, int protocol,
			  char out[SERVICES_NAME_SIZE])
{
	const struct services_entry wanted = { .key = key_of(port, protocol) };
	const struct services_entry *e = NULL;

	out[0] = '\0';
	if (!s->read)
		read_file(s);
	if (!s->complete && s->n_asked++ < SINGLE_LOOKUPS) {
		find_in_text(s, port, protocol, out);
		return out;
	}
	if (!s->complete)
		make_table(s);
	if (s->n_entries)
		e = bsearch(&wanted, s->entries, s->n_entries, sizeof(*e), compare_keys);
	if (e)
		snprintf(out, SERVICES_NAME_SIZE, "%s", s->names.data + e->name);
	return out;
}
