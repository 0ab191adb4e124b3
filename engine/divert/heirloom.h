/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * heirloom: what a supervisor leaves its successor about the tables, in one
 * memfd.
 *
 *	+--------------------+------+-----------+------------+
 *	| struct heirloom    | uids | main text | guard text |
 *	+--------------------+------+-----------+------------+
 *
 * Both are the same program or versions of it; the reader takes nothing whose
 * magic, layout or lengths it does not know.  One thread.
 */
#ifndef ENGINE_DIVERT_HEIRLOOM_H
#define ENGINE_DIVERT_HEIRLOOM_H

#include <stdint.h>

#include "engine/divert/sysctls.h"
#include "engine/divert/table.h"

#define HEIRLOOM_MAGIC  0x6e667462u /* "nftb" */
#define HEIRLOOM_LAYOUT 2u          /* +1 whenever the struct changes */

struct heirloom {
	uint32_t magic, layout;
	uint32_t variant, said_mask;
	int32_t sysctls[SYSCTLS];
	uint32_t workers;
	uint32_t first_queue[NFTGEN_QUEUES];
	uint32_t n_uids, main_octets, guard_octets;
};

/* Makes *fd, close-on-exec, or writes it anew if it is not -1: whoever has a
 * descriptor of it reads what is true now, or what is cut short and no use.
 * The three lengths in `h` are of the three pieces.  0 or -errno. */
int heirloom_write(const struct heirloom *h, const uint32_t *uids,
		   const char *main, const char *guard, int *fd);
/* Reads from the start of fd.  The pieces are malloc'd, texts with a final 0.
 * -EPROTO: not understood. */
int heirloom_read(int fd, struct heirloom *h, uint32_t **uids, char **main,
		  char **guard);

#endif
