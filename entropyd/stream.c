/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream: /dev/hwrng, or any other file, pipe or device that gives octets.
 * The descriptor does not block; a device without poll (hwrng) is asked again
 * every 20 ms.
 */
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "entropyd/noise.h"

#define PATIENCE_MS 1000
#define AGAIN_MS    20

static int
stream_open(struct noise *noise)
{
	return noise->fd >= 0 ? 0 : -EBADF;
}

static void
pause_ms(long ms)
{
	const struct timespec t = { .tv_nsec = ms * 1000000 };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static ssize_t
stream_read(struct noise *noise, uint8_t *samples, size_t n)
{
	uint64_t until = clock_now_ms() + PATIENCE_MS;
	size_t have = 0;

	while (have < n) {
		ssize_t got = read(noise->fd, samples + have, n - have);
		uint64_t now = clock_now_ms();
		struct pollfd p = { .fd = noise->fd, .events = POLLIN };

		if (got > 0) {
			have += (size_t)got;
			continue;
		}
		/* What came before the end of a device, or before its error,
		 * is not worth what its noise was. */
		if (got == 0)
			return -ENODATA;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (now >= until)
			break;
		if (poll(&p, 1, (int)(until - now)) > 0)
			pause_ms(AGAIN_MS);
	}
	return (ssize_t)have;
}

static void
stream_close(struct noise *noise)
{
	close(noise->fd);
	noise->fd = -1;
}

const struct source_kind stream_kind = {
	.open = stream_open,
	.read = stream_read,
	.close = stream_close,
	.needs_fd = true,
};
