/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outlet: the three sockets and those who are connected to them.
 *
 * Owns the listening sockets and every client.  The pool's thread.  Never
 * blocks on a client, never reads from one whose answer is not yet sent, and
 * looks at who is there (SO_PEERCRED) before it reads an octet: a user other
 * than root has at most OUTLET_PER_USER connections, the stalest of his own
 * goes when another comes.
 */
#ifndef ENTROPYD_OUTLET_H
#define ENTROPYD_OUTLET_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entropyd/pool.h"

#define OUTLET_CLIENTS  256
#define OUTLET_PER_USER 128

enum outlet_kind { OUTLET_POOL, OUTLET_EGD, OUTLET_STATUS, OUTLET_KINDS };

/* Writes the status text; returns its octets, at most size. */
typedef size_t outlet_status(void *arg, char *text, size_t size);

struct outlet_counts {
	unsigned now;
	uint64_t refused, evicted;
};

struct outlet;

/* Takes the three descriptors over.  NULL with errno. */
struct outlet *outlet_new(const int listeners[OUTLET_KINDS], struct pool *pool,
			  outlet_status *status, void *status_arg);
void outlet_free(struct outlet *o);
/* Fills in what to wait for; room for OUTLET_CLIENTS + OUTLET_KINDS. */
size_t outlet_poll(const struct outlet *o, struct pollfd *fds);
/* What outlet_poll filled in, after poll. */
void outlet_serve(struct outlet *o, const struct pollfd *fds, size_t n,
		  uint64_t now_ms);
/* Somebody waits for the pool to become ready. */
bool outlet_waiting(const struct outlet *o);
struct outlet_counts outlet_counts(const struct outlet *o);

/* Makes and binds the socket `name` in directory `dir`, for everybody.
 * A descriptor; -EADDRINUSE: somebody answers there; -errno. */
int outlet_listen(const char *dir, const char *name);

#endif
