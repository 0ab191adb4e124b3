/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guardkeep: the guard table when nobody runs who could make it anew.
 *
 * A boot empties the kernel, and the start that should fill it may fail: then
 * the guard's text of last time, kept in the state directory, closes what was
 * configured.  Owns that file.  The supervisor's, one thread.  Never touches a
 * guard table that is there.
 */
#ifndef ENGINE_DIVERT_GUARDKEEP_H
#define ENGINE_DIVERT_GUARDKEEP_H

#include "engine/divert/table.h"

#define GUARDKEEP_FILE "guard.nft"

/* Stores the text in dir, whole or not at all, durable.  0 or -errno. */
int guardkeep_save(const char *dir, const char *text);
/* Nothing is kept any more.  0 or -errno. */
int guardkeep_forget(const char *dir);
/* Loads this text if there is no guard table.  1: loaded; 0: there was one;
 * -errno and why. */
int guardkeep_load(const char *text, struct table_why *why);
/* The same with the text in dir.  -ENOENT: none is kept. */
int guardkeep_restore(const char *dir, struct table_why *why);

#endif
