/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/cli/sockread.h"

#define PATIENCE_MS 10000

static int
connect_to(const char *run_dir, const char *name)
{
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, n, err;

	n = snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", run_dir, name);
	if (n < 0 || (size_t)n >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* A daemon that stands still accepts nobody: connect(2) would wait. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
			 sizeof(patience));
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	err = errno == EAGAIN ? -ETIMEDOUT : -errno;
	(void)close(fd);
	return err;
}

/* One read of what is there: octets, 0 at the end, or -errno. */
static ssize_t
read_more(int fd, char *to, size_t room, uint64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = clock_now_ms();
	ssize_t got;
	int n;

	n = now < until_ms ? poll(&p, 1, (int)(until_ms - now)) : 0;
	if (n == 0)
		return -ETIMEDOUT;
	got = n < 0 ? n : recv(fd, to, room, 0);
	return got < 0 ? -errno : got;
}

static int
slurp(int fd, size_t max, char **text, size_t *len)
{
	uint64_t until_ms = clock_now_ms() + PATIENCE_MS;
	size_t cap = 0;

	for (;;) {
		char *more = *text;
		ssize_t got;

		if (cap - *len < 2) {
			cap = cap == 0 ? 4096 : 2 * cap;
			more = realloc(*text, cap);
			if (more == NULL)
				return -ENOMEM;
			*text = more;
		}
		got = read_more(fd, more + *len, cap - *len - 1, until_ms);
		if (got == -EINTR)
			continue;
		if (got < 0)
			return (int)got;
		*len += (size_t)got;
		if (*len > max)
			return -EMSGSIZE;
		more[*len] = '\0';
		if (got == 0)
			return 0;
	}
}

int
sockread_all(const char *run_dir, const char *name, size_t max, char **text,
	     size_t *len)
{
	int fd = connect_to(run_dir, name), err;

	*text = NULL;
	*len = 0;
	if (fd < 0)
		return fd;
	err = slurp(fd, max, text, len);
	(void)close(fd);
	if (err != 0) {
		free(*text);
		*text = NULL;
	}
	return err;
}
