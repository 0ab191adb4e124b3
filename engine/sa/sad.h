/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sad: finds the SA for a packet.
 *
 * An immutable table built from the store's live slots, private to the engine
 * process and shared by its threads.  When store_head.sa_generation moves on,
 * whoever notices first builds the next one; the old one is freed when every
 * worker has ended the batch in which it could have seen it (base/grace).
 * Slots that were DEAD when a table was built are released (DEAD -> FREE) at
 * the same moment: from then on no worker can hold them.  A look-up never
 * locks, never allocates.
 */
#ifndef ENGINE_SA_SAD_H
#define ENGINE_SA_SAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ipaddr.h"
#include "engine/sa/store.h"

struct sad;
struct sad_table;

/* One an engine.  NULL: no memory. */
struct sad *sad_new(struct store *s);
/* After all threads that used it ended.  Releases dead slots. */
void sad_free(struct sad *d);
/* Builds a new table if the slots changed, frees what nobody holds any more.
 * Any thread, outside a batch; at once true when another thread is at it.
 * False: no memory, the old table stays.  Workers call it at each batch; the
 * control thread calls it after it changed slots, and each second.  A build
 * walks all slots: with many of them there is a pause between two builds, a
 * millisecond for each SAD_SLOTS_PER_MS slots (a tenth of the time at most).
 * A killed SA stops at once all the same: users look at its state. */
#define SAD_SLOTS_PER_MS 1000
bool sad_refresh(struct sad *d, uint64_t now_ms);

/* The same without the pause, and it waits for a thread that is at it: when it
 * returns, what was in the slots when it was called is in the table. */
bool sad_catch_up(struct sad *d, uint64_t now_ms);

/* A worker's batch; between the two the table and its slots stay. */
const struct sad_table *sad_enter(struct sad *d, unsigned worker);
void sad_leave(struct sad *d, unsigned worker);
/* Changes whenever the table does. */
uint32_t sad_table_generation(const struct sad_table *t);

/* What a look-up finds: the slot and the generation it had in the table. */
struct sad_hit {
	struct sa *sa;
	uint32_t slot, generation;
};

/* The newest live SA of this SAID and protocol towards peer; one that was
 * replaced since the table was built, so that no packet falls between the two.
 * False: none. */
bool sad_out(const struct sad_table *t, uint32_t said, uint8_t protocol,
	     const struct ipaddr *peer, struct sad_hit *hit);
/* A live outbound SA by what an ICMP error quotes. */
bool sad_out_spi(const struct sad_table *t, uint8_t protocol, uint32_t spi,
		 const struct ipaddr *peer, struct sad_hit *hit);
/* The live inbound SA with this SPI; one whose addresses fit where several
 * have it.  *hit is set whenever the SPI is known.  The caller checks the
 * addresses (selector.h). */
bool sad_in(const struct sad_table *t, uint8_t protocol, uint32_t spi,
	    const struct ipaddr *local, const struct ipaddr *peer,
	    struct sad_hit *hit);

#endif
