/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * built: which words of the language the engine can not honour yet.
 *
 * One table, a row a word.  Whoever builds a thing takes its row away; until
 * then the word is refused, never ignored.  Pure; one thread.
 */
#ifndef POLICY_BUILT_H
#define POLICY_BUILT_H

#include <stdbool.h>

#include "policy/diag.h"
#include "policy/policy.h"

/* An error "`WORD` is not built yet" for each use of such a word. */
void built_check(const struct policy *p, struct diag *d);

#endif
