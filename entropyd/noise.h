/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * noise: the table of noise sources, and one opened source.
 *
 * A struct source is a line of the daemon's plan (what to read, how much it
 * may be credited); a struct noise is what its own process holds open.  The
 * functions of a kind run in that process alone and may block; the pool never
 * calls them.  No kind judges its own samples.
 */
#ifndef ENTROPYD_NOISE_H
#define ENTROPYD_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "entropyd/jitter.h"

#define NOISE_MAX       8
#define NOISE_NAME_MAX  15
#define NOISE_BATCH_MAX 4096 /* octets of one reading */
#define NOISE_MBITS_MAX 8000 /* of a sample, an octet */

struct source;

/* What a source's process holds. */
struct noise {
	const struct source *source;
	int fd; /* of a stream, or the seed's directory; -1 */
	struct jitter jitter;
};

struct source_kind {
	/* Takes over noise->fd.  0 or -errno; -EOPNOTSUPP: not on this
	 * machine. */
	int (*open)(struct noise *noise);
	/* 1..n samples, fewer when it takes longer than a second; 0: nothing
	 * came in that second; -ENODATA: the end, unplugged; -errno. */
	ssize_t (*read)(struct noise *noise, uint8_t *samples, size_t n);
	void (*close)(struct noise *noise);
	/* Keeps octets for the next start; NULL for all but the seed. */
	int (*save)(struct noise *noise, const uint8_t *octets, size_t n);
	bool needs_fd; /* the pool gets one from the keeper */
};

struct source {
	char name[NOISE_NAME_MAX + 1];
	const struct source_kind *kind;
	const char *path;        /* of a stream or the seed's directory */
	unsigned ceiling_mbits;  /* credit of a sample at the very most */
	unsigned assessed_mbits; /* entropy by which it is tested, at most */
	unsigned startup;        /* samples of the start-up test */
	unsigned batch;          /* samples of a reading after that */
	bool paced;              /* one batch a round, however much is owed */
};

extern const struct source_kind stream_kind;   /* stream.c */
extern const struct source_kind timing_kind;   /* timing.c: jitter */
extern const struct source_kind cpurand_kind;  /* cpurand.c */
extern const struct source_kind seedfile_kind; /* seedfile.c */

/* Each fills in one line of the plan; 0 or -EINVAL (name or credit). */
void noise_hwrng(struct source *s, const char *path);
void noise_jitter(struct source *s);
void noise_cpu(struct source *s);
void noise_seed(struct source *s, const char *directory);
/* "NAME=PATH" or "NAME=PATH,BITS": BITS per octet, 0..8 with a fraction; none
 * is none.  `spec` is taken apart in place and must stay. */
int noise_stream(struct source *s, char *spec);
/* The same with its parts given: they have been looked at. */
void noise_stream_parts(struct source *s, const char *name, const char *path,
			unsigned mbits);

#endif
