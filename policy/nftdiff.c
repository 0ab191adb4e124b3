/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/nftdiff.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum object_kind { OBJECT_SET, OBJECT_MAP, OBJECT_COUNTER, OBJECT_CHAIN };

/* A piece of the text. */
struct span {
	const char *at;
	size_t len;
};

struct object {
	enum object_kind kind;
	struct span name;
	struct span head; /* type and flags lines; a base chain's hook line */
	struct span body; /* rules; the elements line */
};

struct parsed {
	struct span defines; /* all before the table */
	struct span table;   /* its name */
	struct object *objects;
	size_t n;
};

static const char *const words[] = {
	[OBJECT_SET] = "set",
	[OBJECT_MAP] = "map",
	[OBJECT_COUNTER] = "counter",
	[OBJECT_CHAIN] = "chain",
};

static bool
same(struct span a, struct span b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static bool
starts(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.len >= n && memcmp(s.at, with, n) == 0;
}

/* Takes a line, without its newline, off the front. */
static bool
take_line(const char **text, struct span *line)
{
	const char *nl;

	if (**text == '\0')
		return false;
	nl = strchr(*text, '\n');
	line->at = *text;
	line->len = nl != NULL ? (size_t)(nl - *text) : strlen(*text);
	*text += line->len + (nl != NULL);
	return true;
}

static struct span
trim(struct span s)
{
	while (s.len > 0 && (*s.at == '\t' || *s.at == ' ')) {
		s.at++;
		s.len--;
	}
	return s;
}

/* `set NAME {`, `counter NAME { }`: the object it opens. */
static bool
opens_object(struct span line, struct object *o)
{
	line = trim(line);
	for (int k = OBJECT_SET; k <= OBJECT_CHAIN; k++) {
		size_t n = strlen(words[k]);
		const char *end;

		if (!starts(line, words[k]) || line.at[n] != ' ')
			continue;
		*o = (struct object){ .kind = (enum object_kind)k };
		o->name.at = line.at + n + 1;
		end = memchr(o->name.at, ' ', line.len - n - 1);
		if (end == NULL)
			return false;
		o->name.len = (size_t)(end - o->name.at);
		return true;
	}
	return false;
}

/* The lines up to the closing brace: head lines first, then the body. */
static int
parse_object(const char **text, struct object *o)
{
	struct span line;

	o->head.at = o->body.at = *text;
	while (take_line(text, &line)) {
		struct span t = trim(line);

		if (line.len == 2 && memcmp(line.at, "\t}", 2) == 0) {
			o->body.len = (size_t)(line.at - o->body.at);
			return 0;
		}
		if (o->body.at == line.at &&
		    (starts(t, "type ") || starts(t, "flags "))) {
			o->head.len = (size_t)(*text - o->head.at);
			o->body.at = *text;
		}
	}
	return -EPROTO;
}

static int
parse(const char *text, struct parsed *p)
{
	static const char table[] = "table inet ";
	struct span line;
	struct object o, *more;
	int r;

	*p = (struct parsed){ .defines.at = text };
	for (;;) {
		if (!take_line(&text, &line))
			return -EPROTO;
		if (starts(line, table))
			break;
	}
	p->defines.len = (size_t)(line.at - p->defines.at);
	p->table.at = line.at + sizeof(table) - 1;
	p->table.len = strcspn(p->table.at, " \n");
	while (take_line(&text, &line)) {
		if (!opens_object(line, &o))
			continue;
		if (o.kind != OBJECT_COUNTER) {
			r = parse_object(&text, &o);
			if (r != 0)
				return r;
		}
		more = realloc(p->objects, (p->n + 1) * sizeof(o));
		if (more == NULL)
			return -ENOMEM;
		p->objects = more;
		p->objects[p->n++] = o;
	}
	return 0;
}

static const struct object *
find(const struct parsed *p, const struct object *like)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->objects[i].kind == like->kind &&
		    same(p->objects[i].name, like->name))
			return &p->objects[i];
	return NULL;
}

/* ---- elements ---- */

static bool
is_set(const struct object *o)
{
	return o->kind == OBJECT_SET || o->kind == OBJECT_MAP;
}

/* Takes the next of `elements = { a, b }` off the line. */
static bool
take_element(struct span *s, struct span *element)
{
	const char *end;

	*s = trim(*s);
	if (starts(*s, "elements = { ")) {
		s->at += strlen("elements = { ");
		s->len -= strlen("elements = { ");
	}
	element->at = s->at;
	for (end = s->at; end < s->at + s->len; end++)
		if (*end == ',' || *end == '}')
			break;
	if (end == s->at || end == s->at + s->len)
		return false;
	element->len = (size_t)(end - s->at);
	while (element->len > 0 && element->at[element->len - 1] == ' ')
		element->len--;
	s->len -= (size_t)(end + 1 - s->at);
	s->at = end + 1;
	return element->len > 0;
}

static bool
has_element(const struct object *o, struct span wanted)
{
	struct span rest = o != NULL ? o->body : (struct span){ "", 0 };
	struct span e;

	while (take_element(&rest, &e))
		if (same(e, wanted))
			return true;
	return false;
}

static void
write_span(FILE *out, struct span s)
{
	fwrite(s.at, 1, s.len, out);
}

/* `VERB WORD inet TABLE NAME` */
static void
write_command(FILE *out, const char *verb, const struct parsed *p,
	      const char *word, const struct object *o)
{
	fprintf(out, "%s %s inet ", verb, word);
	write_span(out, p->table);
	fputc(' ', out);
	write_span(out, o->name);
}

/* `verb` for every element that `o` has and `without` has not. */
static void
write_elements(FILE *out, const char *verb, const struct parsed *p,
	       const struct object *o, const struct object *without)
{
	struct span rest = o->body, e;
	const char *before = NULL;

	while (take_element(&rest, &e)) {
		if (has_element(without, e))
			continue;
		if (before == NULL) {
			write_command(out, verb, p, "element", o);
			before = " { ";
		}
		fputs(before, out);
		write_span(out, e);
		before = ", ";
	}
	if (before != NULL)
		fputs(" }\n", out);
}

/* ---- chains ---- */

static bool
is_base(const struct object *o)
{
	return o->kind == OBJECT_CHAIN && o->head.len > 0;
}

static void
write_rules(FILE *out, const struct parsed *p, const struct object *o)
{
	struct span line, t;
	const char *at = o->body.at;

	while (at < o->body.at + o->body.len && take_line(&at, &line)) {
		t = trim(line);
		if (t.len == 0 || *t.at == '#')
			continue;
		write_command(out, "add", p, "rule", o);
		fputc(' ', out);
		write_span(out, t);
		fputc('\n', out);
	}
}

/* Declares what is in `p` and not in `old`, empty. */
static void
write_declarations(FILE *out, const struct parsed *p, const struct parsed *old)
{
	struct span line;
	const char *at;

	for (size_t i = 0; i < p->n; i++) {
		const struct object *o = &p->objects[i];

		if (old != NULL && find(old, o) != NULL)
			continue;
		write_command(out, "add", p, words[o->kind], o);
		if (o->head.len > 0)
			fputs(" {", out);
		at = o->head.at;
		while (o->head.len > 0 && at < o->head.at + o->head.len &&
		       take_line(&at, &line)) {
			line = trim(line);
			fputc(' ', out);
			write_span(out, line);
			if (line.at[line.len - 1] != ';')
				fputc(';', out);
		}
		fputs(o->head.len > 0 ? " }\n" : "\n", out);
	}
}

/* Are an old and a new object the same but for rules and elements? */
static int
verify_kept(const struct parsed *from, const struct parsed *to)
{
	const struct object *other;

	for (size_t i = 0; i < to->n; i++) {
		other = find(from, &to->objects[i]);
		if (other == NULL ? is_base(&to->objects[i])
				  : !same(other->head, to->objects[i].head))
			return -ENOTSUP;
	}
	for (size_t i = 0; i < from->n; i++)
		if (find(to, &from->objects[i]) == NULL &&
		    is_base(&from->objects[i]))
			return -ENOTSUP;
	return same(from->table, to->table) ? 0 : -ENOTSUP;
}

/* Does the chain's text mean something else than before? */
static bool
is_changed(const struct parsed *from, const struct parsed *to,
	   const struct object *before, const struct object *now)
{
	if (!same(before->body, now->body))
		return true;
	return !same(from->defines, to->defines) &&
	       memchr(now->body.at, '$', now->body.len) != NULL;
}

static void
write_update(FILE *out, const struct parsed *from, const struct parsed *to)
{
	const struct object *o, *other;

	write_declarations(out, to, from);
	for (size_t i = 0; i < from->n; i++) {
		o = &from->objects[i];
		if (is_set(o))
			write_elements(out, "delete", to, o, find(to, o));
	}
	for (size_t i = 0; i < from->n; i++) {
		o = &from->objects[i];
		other = find(to, o);
		if (o->kind == OBJECT_CHAIN &&
		    (other == NULL || is_changed(from, to, o, other))) {
			write_command(out, "flush", to, "chain", o);
			fputc('\n', out);
		}
	}
	for (size_t i = 0; i < to->n; i++) {
		o = &to->objects[i];
		other = find(from, o);
		if (is_set(o))
			write_elements(out, "add", to, o, other);
		if (o->kind == OBJECT_CHAIN &&
		    (other == NULL || is_changed(from, to, other, o)))
			write_rules(out, to, o);
	}
	for (size_t i = from->n; i-- > 0;) {
		o = &from->objects[i];
		if (find(to, o) == NULL) {
			write_command(out, "delete", to, words[o->kind], o);
			fputc('\n', out);
		}
	}
}

static int
finish(FILE *f, char **out, int r)
{
	if (fclose(f) != 0 && r == 0)
		r = -ENOMEM;
	if (r != 0) {
		free(*out);
		*out = NULL;
	}
	return r;
}

int
nftdiff_update(const char *from, const char *to, char **out)
{
	struct parsed a = { 0 }, b = { 0 };
	char *commands;
	size_t len;
	FILE *f;
	int r;

	*out = NULL;
	f = open_memstream(&commands, &len);
	if (f == NULL)
		return -ENOMEM;
	r = parse(from, &a);
	if (r == 0)
		r = parse(to, &b);
	if (r == 0)
		r = verify_kept(&a, &b);
	if (r == 0)
		write_update(f, &a, &b);
	r = finish(f, &commands, r);
	/* The defines alone would be a command that does nothing. */
	if (r == 0 && len > 0 && b.defines.len > 0) {
		if (asprintf(out, "%.*s%s", (int)b.defines.len, b.defines.at,
			     commands) < 0) {
			*out = NULL;
			r = -ENOMEM;
		}
		free(commands);
	} else {
		*out = commands;
	}
	free(a.objects);
	free(b.objects);
	return r;
}

int
nftdiff_replace(const char *text, char **out)
{
	struct parsed p = { 0 };
	const struct object *o;
	size_t len;
	FILE *f;
	int r;

	f = open_memstream(out, &len);
	if (f == NULL)
		return -ENOMEM;
	r = parse(text, &p);
	if (r == 0) {
		write_span(f, p.defines);
		fprintf(f, "add table inet %.*s\n", (int)p.table.len,
			p.table.at);
		write_declarations(f, &p, NULL);
		fprintf(f, "flush table inet %.*s\n", (int)p.table.len,
			p.table.at);
	}
	for (size_t i = 0; i < p.n; i++) {
		o = &p.objects[i];
		if (is_set(o)) {
			write_command(f, "flush", &p, words[o->kind], o);
			fputc('\n', f);
			write_elements(f, "add", &p, o, NULL);
		} else if (o->kind == OBJECT_CHAIN) {
			write_rules(f, &p, o);
		}
	}
	free(p.objects);
	return finish(f, out, r);
}
