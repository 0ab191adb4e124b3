/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * request: which request may be made by whom, and what it starts.
 *
 * Control thread only.  One table; what is not in it is refused.
 */
#ifndef ENGINE_CTL_REQUEST_H
#define ENGINE_CTL_REQUEST_H

#include "engine/ctl/server_priv.h"

/* Judges and starts the request in msg.  The session has left its IDLE phase
 * when this returns. */
void request_handle(struct server *s, struct session *c, const void *msg,
		    size_t len);

#endif
