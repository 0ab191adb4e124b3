/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/secret.h"
#include "entropyd/readq.h"

#define AGAIN_MS 250  /* between looks for a pool that is not there */
#define LATE_MS  1000 /* without an answer for so long: not ready */

struct readq {
	struct sockaddr_un at;
	int fd;       /* -1: no connection */
	bool heard;   /* this connection has answered */
	bool watched; /* somebody polls */
	size_t owed;  /* octets asked for and not come */
	uint64_t asked_ms, tried_ms;
	struct readq_read *waiting, **last;
	struct readq_read *current; /* whose they are; NULL: nobody's */
	unsigned n;
};

struct readq *
readq_new(const char *run_dir)
{
	struct readq *q = calloc(1, sizeof(*q));
	int n;

	if (q == NULL)
		return NULL;
	q->fd = -1;
	q->last = &q->waiting;
	q->at.sun_family = AF_UNIX;
	n = snprintf(q->at.sun_path, sizeof(q->at.sun_path), "%s/%s", run_dir,
		     ENTROPY_SOCKET);
	if (n < 0 || (size_t)n >= sizeof(q->at.sun_path)) {
		free(q);
		errno = ENAMETOOLONG;
		return NULL;
	}
	return q;
}

/* ---- the reads ----------------------------------------------------------- */

static void
append(struct readq *q, struct readq_read *rd)
{
	rd->next = NULL;
	*q->last = rd;
	q->last = &rd->next;
	q->n++;
}

static void
unlink_read(struct readq *q, struct readq_read *rd)
{
	struct readq_read **at = &q->waiting;

	while (*at != rd)
		at = &(*at)->next;
	*at = rd->next;
	if (q->last == &rd->next)
		q->last = at;
	q->n--;
}

/* What came is the reader's; the error comes with his next read. */
static void
finish(struct readq *q, struct readq_read *rd, int err)
{
	uint8_t *out = rd->out;
	size_t size = rd->size;

	unlink_read(q, rd);
	if (q->current == rd)
		q->current = NULL; /* what is on its way is thrown away */
	rd->out = NULL;
	rd->done(rd, rd->have != 0 ? 0 : err, out, rd->have);
	secret_free(out, size);
}

static void
finish_all(struct readq *q)
{
	while (q->waiting != NULL)
		finish(q, q->waiting, q->waiting->nowait ? EAGAIN : EIO);
}

static unsigned
count_of(const struct readq *q, uid_t uid)
{
	unsigned n = 0;

	for (const struct readq_read *rd = q->waiting; rd != NULL;
	     rd = rd->next)
		n += rd->uid == uid;
	return n;
}

/* ---- the connection ------------------------------------------------------ */

static void
lose(struct readq *q)
{
	close(q->fd);
	q->fd = -1;
	q->heard = false;
	q->owed = 0;
	q->current = NULL;
}

static bool
request(struct readq *q, size_t n, uint64_t now_ms)
{
	const uint8_t octets[2] = { (uint8_t)(n >> 8), (uint8_t)n };

	if (send(q->fd, octets, sizeof(octets), MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)sizeof(octets)) {
		lose(q);
		return false;
	}
	q->owed = n;
	q->asked_ms = now_ms;
	return true;
}

/* Never waits: where nobody accepts any more (a pool that stands still), it
 * is tried again later, and who may wait waits.  Where there is no pool,
 * nobody waits for one. */
static void
find(struct readq *q, uint64_t now_ms)
{
	q->tried_ms = now_ms;
	q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (q->fd >= 0 && connect(q->fd, (const struct sockaddr *)&q->at,
				  sizeof(q->at)) != 0) {
		int err = errno;

		close(q->fd);
		q->fd = -1;
		if (err == EAGAIN || err == EINTR)
			return;
	}
	if (q->fd < 0)
		finish_all(q);
	else
		(void)request(q, 1, now_ms);
}

/* The next part of whoever stands first; with it, he goes behind the others. */
static void
ask_next(struct readq *q, uint64_t now_ms)
{
	struct readq_read *rd;
	size_t left;

	while (q->fd >= 0 && q->heard && q->owed == 0 && q->waiting != NULL) {
		rd = q->waiting;
		if (rd->out == NULL &&
		    (rd->out = secret_alloc(rd->size)) == NULL) {
			finish(q, rd, ENOMEM);
			continue;
		}
		left = rd->size - rd->have;
		if (!request(q,
			     left < ENTROPY_REQUEST_MAX ? left
							: ENTROPY_REQUEST_MAX,
			     now_ms))
			return;
		q->current = rd;
	}
}

/* Octets that were asked for.  False: nothing more is there now. */
static bool
take(struct readq *q)
{
	uint8_t nobodys[ENTROPY_REQUEST_MAX];
	struct readq_read *rd = q->current;
	ssize_t got;

	/* What nobody has asked for is the end. */
	if (q->owed == 0)
		got = recv(q->fd, nobodys, 1, MSG_DONTWAIT) < 0 ? -1 : 0;
	else
		got = recv(q->fd, rd != NULL ? rd->out + rd->have : nobodys,
			   q->owed, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		lose(q);
		return false;
	}
	q->owed -= (size_t)got;
	q->heard = true;
	if (rd == NULL) {
		secret_wipe(nobodys, (size_t)got);
		return true;
	}
	rd->have += (size_t)got;
	if (q->owed == 0) {
		q->current = NULL;
		unlink_read(q, rd);
		append(q, rd);
		if (rd->have == rd->size)
			finish(q, rd, 0);
	}
	return true;
}

/* Octets on a connection, and then a new one if it has ended under somebody
 * who waits. */
static void
follow(struct readq *q, uint64_t now_ms)
{
	bool had = q->fd >= 0 && q->heard;

	while (q->fd >= 0 && take(q))
		ask_next(q, now_ms);
	/* One that ends without a word is no reason for haste. */
	if (q->fd < 0 && (q->waiting != NULL || q->watched) &&
	    (had || now_ms - q->tried_ms >= AGAIN_MS))
		find(q, now_ms);
	ask_next(q, now_ms);
}

/* ---- the outside --------------------------------------------------------- */

void
readq_free(struct readq *q)
{
	if (q == NULL)
		return;
	finish_all(q);
	if (q->fd >= 0)
		lose(q);
	free(q);
}

void
readq_add(struct readq *q, struct readq_read *rd, uint64_t now_ms)
{
	rd->out = NULL;
	rd->have = 0;
	if (q->n == READQ_MAX ||
	    (rd->uid != 0 && count_of(q, rd->uid) >= READQ_PER_USER)) {
		rd->done(rd, EBUSY, NULL, 0);
		return;
	}
	if (rd->nowait)
		readq_look(q, now_ms);
	if (rd->nowait && !q->heard) {
		rd->done(rd, EAGAIN, NULL, 0);
		return;
	}
	append(q, rd);
	if (q->fd < 0)
		find(q, now_ms);
	else
		ask_next(q, now_ms);
}

void
readq_cancel(struct readq *q, struct readq_read *rd)
{
	finish(q, rd, EINTR);
}

bool
readq_ready(const struct readq *q, uint64_t now_ms)
{
	return q->fd >= 0 && q->heard &&
	       (q->owed == 0 || now_ms - q->asked_ms < LATE_MS);
}

void
readq_look(struct readq *q, uint64_t now_ms)
{
	struct pollfd p = { .events = POLLIN };
	uint64_t late;

	follow(q, now_ms);
	if (q->fd < 0)
		find(q, now_ms);
	late = q->asked_ms + READQ_NOWAIT_MS;
	if (q->fd < 0 || q->heard || now_ms >= late)
		return;
	p.fd = q->fd;
	(void)poll(&p, 1, (int)(late - now_ms));
	follow(q, clock_now_ms());
}

void
readq_watch(struct readq *q, bool wanted)
{
	q->watched = wanted;
}

struct pollfd
readq_poll(const struct readq *q)
{
	return (struct pollfd){ .fd = q->fd, .events = POLLIN };
}

/* Since when may a read that does not wait be told so?  UINT64_MAX: it is its
 * turn soon, for the pool answers. */
static uint64_t
given_up_ms(const struct readq *q)
{
	if (q->fd < 0 || !q->heard)
		return 0;
	return q->owed != 0 ? q->asked_ms + READQ_NOWAIT_MS : UINT64_MAX;
}

uint64_t
readq_wake_ms(const struct readq *q)
{
	uint64_t wake = UINT64_MAX, given_up = given_up_ms(q);

	if (q->fd < 0 && (q->waiting != NULL || q->watched))
		wake = q->tried_ms + AGAIN_MS;
	for (const struct readq_read *rd = q->waiting; rd != NULL;
	     rd = rd->next)
		if (rd->nowait && given_up < wake)
			wake = given_up;
	return wake;
}

void
readq_serve(struct readq *q, uint64_t now_ms)
{
	struct readq_read *rd, *next;
	uint64_t given_up;

	follow(q, now_ms);
	given_up = given_up_ms(q);
	for (rd = q->waiting; rd != NULL; rd = next) {
		next = rd->next;
		if (rd->nowait && now_ms >= given_up)
			finish(q, rd, EAGAIN);
	}
}
