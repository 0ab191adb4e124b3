/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evloop: waits for descriptors, timers and signals in one thread.
 *
 * Owns an epoll descriptor, a signalfd and the entries; descriptors that were
 * added stay the caller's.  One thread.  A handler may add and remove
 * anything, itself too: what was removed is not called again.
 */
#ifndef BASE_EVLOOP_H
#define BASE_EVLOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVLOOP_FDS_MAX 64

struct evloop;

typedef void evloop_fn(void *arg);
typedef void evloop_signal_fn(void *arg, int signo);

/* Lives in its user.  Zeroed: not armed. */
struct evloop_timer {
	struct evloop_timer *next; /* the loop's */
	uint64_t at_ms;            /* clock_now_ms */
	bool armed;
	evloop_fn *fn;
	void *arg;
};

/* NULL with errno. */
struct evloop *evloop_new(void);
void evloop_free(struct evloop *l);
/* Calls fn while fd is readable or broken.  0, -ENOSPC or -errno. */
int evloop_add(struct evloop *l, int fd, evloop_fn *fn, void *arg);
/* Call fn while fd is writable, too; or no longer.  0 or -errno. */
int evloop_want_write(struct evloop *l, int fd, bool wanted);
void evloop_del(struct evloop *l, int fd);
/* Blocks these signals in this thread and all made later, and calls fn for
 * each.  Once a loop.  0 or -errno. */
int evloop_signals(struct evloop *l, const int *signals, size_t n,
		   evloop_signal_fn *fn, void *arg);
/* Calls t->fn once, at_ms or as soon as possible after it. */
void evloop_timer_set(struct evloop *l, struct evloop_timer *t, uint64_t at_ms);
void evloop_timer_clear(struct evloop *l, struct evloop_timer *t);
/* Waits for the next thing and does it.  0 or -errno. */
int evloop_step(struct evloop *l);

#endif
