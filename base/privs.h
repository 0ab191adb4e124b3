/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privs: gives up what a process does not need, for good.
 *
 * Owns nothing.  Main thread, before other threads run.  Never gives a right
 * back, and never goes on with more rights than asked for: a caller that
 * gets an error must end.
 */
#ifndef BASE_PRIVS_H
#define BASE_PRIVS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Becomes `user`, with no supplementary groups and no capability; `nobody`
 * where that user does not exist.  Not root: stays who it is, which is no
 * error.  0 or -errno. */
int privs_become(const char *user);
/* Keeps these capabilities (CAP_...) alone, in the bounding set too where
 * that may still be changed.  None of them needs to be there.  0, -EPERM. */
int privs_keep(const int *caps, size_t n);

/* A system call that stays allowed.  With `test`, only when argument `arg`
 * (from 0) equals `value`. */
struct privs_call {
	int nr; /* SYS_... */
	bool test;
	uint8_t arg;
	uint64_t value;
};
/* No new privileges, not dumpable, and from now on these system calls alone;
 * any other one ends the process with SIGSYS.  A number may stand there more
 * than once with different tests.  Sanitizers need calls of their own: in
 * such builds there is no filter.  0 or -errno. */
int privs_confine(const struct privs_call *calls, size_t n);

#endif
