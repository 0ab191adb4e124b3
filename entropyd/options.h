/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options: the command line of entropyd.
 *
 * Plain values that point into argv.  Main thread.  Never touches a file.
 */
#ifndef ENTROPYD_OPTIONS_H
#define ENTROPYD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entropyd/noise.h"

#define OPTIONS_CONFIG "/etc/nfipsec/nfipsec.conf"
#define OPTIONS_HWRNG  "/dev/hwrng"
/* Four places of the plan belong to hwrng, jitter, cpu and seed. */
#define OPTIONS_STREAMS_MAX (NOISE_MAX - 4)

enum options_mode {
	OPTIONS_DAEMON,
	OPTIONS_ONCE,
	OPTIONS_STDOUT,
	OPTIONS_RAW,
	OPTIONS_SHOW_STATUS,
	OPTIONS_HELP,
	OPTIONS_VERSION,
};

struct options {
	enum options_mode mode;
	const char *config; /* NULL: the usual one, if it is there */
	const char *run_dir, *state_dir;
	const char *hwrng; /* NULL: not said */
	bool no_kernel;
	uint64_t stdout_octets;
	const char *raw_source;
	uint64_t raw_samples;
	struct source streams[NOISE_MAX];
	size_t n_streams;
};

/* 0, or -EINVAL after a message. */
int options_parse(struct options *o, int argc, char **argv);
extern const char options_help[];

#endif
