/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker: one thread that reads its queues and judges every packet.
 *
 * Owns its buffers, a raw socket for ICMP to local senders, one for what it
 * sends beside the queues, a socket to ask for MTUs, and a struct path; the
 * queues' descriptors stay the caller's.  worker_new before privileges are
 * dropped, worker_run on a thread of its own.  Each packet read gets exactly
 * one verdict, DROP unless the path said
 * otherwise; the last id read stands in store->queues before a batch is
 * worked on, and worker_run begins by dropping what the engine before it read
 * and left unjudged (engine_restart, counted by the kernel's answers).
 *
 * worker_run needs CAP_NET_ADMIN (every nfnetlink message) and these system
 * calls: poll, read (eventfd), recvmmsg, sendto, sendmmsg, getrandom, write (log), ioctl
 * (SIOCGIFNAME, SIOCGIFMTU), clock_gettime, and what malloc needs (brk, mmap,
 * munmap, madvise, futex).
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
	path_notify *notify;             /* may be NULL, see path.h */
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
