/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * intake: every source's process and state machine, and the way of samples
 * from them into the conditioner.
 *
 * Owns the samplers and feeders.  The pool's thread.  Never blocks; never
 * lets a sample of a failed batch into the conditioner with credit.
 */
#ifndef ENTROPYD_INTAKE_H
#define ENTROPYD_INTAKE_H

#include <poll.h>

#include "entropyd/conditioner.h"
#include "entropyd/feeder.h"
#include "entropyd/pool.h"
#include "entropyd/report.h"

struct intake;

/* NULL with errno.  The keeper opens what needs opening. */
struct intake *intake_new(const struct source *sources, size_t n, int keeper_fd,
			  struct conditioner *conditioner, struct pool *pool);
void intake_free(struct intake *in);

/* The seed's directory (taken over; -1: there is none): who starts processes
 * for it. */
void intake_start_seed(struct intake *in, int dir_fd, uint64_t now_ms);
/* The keeper's answer for source `i`; takes fd over. */
void intake_opened(struct intake *in, unsigned i, int err, enum nature nature,
		   int fd, uint64_t now_ms);
/* Does what every source's feeder says. */
void intake_run(struct intake *in, uint64_t now_ms, bool owed);
/* The pool itself was away until now: nobody is blamed for that time. */
void intake_excuse(struct intake *in, uint64_t now_ms);
void intake_round(struct intake *in);
uint64_t intake_wake_ms(const struct intake *in);

/* Room for NOISE_MAX; then, after poll, the same array back. */
size_t intake_poll(const struct intake *in, struct pollfd *fds);
void intake_serve(struct intake *in, const struct pollfd *fds, size_t n,
		  uint64_t now_ms);

/* May a seed be saved now; is one being saved? */
bool intake_can_save(const struct intake *in);
bool intake_saving(const struct intake *in);
/* Its process was lost, and nothing was saved since. */
bool intake_seed_lost(const struct intake *in);
bool intake_save(struct intake *in, const uint8_t *octets, size_t n,
		 uint64_t now_ms);

const struct feeder *intake_feeders(const struct intake *in);
struct report_seed intake_seed(const struct intake *in);

#endif
