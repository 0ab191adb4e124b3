/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/wholefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/writeall.h"

static int
open_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int
wholefile_save(const char *dir, const char *name, const char *text)
{
	int at = open_dir(dir), fd, err;
	char new[NAME_MAX];

	if (at < 0)
		return at;
	(void)snprintf(new, sizeof(new), "%s.new", name);
	fd =
	    openat(at, new,
		   O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = fd < 0 ? -errno : write_all(fd, text, strlen(text));
	if (err == 0 && fsync(fd) != 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (err == 0 && renameat(at, new, at, name) != 0)
		err = -errno;
	if (err != 0)
		(void)unlinkat(at, new, 0);
	else if (fsync(at) != 0)
		err = -errno;
	close(at);
	return err;
}

int
wholefile_forget(const char *dir, const char *name)
{
	int at = open_dir(dir), err = 0;

	if (at < 0)
		return at;
	if (unlinkat(at, name, 0) != 0 && errno != ENOENT)
		err = -errno;
	(void)fsync(at);
	close(at);
	return err;
}

int
wholefile_read(const char *dir, const char *name, size_t most, char **text)
{
	int at = open_dir(dir), fd, err = 0;
	struct stat st;
	ssize_t got;

	if (at < 0)
		return at;
	fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		err = -errno;
	close(at);
	if (err != 0)
		return err;
	*text = NULL;
	if (fstat(fd, &st) != 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode) || (size_t)st.st_size > most)
		err = -EBADMSG;
	else if ((*text = calloc(1, (size_t)st.st_size + 1)) == NULL)
		err = -ENOMEM;
	else if ((got = read(fd, *text, (size_t)st.st_size)) != st.st_size)
		err = got < 0 ? -errno : -EBADMSG;
	close(fd);
	if (err != 0)
		free(*text);
	return err;
}
