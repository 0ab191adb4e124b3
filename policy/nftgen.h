/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftgen: a policy as nft text, from the one skeleton (nft-rules/skeleton.nft,
 * embedded at build).
 *
 * Pure: any thread, no file, no network.  The flows' expressions and the
 * defines are copied as they stand: whoever hands in a policy has vetted them
 * (engine/vet/vet.h).  The text has a regular form, one rule a line, on
 * which nftdiff relies.
 */
#ifndef POLICY_NFTGEN_H
#define POLICY_NFTGEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

#define NFTGEN_MAIN        "nfipsec" /* family inet, both */
#define NFTGEN_GUARD       "nfipsec-guard"
#define NFTGEN_COUNTER_MAX 128 /* octets of a counter's name with 0 */

/* In the order of the store's queue kinds. */
enum nftgen_queue {
	NFTGEN_QUEUE_SEAL_TCP, /* outbound TCP, may have the GSO flag */
	NFTGEN_QUEUE_SEAL,     /* outbound, everything else */
	NFTGEN_QUEUE_DECAP,    /* inbound ESP, AH and ICMP about them */
	NFTGEN_QUEUES
};

struct nftgen_params {
	unsigned workers;                    /* 1 .. 256 */
	uint16_t first_queue[NFTGEN_QUEUES]; /* worker w has this + w */
	/* Key negotiation's users (not 0): what they send is exempt. */
	const uint32_t *keying_uids;
	size_t n_keying_uids;
	/* False: somebody wants tcp_fwmark_accept for marks of his own. */
	bool settles;
	/* True: the queue statements are written out, for people to read and
	 * for `nft -f`.  False: each queue chain only ends in its drop, for
	 * the table's owner, who puts the queue rules there himself. */
	bool show_queues;
};

/* The text of `table inet nfipsec`; free *out.  0, -ENOMEM, -EINVAL (workers,
 * or a uid of 0). */
int nftgen_main(const struct policy *p, const struct nftgen_params *params,
		char **out);
/* The same of `table inet nfipsec-guard`. */
int nftgen_guard(const struct policy *p, const struct nftgen_params *params,
		 char **out);

/* The chain of a worker's queue: "seal-tcp-0"; returns out. */
const char *nftgen_queue_chain(enum nftgen_queue kind, unsigned worker,
			       char out[NFTGEN_COUNTER_MAX]);

/*
 * Counters (objects of the main table).
 *   flow-out-db-0123456789abcdef   what matched a flow: direction, target, and
 *                                  a hash of the flow, so that a reload keeps
 *                                  the count of a flow that stays.  Two equal
 *                                  flows share one.  It counts what the flow
 *                                  decided: of a protected connection the
 *                                  first packet, for the rest follows the
 *                                  connection's mark.
 *   drop-in-latch                  what a rule dropped: direction, reason; in
 *                                  the guard table too
 */
const char *nftgen_flow_counter(const struct policy *p, size_t flow,
				char out[NFTGEN_COUNTER_MAX]);
/* Is this the name of a drop counter?  Then *inbound, and *reason points into
 * the name: "latch". */
bool nftgen_drop_counter(const char *name, bool *inbound, const char **reason);
/* A sentence for a rule drop's reason; NULL if there is none of this name. */
const char *nftgen_drop_sentence(const char *reason);

#endif
