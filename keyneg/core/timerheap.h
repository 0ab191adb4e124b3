/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timerheap: what falls due next, for any number of timers.
 *
 * A binary heap of nodes that their owners embed; it owns the array of
 * pointers, not the nodes.  One thread.  Never asks for the time: it is a
 * parameter, in milliseconds.
 */
#ifndef KEYNEG_CORE_TIMERHEAP_H
#define KEYNEG_CORE_TIMERHEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timerheap_node {
	uint64_t due_ms;
	size_t place; /* index in the heap + 1; 0: not set */
};

struct timerheap {
	struct timerheap_node **at;
	size_t n, cap;
};

/* Sets or moves a timer.  0, or -ENOMEM and the node is as it was. */
int timerheap_set(struct timerheap *h, struct timerheap_node *t,
		  uint64_t due_ms);
void timerheap_cancel(struct timerheap *h, struct timerheap_node *t);
/* Takes the earliest one that is due; NULL: none. */
struct timerheap_node *timerheap_pop(struct timerheap *h, uint64_t now_ms);
/* Milliseconds until the next one, 0 when it is due; -1: none. */
int64_t timerheap_wait(const struct timerheap *h, uint64_t now_ms);
void timerheap_fini(struct timerheap *h);

#endif
