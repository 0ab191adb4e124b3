/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A library keeps no connection and no reserve in somebody's process (it may
 * fork, have threads, close all descriptors): each call asks the pool anew,
 * and does without where that takes long.  The protocol: base/entropy.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/entropy.h"
#include "base/secret.h"
#include "engine/client/nfipsec.h"
#include "engine/client/run_dir.h"

#define PIECE   256 /* octets asked for at a time */
#define WAIT_MS 100 /* in all */

static int
reach_pool(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", run_dir_get(),
		     ENTROPY_SOCKET);
	if (n < 0 || (size_t)n >= sizeof(at.sun_path))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Mixes n octets of the pool into out; false: it is not asked again. */
static bool
mix(int fd, uint8_t *out, size_t n, uint64_t end_ms)
{
	const uint8_t request[2] = { (uint8_t)(n >> 8), (uint8_t)n };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t got[PIECE];
	size_t have = 0;
	ssize_t r;

	if (send(fd, request, sizeof(request), MSG_NOSIGNAL) !=
	    (ssize_t)sizeof(request))
		return false;
	while (have < n) {
		uint64_t now = now_ms();

		if (now >= end_ms || poll(&p, 1, (int)(end_ms - now)) <= 0)
			break;
		r = recv(fd, got + have, n - have, 0);
		if (r <= 0)
			break;
		have += (size_t)r;
	}
	for (size_t i = 0; i < have; i++)
		out[i] ^= got[i];
	secret_wipe(got, sizeof(got));
	return have == n;
}

static int
fill(uint8_t *out, size_t n)
{
	while (n != 0) {
		ssize_t got = getrandom(out, n, 0);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got < 0)
			continue;
		out += got;
		n -= (size_t)got;
	}
	return 0;
}

int
nfipsec_random(void *buf, size_t len)
{
	uint64_t end_ms = now_ms() + WAIT_MS;
	uint8_t *at = buf;
	int err = fill(at, len), fd;
	size_t n;

	if (err < 0 || len == 0)
		return err;
	fd = reach_pool();
	for (bool more = fd >= 0; more && len != 0; at += n, len -= n) {
		n = len < PIECE ? len : PIECE;
		more = mix(fd, at, n, end_ms);
	}
	if (fd >= 0)
		close(fd);
	return 0;
}
