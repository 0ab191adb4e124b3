/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vet_json: nft's JSON of one rule: is it matches and nothing else?
 *
 * Pure; runs in the disposable child alone.
 */
#ifndef ENGINE_VET_VET_JSON_H
#define ENGINE_VET_VET_JSON_H

#include <stddef.h>

/* `text` is a listing of a table with `rules` rules, each of which must be one
 * or more matches and then a drop.  NULL if so, else what is wrong: static,
 * or in `what`. */
const char *vet_json_judge(const char *text, size_t rules, char *what,
			   size_t size);

#endif
