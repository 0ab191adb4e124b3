/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * traceread: what nft's trace tells of packets, one step at a time.
 *
 * Owns a netlink socket in the group of traces; reads, never writes.  One
 * thread, never blocks.  The kernel tells everybody's traces: whose they are
 * is the caller's question (journey.h).
 */
#ifndef ENGINE_TRACE_TRACEREAD_H
#define ENGINE_TRACE_TRACEREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/wire/sighting.h"

struct nlmsghdr;

#define TRACEREAD_NAME_MAX 64 /* octets of a table or chain with 0; cut */

enum traceread_kind {
	TRACEREAD_RULE,   /* a rule gave this verdict */
	TRACEREAD_RETURN, /* a chain's end, back to who jumped there */
	TRACEREAD_POLICY, /* a base chain's end */
};

/* Values of nf_tables' verdicts. */
enum {
	TRACEREAD_GOTO = -4,
	TRACEREAD_JUMP = -3,
	TRACEREAD_BREAK = -2,
	TRACEREAD_CONTINUE = -1,
	TRACEREAD_DROP = 0,
	TRACEREAD_ACCEPT = 1,
	TRACEREAD_STOLEN = 2,
	TRACEREAD_QUEUE = 3,
};

struct traceread_step {
	uint32_t id; /* of the packet; used again for others later */
	uint8_t family;
	enum traceread_kind kind;
	int32_t verdict;
	uint64_t handle; /* RULE */
	char table[TRACEREAD_NAME_MAX], chain[TRACEREAD_NAME_MAX];
	uint32_t iif, oif, mark; /* ifindex, 0: none */
	bool seen;               /* the packet itself: first step of a chain */
	struct sighting packet;
};

struct traceread {
	int fd;
	uint64_t lost; /* times that the kernel could not tell all */
};

/* 0 or -errno (-EPERM without CAP_NET_ADMIN). */
int traceread_open(struct traceread *r);
void traceread_close(struct traceread *r);
/* Calls fn for each step that waits.  0 or -errno of the socket. */
int traceread_all(struct traceread *r,
		  void (*fn)(void *arg, const struct traceread_step *step),
		  void *arg);
/* One message.  False: it is no trace. */
bool traceread_parse(const struct nlmsghdr *nlh, struct traceread_step *out);

#endif
