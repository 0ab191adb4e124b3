/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/parser.h"
#include "policy/source.h"

/* Said once a file: it holds keys and others can read it. */
static bool
check_mode(struct parser *ps, const struct token *t)
{
	struct parser_file *f = ps->file;

	if (f->in_memory || f->told_mode || (f->mode & S_IROTH) == 0)
		return true;
	f->told_mode = true;
	return parser_error(ps, t,
			    "a key in a file that others can read: "
			    "chmod o-r %s",
			    f->path);
}

static bool
parse_key_octets(struct parser *ps, uint8_t *key, unsigned *octets)
{
	struct token t = ps->tok;
	size_t n = ALGO_KEYMAT_MAX;

	if (t.kind == TOKEN_WORD && lex_is(&t, "(hidden)"))
		return parser_error(ps, &t,
				    "the key was hidden when this was "
				    "written: export with --show-keys");
	/* Never quoted: it may be a key with a typing error. */
	if (t.kind != TOKEN_WORD || !number_parse_hex(t.text, t.len, key, &n))
		return parser_error(ps, &t,
				    "expected a key: 0x and an even "
				    "number of hexadecimal digits, at most %d",
				    2 * ALGO_KEYMAT_MAX);
	*octets = (unsigned)n;
	parser_step(ps);
	return check_mode(ps, &t);
}

static bool
parse_key_file(struct parser *ps, char **path)
{
	struct token t = ps->tok;
	char *name = NULL;

	if (!parser_string(ps, "expected the file that holds the key", &name))
		return false;
	if (ps->file->in_memory) {
		free(name);
		return parser_error(ps, &t,
				    "no key-file in a text that is "
				    "no file");
	}
	*path = source_resolve(ps->file->path, name);
	free(name);
	return *path != NULL || parser_no_memory(ps);
}

/* One of the pairs KEYWORD VALUE behind `out` or `in`. */
static bool
parse_key_part(struct parser *ps, struct policy_key *k,
	       struct policy_place *spi_at)
{
	struct token word = ps->tok;
	uint64_t v;

	if (parser_take(ps, "spi")) {
		if (!parser_once(ps, &word, spi_at) ||
		    !parser_number(ps, "expected an SPI", 0, UINT32_MAX, &v))
			return false;
		/* RFC 4303 2.1: 0 is never sent, 1 to 255 are reserved. */
		if (v < 256)
			return parser_error(ps, &word,
					    "an SPI is at least "
					    "256 (RFC 4303 2.1)");
		k->spi = (uint32_t)v;
		return true;
	}
	if (parser_take(ps, "key"))
		return parser_once(ps, &word, &k->key_at) &&
		       parse_key_octets(ps, k->key, &k->key_octets);
	if (parser_take(ps, "key-file"))
		return parser_once(ps, &word, &k->key_at) &&
		       parse_key_file(ps, &k->key_file);
	if (parser_take(ps, "auth-key"))
		return parser_once(ps, &word, &k->auth_key_at) &&
		       parse_key_octets(ps, k->auth_key, &k->auth_key_octets);
	if (parser_take(ps, "auth-key-file"))
		return parser_once(ps, &word, &k->auth_key_at) &&
		       parse_key_file(ps, &k->auth_key_file);
	if (parser_take(ps, "ah-key"))
		return parser_once(ps, &word, &k->ah_key_at) &&
		       parse_key_octets(ps, k->ah_key, &k->ah_key_octets);
	if (parser_take(ps, "ah-key-file"))
		return parser_once(ps, &word, &k->ah_key_at) &&
		       parse_key_file(ps, &k->ah_key_file);
	return parser_refuse(ps, "expected `spi`, `key`, `auth-key`, `ah-key` "
				 "or one of them with `-file`");
}

static bool
parse_direction(struct parser *ps, void *arg)
{
	struct policy_assoc *a = arg;
	struct policy_place spi_at = { 0 };
	struct token word = ps->tok;
	struct policy_key *k;

	if (parser_take(ps, "out"))
		k = &a->out;
	else if (parser_take(ps, "in"))
		k = &a->in;
	else
		return parser_refuse(ps, "expected `out` or `in`");
	if (!parser_once(ps, &word, &k->place))
		return false;
	while (ps->tok.kind == TOKEN_WORD)
		if (!parse_key_part(ps, k, &spi_at))
			return false;
	if (spi_at.line == 0)
		return parser_refuse(ps, "expected `spi`");
	return true;
}

static bool
parse_secrecy(struct parser *ps, enum policy_secrecy *out)
{
	/* in the order of the enum */
	static const char *const words[] = { "prefer", "require", "off", NULL };
	unsigned i;

	if (!parser_choice(ps, words, &i))
		return false;
	*out = (enum policy_secrecy)i;
	return true;
}

/* `local NAME peer NAME`: as many as stand on the line. */
static bool
parse_kerberos(struct parser *ps, void *arg)
{
	struct policy_assoc *a = arg;

	do {
		struct token word = ps->tok;

		if (parser_take(ps, "local")) {
			if (a->local_principal != NULL)
				return parser_error(ps, &word, "`local` again");
			if (!parser_string(ps, "expected a principal",
					   &a->local_principal))
				return false;
		} else if (parser_take(ps, "peer")) {
			if (a->peer_principal != NULL)
				return parser_error(ps, &word, "`peer` again");
			if (!parser_string(ps, "expected a principal",
					   &a->peer_principal))
				return false;
		} else if (parser_take(ps, "accept-any-address")) {
			if (!parser_yes_no(ps, &a->accept_any_address))
				return false;
		} else if (parser_take(ps, "forward-secrecy")) {
			if (!parse_secrecy(ps, &a->secrecy))
				return false;
		} else {
			return parser_refuse(ps, "expected `local`, `peer`, "
						 "`accept-any-address` or "
						 "`forward-secrecy`");
		}
	} while (ps->tok.kind == TOKEN_WORD);
	return true;
}

bool
parse_assoc_keying(struct parser *ps, struct policy_assoc *a)
{
	static const char *const words[] = { "manual", "kerberos", "photuris",
					     NULL };
	unsigned i;

	if (!parser_choice(ps, words, &i))
		return false;
	switch (i) {
	case 0:
		a->keying = POLICY_KEYING_MANUAL;
		return parser_block(ps, parse_direction, a);
	case 1:
		a->keying = POLICY_KEYING_KERBEROS;
		return parser_block(ps, parse_kerberos, a);
	}
	a->keying = POLICY_KEYING_PHOTURIS;
	if (ps->tok.kind == TOKEN_OPEN)
		parser_skip(ps); /* its words come with it; check refuses */
	return true;
}
