/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guardwatch: hears when others touch the guard table.
 *
 * A netlink socket in nftables' multicast group.  It only listens; table.c
 * puts the guard back.  The supervisor's, one thread.
 */
#ifndef ENGINE_DIVERT_GUARDWATCH_H
#define ENGINE_DIVERT_GUARDWATCH_H

#include <stdbool.h>
#include <stdint.h>

struct guardwatch {
	int fd; /* non-blocking, close-on-exec */
};

int guardwatch_open(struct guardwatch *w);
void guardwatch_close(struct guardwatch *w);
/* Reads all events.  True: somebody but `own_portid` has changed the guard, or
 * events were lost. */
bool guardwatch_read(struct guardwatch *w, uint32_t own_portid);

#endif
