/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quality: what a source's start-up samples are worth at the very most.
 *
 * Pure; any thread.  Not an assessment (that is test/assess, on a million
 * samples): a ceiling found on this machine, today, in a few thousand
 * samples, which lowers the credit where a source is worse here than it was
 * where it was assessed.  It never raises it.
 */
#ifndef ENTROPYD_QUALITY_H
#define ENTROPYD_QUALITY_H

#include <stddef.h>
#include <stdint.h>

/* Min-entropy of a sample in thousandths of a bit: the lower of the most
 * common value estimate (SP 800-90B 6.3.1, upper end of its 99 % interval) of
 * the samples, and of the differences between neighbours, which finds
 * counters and ramps.  0 for n < 3. */
unsigned quality_estimate(const uint8_t *samples, size_t n);
/* The min-entropy by which the health tests judge the source: what it was
 * assessed at or what is stated for it (`assessed`), and at most half of the
 * estimate, because a full assessment of poor sources finds a third less than
 * these few samples show. */
unsigned quality_tested(unsigned assessed_mbits, unsigned estimate_mbits);
/* What may be credited: at most `ceiling`, at most a quarter of the estimate:
 * half of that half, because the rule is half of what was assessed. */
unsigned quality_credit(unsigned ceiling_mbits, unsigned estimate_mbits);

#endif
