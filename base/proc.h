/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc: what a process is called, and what it does when its parent dies.
 *
 * Owns the memory behind argv and environ once proc_title_init was called.
 * Main thread, before other threads run.  Never allocates after that.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <sys/types.h>

/* First thing in main: moves the environment and the arguments (argv then
 * points to copies) away so that a title has room.
 * Without it proc_title changes only what `ps -e` shows.  */
void proc_title_init(int argc, char **argv);
/* "entropyd: pool", as `ps`, `pgrep -f` and /proc/PID/cmdline show it. */
void proc_title(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* This process gets `sig` when `parent` ends; gets it at once if that is
 * already so.  After a change of user: that clears it.  0 or -errno. */
int proc_die_with(pid_t parent, int sig);

#endif
