/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * goback: `reload --confirm`.
 *
 * Whoever works over the link that is being protected may lock himself out.
 * The configuration before stays in memory until somebody says `confirm`; else
 * it comes back, by the same way as any reload.  Not on disk: it holds keys.
 * So a supervisor that is started anew begins with the file as it is.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/main/supervisor.h"
#include "policy/instance.h"

#define AGAIN_MS 1000

void
goback_retire(struct supervisor *s)
{
	struct goback *g = &s->goback;

	if (g->wanted && g->policy == NULL) {
		g->policy = s->policy;
		g->diag = s->diag;
	} else {
		policy_free(s->policy);
		diag_free(s->diag);
	}
	s->policy = NULL;
	s->diag = NULL;
	g->wanted = false;
}

/* For `nfipsec status`. */
static void
tell(struct supervisor *s, uint64_t wall_secs)
{
	atomic_store(&s->store.head->goes_back_wall, wall_secs);
}

/* Those that the reload dropped do not come back; their SAIDs stay theirs. */
static void
carry_instances(struct supervisor *s, struct policy *to)
{
	for (size_t i = 0; i < to->n_assocs; i++) {
		const struct policy_assoc *a = &to->assocs[i];

		if (instance_is(a) &&
		    policy_assoc_by_said(s->policy, a->said) == NULL)
			sever_close(s, a);
	}
	instance_carry(s->policy, to);
}

static void
go_back(void *arg)
{
	struct supervisor *s = arg;
	struct goback *g = &s->goback;
	struct table_why why = { "" };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int err = -ENOMEM;

	if (out != NULL) {
		carry_instances(s, g->policy);
		err = requests_apply(s, g->policy, g->diag, out, &why);
		(void)fclose(out);
	}
	free(text);
	if (err < 0) {
		log_warnx("nobody has confirmed, but the configuration before "
			  "can't come back: %s",
			  why.text[0] != '\0' ? why.text : strerror(-err));
		evloop_timer_set(s->loop, &g->timer, clock_now_ms() + AGAIN_MS);
		return;
	}
	g->policy = NULL;
	g->diag = NULL;
	tell(s, 0);
	log_warnx("nobody has confirmed: the configuration before the reload "
		  "is back; %s is not what runs",
		  s->opt->conf);
}

void
goback_arm(struct supervisor *s, uint32_t secs, FILE *out)
{
	struct goback *g = &s->goback;
	uint64_t now = clock_now_ms();

	if (g->policy == NULL)
		return;
	if (secs != 0) {
		g->timer.fn = go_back;
		g->timer.arg = s;
		g->at_ms = now + secs * UINT64_C(1000);
		evloop_timer_set(s->loop, &g->timer, g->at_ms);
		tell(s, clock_wall_secs() + secs);
	}
	fprintf(out, "goes back in %" PRIu64 " s, unless `nfipsec confirm`\n",
		g->at_ms > now ? (g->at_ms - now + 999) / 1000 : 0);
}

void
goback_forget(struct supervisor *s)
{
	struct goback *g = &s->goback;

	evloop_timer_clear(s->loop, &g->timer);
	tell(s, 0);
	policy_free(g->policy);
	diag_free(g->diag);
	g->policy = NULL;
	g->diag = NULL;
}
