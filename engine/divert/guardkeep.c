/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/divert/guardkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/divert/nftctx.h"
#include "engine/divert/tabledump.h"
#include "policy/nftgen.h"

#define GUARDKEEP_NEW GUARDKEEP_FILE ".new"
#define TEXT_MAX      (64 << 20) /* octets */

static int
open_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int
write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left != 0) {
		ssize_t put = write(fd, text, left);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		text += put;
		left -= (size_t)put;
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

int
guardkeep_save(const char *dir, const char *text)
{
	int at = open_dir(dir), fd, err;

	if (at < 0)
		return at;
	fd =
	    openat(at, GUARDKEEP_NEW,
		   O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = fd < 0 ? -errno : write_all(fd, text);
	if (fd >= 0)
		close(fd);
	if (err == 0 && renameat(at, GUARDKEEP_NEW, at, GUARDKEEP_FILE) != 0)
		err = -errno;
	if (err != 0)
		(void)unlinkat(at, GUARDKEEP_NEW, 0);
	else
		(void)fsync(at);
	close(at);
	return err;
}

int
guardkeep_forget(const char *dir)
{
	int at = open_dir(dir), err = 0;

	if (at < 0)
		return at;
	if (unlinkat(at, GUARDKEEP_FILE, 0) != 0 && errno != ENOENT)
		err = -errno;
	(void)fsync(at);
	close(at);
	return err;
}

bool
guardkeep_present(void)
{
	uint32_t owner;

	return tabledump_owner(NFTGEN_GUARD, &owner) == 0;
}

int
guardkeep_load(const char *text, struct table_why *why)
{
	struct nftctx nft;
	int err;

	if (guardkeep_present())
		return 0;
	err = nftctx_open(&nft, -1, why);
	if (err < 0)
		return err;
	err = nftctx_run(&nft, text, why);
	nftctx_close(&nft);
	return err < 0 ? err : 1;
}

/* The whole file (free it). */
static int
read_text(const char *dir, char **out)
{
	int at = open_dir(dir), fd, err = 0;
	struct stat st;
	ssize_t got;

	if (at < 0)
		return at;
	fd = openat(at, GUARDKEEP_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		err = -errno;
	close(at);
	if (err != 0)
		return err;
	*out = NULL;
	if (fstat(fd, &st) != 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > TEXT_MAX)
		err = -EBADMSG;
	else if ((*out = calloc(1, (size_t)st.st_size + 1)) == NULL)
		err = -ENOMEM;
	else if ((got = read(fd, *out, (size_t)st.st_size)) != st.st_size)
		err = got < 0 ? -errno : -EBADMSG;
	close(fd);
	if (err != 0)
		free(*out);
	return err;
}

int
guardkeep_restore(const char *dir, struct table_why *why)
{
	char *text = NULL;
	int err;

	if (guardkeep_present())
		return 0;
	err = read_text(dir, &text);
	if (err < 0) {
		table_why_set(why, "%s/" GUARDKEEP_FILE ": %s", dir,
			      strerror(-err));
		return err;
	}
	err = guardkeep_load(text, why);
	free(text);
	return err;
}
