/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nlq_verdict: verdicts on many packets of one queue, for one write(2).
 *
 * A builder over a caller's buffer.  One thread.  A replacing verdict's payload
 * is made where it will be sent from: nlq_verdict_open says where,
 * nlq_verdict_replace makes a verdict of it.  A verdict's netlink sequence
 * number is the packet's id, so that the kernel's errors name it.
 */
#ifndef ENGINE_NFQ_NLQ_VERDICT_H
#define ENGINE_NFQ_NLQ_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of a verdict around its payload, alignment included. */
#define NLQ_VERDICT_OCTETS 64

struct nlq_verdict {
	uint8_t *buf;
	size_t cap, len;
	unsigned count; /* packets judged in it */
	uint16_t queue;
};

void nlq_verdict_init(struct nlq_verdict *v, void *buf, size_t cap,
		      uint16_t queue);
/* Forgets what was sent. */
void nlq_verdict_reset(struct nlq_verdict *v);
/* Is there room for one more, with so much payload? */
bool nlq_verdict_fits(const struct nlq_verdict *v, size_t payload);
/* The caller asked nlq_verdict_fits before each of these. */
void nlq_verdict_drop(struct nlq_verdict *v, uint32_t id);
void nlq_verdict_accept(struct nlq_verdict *v, uint32_t id);
/* Dropped if it still waits: the kernel answers (NLQ_DONE) when it did, with
 * an error when there is no such packet; both with id 0. */
void nlq_verdict_drop_asked(struct nlq_verdict *v, uint32_t id);
/* Everything waiting with an id up to this one is dropped; an error with id 0
 * when there was nothing. */
void nlq_verdict_drop_upto(struct nlq_verdict *v, uint32_t id);
/* Where the next verdict's payload goes, and how much fits there. */
uint8_t *nlq_verdict_open(const struct nlq_verdict *v, size_t *cap);
/* Accepted with len octets at that place, and this mark. */
void nlq_verdict_replace(struct nlq_verdict *v, uint32_t id, uint32_t mark,
			 size_t len);
/* The message that starts at *at, its id, and *at moved behind it; 0: none. */
size_t nlq_verdict_next(const struct nlq_verdict *v, size_t *at,
			const uint8_t **msg, uint32_t *id);

#endif
