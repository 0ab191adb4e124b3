/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring: a queue of equal elements from one thread to one other.
 *
 * Owns its memory.  ring_put from the one thread, ring_get from the other,
 * neither ever waits or allocates.  A full ring refuses and counts.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	uint8_t *octets;
	size_t each;                        /* octets of an element */
	uint32_t size;                      /* elements, a power of two */
	_Alignas(64) _Atomic uint32_t head; /* next to be got */
	_Alignas(64) _Atomic uint32_t tail; /* next to be put */
	_Atomic uint64_t refused;
};

/* 0, -EINVAL (size is no power of two), -ENOMEM. */
int ring_init(struct ring *r, size_t each, uint32_t size);
void ring_fini(struct ring *r);
bool ring_put(struct ring *r, const void *element);
bool ring_get(struct ring *r, void *element);

#endif
