/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockrule: nft rules that mark what the sockets of a cgroup send, where the
 * kernel refuses the programs of sockprog.h.
 *
 * Owns the table inet nfipsec-runs, which belongs to no process: like the
 * programs, the rules hold while nfipsecd is down, and the guard table drops
 * what they mark.  Its one base chain is never deleted, for that would flush
 * every queue of the namespace.
 *
 * What they can't do: a socket has no mark of its own, so that nobody can be
 * told of it, and what comes in clear for a socket that listens is not refused.
 *
 * Supervisor only, one thread.
 */
#ifndef ENGINE_MAIN_SOCKRULE_H
#define ENGINE_MAIN_SOCKRULE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/divert/table.h"
#include "engine/main/leaves.h"
#include "engine/main/sockprog.h"

/* The rule for the leaf `path` of a cgroup file system mounted at `mount`.  0;
 * -ENOTSUP: nft can't name it there. */
int sockrule_make(char rule[LEAVES_RULE], const char *mount, const char *path,
		  const struct sockprog *what);
/* Makes these rules the table's, all at once.  Their leaves must be there.
 * 0 or -errno and why. */
int sockrule_load(const char *const *rules, size_t n, struct table_why *why);
/* Is the table as it was loaded last?  True where that can't be seen just now.
 */
bool sockrule_is_whole(void);

#endif
