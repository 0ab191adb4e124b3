/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * readq: reads of a device that wait for entropyd's pool.
 *
 * One connection to entropy.sock serves them all, a part of each in turn, so
 * that neither many readers nor a pool that is not ready keep anybody from
 * anything.  Owns the connection and the octets.  One thread; never waits but
 * in readq_look.  Nothing is fetched ahead: what a reader gets was made
 * after he asked.
 *
 * The pool is ready when it has answered on this connection: the first
 * request is for an octet that nobody gets.
 */
#ifndef ENTROPYD_READQ_H
#define ENTROPYD_READQ_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define READQ_MAX        256          /* that wait at once */
#define READQ_PER_USER   64           /* of them, of a user other than root */
#define READQ_OCTETS_MAX (128 * 1024) /* of a read */
#define READQ_NOWAIT_MS  250          /* a pool silent for so long gives EAGAIN */

struct readq;
struct readq_read;

/* It is over: 0 and n octets (fewer than asked for when something ended it),
 * or an errno.  The read is the caller's again; the octets are wiped behind
 * this call. */
typedef void readq_done(struct readq_read *rd, int err, const uint8_t *octets,
			size_t n);

struct readq_read {
	/* filled in by the caller, who keeps it until done */
	readq_done *done;
	void *arg;
	uid_t uid;
	size_t size; /* 1..READQ_OCTETS_MAX */
	bool nowait; /* EAGAIN rather than wait for the pool */
	/* readq's */
	struct readq_read *next;
	uint8_t *out;
	size_t have;
};

/* run_dir has to stay.  NULL with errno. */
struct readq *readq_new(const char *run_dir);
/* What waits ends with EIO. */
void readq_free(struct readq *q);

/* It waits, or `done` is called at once.  Errors: EBUSY (too many wait), EIO
 * (no entropyd), EAGAIN. */
void readq_add(struct readq *q, struct readq_read *rd, uint64_t now_ms);
/* A reader gave up: done, with EINTR or what he has. */
void readq_cancel(struct readq *q, struct readq_read *rd);

/* Would a read be answered, as far as is known? */
bool readq_ready(const struct readq *q, uint64_t now_ms);
/* Makes sure that it is known: connects where there is no connection, and
 * waits a moment (READQ_NOWAIT_MS) for its first answer. */
void readq_look(struct readq *q, uint64_t now_ms);
/* Somebody wants to hear when it becomes ready: it is looked for. */
void readq_watch(struct readq *q, bool wanted);

/* What to wait for (fd -1: nothing), and until when (UINT64_MAX: for ever). */
struct pollfd readq_poll(const struct readq *q);
uint64_t readq_wake_ms(const struct readq *q);
void readq_serve(struct readq *q, uint64_t now_ms);

#endif
