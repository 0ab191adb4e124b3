/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows: the store as records of the control protocol.
 *
 * Control thread only.  Reads the store, which others write: a row is copied
 * and then believed only if its slot did not change meanwhile.
 */
#ifndef ENGINE_CTL_ROWS_H
#define ENGINE_CTL_ROWS_H

#include "engine/ctl/server_priv.h"

/* The next row of the session's reply into buf, c->at moved behind it.
 * Returns its octets, 0 when there is no more (c->error may be set). */
size_t rows_next(struct server *s, struct session *c, void *buf, size_t cap);

/* A copy of association i; -EAGAIN while it is being changed. */
int rows_copy_assoc(const struct store *store, uint32_t i,
		    struct store_assoc *out);
/* By name.  0, -ENOENT, -EAGAIN. */
int rows_find_assoc(const struct store *store, const char *name,
		    struct store_assoc *out);
/* By SAID.  0, -ENOENT, -EAGAIN. */
int rows_find_said(const struct store *store, uint32_t said,
		   struct store_assoc *out);
/* Is it live, and between us and this peer under this SAID? */
bool rows_protects(const struct sa *sa, uint32_t said,
		   const struct ipaddr *peer);
/* Name of an algorithm, "" for none. */
const char *rows_algo(uint8_t algo);

#endif
