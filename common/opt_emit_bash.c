#include <string.h>

#include "opt_emit.h"

/*
 * What stands in every file. bash-completion splits the line into words where it is
 * loaded (before 2.12 with _init_completion); the fallback knows no quotes, which is
 * enough for what these tools take.
 */
static const char bash_head[] =
	"# bash completion for PK_TOOL.\n"
	"# Made by 'make gen' from tools/PK_TOOL/options.c; do not edit.\n"
	"\n"
	"# Sets cur, prev, words, cword and split of the caller.\n"
	"_PK_TOOL_words() {\n"
	"\tif declare -F _comp_initialize >/dev/null; then\n"
	"\t\t# shellcheck disable=SC2034 # bash-completion fills comp_args\n"
	"\t\tlocal was_split comp_args\n"
	"\t\t_comp_initialize -s -n : -- \"$@\" || return\n"
	"\t\t[[ -n $was_split ]] && split=true\n"
	"\t\treturn 0\n"
	"\telif declare -F _init_completion >/dev/null; then\n"
	"\t\t_init_completion -s -n :\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} IFS=$' \\t\\n'\n"
	"\tread -r -a words <<<\"$line\"\n"
	"\t[[ $line == *[[:space:]] ]] && words+=('')\n"
	"\tcword=$((${#words[@]} - 1))\n"
	"\tcur=${words[cword]}\n"
	"\t((cword)) && prev=${words[cword - 1]}\n"
	"\tif [[ $cur == --*=* ]]; then\n"
	"\t\tsplit=true prev=${cur%%=*} cur=${cur#*=}\n"
	"\tfi\n"
	"\treturn 0\n"
	"}\n"
	"\n"
	"# Offer, behind $pre, those words that begin with $cur. No word is expanded,\n"
	"# and one that the shell would read as more than a word is left out.\n"
	"_PK_TOOL_offer() {\n"
	"\tlocal word\n"
	"\tfor word; do\n"
	"\t\t[[ $word == \"$cur\"* && $word != *[!A-Za-z0-9._:%@/=+-]* ]] &&\n"
	"\t\t\tCOMPREPLY+=(\"$pre$word\")\n"
	"\tdone\n"
	"}\n"
	"\n"
	"# The same for the lines of standard input.\n"
	"_PK_TOOL_offer_lines() {\n"
	"\tlocal -a lines\n"
	"\tmapfile -t lines\n"
	"\t_PK_TOOL_offer \"${lines[@]}\"\n"
	"}\n"
	"\n"
	"# Names of services, numbers once a digit is there; behind a comma the next.\n"
	"_PK_TOOL_ports() {\n"
	"\tlocal pre=$pre${cur%\"${cur##*,}\"} cur=${cur##*,} program\n"
	"\t# shellcheck disable=SC2016 # the dollars are awk's\n"
	"\tprogram='" OPT_EMIT_AWK_NAMES "'\n"
	"\tif [[ $cur == [0-9]* ]]; then\n"
	"\t\t# shellcheck disable=SC2016\n"
	"\t\tprogram='" OPT_EMIT_AWK_NUMBERS "'\n"
	"\tfi\n"
	"\t_PK_TOOL_offer_lines < <(" OPT_EMIT_SERVICES " | awk \"$program\")\n"
	"}\n"
	"\n"
	"_PK_TOOL_hosts() {\n"
	"\tif declare -F _known_hosts_real >/dev/null; then\n"
	"\t\t_known_hosts_real ${pre:+-p\"$pre\"} -- \"$cur\"\n"
	"\telse\n"
	"\t\t_PK_TOOL_offer_lines < <(compgen -A hostname)\n"
	"\tfi\n"
	"}\n"
	"\n"
	"_PK_TOOL_addresses() {\n"
	"\t_PK_TOOL_offer_lines < <(" OPT_EMIT_ADDRESSES " |\n"
	"\t\tawk '" OPT_EMIT_AWK_ADDRESSES "')\n"
	"}\n"
	"\n"
	"# The names in a directory: of interfaces, of network namespaces.\n"
	"_PK_TOOL_entries() {\n"
	"\t_PK_TOOL_offer_lines < <(\n"
	"\t\tshopt -u failglob\n"
	"\t\tfor path in \"$1\"/*; do\n"
	"\t\t\t[[ $path != */bonding_masters ]] && printf '%s\\n' \"${path##*/}\"\n"
	"\t\tdone\n"
	"\t)\n"
	"}\n"
	"\n"
	"_PK_TOOL_files() {\n"
	"\tcompopt -o filenames 2>/dev/null\n"
	"\tif [[ -z $pre ]] && declare -F _filedir >/dev/null; then\n"
	"\t\t_filedir\n"
	"\telse\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -P \"$pre\" -- \"$cur\")\n"
	"\tfi\n"
	"}\n"
	"\n";

/* Behind "--": another command's own completion. */
static const char bash_command[] =
	"\tif ((rest)); then\n"
	"\t\tif declare -F _comp_command_offset >/dev/null; then\n"
	"\t\t\t_comp_command_offset \"$rest\"\n"
	"\t\telif declare -F _command_offset >/dev/null; then\n"
	"\t\t\t_command_offset \"$rest\"\n"
	"\t\telif ((COMP_CWORD == rest)); then\n"
	"\t\t\tmapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
	"\t\tfi\n"
	"\t\treturn\n"
	"\tfi\n";

/* " | -t | --timeout" for each option of KIND. ONLY: that one alone. */
static void add_patterns(struct buf *out, const struct opt_tool *tool, enum opt_kind kind,
			 const struct opt *only)
{
	bool any = false;

	for (size_t i = 0; i < tool->n_options; i++) {
		const struct opt *o = &tool->options[i];

		if (only ? o != only : o->kind != kind)
			continue;
		if (any)
			buf_adds(out, " | ");
		if (o->letter)
			buf_addf(out, "-%c | ", o->letter);
		buf_addf(out, "--%s", o->name);
		any = true;
	}
}

/* The cases of _TOOL_value: what completes the argument of which options. */
static void add_values(struct buf *out, const struct opt_tool *tool)
{
	static const struct {
		enum opt_kind kind;
		const char *command;
	} kinds[] = {
		{ OPT_PORTS, "_PK_TOOL_ports" },
		{ OPT_HOST, "_PK_TOOL_hosts" },
		{ OPT_ADDRESS, "_PK_TOOL_addresses" },
		{ OPT_INTERFACE, "_PK_TOOL_entries /sys/class/net" },
		{ OPT_NETNS, "_PK_TOOL_entries /run/netns" },
		{ OPT_FILE, "_PK_TOOL_files" },
	};

	buf_adds(out, "\tcase $1 in\n");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!opt_emit_first(tool, kinds[i].kind))
			continue;
		buf_adds(out, "\t");
		add_patterns(out, tool, kinds[i].kind, NULL);
		buf_adds(out, ") ");
		opt_emit_template(out, tool, kinds[i].command);
		buf_adds(out, " ;;\n");
	}
	for (size_t i = 0; i < tool->n_options; i++) {
		const struct opt *o = &tool->options[i];

		if (o->kind != OPT_WORD && o->kind != OPT_DURATION)
			continue;
		buf_adds(out, "\t");
		add_patterns(out, tool, o->kind, o);
		buf_addf(out, ") _%s_offer", tool->name);
		for (size_t k = 0; o->words && o->words[k]; k++)
			buf_addf(out, " %s", o->words[k]);
		if (o->kind == OPT_DURATION) {
			buf_addc(out, ' ');
			opt_emit_durations(out, o);
		}
		buf_adds(out, " ;;\n");
	}
	buf_adds(out, "\tesac\n");
}

/* The walk over the words before the cursor, shared by every tool. */
static const char bash_walk[] =
	"# Sets $at: which letter of the cluster $1 (-qt3) takes an argument? 0: none.\n"
	"_PK_TOOL_cluster() {\n"
	"\tlocal i\n"
	"\tfor ((i = 1; i < ${#1}; i++)); do\n"
	"\t\t[[ $takes == *\"${1:i:1}\"* ]] && break\n"
	"\tdone\n"
	"\t((at = i < ${#1} ? i : 0))\n"
	"\treturn 0\n"
	"}\n"
	"\n"
	"# What the words before the cursor say: $want, the option that waits for its\n"
	"# argument; $rest, the first word behind --, as COMP_WORDS counts, which has\n"
	"# more words; $operands; $ports, whether an option has brought the ports.\n"
	"_PK_TOOL_walk() {\n"
	"\tlocal i word key\n"
	"\tfor ((i = 1; i < cword; i++)); do\n"
	"\t\tword=${words[i]}\n"
	"\t\t[[ $word == -- ]] && ((dashes++))\n"
	"\t\tif [[ -n $want ]]; then\n"
	"\t\t\twant=\n"
	"\t\t\tcontinue\n"
	"\t\tfi\n"
	"\t\tif [[ $word == -- ]]; then\n"
	"\t\t\tfor ((rest = 1; dashes; rest++)); do\n"
	"\t\t\t\t[[ ${COMP_WORDS[rest]} == -- ]] && ((dashes--))\n"
	"\t\t\tdone\n"
	"\t\t\treturn\n"
	"\t\telif [[ $word == --* ]]; then\n"
	"\t\t\t[[ \" $longs \" == *\" ${word%%=*}= \"* && $word != *=* ]] && want=$word\n"
	"\t\telif [[ $word == -?* ]]; then\n"
	"\t\t\t_PK_TOOL_cluster \"$word\"\n"
	"\t\t\t((at)) && word=-${word:at}\n"
	"\t\t\t((at && ${#word} == 2)) && want=$word\n"
	"\t\telif [[ $word != *://* && $word != *]:* &&\n"
	"\t\t\t($word != *:* || $word == *:*:*) ]]; then\n"
	"\t\t\t((operands++))\n"
	"\t\tfi\n"
	"\t\tkey=${word%%=*}\n"
	"\t\t[[ $word == --* ]] || key=${word:0:2}\n"
	"\t\t[[ \" $lists \" == *\" $key \"* ]] && ports=yes\n"
	"\tdone\n"
	"}\n"
	"\n";

/* What an operand is completed with, by the tool's kind of operands. */
static void add_operands(struct buf *out, const struct opt_tool *tool)
{
	const char *command = NULL;

	switch (tool->operands) {
	case OPT_HOST:
		command = "\tif [[ $cur == *[!:]:* && $cur != *:*:* ]]; then\n"
			  "\t\tpre=${cur%:*}: cur=${cur##*:}\n"
			  "\t\t_PK_TOOL_ports\n"
			  "\telif ((operands)) && [[ -z $ports ]]; then\n"
			  "\t\t_PK_TOOL_ports\n"
			  "\telse\n"
			  "\t\t_PK_TOOL_hosts\n"
			  "\tfi\n";
		break;
	case OPT_PORTS:
		command = "\t_PK_TOOL_ports\n";
		break;
	case OPT_ADDRESS:
		command = "\t_PK_TOOL_addresses\n";
		break;
	case OPT_INTERFACE:
		command = "\t_PK_TOOL_entries /sys/class/net\n";
		break;
	case OPT_NETNS:
		command = "\t_PK_TOOL_entries /run/netns\n";
		break;
	case OPT_FILE:
		command = "\t_PK_TOOL_files\n";
		break;
	case OPT_FLAG:
	case OPT_TEXT:
	case OPT_INT:
	case OPT_DURATION:
	case OPT_WORD:
		command = "\t:\n";
		break;
	}
	buf_adds(out, "# What completes an operand.\n");
	opt_emit_template(out, tool, "_PK_TOOL_operand() {\n");
	opt_emit_template(out, tool, command);
	buf_adds(out, "}\n\n");
}

/* "--timeout= --quiet": what is offered, and by its '=' what takes an argument. */
static void add_longs(struct buf *out, const struct opt_tool *tool)
{
	for (size_t i = 0; i < tool->n_options; i++)
		buf_addf(out, "%s--%s%s", i ? " " : "", tool->options[i].name,
			 tool->options[i].kind == OPT_FLAG ? "" : "=");
}

/* "-p --ports": the options whose argument is a list of ports. */
static void add_list_options(struct buf *out, const struct opt_tool *tool)
{
	for (size_t i = 0; i < tool->n_options; i++) {
		const struct opt *o = &tool->options[i];

		if (o->kind != OPT_PORTS)
			continue;
		if (o->letter)
			buf_addf(out, "-%c ", o->letter);
		buf_addf(out, "--%s ", o->name);
	}
}

static const char bash_main_head[] =
	"\tlocal at=0 want='' rest=0 dashes=0 operands=0 ports='' pre='' full\n"
	"\tCOMPREPLY=()\n"
	"\t_PK_TOOL_words \"$@\" || return 0\n"
	"\tfull=$cur\n"
	"\t_PK_TOOL_walk\n";

static const char bash_main_tail[] =
	"\tif [[ -n $want ]]; then\n"
	"\t\t_PK_TOOL_value \"$want\"\n"
	"\telif [[ $split == true ]]; then\n"
	"\t\t# readline replaces what stands behind '=', unless it was told otherwise.\n"
	"\t\t[[ $COMP_WORDBREAKS == *=* ]] || pre=$prev=\n"
	"\t\t_PK_TOOL_value \"$prev\"\n"
	"\telif ((rest)); then\n"
	"\t\t_PK_TOOL_operand\n"
	"\telif [[ $cur == --* || $cur == - ]]; then\n"
	"\t\tlocal -a all\n"
	"\t\tIFS=' ' read -r -a all <<<\"$longs\"\n"
	"\t\t_PK_TOOL_offer \"${all[@]}\"\n"
	"\t\t[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] &&\n"
	"\t\t\tcompopt -o nospace 2>/dev/null\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\t_PK_TOOL_cluster \"$cur\"\n"
	"\t\tif ((at && at < ${#cur} - 1)); then\n"
	"\t\t\tlocal letter=${cur:at:1}\n"
	"\t\t\tpre=${cur:0:at+1} cur=${cur:at+1}\n"
	"\t\t\t_PK_TOOL_value \"-$letter\"\n"
	"\t\telse\n"
	"\t\t\tCOMPREPLY=(\"$cur\")\n"
	"\t\tfi\n"
	"\telse\n"
	"\t\t_PK_TOOL_operand\n"
	"\tfi\n"
	"\t# readline replaces what stands behind the last colon: take the rest off.\n"
	"\tif [[ $full == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
	"\t\tCOMPREPLY=(\"${COMPREPLY[@]#\"${full%\"${full##*:}\"}\"}\")\n"
	"\tfi\n"
	"\treturn 0\n"
	"}\n"
	"\n"
	"complete -F _PK_TOOL PK_TOOL\n";

void opt_emit_bash(struct buf *out, const struct opt_tool *tool)
{
	opt_emit_template(out, tool, bash_head);
	opt_emit_template(out, tool,
			  "# What completes the argument of option $1.\n"
			  "_PK_TOOL_value() {\n");
	add_values(out, tool);
	buf_adds(out, "}\n\n");
	opt_emit_template(out, tool, bash_walk);
	add_operands(out, tool);

	opt_emit_template(out, tool,
			  "_PK_TOOL() {\n"
			  "\tlocal cur='' prev='' cword=0 split=false\n"
			  "\tlocal -a words=()\n"
			  "\tlocal takes='");
	opt_emit_letters(out, tool, true);
	buf_adds(out, "' longs='");
	add_longs(out, tool);
	buf_adds(out, "' lists='");
	add_list_options(out, tool);
	buf_adds(out, "'\n");
	opt_emit_template(out, tool, bash_main_head);
	if (opt_emit_takes_command(tool))
		buf_adds(out, bash_command);
	opt_emit_template(out, tool, bash_main_tail);
}
