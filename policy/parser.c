/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "policy/parser.h"

#define QUOTED_MAX 60 /* octets of a token in a message */

struct policy_place
parser_place(const struct parser *ps, const struct token *t)
{
	return (struct policy_place){ .file = ps->file->path,
				      .line = t->line,
				      .column = t->column };
}

bool
parser_error(struct parser *ps, const struct token *t, const char *fmt, ...)
{
	struct policy_place at = parser_place(ps, t);
	va_list ap;
	char what[400];

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	diag_error(ps->diag, &at, "%s", what);
	return false;
}

bool
parser_refuse(struct parser *ps, const char *what)
{
	const struct token *t = &ps->tok;

	switch (t->kind) {
	case TOKEN_BAD:
		return parser_error(ps, t, "%s", t->bad);
	case TOKEN_END:
		return parser_error(ps, t, "the statement ends here: %s", what);
	case TOKEN_EOF:
		return parser_error(ps, t, "the file ends here: %s", what);
	case TOKEN_WORD:
	case TOKEN_STRING:
	case TOKEN_OPEN:
	case TOKEN_CLOSE:
	case TOKEN_COMMA:
	case TOKEN_EQUALS:
		break;
	}
	return parser_error(ps, t, "`%.*s%s`: %s",
			    (int)(t->len < QUOTED_MAX ? t->len : QUOTED_MAX),
			    t->text, t->len > QUOTED_MAX ? "..." : "", what);
}

bool
parser_no_memory(struct parser *ps)
{
	if (!ps->no_memory)
		diag_error(ps->diag, NULL, "out of memory");
	ps->no_memory = true;
	return false;
}

void
parser_step(struct parser *ps)
{
	ps->tok = lex_next(&ps->lex);
}

void
parser_skip(struct parser *ps)
{
	unsigned depth = 0;

	for (;; parser_step(ps)) {
		switch (ps->tok.kind) {
		case TOKEN_OPEN:
			depth++;
			break;
		case TOKEN_CLOSE:
			if (depth == 0)
				return;
			depth--;
			break;
		case TOKEN_END:
			if (depth == 0)
				return;
			break;
		case TOKEN_EOF:
			return;
		case TOKEN_WORD:
		case TOKEN_STRING:
		case TOKEN_COMMA:
		case TOKEN_EQUALS:
		case TOKEN_BAD:
			break;
		}
	}
}

bool
parser_end(struct parser *ps)
{
	if (ps->tok.kind == TOKEN_END || ps->tok.kind == TOKEN_CLOSE ||
	    ps->tok.kind == TOKEN_EOF)
		return true;
	return parser_refuse(ps, "expected the end of the statement");
}

bool
parser_is(const struct parser *ps, const char *word)
{
	return lex_is(&ps->tok, word);
}

bool
parser_take(struct parser *ps, const char *word)
{
	if (!parser_is(ps, word))
		return false;
	parser_step(ps);
	return true;
}

bool
parser_expect(struct parser *ps, const char *word)
{
	char what[80];

	if (parser_take(ps, word))
		return true;
	snprintf(what, sizeof(what), "expected `%s`", word);
	return parser_refuse(ps, what);
}

bool
parser_open(struct parser *ps)
{
	if (ps->tok.kind != TOKEN_OPEN)
		return parser_refuse(ps, "expected `{`");
	parser_step(ps);
	return true;
}

bool
parser_string(struct parser *ps, const char *what, char **out)
{
	char *copy;

	if (ps->tok.kind != TOKEN_WORD && ps->tok.kind != TOKEN_STRING)
		return parser_refuse(ps, what);
	copy = strndup(ps->tok.text, ps->tok.len);
	if (copy == NULL)
		return parser_no_memory(ps);
	free(*out);
	*out = copy;
	parser_step(ps);
	return true;
}

bool
parser_name(struct parser *ps, const char *what, char *out, size_t size)
{
	const struct token *t = &ps->tok;

	if (t->kind != TOKEN_WORD)
		return parser_refuse(ps, what);
	if (t->len >= size)
		return parser_error(ps, t,
				    "a name of %zu octets, at most %zu "
				    "are allowed",
				    t->len, size - 1);
	for (size_t i = 0; i < t->len; i++) {
		unsigned char c = (unsigned char)t->text[i];

		if (!(isalpha(c) || c == '_' ||
		      (i > 0 && (isdigit(c) || c == '-' || c == '.'))))
			return parser_refuse(
			    ps, "a name is a letter or `_`, "
				"then letters, digits, `_`, `-`, `.`");
	}
	memcpy(out, t->text, t->len);
	out[t->len] = '\0';
	parser_step(ps);
	return true;
}

bool
parser_number(struct parser *ps, const char *what, uint64_t min, uint64_t max,
	      uint64_t *out)
{
	const struct token *t = &ps->tok;
	uint64_t v;

	if (t->kind != TOKEN_WORD || !number_parse(t->text, t->len, &v))
		return parser_refuse(ps, what);
	if (v < min || v > max) {
		char range[120];

		snprintf(range, sizeof(range), "not in %" PRIu64 "..%" PRIu64,
			 min, max);
		return parser_refuse(ps, range);
	}
	*out = v;
	parser_step(ps);
	return true;
}

bool
parser_yes_no(struct parser *ps, bool *out)
{
	static const char *const words[] = { "no", "yes", NULL };
	unsigned i;

	if (!parser_choice(ps, words, &i))
		return false;
	*out = i == 1;
	return true;
}

bool
parser_address(struct parser *ps, struct ipaddr *out)
{
	const struct token *t = &ps->tok;
	char text[IPADDR_TEXT];

	if (t->kind != TOKEN_WORD || t->len >= sizeof(text))
		return parser_refuse(ps, "expected an address");
	memcpy(text, t->text, t->len);
	text[t->len] = '\0';
	if (ipaddr_parse(text, out) != 0)
		return parser_refuse(
		    ps, memchr(t->text, '/', t->len) == NULL
			    ? "no IPv4 or IPv6 address"
			    : "no prefix, or bits are set behind its length");
	parser_step(ps);
	return true;
}

bool
parser_choice(struct parser *ps, const char *const *words, unsigned *out)
{
	char what[300] = "expected ";

	for (unsigned i = 0; words[i] != NULL; i++) {
		if (parser_take(ps, words[i])) {
			*out = i;
			return true;
		}
		snprintf(what + strlen(what), sizeof(what) - strlen(what),
			 "%s`%s`",
			 i == 0                 ? ""
			 : words[i + 1] == NULL ? " or "
						: ", ",
			 words[i]);
	}
	return parser_refuse(ps, what);
}

bool
parser_once(struct parser *ps, const struct token *t, struct policy_place *at)
{
	if (at->line != 0)
		return parser_error(ps, t, "`%.*s` again, first in %s:%u",
				    (int)t->len, t->text, at->file, at->line);
	*at = parser_place(ps, t);
	return true;
}

bool
parser_block(struct parser *ps, bool (*statement)(struct parser *ps, void *arg),
	     void *arg)
{
	struct token open = ps->tok;

	if (!parser_open(ps))
		return false;
	for (;;) {
		while (ps->tok.kind == TOKEN_END)
			parser_step(ps);
		if (ps->tok.kind == TOKEN_CLOSE) {
			parser_step(ps);
			return true;
		}
		if (ps->tok.kind == TOKEN_EOF)
			return parser_error(ps, &open,
					    "this `{` is never closed");
		if (!statement(ps, arg) || !parser_end(ps))
			parser_skip(ps);
	}
}

void *
parser_grow(struct parser *ps, void *array, size_t *n, size_t size)
{
	char *grown = array;

	/* Room doubles when the number of elements is a power of two. */
	if ((*n & (*n - 1)) == 0) {
		size_t room = *n == 0 ? 1 : 2 * *n;

		grown = calloc(room, size);
		if (grown == NULL) {
			parser_no_memory(ps);
			return NULL;
		}
		if (*n != 0) {
			memcpy(grown, array, *n * size);
			secret_wipe(array, *n * size);
		}
		free(array);
	}
	memset(grown + *n * size, 0, size);
	++*n;
	return grown;
}
