/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dump: a policy in the configuration's own language, its normal form.
 *
 * One thread.  Writes what parse_text reads: parsing it gives the same policy
 * and dumping that the same text.  Includes are gone, paths are absolute,
 * options and statements that say the default are left out.
 */
#ifndef POLICY_DUMP_H
#define POLICY_DUMP_H

#include <stdbool.h>
#include <stdio.h>

#include "policy/policy.h"

/* Without show_keys keys are written as (hidden), which the parser refuses
 * by name.  Errors of the stream stay in ferror(out). */
void dump_policy(const struct policy *p, FILE *out, bool show_keys);
/* "esp aes128-gcm", as behind `protect`: for tables and JSON. */
void dump_protect(const struct policy_assoc *a, char *out, size_t size);

#endif
