/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * traceheard: when something last came from a peer, as the running nfipsecd
 * counts it.
 *
 * Asked over a connection of its own, which is closed again.  One thread.
 */
#ifndef ENGINE_CLI_TRACEHEARD_H
#define ENGINE_CLI_TRACEHEARD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/trace/awaited.h"

/* The inbound SA by which the last packet came; where none ever did, the one
 * that was made last. */
struct traceheard {
	bool ever; /* something came by it */
	uint32_t protocol, spi;
	uint64_t seq;      /* the highest that came */
	uint64_t heard_ms; /* when; or when the SA was made.  clock_now_ms() */
};

/* `association` is the SAID's name, "" when it is not known.  0; -ENOENT:
 * nothing can come back under it, there is no inbound SA; or -errno of the
 * connection. */
int traceheard_ask(const char *run_dir, const char *association,
		   const struct awaited_sent *sent, struct traceheard *out);

#endif
