/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/trace/ruletext.h"

#include <inttypes.h>
#include <linux/netfilter.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDLE " # handle "

const char *
ruletext_family(uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_NETDEV:
		return "netdev";
	}
	return "arp";
}

/* ---- a listing ---- */

struct reader {
	struct ruletext_rule *rules;
	size_t n, room;
	char *chain;   /* the one we are in */
	char *pending; /* a rule whose block is not closed */
	unsigned depth;
	bool failed;
};

/* What stands before the handle on this line; 0: no handle there. */
static size_t
find_handle(const char *line, size_t len, uint64_t *handle)
{
	static const char word[] = HANDLE;
	size_t w = sizeof(word) - 1;

	for (size_t at = len; at > w; at--)
		if (strncmp(line + at - w, word, w) == 0) {
			*handle = strtoull(line + at, NULL, 10);
			return at - w;
		}
	return 0;
}

static void
append(struct reader *r, const char *text, size_t len)
{
	size_t had = r->pending == NULL ? 0 : strlen(r->pending);
	char *more = realloc(r->pending, had + len + 2);

	if (more == NULL) {
		r->failed = true;
		return;
	}
	r->pending = more;
	if (had > 0)
		more[had++] = ' ';
	memcpy(more + had, text, len);
	more[had + len] = '\0';
}

static void
finish_rule(struct reader *r, uint64_t handle)
{
	struct ruletext_rule *more;

	if (r->n == r->room) {
		r->room = r->room == 0 ? 64 : 2 * r->room;
		more = realloc(r->rules, r->room * sizeof(*more));
		if (more == NULL) {
			r->failed = true;
			return;
		}
		r->rules = more;
	}
	r->rules[r->n] =
	    (struct ruletext_rule){ .handle = handle, .text = r->pending };
	r->rules[r->n].chain = r->chain == NULL ? NULL : strdup(r->chain);
	r->n++;
	r->pending = NULL;
}

/* "chain NAME { # handle 5" */
static void
open_block(struct reader *r, const char *line)
{
	static const char word[] = "chain ";

	if (r->depth == 1) {
		free(r->chain);
		r->chain = NULL;
		if (strncmp(line, word, sizeof(word) - 1) == 0) {
			line += sizeof(word) - 1;
			r->chain = strndup(line, strcspn(line, " "));
			r->failed |= r->chain == NULL;
		}
	}
	r->depth++;
}

static void
read_line(struct reader *r, const char *line, size_t len)
{
	uint64_t handle = 0;
	size_t text = find_handle(line, len, &handle), end;

	end = text == 0 ? len : text;
	if (len == 0)
		return;
	if (line[0] == '}') {
		if (r->depth > 0)
			r->depth--;
		if (r->depth < 2)
			return;
	} else if (line[end - 1] == '{') {
		if (r->depth < 2) {
			open_block(r, line);
			return;
		}
		r->depth++;
		append(r, line, end);
		return;
	}
	if (r->depth < 2 || r->chain == NULL)
		return;
	/* Inside an anonymous chain, or a rule of its own. */
	if (r->depth > 2) {
		append(r, line, end);
		append(r, ";", 1);
	} else if (text != 0) {
		append(r, line, end);
		if (!r->failed)
			finish_rule(r, handle);
	}
}

struct ruletext_rule *
ruletext_parse(const char *listing, size_t *n)
{
	struct reader r = { 0 };
	size_t len;

	for (const char *at = listing; *at != '\0' && !r.failed;
	     at += len + (at[len] == '\n')) {
		size_t blank = strspn(at, " \t");

		at += blank;
		len = strcspn(at, "\n");
		read_line(&r, at, len);
	}
	free(r.chain);
	free(r.pending);
	if (r.failed) {
		ruletext_free_rules(r.rules, r.n);
		r.rules = NULL;
		r.n = 0;
	}
	*n = r.n;
	return r.rules;
}

void
ruletext_free_rules(struct ruletext_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(rules[i].chain);
		free(rules[i].text);
	}
	free(rules);
}

/* ---- tables ---- */

static struct ruletext_table *
find_table(struct ruletext *r, const char *family, const char *name)
{
	struct ruletext_table *t;

	for (t = r->tables; t != NULL; t = t->next)
		if (strcmp(t->family, family) == 0 &&
		    strcmp(t->name, name) == 0)
			return t;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	(void)snprintf(t->family, sizeof(t->family), "%s", family);
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	t->next = r->tables;
	r->tables = t;
	return t;
}

static void
read_table(struct ruletext *r, struct ruletext_table *t)
{
	const char *listing = tracetable_list(r->table, t->family, t->name);

	ruletext_free_rules(t->rules, t->n);
	t->rules = NULL;
	t->n = 0;
	if (listing != NULL)
		t->rules = ruletext_parse(listing, &t->n);
}

static const struct ruletext_rule *
find_rule(const struct ruletext_table *t, uint64_t handle)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rules[i].handle == handle)
			return &t->rules[i];
	return NULL;
}

const struct ruletext_rule *
ruletext_find(struct ruletext *r, uint8_t family, const char *table,
	      uint64_t handle)
{
	struct ruletext_table *t =
	    find_table(r, ruletext_family(family), table);
	const struct ruletext_rule *rule;

	if (t == NULL)
		return NULL;
	rule = find_rule(t, handle);
	if (rule == NULL && handle != 0) {
		read_table(r, t);
		rule = find_rule(t, handle);
	}
	return rule;
}

size_t
ruletext_place(struct ruletext *r, uint8_t family, const char *table,
	       const struct ruletext_rule *rule)
{
	struct ruletext_table *t =
	    find_table(r, ruletext_family(family), table);
	size_t place = 0;

	for (size_t i = 0; t != NULL && &t->rules[i] != rule; i++)
		place += t->rules[i].chain != NULL &&
			 strcmp(t->rules[i].chain, rule->chain) == 0;
	return place;
}

void
ruletext_free(struct ruletext *r)
{
	struct ruletext_table *t;

	while ((t = r->tables) != NULL) {
		r->tables = t->next;
		ruletext_free_rules(t->rules, t->n);
		free(t);
	}
}
