/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nurse: starts the seed's process, as often as one is needed.
 *
 * That process alone may open files, in one directory; the pool may not, nor
 * what it forks.  So the nurse is forked before the pool's filter, keeps the
 * directory, and forks the seed's process whenever the pool sends it one end
 * of a socket pair: the other end is then as that of any sampler.  It never
 * reads or writes a file, and never starts a process beside one that is still
 * there.  When it is killed, the seed's process stays, and is the last one.
 */
#ifndef ENTROPYD_NURSE_H
#define ENTROPYD_NURSE_H

#include "entropyd/noise.h"
#include "entropyd/sampler.h"

/* Forks; takes `dir_fd` over, also on an error.  The pool's end, or -errno. */
int nurse_start(const struct source *seed, int dir_fd);
/* A process for *s, which has none.  Its first reply says how that went;
 * -EALREADY: the one before hangs.  0 or -errno; never waits. */
int nurse_ask(int nurse_fd, struct sampler *s);

#endif
