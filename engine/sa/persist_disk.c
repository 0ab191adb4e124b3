/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/writeall.h"
#include "engine/sa/persist.h"

/* Readers find either generation whole at any instant: the new one gets its
 * name only when its octets are on the disk. */
static int
disk_replace(void *ctx, int dir, const char *name, const void *octets,
	     size_t len)
{
	char fresh[64], old[64];
	int fd, err;

	snprintf(fresh, sizeof(fresh), "%s.new", name);
	snprintf(old, sizeof(old), "%s.old", name);
	fd =
	    openat(dir, fresh,
		   O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, octets, len);
	if (err == 0 && fsync(fd) < 0)
		err = -errno;
	if (close(fd) < 0 && err == 0)
		err = -errno;
	if (err < 0)
		goto no_file;
	if (unlinkat(dir, old, 0) < 0 && errno != ENOENT)
		goto no_name;
	if (linkat(dir, name, dir, old, 0) < 0 && errno != ENOENT)
		goto no_name;
	if (renameat(dir, fresh, dir, name) < 0)
		goto no_name;
	return fsync(dir) < 0 ? -errno : 0;
no_name:
	err = -errno;
no_file:
	unlinkat(dir, fresh, 0);
	return err;
}

static ssize_t
disk_read(void *ctx, int dir, const char *name, void *octets, size_t cap)
{
	uint8_t *at = octets;
	size_t got = 0;
	ssize_t n;
	int fd, err = 0;

	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	while (got < cap) {
		n = read(fd, at + got, cap - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	close(fd);
	if (err < 0)
		return err;
	return got == cap ? -EFBIG : (ssize_t)got;
}

const struct persist_io persist_disk_io = {
	.replace = disk_replace,
	.read = disk_read,
};
