/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewout: the socket where keynegd's view is read (base/keyview.h).
 *
 * Owns the listener, one reader and the text that it has not taken yet.  The
 * network process's thread; never waits, and never reads: a slow reader is
 * left after KEYVIEW_SECONDS, the others wait in the kernel meanwhile.
 */
#ifndef KEYNEG_VIEWOUT_H
#define KEYNEG_VIEWOUT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct viewout {
	int listener, reader; /* -1: none */
	char *text;
	size_t len, at;
	uint64_t deadline_ms;
};

/* Prints the view; what is over KEYVIEW_MAX is cut. */
typedef void viewout_print(void *ctx, FILE *out);

/* The parent's: binds run_dir's socket, for its own user alone.  The
 * descriptor; -EADDRINUSE: a keynegd lives there; -errno. */
int viewout_listen(const char *run_dir);
/* Nobody is to look there any more. */
void viewout_remove(const char *run_dir, int fd);
void viewout_init(struct viewout *v);
void viewout_set_listener(struct viewout *v, int fd);
/* What to poll for. */
struct pollfd viewout_poll(const struct viewout *v);
/* Milliseconds until the reader is left; -1: there is none. */
int64_t viewout_wait(const struct viewout *v, uint64_t now_ms);
/* Its descriptor is ready, or time has passed. */
void viewout_run(struct viewout *v, uint64_t now_ms, bool ready,
		 viewout_print *print, void *ctx);

#endif
