/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server_priv: struct server, for the files of this room alone.
 */
#ifndef ENGINE_CTL_SERVER_PRIV_H
#define ENGINE_CTL_SERVER_PRIV_H

#include "base/log.h"
#include "engine/ctl/closer.h"
#include "engine/ctl/feed.h"
#include "engine/ctl/nfqueue.h"
#include "engine/sa/totals.h"
#include "engine/ctl/server.h"
#include "engine/ctl/session.h"
#include "engine/ctl/shadow.h"

#define SERVER_WATCHES_MAX 16
/* How often events are looked for in the store and deadlines are checked. */
#define SERVER_TICK_MS 200
/* Messages to one reader before the others get their turn. */
#define SERVER_BURST 64

struct server_watch {
	int fd; /* -1: free */
	void (*fn)(void *arg);
	void *arg;
};

struct server {
	struct server_config config;
	int epoll_fd, timer_fd;
	uid_t own_uid;  /* what the service runs as */
	uint64_t netns; /* cookie of our network namespace; 0: unknown */
	struct log_limit refusals;
	struct closer closer;
	bool ticking;
	bool accept_paused; /* out of descriptors */
	struct session sessions[SERVER_CLIENTS_MAX];
	struct server_watch watches[SERVER_WATCHES_MAX];
	size_t backlog; /* octets of all sessions */
	struct feed feed;
	struct shadow shadow;
	struct nfqueue_row queues[NFQUEUE_ROWS_MAX];
	unsigned n_queues;
	uint32_t sas_of[STORE_ASSOCS_MAX]; /* live SAs by association */
	struct totals totals_of[STORE_ASSOCS_MAX];
	uint32_t counted_for; /* the policy's generation */
	uint8_t *message; /* PROTO_MESSAGE_MAX; may hold keys */
};

/* The session of a ticket that still waits, or NULL. */
struct session *server_session(struct server *s, struct server_ticket t);

#endif
