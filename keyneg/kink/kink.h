/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kink: the KINK daemon's state, without sockets, clock or Kerberos library
 * (RFC 4430).
 *
 * Owns the exchanges, the SA pairs and all timers.  One thread.  Everything
 * that it needs from outside goes through struct kink_ops and comes back by a
 * call; time is a parameter.  It never blocks, and it keeps nothing of an
 * unauthenticated message but, for a bounded number of them, the octets that
 * wait for Kerberos to read them.
 */
#ifndef KEYNEG_KINK_KINK_H
#define KEYNEG_KINK_KINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keyneg/core/exchange.h"
#include "keyneg/core/keyconf.h"
#include "keyneg/core/krbreq.h"
#include "keyneg/core/peertab.h"
#include "keyneg/core/ratelimit.h"
#include "keyneg/core/sainstall.h"
#include "keyneg/core/sapair.h"
#include "keyneg/core/timerheap.h"

struct kink_ops {
	/* One datagram, lost or not. */
	void (*send)(void *ctx, const struct exchange_path *path,
		     const void *octets, size_t n);
	/* A question to the Kerberos process, answered by kink_krb_answer
	 * with the same id, or never.  0 or -errno. */
	int (*krb)(void *ctx, const struct krbreq *r);
};

enum kink_counter {
	KINK_COUNT_SENT,
	KINK_COUNT_RECEIVED,
	KINK_COUNT_LIMITED, /* over a source's rate */
	KINK_COUNT_BUSY,    /* over the memory or check cap */
	KINK_COUNT_MALFORMED,
	KINK_COUNT_UNEXPECTED, /* a REPLY or ACK to nothing */
	KINK_COUNT_REPLAYED,   /* an authenticator seen before */
	KINK_COUNT_UNVERIFIED, /* checksum missing or wrong */
	KINK_COUNT_REFUSED,    /* authenticated, and not allowed */
	KINK_COUNT_RETRANSMITTED,
	KINK_COUNT_DONE_INITIATOR,
	KINK_COUNT_DONE_RESPONDER,
	KINK_COUNT_FAILED,
	KINK_COUNT_EPOCH, /* SAs dropped: the peer has restarted */
	KINK_COUNT_DEAD,  /* SAs dropped: the peer answers nothing */
	KINK_COUNT_COUNT
};

enum {
	KINK_OFFSETS = 64, /* peers whose clocks are off, remembered */
};

struct kink {
	const struct keyconf *conf;
	const struct kink_ops *ops;
	void *ctx;
	uint32_t epoch, last_xid;
	struct exchange_table exchanges;
	struct sapair_table pairs;
	struct peertab peers;
	struct timerheap exchange_timers, pair_timers;
	struct ratelimit limit;
	unsigned checking; /* exchanges in WAIT_CHECK */
	uint64_t count[KINK_COUNT_COUNT];
	struct {
		char principal[KEYCONF_PRINCIPAL_MAX];
		int64_t secs;
	} offset[KINK_OFFSETS];
	unsigned next_offset;
	uint8_t out[16384], plain[16384]; /* a message being built or read */
};

struct kink_limits {
	size_t exchanges, octets, pairs;
	uint32_t burst, per_second; /* of one unauthenticated source */
};

/* `epoch`: seconds since 1970 at start.  conf outlives it or is replaced by
 * kink_set_conf.  0 or -errno. */
int kink_init(struct kink *k, const struct kink_ops *ops, void *ctx,
	      const struct sainstall_ops *sa_ops, void *sa_ctx,
	      const struct keyconf *conf, uint32_t epoch,
	      const struct kink_limits *limits);
/* Forgets everything; the engine's SAs stay as they are. */
void kink_fini(struct kink *k);
/* Pairs of associations that are gone or changed are deleted. */
void kink_set_conf(struct kink *k, uint64_t now_ms, const struct keyconf *conf);

/* A packet waits for keys.  0, -EALREADY (under way, or just done), -EAGAIN
 * (has just failed: the reason is told again), -ENOENT (no such association),
 * -EPERM, -ENOBUFS. */
int kink_acquire(struct kink *k, uint64_t now_ms, const char *association,
		 const struct ipaddr *local, const struct ipaddr *peer);
void kink_receive(struct kink *k, uint64_t now_ms,
		  const struct exchange_path *path, const void *octets,
		  size_t n);
void kink_krb_answer(struct kink *k, uint64_t now_ms, const struct krbans *a);
/* Another Kerberos process serves now: what the last one was asked is asked
 * again, and messages that waited for it are forgotten. */
void kink_krb_restarted(struct kink *k, uint64_t now_ms);
/* Does what is due; then milliseconds until the next, -1: nothing. */
int64_t kink_run_timers(struct kink *k, uint64_t now_ms);
/* The engine says: a limit in octets or packets is near, or reached. */
void kink_soft_limit(struct kink *k, uint64_t now_ms, uint32_t pair);
void kink_hard_limit(struct kink *k, uint64_t now_ms, uint32_t pair);
/* Asks a peer whether it lives and remembers us (STATUS). */
int kink_probe(struct kink *k, uint64_t now_ms, const char *association,
	       const struct ipaddr *local, const struct ipaddr *peer);
/* The engine says how many packets a half of this pair has seen.  A peer that
 * is silent while we send is asked whether it lives (RFC 4430 section 3.7). */
void kink_seen(struct kink *k, uint64_t now_ms, uint32_t pair, bool outbound,
	       uint64_t packets);
/* Deletes a pair at both ends (DELETE). */
int kink_delete(struct kink *k, uint64_t now_ms, uint32_t pair);
/* An SA of this pair is in force.  What makes the peer use it is not sent
 * before. */
void kink_sa_added(struct kink *k, uint64_t now_ms, uint32_t pair);
/* Installation failed after all. */
void kink_sa_failed(struct kink *k, uint64_t now_ms, uint32_t pair, int err);
/* Another engine is connected, or the same one again; then which of the SAs
 * it has, one by one; then that was all.  Pairs that it lacks are dropped and
 * their peers told.  `wall_secs`: since 1970. */
void kink_engine_new(struct kink *k);
void kink_engine_has(struct kink *k, uint32_t pair, bool outbound);
void kink_engine_listed(struct kink *k, uint64_t now_ms, uint32_t wall_secs);
const char *kink_counter_name(enum kink_counter c);

#endif
