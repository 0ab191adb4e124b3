/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session: one connected client and the one request it waits for.
 *
 * Control thread only.  A reply goes through phases, each left when it has
 * nothing more to send; a reader that does not read stops it where it is:
 *
 *   IDLE -> WAIT     somebody else was asked, a ticket is out
 *        -> BACKLOG  what they answered, already encoded
 *        -> ROWS     rows made from the store, one at a time (rows.h)
 *        -> END      the last message
 *
 * Only in IDLE is the next request read.  Never holds more than its backlog.
 */
#ifndef ENGINE_CTL_SESSION_H
#define ENGINE_CTL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/client/proto.h"
#include "engine/ctl/server.h"

enum session_phase {
	SESSION_IDLE,
	SESSION_WAIT,
	SESSION_BACKLOG,
	SESSION_ROWS,
	SESSION_END,
};

struct session {
	int fd;              /* -1: free */
	uint32_t generation; /* +1 each time the place is taken */
	enum proto_rights rights;
	uid_t uid;
	int passed; /* descriptor that came with the request, or -1 */
	bool cut;   /* one came, and could not be taken */
	bool greeted;
	bool hang_up;      /* close it once END is sent */
	uint32_t interest; /* epoll events asked for */
	uint64_t since_ms; /* connected, or last heard of */
	uint64_t stuck_ms; /* since when it reads nothing; 0: it does */

	enum session_phase phase;
	bool rows_follow; /* after the backlog */
	uint32_t serial;
	uint16_t type;
	uint32_t at;                      /* rows: where to go on */
	uint32_t flags;                   /* of struct proto_show */
	char association[PROTO_NAME_MAX]; /* the same */
	uint32_t said;                    /* of PROTO_PEER */
	struct ipaddr peer;               /* the same */
	int error;                        /* of END: 0 or an errno value */
	char text[PROTO_SENTENCE_MAX];

	uint8_t *backlog; /* whole messages, one behind the other */
	size_t backlog_len, backlog_sent, backlog_cap;

	uint32_t mask; /* events wanted */
	uint64_t lost; /* and not told yet */
};

/* Takes over fd.  `refused` 0, or why the client is turned away: then hello
 * says so and the connection is closed. */
void session_open(struct server *s, int fd, uid_t uid, enum proto_rights rights,
		  int refused);
void session_close(struct server *s, struct session *c);
/* Reads at most one request, sends what can be sent.  May close. */
void session_serve(struct server *s, struct session *c, uint32_t events);
/* Sends until the reader is slow or nothing is left, then sets the epoll
 * interest to fit the phase.  May close. */
void session_flush(struct server *s, struct session *c);

/* Does a user without privilege not read what it asked for?  Root may look at
 * a long list for long. */
bool session_is_deaf(const struct session *c);

/* Ends the reply after what is queued.  err: 0 or -errno. */
void session_end(struct session *c, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* One more message of the answer to a ticket.  0, -ENOBUFS, -EMSGSIZE. */
int session_append(struct server *s, struct session *c,
		   const struct proto_shape *shape, const void *record);
/* Sends at once or counts it as lost. */
bool session_tell(struct server *s, struct session *c, const void *msg,
		  size_t len);

#endif
