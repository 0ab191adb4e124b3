/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * runs: cgroups of programs that were started with `nfipsec run`.
 *
 * Each run has a leaf of its own below the cgroup that the caller is in, so
 * that whatever limits the caller limits it still; the programs of sockprog.h
 * are attached to the leaf, or where the kernel refuses them a rule of
 * sockrule.h stands for it; then the caller is moved into it.  A leaf is
 * removed when its last process has ended.  Leaves say themselves whose they
 * are (leaves.h), so that another supervisor goes on with them; nothing is done
 * to them when this one stops.
 *
 * Supervisor only, one thread.  Never moves a process of another user than
 * the one who asked.
 */
#ifndef ENGINE_MAIN_RUNS_H
#define ENGINE_MAIN_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/ctl/server.h"

#define RUNS_MAX      1024 /* leaves at a time */
#define RUNS_PER_USER 64
#define RUNS_OF_ROOT  64 /* that no user gets */
#define RUNS_TICK_MS  500

struct runs;

/* NULL: no memory.  A kernel without cgroup v2 is found out by runs_start. */
struct runs *runs_open(const char *run_dir);
void runs_close(struct runs *r);
/* Is there a program that was started under this association?  What it opens
 * gets the SAID that was the association's then. */
bool runs_under(struct runs *r, const char *association);
/* Puts the caller of `what` into a leaf whose sockets get the mark.  0, and why
 * says what is lacking, or is empty; or -errno with why a sentence. */
int runs_start(struct runs *r, const struct ctl_run *what, uint32_t mask,
	       uint32_t mark, char why[PROTO_SENTENCE_MAX]);
/* Each RUNS_TICK_MS at most: removes the leaves that are empty, and looks. */
void runs_tick(struct runs *r, uint64_t now_ms);
/* Puts the rules back if others touched them. */
void runs_look(struct runs *r);

#endif
