/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handover: what a supervisor leaves its successor, and what that takes.
 *
 * The SA store, the queues' sockets, the socket that owns the main table with
 * what the tables are, the configuration that runs (as text, keys in it, in
 * memory alone), and the control listener: with these the successor goes
 * on where the engine stopped, and packets wait in the kernel meanwhile.  Two
 * ways, one after the other's heart:
 *
 *   SIGUSR2            the supervisor executes the program anew (an upgraded
 *                      one), same process id; the numbers are in the
 *                      environment, NFIPSECD_HERITAGE
 *   systemctl restart  the service manager keeps copies from the start on
 *                      (FDSTORE=1, sd_notify(3)) and gives them to the next
 *                      process (sd_listen_fds(3)); after a crash, too
 *
 * What does not fit (another layout, workers, said-mask, ...) is refused as a
 * whole: then the start is like any other, the guard table holds meanwhile.
 *
 * The supervisor's, one thread.
 */
#ifndef ENGINE_MAIN_HANDOVER_H
#define ENGINE_MAIN_HANDOVER_H

#include <stdbool.h>

struct supervisor;

/* At the start, instead of making everything: true if all was taken over.
 * False: nothing was there, or it was refused; s is as before, but for
 * `refused`. */
bool handover_take(struct supervisor *s);
/* The policy is another now: writes what a successor will read. */
void handover_note_policy(struct supervisor *s);
/* Gives copies to the service manager, if there is one. */
void handover_offer(struct supervisor *s);
/* SIGUSR2: asks the program whether it could start and stops the engine. */
void handover_begin(struct supervisor *s);
/* The engine is dead: executes the program.  Returns when that failed. */
void handover_exec(struct supervisor *s);

#endif
