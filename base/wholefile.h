/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wholefile: a small text file that is there whole or not at all.
 *
 * Owns nothing; any thread.  dir is a folder of our own, name a file in it
 * (NAME.new is its half-written successor).  Links are not followed.
 */
#ifndef BASE_WHOLEFILE_H
#define BASE_WHOLEFILE_H

#include <stddef.h>

/* 0: it is durable; or -errno: then the former text is still there, or the new
 * one without a promise. */
int wholefile_save(const char *dir, const char *name, const char *text);
/* 0 or -errno; 0 too where there is none. */
int wholefile_forget(const char *dir, const char *name);
/* All of it, as a string (free it).  -ENOENT; -EBADMSG: no file, or of more
 * than `most` octets; another -errno. */
int wholefile_read(const char *dir, const char *name, size_t most, char **text);

#endif
