/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leaves: the cgroups of runs, as they stand in the file system.
 *
 * A leaf is named nfipsec.ASSOCIATION.PID-SERIAL, and a note on it (an extended
 * attribute) says whose it is and which nfipsecd made it, so that the next one
 * finds it whatever became of the run directory.  A note is believed only on a
 * folder that is our own: users may have cgroups, too.
 *
 * Supervisor only, one thread.
 */
#ifndef ENGINE_MAIN_LEAVES_H
#define ENGINE_MAIN_LEAVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAVES_PATH 4096 /* octets of a path, and of the mount's */
#define LEAVES_RULE 6144 /* octets of a rule of sockrule.h */

/* A leaf's name: octets, or as many as it would have. */
int leaves_name(char *name, size_t cap, const char *association, uint32_t pid,
		unsigned serial);
/* Is this path a leaf's, of that association? */
bool leaves_is_of(const char *path, const char *association);

/* Where cgroup v2 is mounted; -1: nowhere. */
int leaves_mount(char path[LEAVES_PATH]);

/* Where a new leaf belongs for who is in the cgroup `path`: not below a leaf,
 * since in a run within a run the outer one would win.  Nothing else of the
 * path is left out.  Changes path. */
void leaves_parent(char *path);

/* Writes the note; rule: "" or that of sockrule.h.  0 or -errno. */
int leaves_note(int leaf, uint32_t uid, const char *run_dir, const char *rule);

/* Calls fn for each leaf of this run_dir.  path: below the mount. */
typedef void leaves_fn(void *arg, const char *path, uint32_t uid,
		       const char *rule);
void leaves_find(int mount, const char *run_dir, leaves_fn *fn, void *arg);

#endif
