/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nfqueue: what the kernel says about its queues.
 *
 * Reads /proc/net/netfilter/nfnetlink_queue, a line a queue.  Owns nothing;
 * any thread.
 */
#ifndef ENGINE_CTL_NFQUEUE_H
#define ENGINE_CTL_NFQUEUE_H

#include <stddef.h>
#include <stdint.h>

#define NFQUEUE_PROC     "/proc/self/net/netfilter/nfnetlink_queue"
#define NFQUEUE_ROWS_MAX 64
/* What a sender has marked is in its queue by then. */
#define NFQUEUE_SETTLE_MS 20

struct nfqueue_row {
	uint32_t number;
	uint32_t length;       /* packets waiting now */
	uint64_t kernel_drops; /* the queue was full */
	uint64_t user_drops;   /* the socket's buffer was full */
	uint32_t last_id;      /* of the last packet that was queued */
};

/* Parses the file's text; lines it does not understand are skipped.  Returns
 * how many rows were filled. */
unsigned nfqueue_parse(const char *text, size_t len, struct nfqueue_row *rows,
		       unsigned max);
/* Reads the open file anew.  Returns rows; 0 too when it can't be read. */
unsigned nfqueue_read(int fd, struct nfqueue_row *rows, unsigned max);

#endif
