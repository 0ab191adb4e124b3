/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rawout: raw samples of one source on stdout, for assessment elsewhere.
 *
 * Its own process, no pool, no conditioning, no tests.  Never shows samples
 * that the daemon uses.
 */
#ifndef ENTROPYD_RAWOUT_H
#define ENTROPYD_RAWOUT_H

#include "entropyd/noise.h"

/* Exit status: 0, or 1 after a message. */
int rawout_run(const struct source *source, uint64_t samples);

#endif
