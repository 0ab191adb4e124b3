/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sapair: the SA pairs that were negotiated, from the first installed half to
 * the last removed one.
 *
 * Owns the table and the timers' nodes in it; the keys go through it into the
 * engine and are not kept.  One thread.  No protocol, no clock.
 */
#ifndef KEYNEG_CORE_SAPAIR_H
#define KEYNEG_CORE_SAPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ipaddr.h"
#include "keyneg/core/keyconf.h"
#include "keyneg/core/sainstall.h"
#include "keyneg/core/timerheap.h"

struct sapair {
	uint32_t id;
	uint32_t spi_in, spi_out; /* spi_out 0: not known yet, or not set */
	uint8_t protocol;         /* 50 ESP, 51 AH */
	bool in_there, out_there; /* installed in the engine */
	bool in_doubt, out_doubt; /* in the one before: has this one them? */
	bool lost;                /* it has not; the peer is to be told */
	bool initiator;           /* ours to rekey */
	bool dying;               /* replaced or deleted: not to be rekeyed */
	char association[KEYCONF_NAME_MAX];
	char principal[KEYCONF_PRINCIPAL_MAX];
	struct ipaddr local, peer;
	uint32_t epoch;      /* the peer's when it was made */
	uint64_t epoch_secs; /* and when that was said, our clock */
	uint64_t created_ms, soft_ms, hard_ms; /* 0: no such limit */
	uint8_t encryption, integrity;         /* enum algo */
	uint16_t group; /* of the key exchange; 0: none */
	bool soft_done;
	/* what the engine counted, and since when the peer is silent while we
	 * send (0: it is not); how long that must last to be suspicious */
	uint64_t in_packets, out_packets, silent_ms, patience_ms;
	bool heard;        /* since the last look */
	uint32_t exchange; /* the last one that had its SAs installed */
	struct timerheap_node timer;
	bool named; /* in the two lists that sapair_name puts it into */
	struct sapair *next, *prev, *next_spi, *next_out, *next_id;
	struct sapair *next_use, *next_principal;
};

struct sapair_table {
	struct sapair *first; /* the newest ones in front */
	size_t n, max;
	size_t buckets;
	struct sapair **by_spi, **by_out, **by_id, **by_use, **by_principal;
	uint32_t last_id;
	const struct sainstall_ops *ops;
	void *ops_ctx;
};

int sapair_init(struct sapair_table *t, size_t max,
		const struct sainstall_ops *ops, void *ops_ctx);
/* Forgets the pairs and leaves the engine's SAs alone. */
void sapair_fini(struct sapair_table *t, struct timerheap *timers);
/* A new pair with a random inbound SPI that no other has (256 and up);
 * NULL: the table is full or there is no memory. */
struct sapair *sapair_new(struct sapair_table *t);
/* Association, peer and principal are filled in, and stay as they are: it is
 * found by them from now on. */
void sapair_name(struct sapair_table *t, struct sapair *p);
/* The next pair of this association and peer after `after` (NULL: from the
 * start), the newest first. */
struct sapair *sapair_by_use(struct sapair_table *t, const char *association,
			     const struct ipaddr *peer,
			     const struct sapair *after);
/* The same by the peer's principal, in no order. */
struct sapair *sapair_by_principal(struct sapair_table *t,
				   const char *principal,
				   const struct sapair *after);
/* The peer has told its SPI. */
void sapair_set_out(struct sapair_table *t, struct sapair *p, uint32_t spi);
struct sapair *sapair_by_id(struct sapair_table *t, uint32_t id);
struct sapair *sapair_by_spi_in(struct sapair_table *t, uint32_t spi);
/* One whose outbound half goes to this peer with this SPI. */
struct sapair *sapair_by_spi_out(struct sapair_table *t,
				 const struct ipaddr *peer, uint8_t protocol,
				 uint32_t spi);
/* The newest pair with an outbound half, for an association and peer. */
struct sapair *sapair_newest(struct sapair_table *t, const char *association,
			     const struct ipaddr *peer);
/* Another engine serves: whether the SAs are there is to be seen. */
void sapair_doubt(struct sapair_table *t);
/* Its outbound half was installed: it is the newest now, and the others of
 * this association and peer have none any more. */
void sapair_is_newest(struct sapair_table *t, struct sapair *p);
/* It was not, after all: the one before it still is. */
void sapair_is_not_newest(struct sapair_table *t, struct sapair *p);
/* Takes the outbound half out of the engine. */
void sapair_remove_out(struct sapair_table *t, struct sapair *p);
/* The inbound one; 0 or -errno. */
int sapair_remove_in(struct sapair_table *t, struct sapair *p);
/* Takes out what is left and forgets the pair. */
void sapair_free(struct sapair_table *t, struct timerheap *timers,
		 struct sapair *p);

#endif
