/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names: the users and groups of `bind`, as numbers.
 *
 * Asks the system's name service (getpwnam, getgrnam), once, when a
 * configuration is read; who runs later decides by numbers alone.  One
 * thread; blocks as long as the name service does.
 */
#ifndef ENGINE_VET_NAMES_H
#define ENGINE_VET_NAMES_H

#include "policy/diag.h"
#include "policy/policy.h"

/* Fills bind_uids and bind_gids of each association.  A name may be a number.
 * One that nobody knows admits nobody and is a warning in d: a name service
 * that is not up yet must not keep the rules from being loaded. */
void names_resolve(struct policy *p, struct diag *d);

#endif
