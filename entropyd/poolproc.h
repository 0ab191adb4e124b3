/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * poolproc: the process that has the pool: its loop, from start to stop.
 *
 *   samplers --samples--> feeder (health, credit) --> conditioner
 *     one process each                                    | 256-bit blocks
 *                            keeper --> the kernel <------+------> pool -->
 * outlet
 *
 * Owns everything that entropyd has in memory.  One thread.  Unprivileged,
 * under a filter.  Never waits for a source, the keeper, a disk or a client.
 * A block goes to the kernel or into the pool, never to both.
 */
#ifndef ENTROPYD_POOLPROC_H
#define ENTROPYD_POOLPROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "entropyd/outlet.h"
#include "entropyd/noise.h"

struct poolproc_plan {
	const struct source *sources;
	size_t n_sources;
	int keeper_fd;
	pid_t keeper_pid;
	bool credits; /* the kernel gets blocks */
	bool serves;  /* there are sockets */
	int listeners[OUTLET_KINDS];
	bool once;              /* one block to the kernel, then end */
	uint64_t stdout_octets; /* not 0: write them, then end */
	int seed_fd;            /* the seed's directory, -1: none */
};

/* The pool's whole life after the fork; returns the exit status. */
int poolproc_run(const struct poolproc_plan *plan);

#endif
