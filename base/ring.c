/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ring.h"

int
ring_init(struct ring *r, size_t each, uint32_t size)
{
	memset(r, 0, sizeof(*r));
	if (size == 0 || (size & (size - 1)) != 0)
		return -EINVAL;
	r->octets = calloc(size, each);
	if (r->octets == NULL)
		return -ENOMEM;
	r->each = each;
	r->size = size;
	return 0;
}

void
ring_fini(struct ring *r)
{
	free(r->octets);
	r->octets = NULL;
}

bool
ring_put(struct ring *r, const void *element)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail - atomic_load_explicit(&r->head, memory_order_acquire) ==
	    r->size) {
		atomic_fetch_add_explicit(&r->refused, 1, memory_order_relaxed);
		return false;
	}
	memcpy(r->octets + (tail & (r->size - 1)) * r->each, element, r->each);
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	return true;
}

bool
ring_get(struct ring *r, void *element)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head == atomic_load_explicit(&r->tail, memory_order_acquire))
		return false;
	memcpy(element, r->octets + (head & (r->size - 1)) * r->each, r->each);
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}
