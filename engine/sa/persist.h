/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * persist: what manual keys must remember longer than any process lives.
 *
 * Owns two files in the state directory:
 *   manual.starts  how many starts there were; written once a start
 *   manual.state   the same number, and per key and SPI: the numbers that are
 *                  reserved, or the right edge; written as traffic goes on
 * The supervisor's thread alone.  Never lets a number be used that the disk
 * does not know to be used: seq_limit moves after the file and its directory
 * are synced.  Each file is written whole beside the old one, synced, and
 * renamed over it; the generation before stays as FILE.old.
 *
 * The explicit IV of a manual key is the start's number, then the packets
 * since that start (sa.h), so no nonce comes twice while either file tells
 * how often we started: a lost or torn write of one is seen by the other.
 * One counter serves all keys; a new SPI for an old key is covered by it.
 * Sequence numbers go on behind a gap when manual.state is a write behind;
 * when neither of its generations can be read, manual keys are refused.
 *
 * What this does not survive: a state directory that goes back in time as a
 * whole (deleted, restored from a backup, a tmpfs over a reboot).
 */
#ifndef ENGINE_SA_PERSIST_H
#define ENGINE_SA_PERSIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/sa/store.h"

#define PERSIST_BLOCK      ((uint64_t)1 << 20) /* numbers reserved at a time */
#define PERSIST_STARTS_MAX (((uint32_t)1 << 20) - 1) /* fits the IV's top */
#define PERSIST_TICK_MS    100
#define PERSIST_EDGE_MS                                                        \
	1000 /* so much inbound traffic may be replayed                        \
	      * after a crash of the whole machine */

/* How a file gets to the disk and back: the seam for fault injection. */
struct persist_io {
	/* Durable when it returns 0; else -errno and the old file stands. */
	int (*replace)(void *ctx, int dir, const char *name, const void *octets,
		       size_t len);
	/* Octets read, at most cap; -ENOENT; -EFBIG when there is more. */
	ssize_t (*read)(void *ctx, int dir, const char *name, void *octets,
			size_t cap);
	void *ctx;
};

struct persist;

/* Reads the state directory (made, mode 0700, if missing).  io NULL: the real
 * disk.  Torn files are no error here but for the keys in them, later.
 * 0; -EBUSY: another process has it; other -errno. */
int persist_open(struct persist **out, const char *state_dir,
		 const struct persist_io *io);
void persist_free(struct persist *p);
/* Does the directory survive a reboot (no tmpfs, no ramfs, no overlay)? */
bool persist_is_durable(const struct persist *p);
/* The real disk. */
extern const struct persist_io persist_disk_io;

/* Prepares a manual SA's BUSY slot whose keys and direction are filled in:
 * outbound seq_next, seq_base, seq_limit, iv_start; inbound the edge, all
 * numbers up to it seen.  Not to be published before persist_sync returned 0.
 * An SA that had the same key is detached first.
 *   -EUCLEAN   the state files are damaged: whether the key was used before
 *              cannot be known
 *   -EOVERFLOW the start counter or the sequence numbers are used up
 *   -ENOMEM    */
int persist_attach(struct persist *p, struct store *s, uint32_t slot);
/* Makes everything attached durable.  0 or -errno: publish nothing then, but
 * call persist_detach. */
int persist_sync(struct persist *p);
/* The slot is dead and no worker sends by it any more: its last numbers are
 * kept.  Written by the next tick or close. */
void persist_detach(struct persist *p, const struct store *s, uint32_t slot);
/* A live manual SA that a predecessor attached and that no engine uses now:
 * the store is exact, whatever the disk says.  An outbound SA sends nothing
 * until the next tick has reserved numbers.  -EUCLEAN, -ENOMEM. */
int persist_adopt(struct persist *p, struct store *s, uint32_t slot);
/* Every PERSIST_TICK_MS: reserves where less than half a block is left, and
 * stores right edges.  0, or -errno of the write (told once by the caller;
 * tried again at the next tick; what was reserved may be used up). */
int persist_tick(struct persist *p, const struct store *s, uint64_t now_ms);
/* Clean stop, no engine alive: exact numbers.  0 or -errno. */
int persist_close(struct persist *p, const struct store *s);

#endif
