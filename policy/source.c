/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "policy/source.h"

/* The file may grow while it is read: never beyond the buffer. */
static int
read_all(int fd, size_t max, struct source_file *out)
{
	size_t cap = max + 1;
	ssize_t n = 1;

	while (out->len < cap && n > 0) {
		n = read(fd, out->text + out->len, cap - out->len);
		if (n < 0 && errno == EINTR) {
			n = 1;
			continue;
		}
		if (n < 0)
			return -errno;
		out->len += (size_t)n;
	}
	if (out->len > max)
		return -EFBIG;
	out->text[out->len] = '\0';
	return 0;
}

static int
read_open(int fd, size_t max, struct source_file *out)
{
	struct stat st;
	int err;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	if (st.st_size < 0 || (unsigned long long)st.st_size > max)
		return -EFBIG;
	*out = (struct source_file){ .mode = st.st_mode,
				     .dev = st.st_dev,
				     .ino = st.st_ino };
	out->text = malloc((size_t)st.st_size + 2);
	if (out->text == NULL)
		return -ENOMEM;
	err = read_all(fd, (size_t)st.st_size, out);
	if (err != 0) {
		secret_wipe(out->text, (size_t)st.st_size + 2);
		free(out->text);
		out->text = NULL;
	}
	return err;
}

int
source_read(const char *path, size_t max, struct source_file *out)
{
	/* O_NONBLOCK: the open of a FIFO does not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err;

	if (fd < 0)
		return -errno;
	err = read_open(fd, max, out);
	close(fd);
	return err;
}

const char *
source_error(int err)
{
	if (err == -ENOTSUP)
		return "not a regular file";
	if (err == -EFBIG)
		return "too large";
	return strerror(-err);
}

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_hidden(const char *path)
{
	const char *slash = strrchr(path, '/');

	return (slash == NULL ? path : slash + 1)[0] == '.';
}

int
source_glob(const char *pattern, char ***out, size_t *n)
{
	bool wild = strpbrk(pattern, "*?[") != NULL;
	glob_t found = { 0 };
	char **paths = NULL;
	int err;

	*n = 0;
	err = glob(pattern, GLOB_NOSORT, NULL, &found);
	if (err != 0 && err != GLOB_NOMATCH) {
		globfree(&found);
		return -ENOMEM;
	}
	if (err == 0)
		paths = calloc(found.gl_pathc + 1, sizeof(*paths));
	else
		paths = calloc(1, sizeof(*paths));
	for (size_t i = 0; paths != NULL && i < found.gl_pathc; i++) {
		if (wild && is_hidden(found.gl_pathv[i]))
			continue;
		paths[*n] = strdup(found.gl_pathv[i]);
		if (paths[*n] == NULL) {
			source_free_paths(paths);
			paths = NULL;
			break;
		}
		++*n;
	}
	globfree(&found);
	if (paths == NULL)
		return -ENOMEM;
	if (*n == 0 && !wild) {
		source_free_paths(paths);
		return -ENOENT;
	}
	qsort(paths, *n, sizeof(*paths), compare_paths);
	*out = paths;
	return 0;
}

void
source_free_paths(char **paths)
{
	if (paths == NULL)
		return;
	for (size_t i = 0; paths[i] != NULL; i++)
		free(paths[i]);
	free(paths);
}

char *
source_resolve(const char *from, const char *path)
{
	const char *slash = strrchr(from, '/');
	char *out;

	if (path[0] == '/' || slash == NULL)
		return strdup(path);
	if (asprintf(&out, "%.*s/%s", (int)(slash - from), from, path) < 0)
		return NULL;
	return out;
}
