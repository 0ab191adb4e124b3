/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * settings: the `entropy` block of the configuration that all daemons share.
 *
 * Plain values.  Main thread, before anything else runs.  The file holds
 * other daemons' keys: it is read by a child of its own that hands over this
 * block and ends, so that no key is ever in entropyd's memory.
 */
#ifndef ENTROPYD_SETTINGS_H
#define ENTROPYD_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"

#define SETTINGS_PATH_MAX 256

struct settings {
	char hwrng[SETTINGS_PATH_MAX]; /* empty: not written */
	bool no_kernel;
	struct {
		char name[16], path[SETTINGS_PATH_MAX];
		unsigned mbits;
	} streams[POLICY_STREAMS_MAX];
	size_t n_streams;
};

/* 0; -EINVAL: something is wrong with the file, and was said; -EIO: the child
 * did not end well. */
int settings_read(struct settings *s, const char *path);

#endif
