/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kat: known-answer tests of every algorithm, run before the first packet.
 *
 * Constant data, and a function that needs nothing but suite.  Any thread.
 * The answers come from test/vector/oracle.py, which is written from the RFCs
 * alone and knows nothing of this code.
 */
#ifndef ENGINE_CRYPTO_KAT_H
#define ENGINE_CRYPTO_KAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/algo.h"

struct kat {
	enum algo enc, auth;
	bool esn;
	const char *answer; /* hex: the payload sealed, then its ICV */
};

const struct kat *kat_table(size_t *n);
/* 0, or -EPROTO with the name of the algorithm that gave a wrong answer, or
 * accepted a wrong ICV. */
int kat_run(const struct kat *kats, size_t n, const char **failed);

#endif
