#include <ctype.h>
#include <string.h>

#include "opt.h"

/* Room that messages have for "--name" (opt_word()). */
#define NAME_MAX_LEN 60
/* Widest head ("-t, --timeout DURATION") and example that fit 80 columns. */
#define HEAD_MAX_LEN 70
#define LINE_MAX_LEN 78
/* Longest word that still fits beside the heads of --help. */
#define WORD_MAX_LEN 40

/* Letters whose long name is the same in every tool. */
static const struct {
	char letter;
	const char *name;
} fixed_names[] = {
	{ 'h', "help" },
	{ 'V', "version" },
	{ 'j', "json" },
	{ 'W', "wait" },
};

/* Non-empty printable ASCII without blanks at the ends or two in a row. */
static bool is_plain(const char *s)
{
	char before = ' ';

	if (!s || !*s)
		return false;
	for (; *s; s++) {
		if (*s < 0x20 || *s > 0x7e || (*s == ' ' && before == ' '))
			return false;
		before = *s;
	}
	return before != ' ';
}

static size_t longest_word(const char *s)
{
	size_t longest = 0;

	while (*s) {
		size_t len = strcspn(s, " ");

		if (len > longest)
			longest = len;
		s += len;
		s += strspn(s, " ");
	}
	return longest;
}

static bool is_long_name(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	/* Two letters at least: "--t" would look like a slip of "-t". */
	return len >= 2 && len <= NAME_MAX_LEN && isalnum((unsigned char)s[0]) &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static const char *check_words(const struct opt *o)
{
	if (o->kind != OPT_WORD)
		return o->words ? "words for an option that takes no word" : NULL;
	if (!o->words || !o->words[0])
		return "a word option without words";
	for (size_t i = 0; o->words[i]; i++) {
		if (!is_plain(o->words[i]) ||
		    strpbrk(o->words[i], " ,'\"\\$`:()[]{}<>|&;*?!#~"))
			return "a word that a shell or a list would split";
		for (size_t k = 0; k < i; k++)
			if (strcmp(o->words[i], o->words[k]) == 0)
				return "the same word twice";
	}
	return NULL;
}

static const char *check_help(const struct opt *o)
{
	size_t len;

	if (!is_plain(o->help))
		return "a help text that is missing, not plain ASCII, or has odd blanks";
	len = strlen(o->help);
	if (o->help[len - 1] == '.')
		return "a help text with a full stop";
	if (isupper((unsigned char)o->help[0]) && islower((unsigned char)o->help[1]))
		return "a help text with a capital";
	if (longest_word(o->help) > WORD_MAX_LEN)
		return "a word in a help text that can't be wrapped into 80 columns";
	if (o->def && (!is_plain(o->def) || longest_word(o->def) > WORD_MAX_LEN))
		return "a default that is not plain ASCII or can't be wrapped";
	return NULL;
}

static const char *check_argument(const struct opt *o)
{
	bool bounded = o->min || o->max;

	if (o->kind == OPT_FLAG) {
		if (o->metavar)
			return "a metavar for a flag";
		if (o->def)
			return "a default for a flag";
	} else if (!is_plain(o->metavar) || strchr(o->metavar, ' ')) {
		return "an option without a metavar of one word";
	} else if (strlen(o->name) + strlen(o->metavar) + 7 > HEAD_MAX_LEN) {
		return "a metavar too wide for --help";
	}
	if (bounded && o->kind != OPT_INT && o->kind != OPT_DURATION)
		return "bounds for an option that takes no quantity";
	if (o->min > o->max)
		return "bounds in the wrong order";
	if (o->kind == OPT_DURATION && o->min < 0)
		return "a duration that may be negative";
	return NULL;
}

static const char *check_name(const struct opt *o)
{
	if (!is_long_name(o->name))
		return "an option without a long name of [a-z0-9-]";
	if (o->letter && !isalnum((unsigned char)o->letter))
		return "a letter that is no letter or digit";
	for (size_t i = 0; i < ARRAY_SIZE(fixed_names); i++) {
		bool letter = o->letter == fixed_names[i].letter;

		if (letter && strcmp(o->name, fixed_names[i].name) != 0)
			return "a reserved letter (-h, -V, -j, -W) with another meaning";
	}
	return NULL;
}

/* Nothing of the option at INDEX may have stood in the table before. */
static const char *check_unique(const struct opt_tool *tool, size_t index)
{
	const struct opt *o = &tool->options[index];

	for (size_t i = 0; i < index; i++) {
		const struct opt *b = &tool->options[i];

		if (o->letter && o->letter == b->letter)
			return "a letter twice";
		if (strcmp(o->name, b->name) == 0)
			return "a long name twice";
		if (o->section && b->section && strcmp(o->section, b->section) == 0)
			return "a section twice";
	}
	return NULL;
}

static const char *check_option(const struct opt_tool *tool, size_t index)
{
	const struct opt *o = &tool->options[index];
	const char *wrong;

	if (o->id != (int)index)
		return "ids out of order";
	if (index == 0 && !o->section)
		return "no section for the first option";
	if (o->section && !is_plain(o->section))
		return "a section that is not plain ASCII";
	wrong = check_name(o);
	if (!wrong)
		wrong = check_argument(o);
	if (!wrong)
		wrong = check_words(o);
	if (!wrong)
		wrong = check_help(o);
	if (!wrong)
		wrong = check_unique(tool, index);
	return wrong;
}

static const char *check_prose(const struct opt_tool *tool)
{
	if (!is_plain(tool->name) || strchr(tool->name, ' '))
		return "no name of one word";
	if (!is_plain(tool->question) ||
	    strlen(tool->name) + 3 + strlen(tool->question) > 80)
		return "no question, or one wider than 80 columns";
	if (!tool->synopsis || !tool->synopsis[0])
		return "no synopsis";
	for (size_t i = 0; tool->synopsis[i]; i++)
		if (!is_plain(tool->synopsis[i]) ||
		    longest_word(tool->synopsis[i]) > WORD_MAX_LEN)
			return "a synopsis that is not plain ASCII or can't be wrapped";
	for (size_t i = 0; tool->examples && tool->examples[i]; i += 2) {
		if (!is_plain(tool->examples[i]) ||
		    strlen(tool->examples[i]) > LINE_MAX_LEN)
			return "an example wider than 78 columns or not plain ASCII";
		if (!is_plain(tool->examples[i + 1]))
			return "an example without explanation";
	}
	return NULL;
}

const char *opt_self_check(const struct opt_tool *tool)
{
	const char *wrong = check_prose(tool);

	if (wrong)
		return wrong;
	if (tool->n_options > OPT_MAX)
		return "more options than OPT_MAX";
	for (size_t i = 0; i < tool->n_options; i++) {
		wrong = check_option(tool, i);
		if (wrong)
			return wrong;
	}
	for (size_t i = 0; i < tool->n_exits; i++) {
		if (!is_plain(tool->exits[i].meaning))
			return "an exit status without meaning";
		if (i && tool->exits[i].status <= tool->exits[i - 1].status)
			return "exit statuses out of order";
	}
	return NULL;
}
