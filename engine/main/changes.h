/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changes: what differs between two policies, for people, a line each.
 *
 * Pure; one thread.  Never prints a key.
 */
#ifndef ENGINE_MAIN_CHANGES_H
#define ENGINE_MAIN_CHANGES_H

#include <stdio.h>

#include "policy/policy.h"

void changes_print(const struct policy *was, const struct policy *is,
		   FILE *out);

#endif
