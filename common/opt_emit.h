/*
 * Floor 4: what is generated from an option table. Only the generator (opt_emit_main.c)
 * links it, never a tool.
 */
#ifndef PK_OPT_EMIT_H
#define PK_OPT_EMIT_H

#include "buf.h"
#include "opt.h"

/* mdoc items for the OPTIONS section: a .Bl/.It/.El list under .Ss headings. */
void opt_emit_man_options(struct buf *out, const struct opt_tool *tool);
/* mdoc for SYNOPSIS and EXIT STATUS. */
void opt_emit_man_synopsis(struct buf *out, const struct opt_tool *tool);
void opt_emit_man_exit(struct buf *out, const struct opt_tool *tool);
/* mdoc for EXAMPLES: what the command does, then the command. */
void opt_emit_man_examples(struct buf *out, const struct opt_tool *tool);
/*
 * The man page template with its @SYNOPSIS@ @OPTIONS@ @EXIT@ @EXAMPLES@ lines replaced,
 * and @NAME@ @DATE@ @VERSION@ anywhere. 0, or -EINVAL for an unknown @WORD@ or a block
 * that doesn't stand alone on its line; OUT is then as before.
 */
PK_MUST_CHECK int opt_emit_man_page(struct buf *out, const struct opt_tool *tool,
				    const char *template_text, const char *version,
				    const char *date);
/*
 * Whole completion files. No candidate from the machine (service, interface, namespace,
 * address) is ever expanded by the shell: who names an interface must not run commands.
 */
void opt_emit_bash(struct buf *out, const struct opt_tool *tool);
void opt_emit_zsh(struct buf *out, const struct opt_tool *tool);
void opt_emit_fish(struct buf *out, const struct opt_tool *tool);

/* For the emitters themselves. */

/* Does the tool run a command behind "--"? Its synopsis says so. */
bool opt_emit_takes_command(const struct opt_tool *tool);
/* TEXT with each PK_TOOL in it replaced by the tool's name. */
void opt_emit_template(struct buf *out, const struct opt_tool *tool, const char *text);
/* The letters of the options with (TAKES) or without an argument: "tci". */
void opt_emit_letters(struct buf *out, const struct opt_tool *tool, bool takes);
/* LEN bytes of WORD as one argument of a macro. */
void opt_emit_man_arg(struct buf *out, const char *word, size_t len);
/* Sample durations within O's bounds, separated by blanks. */
void opt_emit_durations(struct buf *out, const struct opt *o);
/* The first option of KIND, or NULL. */
const struct opt *opt_emit_first(const struct opt_tool *tool, enum opt_kind kind);

/* Shell commands for service names, port numbers, local addresses. */
#define OPT_EMIT_SERVICES  "{ getent services || cat /etc/services; } 2>/dev/null"
#define OPT_EMIT_ADDRESSES "ip -o addr show 2>/dev/null"
/* awk programs for them, without a single quote. */
#define OPT_EMIT_AWK_NAMES "!/^#/ && NF > 1 && !seen[$1]++ { print $1 }"
#define OPT_EMIT_AWK_NUMBERS \
	"!/^#/ && NF > 1 { sub(\"/.*\", \"\", $2); if (!seen[$2]++) print $2 }"
#define OPT_EMIT_AWK_ADDRESSES \
	"{ sub(\"/.*\", \"\", $4); print ($4 ~ /^fe80:/) ? $4 \"%\" $2 : $4 }"

#endif
