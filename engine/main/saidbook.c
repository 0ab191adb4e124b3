/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file:   boot ID
 *             0x100 name
 *             0x300 name@0x300 principal of an instance
 *             ...
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/wholefile.h"
#include "engine/main/saidbook.h"

#define BOOT_PROC   "/proc/sys/kernel/random/boot_id"
#define BOOT_OCTETS 64
#define TEXT_MAX    (8u << 20)

_Static_assert(POLICY_NAME_MAX == 63, "the width in read_line");

/* "" where the kernel does not say: then every boot is the same. */
static void
read_boot(char id[BOOT_OCTETS])
{
	int fd = open(BOOT_PROC, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, id, BOOT_OCTETS - 1);

	id[n < 0 ? 0 : n] = '\0';
	id[strcspn(id, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

static bool
read_line(const char *text, struct saidbook_line *l)
{
	int at = 0;
	size_t octets;

	l->principal[0] = '\0';
	if (sscanf(text, "0x%" SCNx32 " %63s%n", &l->said, l->name, &at) != 2)
		return false;
	text += at;
	octets = strlen(text);
	if (octets == 0)
		return true;
	if (text[0] != ' ' || octets > sizeof(l->principal))
		return false;
	memcpy(l->principal, text + 1, octets);
	return true;
}

int
saidbook_load(const char *dir, struct saidbook_line **lines, size_t *n)
{
	char boot[BOOT_OCTETS], *text, *save = NULL, *line;
	int err = wholefile_read(dir, SAIDBOOK_FILE, TEXT_MAX, &text);
	struct saidbook_line *more;

	*lines = NULL;
	*n = 0;
	if (err < 0)
		return err == -ENOENT ? 0 : err;
	read_boot(boot);
	line = strtok_r(text, "\n", &save);
	if (line != NULL && strncmp(line, "boot ", 5) == 0 &&
	    strcmp(line + 5, boot) == 0)
		line = strtok_r(NULL, "\n", &save);
	else
		line = NULL; /* its sockets are gone */
	for (; line != NULL; line = strtok_r(NULL, "\n", &save)) {
		more = reallocarray(*lines, *n + 1, sizeof(*more));
		if (more == NULL) {
			err = -ENOMEM;
			break;
		}
		*lines = more;
		if (read_line(line, &more[*n]))
			(*n)++;
	}
	free(text);
	return err;
}

int
saidbook_save(const char *dir, const struct saidbook_line *lines, size_t n)
{
	char boot[BOOT_OCTETS], *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int err = -ENOMEM;

	if (out == NULL)
		return err;
	read_boot(boot);
	fprintf(out, "boot %s\n", boot);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "0x%" PRIx32 " %s%s%s\n", lines[i].said,
			lines[i].name, lines[i].principal[0] == '\0' ? "" : " ",
			lines[i].principal);
	if (fclose(out) == 0)
		err = wholefile_save(dir, SAIDBOOK_FILE, text);
	free(text);
	return err;
}
