/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: is the policy one that can be kept, and is it wise?
 *
 * Pure: changes nothing, opens nothing; one thread.  What nft has to say about
 * the flows is asked elsewhere (engine/vet).
 */
#ifndef POLICY_CHECK_H
#define POLICY_CHECK_H

#include "policy/diag.h"
#include "policy/policy.h"

/* Adds an error for everything that is refused, a warning for what is
 * probably not meant.  0 if d holds no error at all, those of the parser
 * included; else -EINVAL: then the policy must not be used. */
int check_policy(const struct policy *p, struct diag *d);

/* Its parts about keys and about principals, in files of their own. */
void check_keys(const struct policy *p, struct diag *d);
void check_names(const struct policy *p, struct diag *d);

#endif
