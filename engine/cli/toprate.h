/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toprate: how fast counters move, from two looks at them.
 *
 * Pure; one thread.  An SA or a reason that was not there at the first look
 * began at 0.  A counter that went back is another one under the same name
 * (keys that were replaced): it began at 0 too.
 */
#ifndef ENGINE_CLI_TOPRATE_H
#define ENGINE_CLI_TOPRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/client/proto.h"

struct toprate_row { /* an SA, or with reason[0] a kind of drop */
	uint32_t direction, protocol, spi, said;
	struct ipaddr peer;
	char association[PROTO_NAME_MAX], reason[PROTO_NAME_MAX];
	uint64_t packets, octets;       /* so far */
	double packet_rate, octet_rate; /* a second */
};

struct toprate {
	struct toprate_row *rows;
	size_t n, room;
	uint64_t at_ms;
};

/* False: no memory. */
bool toprate_add_sa(struct toprate *t, const struct proto_sa *sa);
bool toprate_add_drop(struct toprate *t, const struct proto_drop *drop);
/* Fills in the rates of `now`, then puts the fastest first. */
void toprate_compare(struct toprate *now, struct toprate *before);
void toprate_free(struct toprate *t);

#endif
