/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report: the daemon's state as the text that base/entropy.h describes.
 *
 * Pure: reads what it is given, writes text.  Never shows an octet of the
 * pool or of a sample.
 */
#ifndef ENTROPYD_REPORT_H
#define ENTROPYD_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "entropyd/feeder.h"
#include "entropyd/outlet.h"
#include "entropyd/pool.h"

/* What happened with the kernel's credit. */
struct report_kernel {
	uint64_t credits, credited_bits;
	uint64_t last_ms; /* 0: never */
	int error;        /* errno of the last try, 0 */
};

struct report_seed {
	bool saved;
	int error; /* errno of the last save, 0 */
};

struct report {
	const struct feeder *feeders;
	size_t n_feeders;
	struct pool_counts pool;
	bool pool_ready;
	bool locked; /* all memory that holds secrets */
	struct report_kernel kernel;
	struct outlet_counts clients;
	struct report_seed seed;
	int pid;
	uint64_t started_ms;
};

/* Octets written; what does not fit in size is left out by whole lines. */
size_t report_write(const struct report *r, uint64_t now_ms, char *text,
		    size_t size);

#endif
