/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker: one thread that reads its queues and has every packet judged.
 *
 * Owns its buffers, a struct judge, and the rate of dummy packets; the queues'
 * descriptors stay the caller's.  worker_new before privileges are dropped,
 * worker_run on a thread of its own.  The last id read stands in store->queues
 * before a batch is worked on, and worker_run begins by dropping what the
 * engine before it read and left unjudged (engine_restart, counted by the
 * kernel's answers).  While a TCP stream comes in, it lets some 50 us of it
 * gather between two looks.
 *
 * worker_run needs CAP_NET_ADMIN (every nfnetlink message) and these system
 * calls: poll, read (eventfd), recvmmsg, sendto, sendmmsg, getrandom, write
 * (log), ioctl (SIOCGIFNAME, SIOCGIFMTU), clock_gettime, clock_nanosleep, and
 * what malloc needs (brk, mmap, munmap, madvise, futex).
 */
#ifndef ENGINE_NFQ_WORKER_H
#define ENGINE_NFQ_WORKER_H

#include "base/ring.h"
#include "engine/path/path.h"
#include "engine/sa/sad.h"
#include "engine/sa/store.h"

struct worker_config {
	struct store *store;
	struct sad *sad;                 /* shared by all workers */
	unsigned index;                  /* 0 .. STORE_WORKERS_MAX - 1 */
	int queue_fd[STORE_QUEUE_KINDS]; /* bound to STORE_QUEUE_NUMBER */
	int stop_fd;                     /* an eventfd; readable: stop */
	int wake_fd;         /* an eventfd, written when SAs or orders came; or
				-1 */
	struct ring *orders; /* struct parking_order, from control; or NULL */
	_Atomic uint32_t *obeyed; /* counts them, each when it is; or NULL */
	path_notify *notify;      /* may be NULL, see path.h */
	void *notify_arg;
	const _Atomic bool *packets_wanted; /* may be NULL, see path.h */
};

struct worker;

/* NULL with errno. */
struct worker *worker_new(const struct worker_config *config);
/* Returns 0 after stop_fd became readable, -errno when a socket failed. */
int worker_run(struct worker *w);
void worker_free(struct worker *w);

#endif
