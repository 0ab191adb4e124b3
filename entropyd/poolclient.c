/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/entropy.h"
#include "entropyd/poolclient.h"

int
poolclient_connect(const char *run_dir, const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", run_dir, name);
	if (n < 0 || (size_t)n >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int
poolclient_ask(int fd, size_t n)
{
	const uint8_t request[2] = { (uint8_t)(n >> 8), (uint8_t)n };

	if (n == 0 || n > ENTROPY_REQUEST_MAX)
		return -EINVAL;
	return send(fd, request, sizeof(request), MSG_NOSIGNAL) ==
		       (ssize_t)sizeof(request)
		   ? 0
		   : -EPIPE;
}

int
poolclient_wait(int fd, uint8_t *out, size_t left, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t got;

	if (poll(&p, 1, wait_ms) <= 0)
		return 0;
	got = recv(fd, out, left, MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return got == 0 ? -EPIPE : (int)got;
}

bool
poolclient_ready(const char *run_dir)
{
	/* EGD's "how many bits": 0 while the pool is not ready. */
	const uint8_t request = 0;
	uint8_t bits[4] = { 0 };
	size_t have = 0;
	int fd = poolclient_connect(run_dir, ENTROPY_EGD_SOCKET);

	if (fd < 0)
		return false;
	if (send(fd, &request, 1, MSG_NOSIGNAL) == 1) {
		while (have < sizeof(bits)) {
			int got = poolclient_wait(fd, bits + have,
						  sizeof(bits) - have, 1000);

			if (got <= 0)
				break;
			have += (size_t)got;
		}
	}
	close(fd);
	return have == sizeof(bits) &&
	       (bits[0] | bits[1] | bits[2] | bits[3]) != 0;
}
