/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * client: the control socket, client half.
 *
 * One struct client is one connection; it owns its descriptor and one message
 * buffer (locked, wiped: it may hold keys).  One thread at a time.  Blocks for
 * at most the timeout it was given.  Never starts a second request before the
 * first one's last message was read.
 */
#ifndef ENGINE_CLIENT_CLIENT_H
#define ENGINE_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/client/proto.h"

struct client {
	int fd;
	int timeout_ms; /* for each message; -1: for ever */
	uint32_t serial;
	uint16_t type;              /* of the request that is open */
	bool broken;                /* the connection failed, not the request */
	struct proto_hello server;  /* who answered */
	char text[PROTO_CHUNK_MAX]; /* sentence of the last reply's end */
	uint8_t *msg;               /* PROTO_MESSAGE_MAX octets */
};

/* Connects to run_dir/control.sock and exchanges hellos.  0 or -errno:
 *   -ENOENT, -ECONNREFUSED  nobody serves it       (broken)
 *   -ETIMEDOUT              nobody answers         (broken)
 *   -EACCES                 not for this user
 *   -EBUSY                  too many clients
 *   -EPROTONOSUPPORT        another version
 * client_close is due in any case. */
int client_open(struct client *c, const char *run_dir, int timeout_ms);
void client_close(struct client *c);

/* Sends a request; shape NULL: without a record.  0 or -errno. */
int client_ask(struct client *c, enum proto_type type,
	       const struct proto_shape *shape, const void *record);
/* The same, with a descriptor that stays the caller's; -1: none. */
int client_ask_fd(struct client *c, enum proto_type type,
		  const struct proto_shape *shape, const void *record, int fd);
/* The next record of the reply.  1: *record was filled; 0: that was all;
 * -errno: what the server answered, or (broken) why it did not.  shape NULL:
 * records are skipped.  Events that come between are skipped. */
int client_next(struct client *c, const struct proto_shape *shape,
		void *record);
/* client_ask, and client_next up to the end: for requests that return
 * nothing but success.  0 or -errno. */
int client_do(struct client *c, enum proto_type type,
	      const struct proto_shape *shape, const void *record);
/* The next event, after PROTO_SUBSCRIBE.  0; -ETIMEDOUT (not broken) when
 * none came in time; other -errno are broken. */
int client_event(struct client *c, struct proto_event *event, int timeout_ms);

#endif
