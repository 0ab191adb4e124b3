/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seedfile: octets kept over a reboot, mixed in and never credited: a disk
 * can be copied, and a virtual machine be started twice from one image.  The
 * file is replaced whole: a full disk leaves the old one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "entropyd/noise.h"

#define SEED_FILE "seed"
#define SEED_NEW  "seed.new"

static int
seedfile_open(struct noise *noise)
{
	return noise->fd >= 0 ? 0 : -EBADF;
}

static ssize_t
seedfile_read(struct noise *noise, uint8_t *samples, size_t n)
{
	int fd = openat(noise->fd, SEED_FILE,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = read(fd, samples, n);
	if (got < 0)
		got = -errno;
	else if (got == 0)
		got = -ENODATA;
	close(fd);
	return got;
}

static int
write_new(int dir, const uint8_t *octets, size_t n)
{
	int fd =
	    openat(dir, SEED_NEW,
		   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t put;
	int err = 0;

	if (fd < 0)
		return -errno;
	put = write(fd, octets, n);
	if (put < 0)
		err = -errno;
	else if ((size_t)put != n)
		err = -ENOSPC;
	if (err == 0 && fsync(fd) != 0)
		err = -errno;
	close(fd);
	return err;
}

static int
seedfile_save(struct noise *noise, const uint8_t *octets, size_t n)
{
	int err = write_new(noise->fd, octets, n);

	if (err == 0 && renameat(noise->fd, SEED_NEW, noise->fd, SEED_FILE))
		err = -errno;
	if (err != 0)
		unlinkat(noise->fd, SEED_NEW, 0);
	else
		(void)fsync(noise->fd);
	return err;
}

static void
seedfile_close(struct noise *noise)
{
	close(noise->fd);
	noise->fd = -1;
}

const struct source_kind seedfile_kind = {
	.open = seedfile_open,
	.read = seedfile_read,
	.close = seedfile_close,
	.save = seedfile_save,
	.needs_fd = true,
};
