/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vet: asks nft about the flows, in a process that may die of it.
 *
 * A room of its own, because both `nfipsec check` and the supervisor ask, and
 * because of what it takes: nft's parser, which crashes on some expressions,
 * and a JSON parser.  Neither runs in the caller: a forked child unshares its
 * network (and, without root, its user) namespace, loads each expression
 * there into a table of its own, in the hooks where the flow will stand, and
 * reads it back.  Nothing of the caller's namespace is touched or even seen.
 *
 * An expression is good when nft loads it and its JSON holds matches alone,
 * such that answer the same when asked twice (no numgen, no limit).
 *
 * One thread; the process should have no other (it forks).  Blocks until all
 * is answered: about 2 ms a flow, at most 5 s for one that hangs.  The child
 * is waited for by its id; who waits for any child of the process meanwhile
 * only blurs the reason in the message.
 */
#ifndef ENGINE_VET_VET_H
#define ENGINE_VET_VET_H

#include "policy/diag.h"
#include "policy/policy.h"

#define VET_LIMIT_MS   30000 /* for one expression: boots are slow */
#define VET_DEATHS_MAX 16   /* children lost before the rest is given up */

/* An error in d for each define and flow that is refused, its caret where nft
 * sees the fault; a line that d holds an error about already gets no second
 * one.  0: nothing was added; -EINVAL: something was refused; other -errno: nft could not be asked (an
 * error in d says why). */
int vet_policy(const struct policy *p, struct diag *d);

#endif
