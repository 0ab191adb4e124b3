/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * adopt: a predecessor's descriptors become this supervisor's.
 *
 * Nothing in them is believed before it was looked at: layouts, sizes, what
 * the kernel has of the tables.  The supervisor's, one thread, before an
 * engine runs.
 */
#ifndef ENGINE_MAIN_ADOPT_H
#define ENGINE_MAIN_ADOPT_H

#include <stdbool.h>

#include "engine/divert/table.h"
#include "engine/sa/store.h"

struct supervisor;

/* -1: not there. */
struct heritage {
	int store, control, tables, nft, policy;
	int queues[STORE_QUEUE_KINDS][STORE_WORKERS_MAX];
	bool any;
};

void heritage_init(struct heritage *h);
/* Where the descriptor of this name belongs; NULL: no such name. */
int *heritage_place(struct heritage *h, const char *name);
/* Each that is there. */
void heritage_each(const struct heritage *h,
		   void (*fn)(void *arg, const char *name, int fd), void *arg);

/* All of it becomes s's, and s->policy what the predecessor's was; the policy
 * that was read from the file has to go with it.  0; -errno and why: s has
 * nothing of it, and the descriptors are still h's. */
int adopt(struct supervisor *s, struct heritage *h, struct table_why *why);

#endif
