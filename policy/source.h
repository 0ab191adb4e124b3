/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source: files on disk into memory, without being trapped by them.
 *
 * Owns nothing.  One thread.  Never waits for a FIFO, never reads a folder
 * or a device, never reads more than it was allowed.
 */
#ifndef POLICY_SOURCE_H
#define POLICY_SOURCE_H

#include <stddef.h>
#include <sys/types.h>

struct source_file {
	char *text; /* malloc'd, len octets and a final 0 */
	size_t len;
	mode_t mode;
	dev_t dev;
	ino_t ino;
};

/* 0; -errno of the system; -ENOTSUP for what is no regular file; -EFBIG for
 * more than max octets. */
int source_read(const char *path, size_t max, struct source_file *out);
/* What a return value of source_read means, for a message. */
const char *source_error(int err);
/* The paths that a pattern names, sorted octet by octet, dot files skipped
 * unless the pattern has no wildcard.  *out ends in NULL: source_free_paths.
 * 0, also when nothing matches; -ENOENT when a pattern without wildcard names
 * nothing; -ENOMEM. */
int source_glob(const char *pattern, char ***out, size_t *n);
void source_free_paths(char **paths);
/* `path` as seen from the folder of `from`; absolute ones stay.  malloc'd,
 * or NULL. */
char *source_resolve(const char *from, const char *path);

#endif
