/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinkexch: one KINK exchange, and what initiator and responder both do with
 * it: seal and open messages, derive and install keys, end.
 *
 * Inside keyneg/kink alone.  One thread.
 */
#ifndef KEYNEG_KINK_KINKEXCH_H
#define KEYNEG_KINK_KINKEXCH_H

#include "keyneg/kink/dh.h"
#include "keyneg/kink/enctype.h"
#include "keyneg/kink/isakmp.h"
#include "keyneg/kink/kink.h"
#include "keyneg/kink/kinkmsg.h"

enum {
	/* Retransmission (RFC 4430 section 9): truncated exponential. */
	KINKEXCH_FIRST_MS = 500,
	KINKEXCH_MOST_MS = 8000,
	KINKEXCH_SENDS = 7,      /* 0, 0.5, 1.5, 3.5, 7.5, 15.5, 23.5 s */
	KINKEXCH_TELL_SENDS = 4, /* the likely reason is shown: after 7.5 s */
	KINKEXCH_CYCLE_MS = 31500,
	KINKEXCH_LINGER_MS = 35000, /* duplicates are answered: a cycle */
	KINKEXCH_HOLDOFF_MS = 3000, /* after a failure */
	KINKEXCH_CROSS_MS = 1000,   /* a CREATE that crossed ours */
	KINKEXCH_FRESH_MS = 500,    /* less than until the engine asks again */
	KINKEXCH_GRACE_MS = 2000,   /* inbound SAs live on after DELETE */
	KINKEXCH_SUPERSEDED_MS = 5000, /* and before it, when newer ones came */
	KINKEXCH_PATIENCE_MS = 10000,  /* with a silent peer */
	KINKEXCH_PATIENCE_MOST_MS = 640000,
	KINKEXCH_KRB_MS = 15000, /* a request to the Kerberos process */
	KINKEXCH_NONCE = 32,
	KINKEXCH_AUTHS = 8,    /* outstanding authenticators */
	KINKEXCH_CHECKS = 256, /* messages that wait for Kerberos */
	KINKEXCH_WHY = 240,
};

enum kinkexch_kind {
	KINKEXCH_CREATE = KINK_TYPE_CREATE,
	KINKEXCH_DELETE = KINK_TYPE_DELETE,
	KINKEXCH_STATUS = KINK_TYPE_STATUS,
	KINKEXCH_ACK = KINK_TYPE_ACK, /* responder: being checked only */
};

struct kinkexch_keys { /* of one SA */
	uint8_t key[ALGO_KEYMAT_MAX], auth[ALGO_KEYMAT_MAX];
};

struct kinkexch {
	struct exchange x; /* first */
	struct keyconf_assoc assoc;
	char principal[KEYCONF_PRINCIPAL_MAX]; /* the peer's */
	struct enctype_key session;
	uint32_t pair, replaces; /* ids; 0: none */
	bool installing; /* the engine has not yet said that it has the SA */
	uint32_t peer_epoch;
	uint64_t peer_secs; /* of the authenticator, by our clock or nearly */
	struct keyconf_limits limits; /* as agreed */

	/* initiator */
	uint64_t ticket;
	int64_t offset_secs;
	unsigned sends;
	uint32_t wait_ms;
	bool krb_pending, fresh, tried_fresh, tried_skew, tried_spi;
	bool ack_wanted, answered; /* by anybody */
	struct {
		uint64_t ctime;
		uint32_t cusec;
	} auth[KINKEXCH_AUTHS];
	unsigned auths;
	uint16_t group;
	struct dh *dh;
	uint8_t public[DH_OCTETS_MAX];
	uint8_t ni[KINKEXCH_NONCE];
	char why[KINKEXCH_WHY]; /* the last hint of what is wrong */

	/* responder: the datagram until it is checked, then the plaintext
	 * of the answer, to be sent again; and the outbound keys until the
	 * ACK */
	uint8_t *octets;
	size_t octets_len;
	bool ackreq;
	uint8_t ap_rep[512]; /* of the last answer, while the ACK is out */
	uint16_t ap_rep_len;
	struct kinkexch_keys out_keys;
};

struct kinkexch *kinkexch_new(struct kink *k, enum exchange_role role,
			      enum kinkexch_kind kind, uint32_t xid,
			      const struct exchange_path *path);
/* Timer, memory, secrets; its SA pair is not touched. */
void kinkexch_free(struct kink *k, struct kinkexch *e);
/* The initiator's exchange of this kind for an association and a peer, if one
 * is under way or has failed a moment ago. */
struct kinkexch *kinkexch_find_initiated(struct kink *k,
					 enum kinkexch_kind kind,
					 const char *name,
					 const struct ipaddr *peer);
/* The exchange whose SAs of this pair the engine is told of; NULL: none. */
struct kinkexch *kinkexch_find_installing(struct kink *k, uint32_t pair);
/* Has the peer's CREATE been answered, and the ACK is on its way? */
bool kinkexch_is_answered(const struct kink *k, const char *name,
			  const struct ipaddr *peer);
/* Keeps a copy of these octets in place of the last ones. */
int kinkexch_keep(struct kink *k, struct kinkexch *e, const void *octets,
		  size_t n);
void kinkexch_set_timer(struct kink *k, struct kinkexch *e, uint64_t due_ms);
/* CREATE, DELETE, STATUS or ACK of the initiator; `inner` is a chain built by
 * kinkmsg_build_inner (n 0: none).  -EMSGSIZE, or of the cipher. */
int kinkexch_send(struct kink *k, struct kinkexch *e, uint8_t type,
		  uint8_t ap_type, const void *ap, size_t ap_len,
		  const void *inner, size_t n, bool ackreq);
/* Is the checksum there and good under the session key? */
bool kinkexch_verify(struct kink *k, const struct kinkmsg *msg,
		     const struct enctype_key *key);
/* What a verified message says inside: the decrypted chain, or the outer one
 * where nothing is encrypted (both are allowed).  enum kink_error. */
enum kink_error kinkexch_open(struct kink *k, const struct enctype_key *key,
			      const struct kinkbody *outer,
			      struct kinkbody *inner);
/* KEYMAT of both SAs of the pair. */
int kinkexch_derive(const struct kinkexch *e, const struct sapair *p,
		    struct cursor shared, struct cursor ni, struct cursor nr,
		    struct kinkexch_keys *in, struct kinkexch_keys *out);
/* One SA as the engine wants it. */
void kinkexch_fill_sa(const struct kinkexch *e, const struct sapair *p,
		      enum sainstall_direction d,
		      const struct kinkexch_keys *keys,
		      struct sainstall_sa *out);
/* Names, times and the rekey timer of a pair that is whole now. */
void kinkexch_pair_is_live(struct kink *k, struct kinkexch *e, struct sapair *p,
			   uint64_t now_ms);
/* Fills in what a new pair takes from its exchange. */
void kinkexch_name_pair(struct kink *k, const struct kinkexch *e,
			struct sapair *p);
/* The engine is told of SAs of this pair now. */
void kinkexch_installs(struct kinkexch *e, struct sapair *p);
void kinkexch_agree_limits(struct kinkexch *e,
			   const struct isakmp_attrs *attrs);
/* Takes a pair out here and now, and tells the peer. */
void kinkexch_delete_pair(struct kink *k, uint64_t now_ms, struct sapair *p);
const char *kinkexch_kind_name(uint8_t kind);
/* All of a principal's pairs made under another epoch are dead
 * (section 3.7).  False, and nothing dies, when this message is older than
 * what we know: somebody held it back.  `secs`: of its authenticator. */
bool kinkexch_check_epoch(struct kink *k, const char *principal, uint32_t epoch,
			  uint64_t secs);
int64_t kinkexch_offset(const struct kink *k, const char *principal);
void kinkexch_set_offset(struct kink *k, const char *principal, int64_t secs);

/* kinkinit.c: the initiator */
int kinkinit_start(struct kink *k, uint64_t now_ms, enum kinkexch_kind kind,
		   const struct keyconf_assoc *a, const struct ipaddr *local,
		   const struct ipaddr *peer, uint32_t pair, uint32_t replaces);
void kinkinit_made(struct kink *k, uint64_t now_ms, struct kinkexch *e,
		   const struct krbans *a);
void kinkinit_ask_again(struct kink *k, uint64_t now_ms, struct kinkexch *e);
/* An AP-REQ with a new authenticator; the first also finds the ticket.  0 or
 * -errno. */
int kinkinit_ask(struct kink *k, uint64_t now_ms, struct kinkexch *e);
/* What to say should it end without a better reason. */
void kinkinit_hint(struct kinkexch *e, const char *why);
void kinkinit_succeed(struct kink *k, uint64_t now_ms, struct kinkexch *e,
		      bool ackreq);
/* A new transaction in place of this one, which is gone afterwards. */
void kinkinit_restart(struct kink *k, uint64_t now_ms, struct kinkexch *e);
/* The same after an error that can be avoided.  True: e is gone. */
bool kinkinit_retry(struct kink *k, uint64_t now_ms, struct kinkexch *e,
		    uint16_t notify);
/* The pair that a DELETE was for goes after the grace time. */
void kinkinit_end_pair(struct kink *k, uint64_t now_ms, struct kinkexch *e);
void kinkinit_timeout(struct kink *k, uint64_t now_ms, struct kinkexch *e);
/* Ends it: SAs that stand alone are taken out, the engine is told, the
 * reason is logged; the exchange then holds the next attempt back. */
void kinkinit_fail(struct kink *k, uint64_t now_ms, struct kinkexch *e,
		   const char *why);

/* The peer's CREATE takes the place of ours: ours ends without a word. */
void kinkinit_yield(struct kink *k, struct kinkexch *e);

/* kinkengine.c: a pair that the engine has lost */
void kinkengine_tell_lost(struct kink *k, uint64_t now_ms, struct sapair *p);

/* kinkreply.c: what comes back */
void kinkreply_receive(struct kink *k, uint64_t now_ms,
		       const struct exchange_path *path,
		       const struct kinkmsg *msg, const struct kinkbody *body);

/* kinkcreate.c: the initiator's CREATE */
size_t kinkcreate_build(struct kink *k, struct kinkexch *e);
int kinkcreate_prepare(struct kink *k, struct kinkexch *e);
/* What a verified REPLY says; NULL: good, else why not. */
const char *kinkcreate_consume(struct kink *k, uint64_t now_ms,
			       struct kinkexch *e, const struct isakmp_op *op,
			       bool ackreq);

/* kinkresp.c: the responder */
void kinkresp_request(struct kink *k, uint64_t now_ms,
		      const struct exchange_path *path,
		      const struct kinkmsg *msg, const struct kinkbody *body);
void kinkresp_checked(struct kink *k, uint64_t now_ms, struct kinkexch *e,
		      const struct krbans *a);
/* Its inbound SA is in force: the answer may go. */
void kinkresp_installed(struct kink *k, struct kinkexch *e);
/* It does not come: a refusal goes in the answer's place. */
void kinkresp_not_installed(struct kink *k, uint64_t now_ms,
			    struct kinkexch *e);
void kinkresp_timeout(struct kink *k, uint64_t now_ms, struct kinkexch *e);

/* kinkaccept.c: the responder's CREATE */
/* False: no answer now, our own CREATE goes first. */
bool kinkaccept_create(struct kink *k, uint64_t now_ms, struct kinkexch *e,
		       const struct krbans *a, const struct isakmp_op *op,
		       struct kinkmsg_build *inner);

#endif
