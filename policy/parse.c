/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "policy/flowtext.h"
#include "policy/keyfile.h"
#include "policy/parse.h"
#include "policy/parser.h"
#include "policy/source.h"

static bool read_file(struct parser *ps, const char *path,
		      const struct policy_place *from);

/* One file out of an include's pattern. */
static bool
include_path(struct parser *ps, const struct token *t, const char *path)
{
	struct policy_place at = parser_place(ps, t);

	if (ps->policy->n_files >= PARSE_FILES_MAX)
		return parser_error(ps, t, "more than %d files",
				    PARSE_FILES_MAX);
	return read_file(ps, path, &at);
}

static bool
parse_include(struct parser *ps)
{
	struct token t = ps->tok;
	char *name = NULL, *pattern, **paths = NULL;
	size_t n = 0;
	int err;

	if (t.kind != TOKEN_STRING)
		return parser_refuse(ps, "expected a file in quotes");
	if (ps->file->in_memory)
		return parser_error(ps, &t,
				    "no include in a text that is no "
				    "file");
	if (ps->file->depth >= PARSE_DEPTH_MAX)
		return parser_error(ps, &t, "included more than %d deep",
				    PARSE_DEPTH_MAX);
	if (!parser_string(ps, "", &name) || !parser_end(ps)) {
		free(name);
		return false;
	}
	pattern = source_resolve(ps->file->path, name);
	free(name);
	if (pattern == NULL)
		return parser_no_memory(ps);
	err = source_glob(pattern, &paths, &n);
	if (err != 0)
		parser_error(ps, &t, "%s: %s", pattern, source_error(err));
	free(pattern);
	for (size_t i = 0; err == 0 && i < n; i++)
		if (!include_path(ps, &t, paths[i]))
			break;
	if (err == 0)
		source_free_paths(paths);
	return true;
}

static bool
parse_define(struct parser *ps)
{
	struct policy *p = ps->policy;
	struct policy_place place = parser_place(ps, &ps->tok);
	struct policy_define *d;
	struct token text;
	char name[POLICY_NAME_MAX + 1];

	if (!parser_name(ps, "expected a name", name, sizeof(name)))
		return false;
	if (ps->tok.kind != TOKEN_EQUALS)
		return parser_refuse(ps, "expected `=`");
	text = lex_rest(&ps->lex);
	parser_step(ps);
	if (text.kind == TOKEN_BAD)
		return parser_error(ps, &text, "%s", text.bad);
	d = parser_grow(ps, p->defines, &p->n_defines, sizeof(*d));
	if (d == NULL)
		return false;
	p->defines = d;
	d += p->n_defines - 1;
	d->place = place;
	d->text_at = parser_place(ps, &text);
	d->name = strdup(name);
	d->text = lex_flatten(text.text, text.len);
	if (d->name == NULL || d->text == NULL)
		return parser_no_memory(ps);
	if (d->text[0] == '\0')
		return parser_error(ps, &text, "a define of nothing");
	return true;
}

/* bypass, discard, or a name that is looked up when all files are read. */
static bool
parse_target(struct parser *ps, struct policy_flow *f, char **target)
{
	char name[POLICY_NAME_MAX + 1];

	*target = NULL;
	if (parser_take(ps, "bypass")) {
		f->target = POLICY_TARGET_BYPASS;
		return true;
	}
	if (parser_take(ps, "discard")) {
		f->target = POLICY_TARGET_DISCARD;
		return true;
	}
	if (!parser_name(ps, "expected an association, `bypass` or `discard`",
			 name, sizeof(name)))
		return false;
	f->target = POLICY_TARGET_ASSOC;
	*target = strdup(name);
	return *target != NULL || parser_no_memory(ps);
}

static bool
add_flow(struct parser *ps, struct policy_flow *flow, char *target)
{
	struct policy *p = ps->policy;
	size_t n = p->n_flows; /* targets grow in step with the flows */
	char **targets;
	struct policy_flow *f;

	targets = parser_grow(ps, ps->targets, &n, sizeof(*targets));
	if (targets == NULL)
		return false;
	ps->targets = targets;
	f = parser_grow(ps, p->flows, &p->n_flows, sizeof(*f));
	if (f == NULL)
		return false;
	p->flows = f;
	f[p->n_flows - 1] = *flow;
	targets[p->n_flows - 1] = target;
	return true;
}

static bool
parse_flow(struct parser *ps, const struct token *word)
{
	static const char *const directions[] = { "out", "in", NULL };
	struct policy_flow f = { .place = parser_place(ps, word) };
	struct token text;
	const char *what;
	char *target;
	size_t at;
	unsigned i;

	if (!parser_choice(ps, directions, &i) ||
	    !parse_target(ps, &f, &target))
		return false;
	f.inbound = i == 1;
	text = ps->tok;
	if (text.kind != TOKEN_STRING) {
		free(target);
		return parser_refuse(ps, "expected nft's expression in quotes");
	}
	text.column++; /* behind the quote */
	f.expression_at = parser_place(ps, &text);
	if (!parser_string(ps, "", &f.expression)) {
		free(target);
		return false;
	}
	if (!add_flow(ps, &f, target)) {
		free(f.expression);
		free(target);
		return false;
	}
	what = flowtext_check(f.expression, &at);
	if (what != NULL) {
		text.column += (unsigned)at;
		return parser_error(ps, &text, "%s", what);
	}
	return true;
}

static bool
parse_principal(struct parser *ps, void *arg)
{
	struct policy *p = ps->policy;
	struct policy_principal *e, new = { 0 };

	new.place = parser_place(ps, &ps->tok);
	if (parser_take(ps, "hosts")) {
		new.kind = POLICY_PRINCIPAL_HOSTS;
	} else if (parser_take(ps, "dns")) {
		new.kind = POLICY_PRINCIPAL_DNS;
	} else {
		new.kind = POLICY_PRINCIPAL_ADDRESS;
		if (!parser_address(ps, &new.address) ||
		    !parser_string(ps, "expected a principal", &new.principal))
			return false;
	}
	e = parser_grow(ps, p->principals, &p->n_principals, sizeof(*e));
	if (e == NULL) {
		free(new.principal);
		return false;
	}
	p->principals = e;
	e[p->n_principals - 1] = new;
	return true;
}

static bool
parse_statement(struct parser *ps)
{
	struct token word = ps->tok;

	if (parser_take(ps, "options"))
		return parse_options_block(ps);
	if (parser_take(ps, "association"))
		return parse_assoc_block(ps);
	if (parser_take(ps, "principals"))
		return parser_block(ps, parse_principal, NULL);
	if (parser_take(ps, "entropy"))
		return parse_entropy_block(ps);
	if (parser_take(ps, "define"))
		return parse_define(ps);
	if (parser_take(ps, "flow"))
		return parse_flow(ps, &word);
	if (parser_take(ps, "include"))
		return parse_include(ps);
	if (word.kind == TOKEN_CLOSE) {
		parser_refuse(ps, "nothing is open here");
		parser_step(ps);
		return true;
	}
	return parser_refuse(ps, "expected `options`, `association`, "
				 "`principals`, `entropy`, `define`, `flow` or "
				 "`include`");
}

/* All statements of the text that ps->lex walks. */
static void
parse_statements(struct parser *ps)
{
	parser_step(ps);
	while (ps->tok.kind != TOKEN_EOF && !ps->no_memory) {
		if (ps->tok.kind == TOKEN_END) {
			parser_step(ps);
			continue;
		}
		if (parse_statement(ps) &&
		    (ps->tok.kind == TOKEN_CLOSE || parser_end(ps)))
			continue;
		parser_skip(ps);
		if (ps->tok.kind == TOKEN_CLOSE)
			parser_step(ps);
	}
}

/* Takes path, a malloc'd string, into the policy; NULL: no memory. */
static const char *
add_file(struct parser *ps, char *path)
{
	struct policy *p = ps->policy;
	char **files;

	if (path == NULL) {
		parser_no_memory(ps);
		return NULL;
	}
	files = parser_grow(ps, p->files, &p->n_files, sizeof(*files));
	if (files == NULL) {
		free(path);
		return NULL;
	}
	p->files = files;
	return files[p->n_files - 1] = path;
}

static bool
is_open(const struct parser_file *f, const struct source_file *source)
{
	for (; f != NULL; f = f->above)
		if (f->dev == source->dev && f->ino == source->ino)
			return true;
	return false;
}

/* Parses the text as a file below the current one, then goes on there. */
static bool
parse_source(struct parser *ps, const struct source_file *source,
	     bool in_memory, const char *path)
{
	struct parser_file file = { .path = path,
				    .mode = source->mode,
				    .dev = source->dev,
				    .ino = source->ino,
				    .in_memory = in_memory,
				    .above = ps->file,
				    .depth = ps->file == NULL
						 ? 0
						 : ps->file->depth + 1 };
	struct lex lex = ps->lex;
	struct token tok = ps->tok;

	ps->octets += source->len;
	if (diag_add_source(ps->diag, path, source->text, source->len) != 0)
		return parser_no_memory(ps);
	ps->file = &file;
	ps->lex = lex_make(source->text, source->len);
	parse_statements(ps);
	ps->file = file.above;
	ps->lex = lex;
	ps->tok = tok;
	return true;
}

/* False: reading more of the pattern's files makes no sense. */
static bool
read_file(struct parser *ps, const char *path, const struct policy_place *from)
{
	struct source_file source = { 0 };
	const char *owned;
	int err;

	err = source_read(path, PARSE_OCTETS_MAX - ps->octets, &source);
	if (err != 0) {
		if (err == -EFBIG)
			diag_error(
			    ps->diag, from,
			    "%s: the configuration is larger than %u octets",
			    path, PARSE_OCTETS_MAX);
		else
			diag_error(ps->diag, from, "%s: %s", path,
				   source_error(err));
		return err != -EFBIG && err != -ENOMEM;
	}
	if (is_open(ps->file, &source)) {
		diag_error(ps->diag, from, "%s: includes itself", path);
		secret_wipe(source.text, source.len);
		free(source.text);
		return true;
	}
	owned = add_file(ps, strdup(path));
	if (owned == NULL) {
		secret_wipe(source.text, source.len);
		free(source.text);
		return false;
	}
	return parse_source(ps, &source, false, owned);
}

struct named {
	const char *name;
	size_t index;
};

static int
compare_named(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name,
		      ((const struct named *)b)->name);
}

/* Names into indices.  Sorted: thousands of flows, thousands of names. */
static void
resolve_targets(struct parser *ps)
{
	struct policy *p = ps->policy;
	struct named *names = calloc(p->n_assocs + 1, sizeof(*names));

	if (names == NULL) {
		parser_no_memory(ps);
		return;
	}
	for (size_t i = 0; i < p->n_assocs; i++)
		names[i] = (struct named){ p->assocs[i].name, i };
	qsort(names, p->n_assocs, sizeof(*names), compare_named);
	for (size_t i = 0; i < p->n_flows; i++) {
		struct named key = { ps->targets[i], 0 }, *found;

		if (key.name == NULL)
			continue;
		found = bsearch(&key, names, p->n_assocs, sizeof(*names),
				compare_named);
		if (found == NULL)
			diag_error(ps->diag, &p->flows[i].place,
				   "no association is named `%s`", key.name);
		else
			p->flows[i].assoc = found->index;
	}
	free(names);
}

static void
finish(struct parser *ps)
{
	resolve_targets(ps);
	for (size_t i = 0; i < ps->policy->n_flows; i++)
		free(ps->targets[i]);
	free(ps->targets);
}

struct policy *
parse_file(const char *path, struct diag *d)
{
	struct parser ps = { .diag = d, .policy = policy_new() };
	char *cwd = NULL, *whole = NULL;

	if (ps.policy == NULL)
		return NULL;
	if (path[0] != '/')
		cwd = getcwd(NULL, 0);
	if (cwd == NULL)
		whole = strdup(path);
	else if (asprintf(&whole, "%s/%s", cwd,
			  strncmp(path, "./", 2) == 0 ? path + 2 : path) < 0)
		whole = NULL;
	free(cwd);
	if (whole == NULL)
		parser_no_memory(&ps);
	else
		read_file(&ps, whole, NULL);
	free(whole);
	finish(&ps);
	keyfile_load(ps.policy, d);
	return ps.policy;
}

struct policy *
parse_text(const char *name, const char *text, size_t len, struct diag *d)
{
	struct parser ps = { .diag = d, .policy = policy_new() };
	struct source_file source = { .text = malloc(len + 1), .len = len };
	const char *owned = NULL;

	if (ps.policy == NULL || source.text == NULL) {
		free(source.text);
		policy_free(ps.policy);
		return NULL;
	}
	if (len > 0)
		memcpy(source.text, text, len);
	source.text[len] = '\0';
	if (len > PARSE_OCTETS_MAX)
		diag_error(d, NULL, "%s: larger than %u octets", name,
			   PARSE_OCTETS_MAX);
	else
		owned = add_file(&ps, strdup(name));
	if (owned == NULL)
		free(source.text);
	else
		parse_source(&ps, &source, true, owned);
	finish(&ps);
	return ps.policy;
}
