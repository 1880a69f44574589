#include "command.h"

#include <string.h>

#include "say_private.h"
#include "text.h"

/* Bytes beyond which words are left out. */
#define COMMAND_MAX 2000

/* "https://user:secret@host:8443/path?token=x" becomes "https://host:8443". */
static void add_word(struct buf *out, const char *word)
{
	const char *authority = strstr(word, "://");
	size_t len, i;

	if (!authority) {
		buf_adds(out, word);
		return;
	}
	authority += strlen("://");
	buf_add(out, word, (size_t)(authority - word));
	len = strcspn(authority, "/?#");
	/* The last one: a password may have more, unescaped. */
	for (i = len; i > 0 && authority[i - 1] != '@'; i--)
		;
	buf_add(out, authority + i, len - i);
}

/* Text that must not reach a terminal: $'...' of bash, zsh and POSIX 2024 has the escapes
 * that text_escape() writes. */
static void add_escaped(struct buf *out, const char *word)
{
	struct buf escaped = BUF_INIT;
	const char *s;

	text_escape_str(&escaped, word);
	buf_adds(out, "$'");
	for (s = escaped.data; *s; s++) {
		if (*s == '\'')
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
	buf_addc(out, '\'');
	if (escaped.failed)
		out->failed = true;
	buf_release(&escaped);
}

void command_text(struct buf *out, int argc, char *const *argv)
{
	struct buf word = BUF_INIT;
	size_t start = out->len;
	int i;

	buf_adds(out, "portblock");
	for (i = 1; i < argc; i++) {
		buf_clear(&word);
		add_word(&word, argv[i]);
		if (out->len - start + word.len > COMMAND_MAX) {
			buf_adds(out, " ...");
			break;
		}
		buf_addc(out, ' ');
		if (text_is_plain(word.data))
			phrase_quoted(out, word.data);
		else
			add_escaped(out, word.data);
	}
	if (word.failed)
		out->failed = true;
	buf_release(&word);
}
