/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tracetable: a table of its own that has nft trace what an expression matches.
 *
 * Owned by the netlink socket of this process: the kernel takes it away when
 * the process ends, however it ends.  It changes no packet.  At most 20 a
 * second are traced (40 at once): a trace is a message for each rule.  When it
 * goes, the kernel empties all queues of the namespace once, as with every base
 * chain that is deleted.
 *
 *	first      prerouting -399   what arrives, as it arrives
 *	opened     prerouting -309   what nfipsec opened
 *	out        output -399       what this host sends
 *	forwarded  forward -399
 *	delivered  input, last       packets pass: their way ends well
 *	left       postrouting, last
 *
 * One thread.  The caller has vetted the expression (engine/vet).
 */
#ifndef ENGINE_TRACE_TRACETABLE_H
#define ENGINE_TRACE_TRACETABLE_H

#include <stdbool.h>
#include <stddef.h>

#define TRACETABLE_FIRST     "first"
#define TRACETABLE_OPENED    "opened"
#define TRACETABLE_OUT       "out"
#define TRACETABLE_FORWARDED "forwarded"
#define TRACETABLE_DELIVERED "delivered"
#define TRACETABLE_LEFT      "left"

struct tracetable;

/* in: the expression holds in prerouting; out: in output and forward.  0, or
 * -errno and nft's words in why. */
int tracetable_open(struct tracetable **out, const char *expression, bool in,
		    bool outbound, char *why, size_t size);
void tracetable_close(struct tracetable *t);
const char *tracetable_name(const struct tracetable *t);
/* What `nft -a list table FAMILY NAME` prints; NULL: there is none.  Valid
 * until the next call. */
const char *tracetable_list(struct tracetable *t, const char *family,
			    const char *name);

#endif
