/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timing: the processor's jitter as a source of the table. */
#include "entropyd/noise.h"

static int
timing_open(struct noise *noise)
{
	return jitter_init(&noise->jitter, NULL, NULL);
}

static ssize_t
timing_read(struct noise *noise, uint8_t *samples, size_t n)
{
	jitter_collect(&noise->jitter, samples, n);
	return (ssize_t)n;
}

static void
timing_close(struct noise *noise)
{
	jitter_fini(&noise->jitter);
}

const struct source_kind timing_kind = {
	.open = timing_open,
	.read = timing_read,
	.close = timing_close,
};
