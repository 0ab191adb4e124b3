/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reply: what the supervisor says to the engine for a client that waits.
 *
 * Text and rows, as many as there are, then the end.  Never waits: what does
 * not go at once is kept by the link.  The supervisor's thread.
 */
#ifndef ENGINE_MAIN_REPLY_H
#define ENGINE_MAIN_REPLY_H

#include <stddef.h>

#include "engine/main/supervisor.h"

void reply_send(struct supervisor *s, const struct link_message *m);
void reply_text(struct supervisor *s, struct server_ticket t, const char *text,
		size_t len);
/* err: 0 or -errno; sentence: what was wrong, or of note, or "". */
void reply_end(struct supervisor *s, struct server_ticket t, int err,
	       const char *sentence);

#endif
