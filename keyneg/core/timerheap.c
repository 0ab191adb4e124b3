/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "keyneg/core/timerheap.h"

static void
put(struct timerheap *h, size_t i, struct timerheap_node *t)
{
	h->at[i] = t;
	t->place = i + 1;
}

static void
sift_up(struct timerheap *h, size_t i)
{
	struct timerheap_node *t = h->at[i];

	while (i != 0 && t->due_ms < h->at[(i - 1) / 2]->due_ms) {
		put(h, i, h->at[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(h, i, t);
}

static void
sift_down(struct timerheap *h, size_t i)
{
	struct timerheap_node *t = h->at[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n &&
		    h->at[child + 1]->due_ms < h->at[child]->due_ms)
			child++;
		if (h->at[child]->due_ms >= t->due_ms)
			break;
		put(h, i, h->at[child]);
		i = child;
	}
	put(h, i, t);
}

int
timerheap_set(struct timerheap *h, struct timerheap_node *t, uint64_t due_ms)
{
	if (t->place == 0) {
		if (h->n == h->cap) {
			size_t cap = h->cap == 0 ? 64 : h->cap * 2;
			struct timerheap_node **at = reallocarray(
			    h->at, cap, sizeof(struct timerheap_node *));

			if (at == NULL)
				return -ENOMEM;
			h->at = at;
			h->cap = cap;
		}
		put(h, h->n++, t);
	}
	t->due_ms = due_ms;
	sift_up(h, t->place - 1);
	sift_down(h, t->place - 1);
	return 0;
}

void
timerheap_cancel(struct timerheap *h, struct timerheap_node *t)
{
	size_t i = t->place;

	if (i-- == 0)
		return;
	t->place = 0;
	if (i == --h->n)
		return;
	put(h, i, h->at[h->n]);
	sift_up(h, i);
	sift_down(h, h->at[i]->place - 1);
}

struct timerheap_node *
timerheap_pop(struct timerheap *h, uint64_t now_ms)
{
	struct timerheap_node *t;

	if (h->n == 0 || h->at[0]->due_ms > now_ms)
		return NULL;
	t = h->at[0];
	timerheap_cancel(h, t);
	return t;
}

int64_t
timerheap_wait(const struct timerheap *h, uint64_t now_ms)
{
	if (h->n == 0)
		return -1;
	return h->at[0]->due_ms <= now_ms
		   ? 0
		   : (int64_t)(h->at[0]->due_ms - now_ms);
}

void
timerheap_fini(struct timerheap *h)
{
	free(h->at);
	*h = (struct timerheap){ 0 };
}
