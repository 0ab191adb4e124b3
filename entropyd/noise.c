/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entropyd/noise.h"

/*
 * Credits, in thousandths of a bit a sample (an octet).
 *  hwrng   what the kernel's drivers hand out is conditioned more often than
 *          not, so no estimator can look behind it; virtio's comes from the
 *          host.  1.5 of 8 bits: it is the host's word.
 *  jitter  entropyd(8) gives the assessment.  1 bit is far
 *          below half of the lowest estimate seen; quality_credit() goes
 *          lower where a machine is quieter.
 *  cpu     sealed in the processor, nothing to assess: 1 bit in 64 with
 *          rdseed, none with rdrand alone (cpurand.c says which).
 *  seed    was on a disk: none.
 *
 * And what the health tests go by (health.h), before the start-up lowers it:
 *  hwrng, cpu, streams  what is stated for them, for nothing else is known:
 *                       the credit itself (H_submitter of SP 800-90B 3.1.3);
 *                       half of the start-up's estimate where nothing is
 *                       credited;
 *  jitter               the lowest assessment on hardware, 4.5 bits.
 */
#define HWRNG_MBITS           1500
#define JITTER_MBITS          1000
#define JITTER_ASSESSED_MBITS 4500

/* At least 1024 (SP 800-90B 4.3 no. 8); four times that, so that
 * quality_estimate has something to count. */
#define STARTUP 4096

static void
fill(struct source *s, const char *name, const struct source_kind *kind,
     const char *path, unsigned mbits, unsigned batch)
{
	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->kind = kind;
	s->path = path;
	s->ceiling_mbits = mbits;
	s->assessed_mbits = mbits != 0 ? mbits : NOISE_MBITS_MAX;
	s->startup = STARTUP;
	s->batch = batch;
}

/* A batch alone is worth a block of the conditioner (320 bits) with some to
 * spare. */
void
noise_hwrng(struct source *s, const char *path)
{
	fill(s, "hwrng", &stream_kind, path, HWRNG_MBITS, 256);
}

void
noise_jitter(struct source *s)
{
	fill(s, "jitter", &timing_kind, NULL, JITTER_MBITS, 400);
	s->assessed_mbits = JITTER_ASSESSED_MBITS;
}

void
noise_seed(struct source *s, const char *directory)
{
	fill(s, "seed", &seedfile_kind, directory, 0, 64);
	s->startup = 0;
}

int
noise_stream(struct source *s, char *spec)
{
	char *equals = strchr(spec, '='), *comma, *end;
	double bits = 0;

	if (equals == NULL || equals == spec ||
	    equals - spec > NOISE_NAME_MAX || equals[1] != '/')
		return -EINVAL;
	for (const char *at = spec; at < equals; at++)
		if (!islower((unsigned char)*at) &&
		    !isdigit((unsigned char)*at) && *at != '-')
			return -EINVAL;
	comma = strrchr(equals, ',');
	if (comma != NULL) {
		bits = strtod(comma + 1, &end);
		if (end == comma + 1 || *end != '\0' || !(bits >= 0) ||
		    bits > 8)
			return -EINVAL;
		*comma = '\0';
	}
	*equals = '\0';
	noise_stream_parts(s, spec, equals + 1, (unsigned)(bits * 1000));
	return 0;
}

void
noise_stream_parts(struct source *s, const char *name, const char *path,
		   unsigned mbits)
{
	fill(s, name, &stream_kind, path, mbits, 512);
}
