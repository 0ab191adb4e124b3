/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lex: configuration text into words.
 *
 * A view of somebody's buffer: owns nothing.  One thread.  Never reads past
 * the end, and never fails: what is no word is a TOKEN_BAD that says why.
 *
 *   WORD    anything printable but { } ; , = # " '
 *   STRING  "..." or '...' on one line, taken as it stands (no escapes)
 *   END     a newline or `;`
 *   #       to the end of the line is a comment
 */
#ifndef POLICY_LEX_H
#define POLICY_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
	TOKEN_WORD,
	TOKEN_STRING,
	TOKEN_OPEN,  /* { */
	TOKEN_CLOSE, /* } */
	TOKEN_COMMA,
	TOKEN_EQUALS,
	TOKEN_END,
	TOKEN_EOF,
	TOKEN_BAD,
};

struct token {
	enum token_kind kind;
	const char *text; /* of a STRING: without its quotes */
	size_t len;
	unsigned line, column; /* of the first octet, quote included */
	const char *bad;       /* TOKEN_BAD: what is wrong */
};

struct lex {
	const char *text;
	size_t len, at;
	unsigned line, column;
};

struct lex lex_make(const char *text, size_t len);
struct token lex_next(struct lex *lx);
/* From here to the end of the statement as it stands, braces balanced; for
 * `define NAME = TEXT`.  Inside braces a newline does not end it.  Comments
 * are blanked, see lex_flatten.  TOKEN_STRING, or TOKEN_BAD. */
struct token lex_rest(struct lex *lx);
/* One line of it, malloc'd: newlines and comments become one blank each,
 * blanks at both ends go.  NULL: no memory. */
char *lex_flatten(const char *text, size_t len);
/* Is it this word? */
bool lex_is(const struct token *t, const char *word);

#endif
