#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"

#define REFUSE(why, ...) (snprintf((why), TARGET_WHY_SIZE, __VA_ARGS__), -EINVAL)

/* What stays for a line's own message, which is shorter, beside file and number. */
#define MESSAGE_BYTES (TARGET_WHY_SIZE - OPERAND_SHOWN_SIZE - 40)

/* A file as it is read: one line of it, and which. */
struct source {
	struct target_set *set;
	char name[OPERAND_SHOWN_SIZE + 2]; /* with its quotes */
	size_t number;
	size_t len;
	char line[TARGET_LINE_BYTES + 1];
};

/* Cut the next word off *AT; NULL at the end of the line or where a comment begins. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " \t\r");
	size_t len = strcspn(word, " \t\r");

	if (!*word || *word == '#')
		return NULL;
	*at = word + len;
	if (**at)
		*(*at)++ = '\0';
	return word;
}

/* The words of a line are read as a command line of their own, with one target. */
static int read_words(struct target_set *set, char *line, char *why)
{
	char shown[OPERAND_SHOWN_SIZE];
	struct target_set one;
	int err = 0;
	char *word;

	target_set_init(&one, set->default_protocol);
	one.allow_huge = set->allow_huge;
	while (!err && (word = next_word(&line))) {
		err = target_set_add(&one, word, why);
		if (!err && one.n_targets > 1)
			err = REFUSE(
				why,
				"'%s': expected ports after the target, which stands "
				"alone on its line",
				operand_shown(word, strlen(word), shown));
	}
	if (!err && one.n_targets) {
		struct target *t = &one.targets[0];

		if (one.ports.n_ports) {
			t->ports = one.ports;
			t->own_ports = true;
			one.ports = (struct port_list){ 0 };
		}
		err = target_set_take(set, t, why);
	}
	target_set_release(&one);
	return err;
}

static int end_line(struct source *s, char *why)
{
	char message[TARGET_WHY_SIZE];
	char *line = s->line;
	int err;

	s->number++;
	s->line[s->len] = '\0';
	/* A byte order mark, as editors on other systems leave it (RFC 3629 6). */
	if (s->number == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
		line += 3;
	if (memchr(s->line, '\0', s->len))
		err = REFUSE(message, "a NUL byte (expected text)");
	else
		err = read_words(s->set, line, message);
	if (!err) {
		s->len = 0;
		return 0;
	}
	snprintf(why, TARGET_WHY_SIZE, "%s line %zu: %.*s", s->name, s->number,
		 MESSAGE_BYTES, message);
	return err;
}

static int take_bytes(struct source *s, const char *bytes, size_t len, char *why)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n') {
			int err = end_line(s, why);

			if (err)
				return err;
		} else if (s->len == TARGET_LINE_BYTES) {
			return REFUSE(why, "%s line %zu: expected at most %zu bytes",
				      s->name, s->number + 1, TARGET_LINE_BYTES);
		} else {
			s->line[s->len++] = bytes[i];
		}
	}
	return 0;
}

static int read_all(struct source *s, int fd, char *why)
{
	char bytes[16 << 10];
	ssize_t n;

	do {
		int err;

		n = read(fd, bytes, sizeof(bytes));
		if (n < 0) {
			/* Also when a signal came: the wait may have been for a person.
			 * */
			err = -errno;
			snprintf(why, TARGET_WHY_SIZE, "cannot read %s: %s", s->name,
				 strerror(-err));
			return err;
		}
		err = take_bytes(s, bytes, (size_t)n, why);
		if (err)
			return err;
	} while (n > 0);
	/* The last line may lack its end. */
	return s->len ? end_line(s, why) : 0;
}

int target_set_file(struct target_set *set, const char *path,
		    char ret_why[TARGET_WHY_SIZE])
{
	struct source s = { .set = set, .name = "standard input" };
	PK_CLEANUP(fd_close) int opened = -1;
	size_t n_before = set->n_targets;
	char shown[OPERAND_SHOWN_SIZE];
	int fd = STDIN_FILENO;
	int err;

	if (strcmp(path, "-") != 0) {
		snprintf(s.name, sizeof(s.name), "'%s'",
			 operand_shown(path, strlen(path), shown));
		fd = opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0) {
			err = -errno;
			snprintf(ret_why, TARGET_WHY_SIZE, "cannot open %s: %s", s.name,
				 strerror(-err));
			return err;
		}
	}
	err = read_all(&s, fd, ret_why);
	/* All or nothing. */
	while (err && set->n_targets > n_before)
		target_release(&set->targets[--set->n_targets]);
	return err;
}
