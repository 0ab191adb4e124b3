/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entropystat: what entropyd says of itself (base/entropy.h), as lines of
 * keys and values.
 *
 * A struct entropystat owns the text; words and values point into it.  One
 * thread.  Never waits longer than ten seconds, and never fails for a line
 * that it does not know.
 */
#ifndef ENGINE_CLI_ENTROPYSTAT_H
#define ENGINE_CLI_ENTROPYSTAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"

#define ENTROPYSTAT_LINES 32
#define ENTROPYSTAT_PAIRS 24

struct entropystat_pair {
	const char *key, *value;
};

struct entropystat_line {
	const char *word; /* "source", "pool", ... */
	struct entropystat_pair pairs[ENTROPYSTAT_PAIRS];
	unsigned n;
};

struct entropystat {
	char text[ENTROPY_STATUS_MAX + 1];
	struct entropystat_line lines[ENTROPYSTAT_LINES];
	unsigned n;
};

/* Asks the entropyd of run_dir.  0; -ECONNREFUSED or -ENOENT: there is none;
 * -errno. */
int entropystat_read(struct entropystat *s, const char *run_dir);
/* Takes text (len octets, copied) apart. */
void entropystat_parse(struct entropystat *s, const char *text, size_t len);
/* NULL when there is no such line or key. */
const struct entropystat_line *entropystat_line(const struct entropystat *s,
						const char *word);
const char *entropystat_value(const struct entropystat_line *line,
			      const char *key);
uint64_t entropystat_number(const struct entropystat_line *line,
			    const char *key);
/* The entropyd_* families in OpenMetrics text on stdout; nothing when there
 * is no entropyd. */
void entropystat_metrics(const char *run_dir);

#endif
