/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link: what supervisor and engine say to each other.
 *
 * A SOCK_SEQPACKET pair, one for each engine, made by the supervisor.  The
 * engine's control thread asks for what belongs to the supervisor; answers
 * come in the order of server.h: any number of TEXT, FLOW and DROP, then END.
 * Both ends are the same program: messages are plain structs.  The supervisor
 * believes nothing of what the engine says but its type and small numbers.
 *
 * One thread an end.  Never waits: what does not fit into the socket is kept
 * and sent by link_flush, up to LINK_QUEUE_MAX octets.
 */
#ifndef ENGINE_MAIN_LINK_H
#define ENGINE_MAIN_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "engine/client/proto.h"
#include "engine/ctl/server.h"

#define LINK_QUEUE_MAX (16u << 20)

enum link_type {
	/* engine to supervisor */
	LINK_STARTED = 1, /* workers run */
	LINK_RELOAD,      /* the request as it came */
	LINK_DISABLE,
	LINK_EXPORT, /* arg: enum proto_export_which */
	LINK_FLOWS,
	LINK_RULE_DROPS,
	LINK_RUN,
	LINK_INSTANCE, /* wanted; and its answer's row */
	/* supervisor to engine */
	LINK_TEXT,
	LINK_FLOW,
	LINK_DROP,
	LINK_END, /* err, and a sentence in text */
};

struct link_message {
	uint32_t type; /* enum link_type */
	uint32_t arg;
	int32_t err;  /* 0 or -errno */
	uint32_t len; /* octets of text */
	struct server_ticket ticket;
	union {
		char text[PROTO_CHUNK_MAX];
		struct proto_flow flow;
		struct proto_drop drop;
		struct proto_instance instance;
		struct proto_reload reload;
		struct ctl_run run;
	};
};

struct link_kept; /* one message that waits */

struct link {
	int fd;
	struct link_kept *first, **last;
	size_t kept_octets;
};

void link_init(struct link *l, int fd);
/* Closes the descriptor too. */
void link_fini(struct link *l);
/* 0, 1: kept, call link_flush when the socket is writable; -ENOBUFS: more
 * than LINK_QUEUE_MAX wait; other -errno: the other end is gone. */
int link_send(struct link *l, const struct link_message *m);
/* 0: all is sent; 1: something still waits; -errno. */
int link_flush(struct link *l);
/* 1: a message; 0: nothing there; -EPIPE: closed; -EBADMSG; -errno. */
int link_read(struct link *l, struct link_message *m);

#endif
