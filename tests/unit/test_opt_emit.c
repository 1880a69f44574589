#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "opt_emit.h"
#include "opt_sample.h"

/* Everything that could go wrong in a page or a shell. */
static const char *const words[] = { "open", "closed", "open+filtered", NULL };
static const struct opt nasty_options[] = {
	{ .id = 0,
	  .letter = 'x',
	  .kind = OPT_WORD,
	  .name = "xyz",
	  .metavar = "No",
	  .section = "Ar \"quotes\"",
	  .words = words,
	  .help = ".Sh it's [a] \"test\": with \\e, $(id), `id` and 'quotes'" },
	{ .id = 1,
	  .kind = OPT_DURATION,
	  .name = "long-one",
	  .metavar = "'LONG'",
	  .min = 20 * NS_PER_S,
	  .max = 7200 * NS_PER_S,
	  .help = "'quoted' at the front" },
	{ .id = 2, .letter = 'h', .name = "help", .conflict = 1, .help = "help?" },
	{ .id = 3, .letter = 'q', .name = "quiet", .conflict = 1, .help = "a $HOME \\n" },
};
static const char *const nasty_synopsis[] = {
	"[-x No] [--long-one=LONG|-q] {A|b}... TARGET[:PORT]... [-- COMMAND [ARG]...]",
	"-h",
	NULL,
};
static const char *const nasty_examples[] = {
	"nasty \"a b\" -- .Ar No", "'front' and so on?", "nasty -q", "no output", NULL,
};
static const struct opt_exit nasty_exits[] = { { 0, ".yes" }, { 1, "'no'" } };
static const struct opt_tool nasty_tool = {
	.name = "nasty",
	.question = "what if?",
	.synopsis = nasty_synopsis,
	.examples = nasty_examples,
	.options = nasty_options,
	.n_options = ARRAY_SIZE(nasty_options),
	.exits = nasty_exits,
	.n_exits = ARRAY_SIZE(nasty_exits),
	.operands = OPT_FILE,
};

static const char page_template[] = ".Dd @DATE@\n"
				    ".Dt NASTY 1\n"
				    ".Os portkit @VERSION@\n"
				    ".Sh NAME\n"
				    ".Nm @NAME@\n"
				    ".Nd what if\n"
				    ".Sh SYNOPSIS\n"
				    "@SYNOPSIS@\n"
				    ".Sh DESCRIPTION\n"
				    "Mail to a@b.example and c@d stays.\n"
				    ".Sh OPTIONS\n"
				    "@OPTIONS@\n"
				    ".Sh EXIT STATUS\n"
				    "@EXIT@\n"
				    ".Sh EXAMPLES\n"
				    "@EXAMPLES@\n";

static void emit_page(struct buf *out, const struct opt_tool *tool)
{
	assert_int_equal(opt_emit_man_page(out, tool, page_template, "1.2.3",
					   "January 2, 2026"),
			 0);
	assert_false(out->failed);
}

/* Run COMMAND with TEXT on its standard input; what it wrote to stdout goes to OUT. Its
 * exit status, or -1 where there is no such command. */
static int filter(const char *const *command, const char *text, struct buf *out)
{
	int in = memfd_create("in", MFD_CLOEXEC);
	int result = memfd_create("out", MFD_CLOEXEC);
	char block[4096];
	int status;
	ssize_t n;
	pid_t pid;

	assert_true(in >= 0 && result >= 0);
	assert_int_equal(write(in, text, strlen(text)), strlen(text));
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(in, STDIN_FILENO);
		dup2(result, STDOUT_FILENO);
		execvp(command[0], (char *const *)(uintptr_t)command);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(lseek(result, 0, SEEK_SET), 0);
	while ((n = read(result, block, sizeof(block))) > 0)
		buf_add(out, block, (size_t)n);
	close(in);
	close(result);
	return WEXITSTATUS(status) == 127 ? -1 : WEXITSTATUS(status);
}

#define COMMAND(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void check_contains(const struct buf *text, const char *part)
{
	if (!strstr(text->data, part))
		fail_msg("'%s' is not in:\n%s", part, text->data);
}

static void a_page_has_its_words_replaced(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	buf_adds(&out, "before\n");
	emit_page(&out, &sample_tool);
	assert_int_equal(strncmp(out.data, "before\n.Dd January 2, 2026\n", 27), 0);
	check_contains(&out, "\n.Os portkit 1.2.3\n");
	check_contains(&out, "\n.Nm sample\n.Nd what if\n");
	check_contains(&out, "\nMail to a@b.example and c@d stays.\n");
	check_contains(&out, "\n.Sh SYNOPSIS\n.Nm sample\n.Oo Ar OPTION Oc Ns No ...\n"
			     ".Ar TARGET\n.Ar PORTS ...\n.Sh");
	check_contains(&out, "\n.Ss What\n.Bl -tag -width Ds\n"
			     ".It Fl p , Fl Fl ports Ar PORTS\nPorts of every target.\n");
	check_contains(&out,
		       "\n.It Fl Fl format Ar FORMAT\nWritten.\nOne of\n.Cm text ,\n"
		       ".Cm json\nor\n.Cm csv .\nThe default is text.\n"
		       "Not together with\n.Fl Fl json\nor\n.Fl Fl quiet .\n");
	check_contains(&out, "\nFrom 10ms to 1h.\nThe default is 3s.\n");
	check_contains(&out, "\n.It 0\nYes.\n.It 1\nNo.\n.El\n");
	check_contains(&out, "\nOne port:\n.Pp\n.Dl sample host 80\n");
	buf_release(&out);
}

static void an_unknown_or_misplaced_word_fails_and_leaves_the_page(void **state)
{
	static const char *const bad[] = {
		"fine\n@FOO@\n",       "fine\n.Sh @OPTION@\n", "text @OPTIONS@\n",
		"@SYNOPSIS@ behind\n", "@EXIT@@EXIT@\n",
	};
	struct buf out = BUF_INIT;

	(void)state;
	buf_adds(&out, "before");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(opt_emit_man_page(&out, &sample_tool, bad[i], "1", "d"),
				 -EINVAL);
		assert_string_equal(out.data, "before");
	}
	assert_int_equal(opt_emit_man_page(&out, &sample_tool, "@@ @x@ @A", "1", "d"), 0);
	assert_string_equal(out.data, "before@@ @x@ @A\n");
	buf_release(&out);
}

static void mandoc_finds_no_fault_in_either_page(void **state)
{
	const struct opt_tool *const tools[] = { &sample_tool, &nasty_tool };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		struct buf page = BUF_INIT, said = BUF_INIT;
		int status;

		emit_page(&page, tools[i]);
		status = filter(COMMAND("mandoc", "-Tlint", "-W", "warning"), page.data,
				&said);
		if (status != -1)
			assert_string_equal(said.data, "");
		buf_release(&page);
		buf_release(&said);
		if (status == -1)
			skip();
	}
}

static void hostile_text_comes_out_of_mandoc_as_it_was(void **state)
{
	struct buf page = BUF_INIT, shown = BUF_INIT;
	int status;

	(void)state;
	emit_page(&page, &nasty_tool);
	status = filter(COMMAND("mandoc", "-Tutf8", "-Owidth=200"), page.data, &shown);
	if (status != -1) {
		char *from = shown.data, *to = shown.data;

		/* Bold and underlined: each character overstruck. */
		for (; *from; from++)
			if (from[0] == '\b')
				to--;
			else
				*to++ = *from;
		*to = '\0';
		check_contains(&shown, "nasty [-x No] [--long-one=LONG | -q] {A | b}... "
				       "TARGET[:PORT]... [-- COMMAND [ARG]...]\n");
		check_contains(&shown, "Ar \"quotes\"\n");
		check_contains(&shown, "-x, --xyz No\n");
		check_contains(&shown, ".Sh it's [a] \"test\": with \\e, $(id), `id` and "
				       "'quotes'.");
		check_contains(&shown, "One of open, closed or open+filtered.");
		check_contains(&shown, "--long-one 'LONG'\n");
		check_contains(&shown, "'quoted' at the front.");
		check_contains(&shown, "Help?  Not together with --quiet.");
		check_contains(&shown, " .yes.\n");
		check_contains(&shown, "'front' and so on?\n");
		check_contains(&shown, "nasty \"a b\" -- .Ar No\n");
	}
	buf_release(&page);
	buf_release(&shown);
	if (status == -1)
		skip();
}

static void each_shell_can_read_its_file(void **state)
{
	static const struct {
		const char *shell;
		void (*emit)(struct buf *, const struct opt_tool *);
	} shells[] = {
		{ "bash", opt_emit_bash },
		{ "zsh", opt_emit_zsh },
		{ "fish", opt_emit_fish },
	};
	const struct opt_tool *const tools[] = { &sample_tool, &nasty_tool };
	struct buf file = BUF_INIT, said = BUF_INIT;
	unsigned int missing = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shells) * ARRAY_SIZE(tools); i++) {
		int status;

		buf_clear(&file);
		shells[i / 2].emit(&file, tools[i % 2]);
		assert_false(file.failed);
		assert_null(strstr(file.data, "PK_"));
		status = filter(COMMAND(shells[i / 2].shell, "-n", "/dev/stdin"),
				file.data, &said);
		if (status == -1)
			missing++;
		else
			assert_int_equal(status, 0);
		assert_string_equal(said.data, "");
	}
	buf_release(&file);
	buf_release(&said);
	if (missing)
		skip();
}

static void help_is_quoted_for_zsh_and_fish(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	opt_emit_zsh(&out, &nasty_tool);
	check_contains(&out,
		       "[.Sh it'\\''s \\[a\\] \"test\"\\: with \\\\e, $(id), `id` and "
		       "'\\''quotes'\\'']:No:(open closed open+filtered)'");
	check_contains(&out, ":'\\''LONG'\\'':(1m 5m 1h)'");
	buf_clear(&out);
	opt_emit_fish(&out, &nasty_tool);
	check_contains(&out, "-d '.Sh it\\'s [a] \"test\": with \\\\e, $(id), `id` and "
			     "\\'quotes\\''\n");
	buf_release(&out);
}

static void zsh_excludes_what_conflicts(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	opt_emit_zsh(&out, &sample_tool);
	check_contains(&out, "'(--format -j --json -q --quiet)--format=[");
	check_contains(&out, "'(--format -j --json -q --quiet)'{-j,--json}'[");
	check_contains(&out, "'(--format -j --json -q --quiet --netns)'{-q,--quiet}'[");
	check_contains(&out, "'(-q --quiet --netns)--netns=[");
	check_contains(&out, "'(-t --timeout)'{-t+,--timeout=}'[");
	buf_release(&out);
}

static void sample_durations_keep_the_bounds(void **state)
{
	static const struct {
		int64_t min, max;
		const char *text;
	} cases[] = {
		{ 0, 0, "250ms 1s 3s 10s" },
		{ NS_PER_S, 3 * NS_PER_S, "1s 3s" },
		{ 20 * NS_PER_S, 7200 * NS_PER_S, "1m 5m 1h" },
		{ 1, 2, "" },
	};
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct opt o = { .kind = OPT_DURATION };

		o.min = cases[i].min;
		o.max = cases[i].max;
		buf_clear(&out);
		opt_emit_durations(&out, &o);
		assert_string_equal(out.data, cases[i].text);
	}
	buf_release(&out);
}

static void only_a_synopsis_with_dashes_takes_a_command(void **state)
{
	(void)state;
	assert_true(opt_emit_takes_command(&nasty_tool));
	assert_false(opt_emit_takes_command(&sample_tool));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_has_its_words_replaced),
		cmocka_unit_test(an_unknown_or_misplaced_word_fails_and_leaves_the_page),
		cmocka_unit_test(mandoc_finds_no_fault_in_either_page),
		cmocka_unit_test(hostile_text_comes_out_of_mandoc_as_it_was),
		cmocka_unit_test(each_shell_can_read_its_file),
		cmocka_unit_test(help_is_quoted_for_zsh_and_fish),
		cmocka_unit_test(zsh_excludes_what_conflicts),
		cmocka_unit_test(sample_durations_keep_the_bounds),
		cmocka_unit_test(only_a_synopsis_with_dashes_takes_a_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
