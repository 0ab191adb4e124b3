/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jitter: raw noise from how long the processor takes for the same work.
 *
 * Owns one block of memory that it walks through.  One thread at a time.
 * A sample is the low octet of one timing, in ticks of the timer's own step:
 * raw noise, not conditioned in any way, so that the estimators of
 * SP 800-90B see what the health tests see.  It never credits anything, and
 * never hides a timer that is too coarse: jitter_init refuses it.
 *
 * What makes the noise: a walk over memory whose lines are sent out of the
 * caches each time, and a run of additions, rotations and exclusive ors.  It
 * is the same walk and the same run for every sample; the memory controller,
 * its refresh, the pipeline, interrupts and neighbours shift the time.
 */
#ifndef ENTROPYD_JITTER_H
#define ENTROPYD_JITTER_H

#include <stddef.h>
#include <stdint.h>

#define JITTER_MEMORY (256u * 1024)

/* A counter of time; the unit does not matter.  Tests bring bad ones. */
typedef uint64_t jitter_timer(void *arg);

struct jitter {
	volatile uint8_t *memory; /* JITTER_MEMORY octets */
	unsigned walks;           /* through the memory, for one sample */
	uint64_t step;            /* greatest common divisor of all deltas */
	jitter_timer *timer;
	void *timer_arg;
};

/* Calibrates with up to 3000 timings that count for nothing else.  `timer` NULL
 * is the machine's best.  0, -ENOMEM, or -EOPNOTSUPP: the timer stands still,
 * runs backwards, or is so coarse that a sample shows less than one bit.
 * On an error nothing is left to free. */
int jitter_init(struct jitter *j, jitter_timer *timer, void *timer_arg);
void jitter_fini(struct jitter *j);
/* n samples; takes 2 to 300 microseconds each. */
void jitter_collect(struct jitter *j, uint8_t *samples, size_t n);

#endif
