/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * closer: closes what came from others, and is not held up by it.
 *
 * Whoever passes a descriptor decides what its last close does.  A socket
 * with SO_LINGER waits for its peer, in whose process it may happen; a file of
 * a FUSE file system waits for a process that may never answer.  So closes of
 * sockets are cut short by a signal after CLOSER_MS, and other descriptors are
 * closed by threads that may hang.
 *
 * The control thread alone calls, the one that called closer_init.
 */
#ifndef ENGINE_CTL_CLOSER_H
#define ENGINE_CTL_CLOSER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#define CLOSER_MS       2 /* the longest that one step is held up */
#define CLOSER_THREADS  2
#define CLOSER_MAX      64 /* descriptors that wait to be closed */
#define CLOSER_PER_USER 8

struct closer {
	timer_t timer;
	int pipe[2]; /* to the threads: descriptors; -1: there are none */
	struct closer_shared *shared;
	pthread_t threads[CLOSER_THREADS];
	unsigned n; /* that run */
};

/* 0 or -errno.  Takes SIGALRM. */
int closer_init(struct closer *c);
/* The threads; without them all is closed by the caller.  When the process has
 * dropped its privileges, before it is confined.  0 or -errno. */
int closer_start(struct closer *c);
void closer_fini(struct closer *c);

/* Around calls that may drop descriptors of others: receiving from a client,
 * closing its connection. */
void closer_begin(struct closer *c);
void closer_end(struct closer *c);
/* Closes a descriptor that a client of this user passed. */
void closer_take(struct closer *c, uid_t uid, int fd);
/* False: so many of this user's wait that no more are to be taken from it. */
bool closer_has_room(const struct closer *c, uid_t uid);

#endif
