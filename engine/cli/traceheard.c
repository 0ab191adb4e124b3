/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/cli/traceheard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/client/client.h"

#define ANSWER_MS 2000

static void
look_at(const struct proto_sa *sa, const struct awaited_sent *sent,
	uint64_t now_ms, bool *found, struct traceheard *out)
{
	struct traceheard one = {
		.ever = sa->packets != 0,
		.protocol = sa->protocol,
		.spi = sa->spi,
		.seq = sa->sequence,
		.heard_ms = now_ms > sa->idle_ms ? now_ms - sa->idle_ms : 0,
	};

	if (sa->direction != PROTO_IN || sa->said != sent->said ||
	    !ipaddr_equal(&sa->peer, &sent->peer))
		return;
	if (*found &&
	    (one.ever != out->ever ? out->ever : one.heard_ms <= out->heard_ms))
		return;
	*out = one;
	*found = true;
}

int
traceheard_ask(const char *run_dir, const char *association,
	       const struct awaited_sent *sent, struct traceheard *out)
{
	struct proto_show show = { 0 };
	struct proto_sa sa;
	struct client c;
	bool found = false;
	uint64_t now;
	int err;

	(void)snprintf(show.association, sizeof(show.association), "%s",
		       association);
	err = client_open(&c, run_dir, ANSWER_MS);
	now = clock_now_ms();
	if (err == 0)
		err = client_ask(&c, PROTO_SAS, PROTO_SHAPE(&show), &show);
	while (err == 0) {
		err = client_next(&c, PROTO_SHAPE(&sa), &sa);
		if (err != 1)
			break;
		look_at(&sa, sent, now, &found, out);
		err = 0;
	}
	client_close(&c);
	return err == 0 && !found ? -ENOENT : err;
}
