/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parser: what the files parse*.c share; nobody else includes it.
 *
 * The convention of every parser_* and parse_*_block function: the current
 * token is `tok`; what was used is stepped over; false means that an error was
 * reported and the caller leaves the statement (parser_skip finds the next).
 */
#ifndef POLICY_PARSER_H
#define POLICY_PARSER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "policy/diag.h"
#include "policy/lex.h"
#include "policy/number.h"
#include "policy/policy.h"

/* A file being read; the one that includes it is `above`. */
struct parser_file {
	const char *path; /* of policy->files */
	mode_t mode;
	dev_t dev;
	ino_t ino;
	bool in_memory; /* parse_text: no path to start from */
	bool told_mode; /* "others can read it" was said once */
	struct parser_file *above;
	unsigned depth;
};

struct parser {
	struct lex lex;
	struct token tok;
	struct policy *policy;
	struct diag *diag;
	struct parser_file *file;
	size_t octets; /* of all files so far */
	/* The name that each flow gave as its target, by flow; NULL for
	 * bypass and discard. */
	char **targets;
	bool no_memory;
};

void parser_step(struct parser *ps);
struct policy_place parser_place(const struct parser *ps,
				 const struct token *t);
/* "`TOKEN`: WHAT", at the current token. */
bool parser_refuse(struct parser *ps, const char *what);
/* WHAT alone, at a token. */
bool parser_error(struct parser *ps, const struct token *t, const char *fmt,
		  ...) __attribute__((format(printf, 3, 4)));
bool parser_no_memory(struct parser *ps);
/* Behind the statement that the current token stands in. */
void parser_skip(struct parser *ps);
/* The statement must end here: END, or a brace or the file that ends. */
bool parser_end(struct parser *ps);

bool parser_is(const struct parser *ps, const char *word);
/* Steps over the word if it stands here. */
bool parser_take(struct parser *ps, const char *word);
/* The same, and an error if it does not. */
bool parser_expect(struct parser *ps, const char *word);
bool parser_open(struct parser *ps);
/* A word or a string, malloc'd. */
bool parser_string(struct parser *ps, const char *what, char **out);
bool parser_name(struct parser *ps, const char *what, char *out, size_t size);
bool parser_number(struct parser *ps, const char *what, uint64_t min,
		   uint64_t max, uint64_t *out);
bool parser_yes_no(struct parser *ps, bool *out);
bool parser_address(struct parser *ps, struct ipaddr *out);
/* The index of the word in a NULL ended list; names them all if none fits. */
bool parser_choice(struct parser *ps, const char *const *words, unsigned *out);
/* Notes where a statement stands; an error if it stood somewhere already. */
bool parser_once(struct parser *ps, const struct token *t,
		 struct policy_place *at);
/* Calls statement for each one up to the closing brace, steps over it. */
bool parser_block(struct parser *ps,
		  bool (*statement)(struct parser *ps, void *arg), void *arg);
/* One more element of `size` octets, zeroed, at the end of an array; the old
 * place is wiped.  NULL: no memory, reported. */
void *parser_grow(struct parser *ps, void *array, size_t *n, size_t size);

/* The current token is the one behind the keyword. */
bool parse_options_block(struct parser *ps);
bool parse_entropy_block(struct parser *ps);
bool parse_assoc_block(struct parser *ps);
bool parse_assoc_keying(struct parser *ps, struct policy_assoc *a);

#endif
