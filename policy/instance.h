/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * instance: an association as one user principal uses it.
 *
 * A copy of its association (the parent) with a SAID of its own, out of
 * dynamic-said, appended to the policy's associations while the daemon runs;
 * its name is the parent's, an @, and the SAID.  No flow leads to it, a flow-in
 * of the parent lets it pass; the printed configuration leaves it out.  Who
 * adds and removes owns the policy; one thread.  Decides nothing about which
 * SAID is free.
 */
#ifndef POLICY_INSTANCE_H
#define POLICY_INSTANCE_H

#include <stdbool.h>

#include "policy/policy.h"

bool instance_is(const struct policy_assoc *a);
/* The one that this principal has of the association; NULL: none. */
const struct policy_assoc *instance_find(const struct policy *p,
					 const char *parent,
					 const char *principal);
/* 0; -ENOENT: no such association; -EINVAL: it is an instance itself, its keys
 * are manual, or its name is too long; -EEXIST: the SAID or the name is taken;
 * -ENOMEM.  Pointers to associations go stale. */
int instance_add(struct policy *p, const char *parent, const char *principal,
		 uint32_t said);
/* False: it has none with this SAID.  Pointers to associations go stale. */
bool instance_del(struct policy *p, uint32_t said);
/* Gives `to` the instances of `from`, and no others, as far as it has their
 * parents and their SAIDs are free and in its dynamic-said. */
void instance_carry(const struct policy *from, struct policy *to);

#endif
