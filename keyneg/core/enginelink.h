/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enginelink: the engine's control socket, as key negotiation uses it: SAs
 * in and out, events back (nfipsec-control(7)).
 *
 * Owns the descriptor and the requests that wait, at most ENGINELINK_WAITING;
 * their keys are wiped once sent.  One thread.  Never blocks: requests go out
 * one at a time, in order, as the protocol asks.
 */
#ifndef KEYNEG_CORE_ENGINELINK_H
#define KEYNEG_CORE_ENGINELINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/client/proto.h"
#include "keyneg/core/sainstall.h"

enum { ENGINELINK_WAITING = 4096 };

struct enginelink_ops {
	/* A packet waits, or the administrator asks for new keys. */
	void (*acquire)(void *ctx, const char *association,
			const struct ipaddr *local, const struct ipaddr *peer);
	/* A limit of an SA; hard: it is gone. */
	void (*limit)(void *ctx, enum sainstall_direction d, uint8_t protocol,
		      const struct ipaddr *peer, uint32_t spi, bool hard);
	/* An installation is in force. */
	void (*added)(void *ctx, uint32_t pair);
	/* An installation failed, or the connection ended before the engine
	 * said that it was done. */
	void (*failed)(void *ctx, uint32_t pair, int err);
	/* An SA that negotiation may have made, and the engine had when this
	 * connection began: true: known.  What is not is deleted. */
	bool (*known)(void *ctx, const struct proto_sa *sa);
	/* That was all of them. */
	void (*listed)(void *ctx);
	/* One of those that enginelink_survey asked for. */
	void (*seen)(void *ctx, const struct proto_sa *sa);
};

struct enginelink_item;

struct enginelink {
	const struct enginelink_ops *ops;
	void *ctx;
	int fd; /* -1: not connected */
	bool greeted, busy, surveying;
	uint32_t serial;
	struct enginelink_item *first, **last;
	unsigned waiting;
	uint8_t msg[PROTO_MESSAGE_MAX];
};

void enginelink_init(struct enginelink *l, const struct enginelink_ops *ops,
		     void *ctx);
void enginelink_fini(struct enginelink *l);
/* A new connection, non-blocking; it takes the descriptor over.  What waited
 * for the old one is forgotten, additions with a word (`failed`): the list of
 * SAs that is asked for first shows what is there. */
void enginelink_attach(struct enginelink *l, int fd);
/* Has every SA of negotiation told to `seen`, unless that is under way.
 * 0 or -errno. */
int enginelink_survey(struct enginelink *l);
/* Reads what has come.  False: the connection is gone, and closed. */
bool enginelink_read(struct enginelink *l);
/* The installer; ctx is the struct enginelink. */
extern const struct sainstall_ops enginelink_sa_ops;

#endif
