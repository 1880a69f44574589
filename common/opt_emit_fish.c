#include <string.h>

#include "opt_emit.h"

static const char fish_head[] =
	"# fish completion for PK_TOOL.\n"
	"# Made by 'make gen' from tools/PK_TOOL/options.c; do not edit.\n"
	"\n"
	"# The word at the cursor, without the option that it may begin with.\n"
	"function __PK_TOOL_current\n"
	"    string replace -r -- '^--[^=]*=' '' (commandline -ct)\n"
	"end\n"
	"\n"
	"# Names of services, numbers once a digit is there; behind a comma the next.\n"
	"function __PK_TOOL_ports\n"
	"    set -l before (string match -r -- '.*[,:]' (__PK_TOOL_current))\n"
	"    set -l last (string replace -r -- '.*[,:]' '' (__PK_TOOL_current))\n"
	"    set -l program '" OPT_EMIT_AWK_NAMES "'\n"
	"    if string match -qr -- '^-?[A-Za-z]*[0-9]' \"$last\"\n"
	"        set program '" OPT_EMIT_AWK_NAMES "\n"
	"            " OPT_EMIT_AWK_NUMBERS "'\n"
	"    end\n"
	"    set -l names (begin\n"
	"            getent services; or cat /etc/services\n"
	"        end 2>/dev/null | awk $program)\n"
	"    for name in $names\n"
	"        echo -- \"$before$name\"\n"
	"    end\n"
	"end\n"
	"\n"
	"function __PK_TOOL_addresses\n"
	"    " OPT_EMIT_ADDRESSES " |\n"
	"        awk '" OPT_EMIT_AWK_ADDRESSES "'\n"
	"end\n"
	"\n"
	"# The names in a directory: of interfaces, of network namespaces.\n"
	"function __PK_TOOL_entries\n"
	"    for path in $argv[1]/*\n"
	"        string replace -r -- '.*/' '' $path | string match -v bonding_masters\n"
	"    end\n"
	"end\n"
	"\n"
	"# What an operand at the cursor is: command (behind --), first, or later.\n"
	"function __PK_TOOL_context\n"
	"    set -l tokens (commandline -opc)\n"
	"    set -e tokens[1]\n"
	"    set -l want\n"
	"    set -l context first\n"
	"    set -l ports\n"
	"    for token in $tokens\n"
	"        if test -n \"$want\"\n"
	"            set want\n"
	"            continue\n"
	"        end\n"
	"        switch $token\n"
	"            case --\n"
	"                echo command\n"
	"                return\n";

static const char fish_context_tail[] = "            case '*://*' '*]:*'\n"
					"            case '*:*:*'\n"
					"                set context later\n"
					"            case '*:*'\n"
					"            case '*'\n"
					"                set context later\n"
					"        end\n"
					"    end\n"
					"    test -n \"$ports\"; and set context first\n"
					"    echo $context\n"
					"end\n"
					"\n"
					"function __PK_TOOL_is\n"
					"    test (__PK_TOOL_context) = $argv[1]\n"
					"end\n"
					"\n";

/* Behind "--": what fish would offer for that command line alone. */
static const char fish_command[] =
	"function __PK_TOOL_command\n"
	"    set -l tokens (commandline -opc)\n"
	"    set -l dash (contains -i -- -- $tokens); or return\n"
	"    set -e tokens[1..$dash]\n"
	"    set -l line (string escape -- $tokens) (commandline -ct)\n"
	"    complete -C (string join ' ' -- $line)\n"
	"end\n"
	"\n";

/* S as a single-quoted word of fish, where only \ and ' are special. */
static void fish_quoted(struct buf *out, const char *s)
{
	buf_addc(out, '\'');
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
	buf_addc(out, '\'');
}

/* "case --timeout --count": the long options with an argument, those with ports apart. */
static void fish_long_case(struct buf *out, const struct opt_tool *tool, bool ports)
{
	bool any = false;

	for (size_t i = 0; i < tool->n_options; i++) {
		const struct opt *o = &tool->options[i];

		if (o->kind == OPT_FLAG || (o->kind == OPT_PORTS) != ports)
			continue;
		buf_addf(out, "%s --%s", any ? "" : "            case", o->name);
		any = true;
	}
	if (any)
		buf_adds(out, "\n                set want yes\n");
	if (any && ports)
		buf_adds(out, "                set ports yes\n");
}

/* Set NAME when the token is a cluster of FLAGS and then one of LETTERS, which takes an
 * argument: behind it END. The '-' is there because an empty class would be none. */
static void fish_cluster(struct buf *out, const char *flags, const char *letters,
			 const char *end, const char *name)
{
	buf_addf(out, "                string match -qr -- '^-[-%s]*[%s]%s' $token\n",
		 flags, letters, end);
	buf_addf(out, "                and set %s yes\n", name);
}

/* The cases of the walk for options: is the next word an argument, are there ports? */
static void fish_option_cases(struct buf *out, const struct opt_tool *tool)
{
	struct buf takes PK_CLEANUP(buf_release) = BUF_INIT;
	struct buf flags PK_CLEANUP(buf_release) = BUF_INIT;

	opt_emit_letters(&takes, tool, true);
	opt_emit_letters(&flags, tool, false);
	out->failed |= takes.failed || flags.failed;

	fish_long_case(out, tool, false);
	fish_long_case(out, tool, true);
	for (size_t i = 0; i < tool->n_options; i++)
		if (tool->options[i].kind == OPT_PORTS)
			buf_addf(out,
				 "            case '--%s=*'\n"
				 "                set ports yes\n",
				 tool->options[i].name);
	buf_adds(out, "            case '--*'\n"
		      "            case '-*'\n");
	if (takes.len)
		fish_cluster(out, flags.data, takes.data, "$", "want");
	for (size_t i = 0; i < tool->n_options; i++)
		if (tool->options[i].kind == OPT_PORTS && tool->options[i].letter) {
			const char letter[2] = { tool->options[i].letter };

			fish_cluster(out, flags.data, letter, "", "ports");
		}
}

/* The -a of an option, or of an operand; nothing for what can't be completed. */
static void fish_candidates(struct buf *out, const struct opt_tool *tool,
			    const struct opt *o)
{
	switch (o->kind) {
	case OPT_WORD:
		buf_adds(out, " -a '");
		for (size_t i = 0; o->words[i]; i++)
			buf_addf(out, "%s%s", i ? " " : "", o->words[i]);
		buf_addc(out, '\'');
		break;
	case OPT_DURATION:
		buf_adds(out, " -k -a '");
		opt_emit_durations(out, o);
		buf_addc(out, '\'');
		break;
	case OPT_PORTS:
		opt_emit_template(out, tool, " -k -a '(__PK_TOOL_ports)'");
		break;
	case OPT_HOST:
		buf_adds(out, " -a 'localhost (__fish_print_hostnames)'");
		break;
	case OPT_ADDRESS:
		opt_emit_template(out, tool, " -a '(__PK_TOOL_addresses)'");
		break;
	case OPT_INTERFACE:
		opt_emit_template(out, tool, " -a '(__PK_TOOL_entries /sys/class/net)'");
		break;
	case OPT_NETNS:
		opt_emit_template(out, tool, " -a '(__PK_TOOL_entries /run/netns)'");
		break;
	case OPT_FILE:
		buf_adds(out, " -F");
		break;
	case OPT_FLAG:
	case OPT_TEXT:
	case OPT_INT:
		break;
	}
}

static void fish_operands(struct buf *out, const struct opt_tool *tool)
{
	const struct opt operand = { .kind = tool->operands };

	if (tool->operands == OPT_HOST) {
		/* "host:" asks for a port at once. */
		opt_emit_template(out, tool,
				  "complete -c PK_TOOL -n '__PK_TOOL_is first' "
				  "-a 'localhost (__fish_print_hostnames)'\n"
				  "complete -c PK_TOOL -n 'not __PK_TOOL_is command; "
				  "and string match -qr -- \"^[^:]+:[^:]*\\$\" "
				  "(commandline -ct)' -k -a '(__PK_TOOL_ports)'\n"
				  "complete -c PK_TOOL -n '__PK_TOOL_is later' "
				  "-k -a '(__PK_TOOL_ports)'\n");
		return;
	}
	if (operand.kind == OPT_FLAG || operand.kind == OPT_TEXT ||
	    operand.kind == OPT_INT || operand.kind == OPT_WORD ||
	    operand.kind == OPT_DURATION)
		return;
	opt_emit_template(out, tool, "complete -c PK_TOOL -n 'not __PK_TOOL_is command'");
	fish_candidates(out, tool, &operand);
	buf_addc(out, '\n');
}

void opt_emit_fish(struct buf *out, const struct opt_tool *tool)
{
	opt_emit_template(out, tool, fish_head);
	fish_option_cases(out, tool);
	opt_emit_template(out, tool, fish_context_tail);
	if (opt_emit_takes_command(tool))
		opt_emit_template(out, tool, fish_command);
	buf_addf(out, "complete -c %s -f\n", tool->name);
	if (opt_emit_takes_command(tool))
		opt_emit_template(out, tool,
				  "complete -c PK_TOOL -n '__PK_TOOL_is command' "
				  "-a '(__PK_TOOL_command)'\n");
	fish_operands(out, tool);
	for (size_t i = 0; i < tool->n_options; i++) {
		const struct opt *o = &tool->options[i];

		buf_addf(out, "complete -c %s", tool->name);
		if (o->letter)
			buf_addf(out, " -s %c", o->letter);
		buf_addf(out, " -l %s", o->name);
		if (o->kind == OPT_FILE)
			buf_adds(out, " -r");
		else if (o->kind != OPT_FLAG)
			buf_adds(out, " -x");
		fish_candidates(out, tool, o);
		buf_adds(out, " -d ");
		fish_quoted(out, o->help);
		buf_addc(out, '\n');
	}
}
