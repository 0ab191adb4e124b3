/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/vet/vet_json.h"

#define DEPTH_MAX 64

/* Keys of nft's JSON that make a match answer differently from one packet to
 * the next, or from one table to the other: the guard asks again what the
 * main table asked. */
static const char *const unsteady[] = { "numgen",   "limit",   "quota",
					"ct count", "last",    "counter",
					"timeout",  "expires", "map",
					"vmap" };

static const char *
find_unsteady(const json_t *v, unsigned depth)
{
	const char *key, *found = NULL;
	json_t *part;
	size_t i;

	if (depth > DEPTH_MAX)
		return "too deeply nested";
	if (json_is_array(v)) {
		json_array_foreach(v, i, part) if (found == NULL) found =
		    find_unsteady(part, depth + 1);
		return found;
	}
	if (!json_is_object(v))
		return NULL;
	json_object_foreach((json_t *)v, key, part)
	{
		for (i = 0; i < sizeof(unsteady) / sizeof(*unsteady); i++)
			if (strcmp(key, unsteady[i]) == 0)
				return unsteady[i];
		if (strcmp(key, "key") == 0 && json_is_string(part) &&
		    strcmp(json_string_value(part), "random") == 0)
			return "random";
		if (found == NULL)
			found = find_unsteady(part, depth + 1);
	}
	return found;
}

/* The one key of an object, NULL if it has none or several. */
static const char *
only_key(const json_t *v)
{
	void *iter = json_object_iter((json_t *)v);

	if (iter == NULL || json_object_size(v) != 1)
		return NULL;
	return json_object_iter_key(iter);
}

static const char *
judge_rule(const json_t *rule, char *what, size_t size)
{
	const json_t *expr = json_object_get(rule, "expr");
	size_t n = json_array_size(expr);
	const char *key, *found;

	if (json_object_get(rule, "comment") != NULL)
		return "a comment is no match";
	for (size_t i = 0; i < n; i++) {
		const json_t *part = json_array_get(expr, i);

		key = only_key(part);
		if (key == NULL)
			return "nft's answer is not understood";
		if (i == n - 1)
			return n > 1 && strcmp(key, "drop") == 0
				   ? NULL
				   : "this matches nothing";
		if (strcmp(key, "match") != 0) {
			snprintf(what, size,
				 "`%.40s` is a statement: a "
				 "flow's expression is matches only",
				 key);
			return what;
		}
		found = find_unsteady(part, 0);
		if (found != NULL) {
			snprintf(what, size,
				 "`%.40s` does not give every "
				 "packet the same answer twice",
				 found);
			return what;
		}
	}
	return "this matches nothing";
}

const char *
vet_json_judge(const char *text, size_t rules, char *what, size_t size)
{
	json_t *top = json_loads(text, 0, NULL);
	const json_t *list = json_object_get(top, "nftables");
	const char *wrong = NULL;
	size_t seen = 0;

	for (size_t i = 0; i < json_array_size(list) && wrong == NULL; i++) {
		const json_t *v = json_array_get(list, i);
		const char *key = only_key(v);

		if (key != NULL && strcmp(key, "rule") == 0) {
			seen++;
			wrong = judge_rule(json_object_get(v, key), what, size);
		} else if (key == NULL || (strcmp(key, "metainfo") != 0 &&
					   strcmp(key, "table") != 0 &&
					   strcmp(key, "chain") != 0)) {
			wrong = "this makes more than a rule";
		}
	}
	if (wrong == NULL && seen != rules)
		wrong = seen == 0 ? "nft made no rule of it"
				  : "this is more than one rule";
	json_decref(top);
	return wrong;
}
