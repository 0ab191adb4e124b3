/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rulewatch: whose rule dropped a traced packet.
 *
 * Listens to nftables' trace (`meta nftrace set 1`).  Only nftables has one:
 * what iptables-legacy or a BPF program drops is not seen.  One thread.
 */
#ifndef ENGINE_DIVERT_RULEWATCH_H
#define ENGINE_DIVERT_RULEWATCH_H

#include <stdbool.h>

struct rulewatch {
	int fd;
};

int rulewatch_open(struct rulewatch *w);
void rulewatch_close(struct rulewatch *w);
/* Reads what there is.  True: a table other than ours dropped a packet; then
 * `where` names it, "table ip filter, chain OUTPUT". */
bool rulewatch_find_drop(struct rulewatch *w, char where[256]);

#endif
