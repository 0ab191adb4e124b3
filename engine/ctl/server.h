/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server: the control socket, server half.
 *
 * Owns the connected clients (not the listener) and an epoll descriptor.  All
 * calls come from one thread, the engine's control thread; nothing here
 * blocks, ever.  Reads the store, and writes to it only what clients with the
 * right ask for (install.h).  Credentials are looked at before an octet of a
 * client is read: users without privilege may ask about sockets of their own
 * alone (broker.h), and can't take root's places.  What belongs to others
 * (configuration, nft rules) is asked of them through struct ctl_ops and
 * answered later through a ticket, so that a slow supervisor stops nobody else.
 *
 * What a client can cost is bounded: SERVER_CLIENTS_MAX of them, one request
 * at a time, no half message kept, nothing queued for a slow reader but the
 * answer to one ticket, of SERVER_BACKLOG_MAX octets over all clients.  Long
 * lists are generated as fast as the reader takes them.
 */
#ifndef ENGINE_CTL_SERVER_H
#define ENGINE_CTL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/client/proto.h"
#include "engine/sa/store.h"

#define SERVER_CLIENTS_MAX 128
#define SERVER_USERS_MAX   64          /* of them without privilege */
#define SERVER_PER_USER    16          /* of them of one user */
#define SERVER_BACKLOG_MAX (16u << 20) /* octets, all clients together */
#define SERVER_HELLO_MS    5000        /* to say hello, else closed */
#define SERVER_DEAF_MS     2000        /* a user, to read its answer */

struct server;

/* Names a request that waits for its answer; goes stale by itself when the
 * client leaves.  Plain data: may be sent to the supervisor and back. */
struct server_ticket {
	uint32_t client, generation, serial;
	uint16_t type; /* enum proto_type */
	uint16_t reserved;
};

/* Somebody who was admitted asks that the sockets of his program, and of what
 * it starts, be bound. */
struct ctl_run {
	uint32_t said, uid, pid; /* of the caller */
	uint32_t others_clear;   /* 1: what goes outside peer is not bound */
	uint32_t others_told;    /* 1: who asks knows what becomes of it */
	char association[PROTO_NAME_MAX];
	struct ipaddr peer;
};

/*
 * What others do for clients.  Each call returns 0, and then answers through
 * server_answer_* with the same ticket, now or later, ending with
 * server_answer_end; or returns -errno, which is the whole answer.  A NULL
 * member answers -ENOSYS: that service is not there (the fake of the tests).
 */
struct ctl_ops {
	/* Texts: what changes, a line each.  Or the confirmation of it. */
	int (*reload)(void *ctx, struct server_ticket t,
		      const struct proto_reload *what);
	/* Instance: of this association, for this principal. */
	int (*instance)(void *ctx, struct server_ticket t,
			const struct proto_instance *wanted);
	/* Takes both tables away: plaintext may flow from now on. */
	int (*disable)(void *ctx, struct server_ticket t);
	/* Text: normal form of the configuration; the nft rules. */
	int (*export)(void *ctx, struct server_ticket t,
		      enum proto_export_which which);
	/* Flows, in file order. */
	int (*flows)(void *ctx, struct server_ticket t);
	/* Drops: the counters of our nft rules that drop. */
	int (*rule_drops)(void *ctx, struct server_ticket t);
	/* Another principal speaks for the peer from now on: ends, before it
	 * returns, the connections that are under the SAID with it, and where
	 * its predecessor is known what still waits to be sent.  0 or -errno.
	 * NULL: there are no connections. */
	int (*cut)(void *ctx, uint32_t said, const struct ipaddr *peer,
		   bool known);
	/* Puts a program into a cgroup whose sockets are bound. */
	int (*run)(void *ctx, struct server_ticket t,
		   const struct ctl_run *what);
	/* SAs were installed or killed just now: time to build the tables anew
	 * and to let parked packets go.  No answer. */
	void (*sas_changed)(void *ctx);
	/* A key daemon has no keys for this pair: what waits for them is to be
	 * dropped.  No answer. */
	void (*keys_failed)(void *ctx, uint32_t said,
			    const struct ipaddr *peer);
};

struct server_config {
	struct store *store;
	int listen_fd;  /* SOCK_SEQPACKET, listening, non-blocking */
	int nfqueue_fd; /* /proc/net/netfilter/nfnetlink_queue, or -1 */
	const struct ctl_ops *ops;
	void *ctx; /* first argument of every ops call */
};

/* The listener itself: a socket at run_dir/control.sock, mode 0666 (rights
 * are by credentials), a stale one replaced.  For the supervisor.  Returns
 * the descriptor or -errno. */
int server_listen(const char *run_dir);

/* 0 or -errno.  The descriptors stay the caller's. */
int server_new(struct server **out, const struct server_config *config);
void server_free(struct server *s);
/* Starts the processes that close what clients pass (crew.h); before threads
 * run, and before the process is confined.  Not needed where no others than
 * root are served.  0 or -errno. */
int server_start(struct server *s);

/* Does what is ready; waits at most timeout_ms (-1: until something is; timers
 * of its own count as something).  0 or -errno. */
int server_step(struct server *s, int timeout_ms);
/* Has server_step call fn when fd is readable: the worker rings' eventfd, the
 * socket to the supervisor, a timerfd.  0 or -errno. */
int server_watch(struct server *s, int fd, void (*fn)(void *arg), void *arg);

/* The answer to a ticket, row by row, in order; stale tickets are ignored.
 * Each returns 0 or -errno (-ENOBUFS: over SERVER_BACKLOG_MAX; the client is
 * then told so and the rest of the answer ignored). */
int server_answer_text(struct server *s, struct server_ticket t,
		       const char *text, size_t len);
int server_answer_flow(struct server *s, struct server_ticket t,
		       const struct proto_flow *flow);
int server_answer_instance(struct server *s, struct server_ticket t,
			   const struct proto_instance *instance);
int server_answer_drop(struct server *s, struct server_ticket t,
		       const struct proto_drop *drop);
/* err: 0 or -errno; sentence: for people, or NULL. */
int server_answer_end(struct server *s, struct server_ticket t, int err,
		      const char *sentence);

/* Tells every subscriber of event->kind.  wall_ms 0 becomes now.  Subscribers
 * that do not read lose it, and are told how many they lost.  SAs that come
 * and go, drops and readiness are found in the store by the server itself:
 * publish acquire, soft and expired.  Returns how many were told. */
unsigned server_publish(struct server *s, const struct proto_event *event);
/* How many listen to this kind: nobody there to answer an acquire? */
unsigned server_listeners(const struct server *s, enum proto_event_kind kind);

#endif
