/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conditioner: raw samples in, blocks of 256 credited bits out.
 *
 * HMAC-SHA-256, a vetted conditioning component of SP 800-90B 3.1.5.1.1, over
 * everything that came in since the last block.  The struct goes into memory
 * fit for secrets.  One thread.  Never hands out a block before CONDITIONER_IN
 * bits were credited, and never counts a sample twice: what went into a block
 * is gone.  64 bits more go in than come out, so that a block has all but
 * 2^-64 of full entropy (3.1.5.1.2 with the margin of SP 800-90C).
 */
#ifndef ENTROPYD_CONDITIONER_H
#define ENTROPYD_CONDITIONER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONDITIONER_OCTETS 32
#define CONDITIONER_BITS   256 /* credited to a block */
#define CONDITIONER_IN     320 /* bits credited to what goes in */
#define CONDITIONER_BUFFER 16384

struct conditioner {
	uint8_t key[CONDITIONER_OCTETS];
	uint8_t buffer[CONDITIONER_BUFFER];
	size_t n;
	uint64_t credited_mbits;
};

/* The key need not be secret; a fresh one from the kernel keeps two machines
 * with broken sources apart. */
void conditioner_init(struct conditioner *c,
		      const uint8_t key[CONDITIONER_OCTETS]);
/* n octets of source `id`, worth `mbits` thousandths of a bit together; 0 is
 * right for whatever was not assessed.  A full buffer is folded into 32
 * octets, with 192 bits of its credit at most.  0 or -ENOMEM. */
int conditioner_add(struct conditioner *c, uint8_t id, const uint8_t *octets,
		    size_t n, uint64_t mbits);
bool conditioner_ready(const struct conditioner *c);
/* One block; -EAGAIN when not ready, -ENOMEM. */
int conditioner_take(struct conditioner *c, uint8_t out[CONDITIONER_OCTETS]);
/* Nobody wants a block: what came is mixed into the next one and counts for
 * nothing.  Credit that is kept would be spent twice by two clones of a virtual
 * machine, and each is given for noise that the other has, too. */
void conditioner_rest(struct conditioner *c);
void conditioner_wipe(struct conditioner *c);

#endif
