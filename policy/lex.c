/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "policy/lex.h"

struct lex
lex_make(const char *text, size_t len)
{
	return (struct lex){ .text = text, .len = len, .line = 1, .column = 1 };
}

static int
peek(const struct lex *lx)
{
	return lx->at < lx->len ? (unsigned char)lx->text[lx->at] : -1;
}

static void
step(struct lex *lx)
{
	if (lx->text[lx->at++] == '\n') {
		lx->line++;
		lx->column = 1;
	} else {
		lx->column++;
	}
}

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
is_word(int c)
{
	return c > ' ' && c < 0x7f && strchr("{};,=#\"'", c) == NULL;
}

/* Blanks and a comment.  Returns what is wrong, or NULL. */
static const char *
skip_blanks(struct lex *lx)
{
	while (is_blank(peek(lx)))
		step(lx);
	if (peek(lx) != '#')
		return NULL;
	while (peek(lx) != -1 && peek(lx) != '\n') {
		if (peek(lx) == '\0')
			return "a NUL octet";
		step(lx);
	}
	return NULL;
}

static struct token
lex_string(struct lex *lx, struct token t)
{
	int quote = peek(lx);

	step(lx);
	t.text = lx->text + lx->at;
	while (peek(lx) != quote) {
		int c = peek(lx);

		if (c == -1 || c == '\n') {
			t.kind = TOKEN_BAD;
			t.bad = "a string that does not end on its line";
			return t;
		}
		if ((c < ' ' && c != '\t') || c >= 0x7f) {
			t.kind = TOKEN_BAD;
			t.line = lx->line;
			t.column = lx->column;
			t.bad =
			    c == 0 ? "a NUL octet"
			    : c < 0x80
				? "a control character in a string"
				: "only comments may hold what is not ASCII";
			/* Go on behind the string, not in its middle. */
			while (peek(lx) != -1 && peek(lx) != '\n' &&
			       peek(lx) != quote)
				step(lx);
			if (peek(lx) == quote)
				step(lx);
			return t;
		}
		step(lx);
	}
	t.len = (size_t)(lx->text + lx->at - t.text);
	step(lx);
	t.kind = TOKEN_STRING;
	return t;
}

static struct token
lex_bad(struct lex *lx, struct token t)
{
	int c = peek(lx);

	t.kind = TOKEN_BAD;
	t.bad = c == 0     ? "a NUL octet"
		: c < 0x80 ? "a control character"
			   : "only comments may hold what is not ASCII";
	/* The whole run is one error. */
	while (peek(lx) == 0 || peek(lx) >= 0x7f ||
	       (peek(lx) > 0 && peek(lx) < ' ' && !is_blank(peek(lx)) &&
		peek(lx) != '\n'))
		step(lx);
	return t;
}

struct token
lex_next(struct lex *lx)
{
	const char *bad = skip_blanks(lx);
	struct token t = { .text = lx->text + lx->at,
			   .len = 1,
			   .line = lx->line,
			   .column = lx->column };
	int c = peek(lx);

	if (bad != NULL ||
	    (c != -1 && c != '\n' && !is_word(c) &&
	     strchr("{};,=\"'", c) == NULL) ||
	    c == 0)
		return lex_bad(lx, t);
	switch (c) {
	case -1:
		t.kind = TOKEN_EOF;
		t.len = 0;
		return t;
	case '"':
	case '\'':
		return lex_string(lx, t);
	case '{':
		t.kind = TOKEN_OPEN;
		break;
	case '}':
		t.kind = TOKEN_CLOSE;
		break;
	case ',':
		t.kind = TOKEN_COMMA;
		break;
	case '=':
		t.kind = TOKEN_EQUALS;
		break;
	case '\n':
	case ';':
		t.kind = TOKEN_END;
		break;
	default:
		t.kind = TOKEN_WORD;
		while (is_word(peek(lx)))
			step(lx);
		t.len = (size_t)(lx->text + lx->at - t.text);
		return t;
	}
	step(lx);
	return t;
}

/* One octet of a define's text, or a string in it.  NULL, or what is wrong. */
static const char *
rest_step(struct lex *lx, unsigned *depth)
{
	struct token t = { .line = lx->line, .column = lx->column };
	int c = peek(lx);

	if (c == '"' || c == '\'') {
		t = lex_string(lx, t);
		return t.kind == TOKEN_BAD ? t.bad : NULL;
	}
	if (c == ';')
		return "a `;` inside braces";
	if (c == 0)
		return "a NUL octet";
	if (c >= 0x7f || (c < ' ' && !is_blank(c) && c != '\n'))
		return "a control character, or what is not ASCII";
	if (c == '{')
		++*depth;
	if (c == '}' && (*depth)-- == 0)
		return "a `}` without its `{`";
	step(lx);
	return NULL;
}

struct token
lex_rest(struct lex *lx)
{
	unsigned depth = 0;
	struct token t;

	while (is_blank(peek(lx)))
		step(lx);
	t = (struct token){ .kind = TOKEN_STRING,
			    .text = lx->text + lx->at,
			    .line = lx->line,
			    .column = lx->column };
	for (;;) {
		const char *bad = skip_blanks(lx);
		struct token here = { .kind = TOKEN_BAD,
				      .line = lx->line,
				      .column = lx->column,
				      .text = lx->text + lx->at };
		int c = peek(lx);

		if (c == -1 && depth > 0 && bad == NULL)
			bad = "the file ends inside braces";
		if (bad == NULL &&
		    (c == -1 || (depth == 0 && (c == '\n' || c == ';'))))
			break;
		if (bad == NULL)
			bad = rest_step(lx, &depth);
		if (bad != NULL) {
			if (peek(lx) == 0)
				step(lx);
			here.bad = bad;
			return here;
		}
	}
	t.len = (size_t)(lx->text + lx->at - t.text);
	return t;
}

char *
lex_flatten(const char *text, size_t len)
{
	char *flat = malloc(len + 1), *to = flat;
	char quote = '\0';

	if (flat == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (quote == '\0' && c == '#') {
			while (i + 1 < len && text[i + 1] != '\n')
				i++;
			continue;
		}
		if (c == '"' || c == '\'')
			quote = quote == '\0' ? c : quote == c ? '\0' : quote;
		if (quote == '\0' && (is_blank(c) || c == '\n')) {
			if (to > flat && to[-1] != ' ')
				*to++ = ' ';
			continue;
		}
		*to++ = c;
	}
	while (to > flat && to[-1] == ' ')
		to--;
	*to = '\0';
	return flat;
}

bool
lex_is(const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && t->len == strlen(word) &&
	       memcmp(t->text, word, t->len) == 0;
}
