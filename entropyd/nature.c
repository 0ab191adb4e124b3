/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "entropyd/nature.h"

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

/* Memory devices: null, zero, full, kmsg; 8 is random, 9 urandom. */
#define MEM_MAJOR 1

#define MISC_MAJOR  10
#define HWRNG_MINOR 183

/* The number of a CUSE device is any; its class says what it is.  Without
 * /sys any device may be one, but the kernel's own. */
static bool
is_cuse(dev_t device)
{
	char path[64], class[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/subsystem",
		 major(device), minor(device));
	n = readlinkat(AT_FDCWD, path, class, sizeof(class));
	if (n < 0)
		return device != makedev(MISC_MAJOR, HWRNG_MINOR);
	return n >= 5 && memcmp(class + n - 5, "/cuse", 5) == 0;
}

enum nature
nature_of(int fd)
{
	struct stat st;
	struct statfs fs;

	if (fstat(fd, &st) != 0)
		return NATURE_STORED; /* what can't be looked at */
	if (S_ISCHR(st.st_mode)) {
		if (major(st.st_rdev) == MEM_MAJOR)
			return NATURE_KERNEL;
		return is_cuse(st.st_rdev) ? NATURE_PROGRAM : NATURE_NOISE;
	}
	if (S_ISFIFO(st.st_mode))
		return NATURE_NOISE;
	if (fstatfs(fd, &fs) != 0)
		return NATURE_STORED;
	if (fs.f_type == PROC_SUPER_MAGIC)
		return NATURE_KERNEL; /* sys/kernel/random/uuid */
	/* A file system of a program's, and no size: made as it is read. */
	return fs.f_type == FUSE_SUPER_MAGIC && S_ISREG(st.st_mode) &&
		       st.st_size == 0
		   ? NATURE_NOISE
		   : NATURE_STORED;
}

const char *
nature_text(enum nature nature)
{
	switch (nature) {
	case NATURE_NOISE:
		return "a device or a pipe";
	case NATURE_KERNEL:
		return "the kernel's own, no noise";
	case NATURE_PROGRAM:
		return "made by a program, as entropyd's own device is";
	case NATURE_STORED:
		break;
	}
	return "stored, the same at the next start";
}
