/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper: the one process with a capability, and the pool's end of it.
 *
 * It stays root with CAP_SYS_ADMIN alone, reads a handful of fixed requests
 * from the pool, and nothing from anybody else:
 *   CREDIT  32 octets, 256 bits: RNDADDENTROPY and RNDRESEEDCRNG
 *   OPEN    a source of the plan by number; the descriptor comes back
 *   READY   tell systemd; ALIVE the same for its watchdog
 * It never sees a path, a length or a number of bits that the pool chose.
 * When either of the two ends, so does the other.
 *
 * A process of its own opens a device, for that may hang: after 4 s it is
 * ended, and where the kernel does not let it end no other one is made.
 */
#ifndef ENTROPYD_KEEPER_H
#define ENTROPYD_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "entropyd/nature.h"
#include "entropyd/noise.h"

enum keeper_op { KEEPER_CREDIT = 1, KEEPER_OPEN, KEEPER_READY, KEEPER_ALIVE };

#define KEEPER_BLOCK 32 /* octets, worth 8 bits each */

struct keeper_request {
	uint8_t op, source, zero[2];
	uint8_t block[KEEPER_BLOCK];
};

struct keeper_reply {
	uint8_t op, source;
	uint8_t nature; /* of what OPEN opened, an enum nature */
	uint8_t zero;
	int32_t err; /* 0 or -errno; of OPEN also -ETIMEDOUT (it hung) and
		      * -EALREADY (the one before still does) */
};

struct keeper_plan {
	const struct source *sources;
	size_t n_sources;
	bool credits;  /* not with --no-kernel */
	int kernel_fd; /* /dev/random, -1 */
};

/* The keeper's whole life after the fork; returns the exit status. */
int keeper_run(const struct keeper_plan *plan, int fd, pid_t pool);

/* The pool's half; none blocks.  0 or -errno. */
int keeper_credit(int fd, const uint8_t block[KEEPER_BLOCK]);
int keeper_open(int fd, unsigned source);
int keeper_ready(int fd);
int keeper_alive(int fd);
/* One reply; *source_fd is -1 or a descriptor now owned by the caller.
 * -EAGAIN, -EPIPE: the keeper is gone, -EPROTO. */
int keeper_reply(int fd, struct keeper_reply *reply, int *source_fd);

#endif
