/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * owners: which processes hold which sockets.
 *
 * Walks /proc once; what changes meanwhile may be missed.  Of processes that
 * the caller may not look into, nothing is known.  One thread.
 */
#ifndef ENGINE_CLI_OWNERS_H
#define ENGINE_CLI_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct owner {
	uint32_t inode; /* of the socket */
	int pid, fd;
	char command[32]; /* the process's name, no control characters */
	bool told;        /* for the caller, on the first of a socket's */
};

struct owners {
	struct owner *at; /* by inode, then process */
	size_t n, cap;
};

/* 0 or -errno. */
int owners_find(struct owners *o);
void owners_free(struct owners *o);
/* The first of a socket's, *n how many follow each other; NULL: none. */
struct owner *owners_of(const struct owners *o, uint32_t inode, size_t *n);

#endif
