#include <string.h>

#include "opt_emit.h"

static const char zsh_head[] =
	"#compdef PK_TOOL\n"
	"# zsh completion for PK_TOOL.\n"
	"# Made by 'make gen' from tools/PK_TOOL/options.c; do not edit.\n"
	"\n"
	"# Names of services, numbers once a digit is there; behind a comma the next.\n"
	"_PK_TOOL_ports() {\n"
	"\tlocal expl program='" OPT_EMIT_AWK_NAMES "'\n"
	"\tlocal -a names\n"
	"\tcompset -P '*,'\n"
	"\t[[ $PREFIX == [0-9]* ]] &&\n"
	"\t\tprogram='" OPT_EMIT_AWK_NUMBERS "'\n"
	"\tnames=(${(f)\"$(" OPT_EMIT_SERVICES " | awk $program)\"})\n"
	"\t_wanted ports expl 'port or service' compadd -a names\n"
	"}\n"
	"\n"
	"_PK_TOOL_addresses() {\n"
	"\tlocal expl\n"
	"\tlocal -a names\n"
	"\tnames=(${(f)\"$(" OPT_EMIT_ADDRESSES " |\n"
	"\t\tawk '" OPT_EMIT_AWK_ADDRESSES "')\"})\n"
	"\t_wanted addresses expl 'local address' compadd -a names\n"
	"}\n"
	"\n"
	"# The names in a directory: of interfaces, of network namespaces.\n"
	"_PK_TOOL_entries() {\n"
	"\tlocal expl\n"
	"\tlocal -a names\n"
	"\tnames=($1/*(N:t))\n"
	"\tnames=(${names:#bonding_masters})\n"
	"\t_wanted names expl $2 compadd -a names\n"
	"}\n"
	"\n";

/* The first operand is a host, as is each after a pair or URL, and with -p every one. */
static const char zsh_host_operand[] =
	"\tif [[ $PREFIX == *[^:]:* && $PREFIX != *:*:* ]]; then\n"
	"\t\tcompset -P '*:'\n"
	"\t\t_PK_TOOL_ports\n"
	"\telif (( operands && ! ports )); then\n"
	"\t\t_PK_TOOL_ports\n"
	"\telse\n"
	"\t\t_hosts\n"
	"\tfi\n";

/* What comes before the cursor among the operands. $line is _arguments' own list of them,
 * which also has those behind the cursor, so the words are walked again. */
static const char zsh_count[] =
	"\tlocal word\n"
	"\tlocal -i operands=0 ports=0\n"
	"\tfor word in ${(k)opt_args}; do\n"
	"\t\t(( ${lists[(Ie)$word]} )) && ports=1\n"
	"\tdone\n"
	"\tfor word in ${line[1,-2]}; do\n"
	"\t\t[[ $word == (*://*|*\\]:*) || ( $word == *:* && $word != *:*:* ) ]] ||\n"
	"\t\t\t(( ++operands ))\n"
	"\tdone\n";

/* Text inside a single-quoted specification, with the characters of SPECIAL escaped. */
static void zsh_text(struct buf *out, const char *s, const char *special)
{
	for (; *s; s++) {
		if (*s == '\'') {
			buf_adds(out, "'\\''");
			continue;
		}
		if (strchr(special, *s))
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
}

/* "(-q --quiet -j --json)": not offered once one of them is there. */
static void zsh_exclusions(struct buf *out, const struct opt_tool *tool,
			   const struct opt *o)
{
	bool any = false;

	buf_adds(out, "'(");
	for (size_t i = 0; i < tool->n_options; i++) {
		const struct opt *b = &tool->options[i];

		if (b != o && !(b->conflict & o->conflict))
			continue;
		if (any)
			buf_addc(out, ' ');
		if (b->letter)
			buf_addf(out, "-%c ", b->letter);
		buf_addf(out, "--%s", b->name);
		any = true;
	}
	buf_adds(out, ")");
}

/* A blank before a function of ours: it is called as written, without more arguments. */
static void zsh_action(struct buf *out, const struct opt_tool *tool, const struct opt *o)
{
	switch (o->kind) {
	case OPT_WORD:
		buf_addc(out, '(');
		for (size_t i = 0; o->words[i]; i++)
			buf_addf(out, "%s%s", i ? " " : "", o->words[i]);
		buf_addc(out, ')');
		break;
	case OPT_DURATION:
		buf_addc(out, '(');
		opt_emit_durations(out, o);
		buf_addc(out, ')');
		break;
	case OPT_PORTS:
		opt_emit_template(out, tool, " _PK_TOOL_ports");
		break;
	case OPT_HOST:
		buf_adds(out, "_hosts");
		break;
	case OPT_ADDRESS:
		opt_emit_template(out, tool, " _PK_TOOL_addresses");
		break;
	case OPT_INTERFACE:
		opt_emit_template(out, tool,
				  " _PK_TOOL_entries /sys/class/net interface");
		break;
	case OPT_NETNS:
		opt_emit_template(out, tool, " _PK_TOOL_entries /run/netns namespace");
		break;
	case OPT_FILE:
		buf_adds(out, "_files");
		break;
	case OPT_FLAG:
	case OPT_TEXT:
	case OPT_INT:
		/* A blank: show what is expected, offer nothing. */
		buf_addc(out, ' ');
		break;
	}
}

/* '(exclusions)'{-t+,--timeout=}'[help]:DURATION:action' */
static void zsh_option(struct buf *out, const struct opt_tool *tool, const struct opt *o)
{
	bool takes = o->kind != OPT_FLAG;

	buf_adds(out, "\t\t");
	zsh_exclusions(out, tool, o);
	if (o->letter)
		buf_addf(out, "'{-%c%s,--%s%s}'", o->letter, takes ? "+" : "", o->name,
			 takes ? "=" : "");
	else
		buf_addf(out, "--%s%s", o->name, takes ? "=" : "");
	buf_addc(out, '[');
	zsh_text(out, o->help, "\\[]:");
	buf_addc(out, ']');
	if (takes) {
		buf_addc(out, ':');
		zsh_text(out, o->metavar, "\\:");
		buf_addc(out, ':');
		zsh_action(out, tool, o);
	}
	buf_adds(out, "' \\\n");
}

/* "-p --ports": the options whose argument is a list of ports. */
static void zsh_lists(struct buf *out, const struct opt_tool *tool)
{
	for (size_t i = 0; i < tool->n_options; i++) {
		const struct opt *o = &tool->options[i];

		if (o->kind != OPT_PORTS)
			continue;
		if (o->letter)
			buf_addf(out, " -%c", o->letter);
		buf_addf(out, " --%s", o->name);
	}
}

static void zsh_operand(struct buf *out, const struct opt_tool *tool)
{
	if (tool->operands == OPT_HOST) {
		buf_adds(out, "\tlocal -a lists=(");
		zsh_lists(out, tool);
		buf_adds(out, " )\n");
		buf_adds(out, zsh_count);
		opt_emit_template(out, tool, zsh_host_operand);
	} else {
		const struct opt operand = { .kind = tool->operands };

		/* Words and durations belong to options. */
		if (operand.kind == OPT_WORD || operand.kind == OPT_DURATION) {
			buf_adds(out, "\treturn 1\n");
			return;
		}
		buf_addc(out, '\t');
		zsh_action(out, tool, &operand);
		buf_addc(out, '\n');
	}
}

/* Behind "--": another command's own completion. */
static const char zsh_command[] = "\tlocal -i dash=${words[(ie)--]}\n"
				  "\tif (( dash < CURRENT )); then\n"
				  "\t\tshift dash words\n"
				  "\t\t(( CURRENT -= dash ))\n"
				  "\t\t_normal\n"
				  "\t\treturn\n"
				  "\tfi\n";

void opt_emit_zsh(struct buf *out, const struct opt_tool *tool)
{
	bool operands = tool->operands != OPT_FLAG;

	opt_emit_template(out, tool, zsh_head);
	if (operands) {
		buf_adds(out, "# Uses line and opt_args of the caller.\n");
		opt_emit_template(out, tool, "_PK_TOOL_operand() {\n");
		if (opt_emit_takes_command(tool))
			buf_adds(out, zsh_command);
		zsh_operand(out, tool);
		buf_adds(out, "}\n\n");
	}
	opt_emit_template(out, tool,
			  "_PK_TOOL() {\n"
			  "\tlocal curcontext=$curcontext state line ret=1\n"
			  "\tlocal -A opt_args\n"
			  "\t_arguments -C -s -S : \\\n");
	for (size_t i = 0; i < tool->n_options; i++)
		zsh_option(out, tool, &tool->options[i]);
	if (operands) {
		buf_adds(out, "\t\t'*: :->operand' && ret=0\n");
		opt_emit_template(
			out, tool,
			"\t[[ $state == operand ]] && _PK_TOOL_operand && ret=0\n");
	} else {
		buf_adds(out, "\t\t&& ret=0\n");
	}
	opt_emit_template(out, tool,
			  "\treturn ret\n"
			  "}\n"
			  "\n"
			  "_PK_TOOL \"$@\"\n");
}
