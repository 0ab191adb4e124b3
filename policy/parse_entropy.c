/* SPDX-License-Identifier: GPL-2.0-or-later */
/* entropy { }: what entropyd(8) reads. */
#include <string.h>

#include "policy/parser.h"

/* Names that entropyd gives to sources of its own. */
static const char *const taken[] = { "hwrng", "jitter", "cpu", "seed" };

static bool
is_digit(const char *at, const char *end)
{
	return at < end && *at >= '0' && *at <= '9';
}

/* Bits of an octet, 0 to 8 with up to three decimals, in thousandths. */
static bool
parse_bits(struct parser *ps, unsigned *mbits)
{
	const char *at = ps->tok.text, *end = at + ps->tok.len;
	unsigned v = 0;
	bool good =
	    ps->tok.kind == TOKEN_WORD && ps->tok.len <= 5 && is_digit(at, end);

	if (good) {
		while (is_digit(at, end))
			v = 10 * v + (unsigned)(*at++ - '0');
		v *= 1000;
		if (at < end && *at == '.' && is_digit(at + 1, end)) {
			at++;
			for (unsigned scale = 100;
			     scale != 0 && is_digit(at, end); scale /= 10)
				v += (unsigned)(*at++ - '0') * scale;
		}
	}
	if (!good || at != end || v > 8000)
		return parser_refuse(ps, "expected bits an octet, 0 to 8");
	*mbits = v;
	parser_step(ps);
	return true;
}

static bool
parse_path(struct parser *ps, char **out)
{
	if ((ps->tok.kind == TOKEN_WORD || ps->tok.kind == TOKEN_STRING) &&
	    (ps->tok.len == 0 || ps->tok.text[0] != '/'))
		return parser_refuse(ps, "expected an absolute path");
	return parser_string(ps, "expected a path", out);
}

static bool
parse_stream(struct parser *ps, struct policy_entropy *e,
	     const struct token *word)
{
	struct token name = ps->tok;
	struct policy_stream *s;

	if (e->n_streams == POLICY_STREAMS_MAX)
		return parser_error(ps, word, "more than %d streams",
				    POLICY_STREAMS_MAX);
	s = &e->streams[e->n_streams];
	if (!parser_name(ps, "expected a name", s->name, sizeof(s->name)))
		return false;
	if (strspn(s->name, "abcdefghijklmnopqrstuvwxyz0123456789-") !=
	    strlen(s->name))
		return parser_error(ps, &name,
				    "small letters, digits and dashes");
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(s->name, taken[i]) == 0)
			return parser_error(ps, &name,
					    "`%s` is a source of entropyd's",
					    taken[i]);
	for (size_t i = 0; i < e->n_streams; i++)
		if (strcmp(s->name, e->streams[i].name) == 0)
			return parser_error(ps, &name, "the name stands twice");
	if (!parse_path(ps, &s->path))
		return false;
	e->n_streams++; /* the path is the policy's from here on */
	return !parser_take(ps, "bits") || parse_bits(ps, &s->mbits);
}

static bool
parse_statement(struct parser *ps, void *arg)
{
	struct policy_entropy *e = arg;
	struct token word = ps->tok;
	bool yes;

	if (parser_take(ps, "hwrng")) {
		if (!parser_once(ps, &word, &e->hwrng_at))
			return false;
		return parse_path(ps, &e->hwrng);
	}
	if (parser_take(ps, "kernel")) {
		if (!parser_once(ps, &word, &e->kernel_at) ||
		    !parser_yes_no(ps, &yes))
			return false;
		e->no_kernel = !yes;
		return true;
	}
	if (parser_take(ps, "stream"))
		return parse_stream(ps, e, &word);
	return parser_refuse(ps, "expected `hwrng`, `kernel` or `stream`");
}

bool
parse_entropy_block(struct parser *ps)
{
	return parser_block(ps, parse_statement, &ps->policy->entropy);
}
