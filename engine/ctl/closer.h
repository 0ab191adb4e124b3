/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * closer: closes what came from others, and is not held up by it.
 *
 * Whoever passes a descriptor decides what its last close does.  A socket
 * with SO_LINGER waits for its peer, in whose process it may happen; a file of
 * a FUSE file system waits for a process that may never answer, whether it was
 * received, or is dropped with what nobody has read of a connection, a client's
 * or one that was passed.  So closes of IPv4 and IPv6 sockets are cut short by
 * a signal after CLOSER_MS, and all that may be or hold a file is closed by
 * processes that may hang (crew.h), never here: a user's message is received
 * with all descriptors that it has, or not at all.
 *
 * The control thread alone calls, the one that called closer_init.
 */
#ifndef ENGINE_CTL_CLOSER_H
#define ENGINE_CTL_CLOSER_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "engine/ctl/crew.h"

#define CLOSER_MS       2    /* the longest that one step is held up */
#define CLOSER_WAITING  2048 /* descriptors that wait, of all users */
#define CLOSER_MESSAGE  253  /* descriptors in one message (SCM_MAX_FD) */
#define CLOSER_PER_USER 8    /* descriptors that wait, of CREW_PLACES */
#define CLOSER_ROOT     0    /* whose take no place */

struct closer {
	timer_t timer;
	struct crew_board *board; /* NULL: there is no crew */
	int to_crew;
};

/* 0 or -errno.  Takes SIGALRM. */
int closer_init(struct closer *c);
/* The crew; without it all is closed by the caller.  Before other threads run,
 * and before the process is confined.  0 or -errno. */
int closer_start(struct closer *c);
/* The crew stays: it ends with the process. */
void closer_fini(struct closer *c);

/* Around a receive that may drop descriptors: from root alone. */
void closer_begin(struct closer *c);
void closer_end(struct closer *c);
/* Closes a descriptor that a client of this user passed. */
void closer_take(struct closer *c, uid_t uid, int fd);
/* Closes a client's connection. */
void closer_hang_up(struct closer *c, uid_t uid, int fd);
/* False: so many of this user's wait, or of all together, that no more are to
 * be taken from it; root's are always taken. */
bool closer_has_room(const struct closer *c, uid_t uid);

#endif
