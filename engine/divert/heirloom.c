/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/divert/heirloom.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/writeall.h"

/* Far above any configuration: the parser takes 8 MiB of text. */
#define PIECE_OCTETS_MAX (256u << 20)

static int
read_all(int fd, void *octets, size_t len)
{
	uint8_t *at = octets;
	ssize_t n;

	while (len > 0) {
		n = read(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPROTO;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int
heirloom_write(const struct heirloom *h, const uint32_t *uids, const char *main,
	       const char *guard, int *fd)
{
	int r;

	if (*fd < 0)
		*fd = memfd_create("nfipsec-tables", MFD_CLOEXEC);
	if (*fd < 0)
		return -errno;
	if (ftruncate(*fd, 0) != 0 || lseek(*fd, 0, SEEK_SET) != 0)
		return -errno;
	r = write_all(*fd, h, sizeof(*h));
	if (r == 0)
		r = write_all(*fd, uids, h->n_uids * sizeof(*uids));
	if (r == 0)
		r = write_all(*fd, main, h->main_octets);
	if (r == 0)
		r = write_all(*fd, guard, h->guard_octets);
	/* Half of it would be taken for a predecessor that died writing. */
	if (r != 0 && ftruncate(*fd, 0) != 0)
		return -errno;
	return r;
}

/* A piece of `len` octets with a 0 behind it. */
static int
read_piece(int fd, size_t len, void *out)
{
	char *octets = calloc(1, len + 1);
	int r;

	if (octets == NULL)
		return -ENOMEM;
	r = read_all(fd, octets, len);
	if (r != 0) {
		free(octets);
		return r;
	}
	memcpy(out, &octets, sizeof(octets));
	return 0;
}

static int
read_head(int fd, struct heirloom *h)
{
	int r = read_all(fd, h, sizeof(*h));

	if (r != 0)
		return r;
	if (h->magic != HEIRLOOM_MAGIC || h->layout != HEIRLOOM_LAYOUT ||
	    h->n_uids > PIECE_OCTETS_MAX / sizeof(uint32_t) ||
	    h->main_octets > PIECE_OCTETS_MAX ||
	    h->guard_octets > PIECE_OCTETS_MAX)
		return -EPROTO;
	return 0;
}

int
heirloom_read(int fd, struct heirloom *h, uint32_t **uids, char **main,
	      char **guard)
{
	int r = lseek(fd, 0, SEEK_SET) != 0 ? -errno : read_head(fd, h);

	*uids = NULL;
	*main = *guard = NULL;
	if (r == 0)
		r = read_piece(fd, h->n_uids * sizeof(uint32_t), uids);
	if (r == 0)
		r = read_piece(fd, h->main_octets, main);
	if (r == 0)
		r = read_piece(fd, h->guard_octets, guard);
	if (r != 0) {
		free(*uids);
		free(*main);
		free(*guard);
		*uids = NULL;
		*main = *guard = NULL;
	}
	return r;
}
