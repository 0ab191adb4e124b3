/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tabledump: reads our tables back from the kernel.
 *
 * Each call opens a netlink socket of its own: reading needs no ownership, and
 * libnftables' answers are text.  The supervisor's, one thread.
 */
#ifndef ENGINE_DIVERT_TABLEDUMP_H
#define ENGINE_DIVERT_TABLEDUMP_H

#include "engine/divert/table.h"

/* Calls `each` for every counter object of the table.  -ENOENT: no table. */
int tabledump_counters(const char *table, bool guard, table_count_fn *each,
		       void *arg);
/* A table's owner: its netlink port, or 0 if it has none.  -ENOENT. */
int tabledump_owner(const char *table, uint32_t *portid);
/* A number for all that a table is: flags, chains, rules with their handles;
 * *rules of them.  What is counted on the way must not stand in it.  -ENOENT;
 * -EINTR: it is just being changed. */
int tabledump_print(const char *table, uint32_t *print, unsigned *rules);
/* How many transactions nftables has seen here, anybody's. */
int tabledump_generation(uint32_t *generation);
/* Do the flow chains of the main table hold `text`'s rules in their order, and
 * does each queue chain begin with a queue rule?  0, -EBADMSG. */
int tabledump_verify(const char *text, const struct nftgen_params *params,
		     struct table_why *why);

#endif
