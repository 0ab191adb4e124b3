/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tracenames: what the running nfipsecd calls SAIDs and flows.
 *
 * Asked over a connection of its own, which is closed again; without a daemon
 * everything has its default and nothing a name.  One thread.
 */
#ifndef ENGINE_CLI_TRACENAMES_H
#define ENGINE_CLI_TRACENAMES_H

#include <stddef.h>

#include "engine/client/proto.h"
#include "engine/trace/story.h"

struct tracenames {
	struct story_marks marks;
	struct proto_assoc *assocs;
	size_t n_assocs;
	struct proto_flow *flows;
	size_t n_flows;
};

/* Takes the place of what was there.  0 or -errno of the connection. */
int tracenames_load(struct tracenames *t, const char *run_dir);
void tracenames_free(struct tracenames *t);
/* "db", or "" */
const char *tracenames_assoc(const struct tracenames *t, uint32_t said);
/* The flow as it was written; NULL when it is not known (any more). */
const struct proto_flow *tracenames_flow(const struct tracenames *t,
					 const struct story_flow *f);

#endif
