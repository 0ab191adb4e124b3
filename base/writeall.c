/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/writeall.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

int
write_all(int fd, const void *octets, size_t len)
{
	const uint8_t *at = octets;

	while (len != 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}
