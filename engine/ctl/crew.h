/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crew: processes that close descriptors in this one's place.
 *
 * A close may never return (a file of a FUSE file system whose server is
 * silent, a connection with such a file in what nobody has read), and no
 * signal ends it.  A thread of this process in such a close
 * would keep even the killed process from ending.  So those who close are
 * processes of their own that share the table of descriptors with this one
 * (CLONE_FILES), and neither memory nor privileges: what hangs there hangs
 * alone.
 *
 * They end with their maker, and it ends when one of them does.  What hangs
 * keeps the table; so that nobody waits for a process that is gone, another
 * one of the crew then ends all connections.
 *
 * Main thread, before other threads run.
 */
#ifndef ENGINE_CTL_CREW_H
#define ENGINE_CTL_CREW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CREW_CLOSERS 2
#define CREW_PLACES  512
/* Descriptors that the process may have, if it is let: what hangs stays. */
#define CREW_TABLE 16384

/* Memory that all of them see. */
struct crew_board {
	/* user + 1 of what is handed over and not closed yet; 0: free */
	_Atomic uint64_t owner[CREW_PLACES];
	_Atomic uint32_t waiting; /* what users passed, with or without place */
};

/* What goes through the pipe. */
struct crew_burial {
	int fd;
	unsigned place; /* CREW_PLACES: it has none */
	bool counted;   /* in waiting */
};

/* Starts them.  to: takes struct crew_burial, and never blocks.  0 or
 * -errno. */
int crew_hire(struct crew_board **board, int *to);

#endif
