/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sampler: the process that holds one source, and the pool's end of it.
 *
 * Every source has a process of its own: a device that hangs, or a driver
 * that never returns, stops that process and nobody else.  It runs as the
 * pool's user under a filter of its own, cannot see the pool's memory
 * (MADV_DONTFORK) and speaks with the pool over one SOCK_SEQPACKET pair:
 *
 *   request  | op (1) | 0 | count (2) | octets to save (count, op SAVE) |
 *   reply    | err (4, 0 or -errno) | samples (0..NOISE_BATCH_MAX) |
 *
 * in the host's byte order.  The first reply comes unasked: how the opening
 * went.  The pool's functions never block.
 */
#ifndef ENTROPYD_SAMPLER_H
#define ENTROPYD_SAMPLER_H

#include "entropyd/noise.h"

struct sampler {
	pid_t pid;     /* 0: none, or the nurse's child */
	pid_t leaving; /* killed and not gone yet; 0: none */
	int fd;        /* the pool's end, -1 */
};

/* What a reply holds. */
struct sampler_reply {
	int err;
	size_t n;
	uint8_t samples[NOISE_BATCH_MAX];
};

/* Forks.  Takes `source_fd` over (-1 for none), also on an error.  0 or
 * -errno. */
int sampler_start(struct sampler *s, const struct source *source,
		  int source_fd);
/* Kills it and closes.  It is `leaving` until sampler_gone has seen it go: one
 * that hangs in a driver does not go, and no other may be started beside it,
 * or there would be more of them with every try. */
void sampler_stop(struct sampler *s);
/* Is nobody there any more?  Call it now and then. */
bool sampler_gone(struct sampler *s);
/* -EAGAIN when the process is not taking requests; -errno. */
int sampler_ask(struct sampler *s, size_t n);
int sampler_save(struct sampler *s, const uint8_t *octets, size_t n);
/* -EAGAIN: nothing there; -EPIPE: the process is gone; -EPROTO. */
int sampler_reply(struct sampler *s, struct sampler_reply *reply);

/* The other side.  A source's whole life in its process: answers requests on
 * fd until that ends. */
void sampler_work(const struct source *source, int fd, int source_fd);
/* In its place: the opening failed. */
void sampler_refuse(int fd, int err);
/* Everything but the two descriptors and stderr goes. */
void sampler_close_others(int a, int b);

#endif
