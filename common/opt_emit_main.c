/*
 * The generator: one per tool, linked with its option table.
 *
 *	portcheck-gen bash|zsh|fish			the completion file, on stdout
 *	portcheck-gen man TEMPLATE VERSION DATE		the man page
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "fd.h"
#include "opt_emit.h"

static int read_file(const char *path, struct buf *ret_text)
{
	int fd PK_CLEANUP(fd_close) = open(path, O_RDONLY | O_CLOEXEC);
	char block[4096];
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf_add(ret_text, block, (size_t)n);
	}
	return ret_text->failed ? -ENOMEM : 0;
}

static int emit_man(struct buf *out, char **argv)
{
	struct buf text PK_CLEANUP(buf_release) = BUF_INIT;
	int err = read_file(argv[0], &text);

	if (err) {
		diag_error("reading: '%s': %s", argv[0], strerror(-err));
		return err;
	}
	err = opt_emit_man_page(out, &opt_tool, text.data, argv[1], argv[2]);
	if (err)
		diag_error("'%s': a @WORD@ that is unknown or not alone on its line",
			   argv[0]);
	return err;
}

int main(int argc, char **argv)
{
	struct buf out PK_CLEANUP(buf_release) = BUF_INIT;
	const char *what = argc > 1 ? argv[1] : "";
	const char *wrong = opt_self_check(&opt_tool);
	int err;

	if (wrong) {
		diag_error("option table of %s: %s", opt_tool.name, wrong);
		return 1;
	}
	if (argc == 2 && strcmp(what, "bash") == 0) {
		opt_emit_bash(&out, &opt_tool);
	} else if (argc == 2 && strcmp(what, "zsh") == 0) {
		opt_emit_zsh(&out, &opt_tool);
	} else if (argc == 2 && strcmp(what, "fish") == 0) {
		opt_emit_fish(&out, &opt_tool);
	} else if (argc == 5 && strcmp(what, "man") == 0) {
		if (emit_man(&out, argv + 2))
			return 1;
	} else {
		diag_error("expected bash, zsh, fish, or man TEMPLATE VERSION DATE");
		return 2;
	}
	err = out.failed ? -ENOMEM : fd_write_all(STDOUT_FILENO, out.data, out.len);
	if (err) {
		diag_error("writing: %s", strerror(-err));
		return 1;
	}
	return 0;
}
