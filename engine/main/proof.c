/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/secret.h"
#include "engine/main/supervisor.h"

#define PROOF_STEP_MS  20
#define PROOF_AGAIN_MS 2000 /* after a failure: others may mend it */

static uint64_t
seen_so_far(const struct supervisor *s, unsigned kind)
{
	uint64_t n = 0;

	for (unsigned w = 0; w < s->workers; w++)
		n += atomic_load(&s->store.head->probe_seen[kind][w]);
	return n;
}

static bool
seen(void *arg, enum nftgen_queue kind)
{
	const struct supervisor *s = arg;

	return seen_so_far(s, (unsigned)kind) > s->probe_before[(unsigned)kind];
}

/* One line of the status text; readiness falls before the text changes. */
static void
say_not_ready(struct supervisor *s, const char *text)
{
	struct store_head *h = s->store.head;

	if (atomic_exchange(&h->ready, 0) == 0 &&
	    strcmp(h->not_ready, text) == 0)
		return;
	snprintf(h->not_ready, sizeof(h->not_ready), "%s", text);
	notify_send("STATUS=not ready: %s", text);
}

void
proof_withdraw(struct supervisor *s, const char *fmt, ...)
{
	char text[STORE_TEXT_MAX];
	va_list ap;

	probe_free(s->probe);
	s->probe = NULL;
	evloop_timer_clear(s->loop, &s->proof);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *nl = text; (nl = strchr(nl, '\n')) != NULL;)
		*nl = ';';
	say_not_ready(s, text);
}

static void
begin_again(void *arg)
{
	proof_begin(arg);
}

static void
try_again(struct supervisor *s, const char *why)
{
	if (strncmp(s->last_why, why, sizeof(s->last_why) - 1) != 0)
		log_warnx("not ready: %s", why);
	snprintf(s->last_why, sizeof(s->last_why), "%s", why);
	proof_withdraw(s, "%s", why);
	s->proof.fn = begin_again;
	s->proof.arg = s;
	evloop_timer_set(s->loop, &s->proof, clock_now_ms() + PROOF_AGAIN_MS);
}

/* Proven.  Is there anything else that is missing? */
static void
conclude(struct supervisor *s)
{
	struct store_head *h = s->store.head;

	probe_free(s->probe);
	s->probe = NULL;
	if (s->manual_why[0] != '\0') {
		say_not_ready(s, s->manual_why);
		return;
	}
	if (atomic_exchange(&h->ready, 1) == 0)
		log_info("ready: the rules are in place and proven");
	h->not_ready[0] = s->last_why[0] = '\0';
	if (!s->told_ready)
		notify_send("READY=1\nSTATUS=ready");
	else
		notify_send("STATUS=ready");
	s->told_ready = true;
}

static void
proof_step(void *arg)
{
	struct supervisor *s = arg;
	struct table_why why = { "" }, warning = { "" };
	uint64_t now = clock_now_ms();
	int err;

	err = probe_step(s->probe, now, &why, &warning);
	if (err == -EAGAIN) {
		evloop_timer_set(s->loop, &s->proof, now + PROOF_STEP_MS);
		return;
	}
	if (warning.text[0] != '\0')
		log_warnx("%s", warning.text);
	if (err < 0)
		try_again(s, why.text);
	else
		conclude(s);
}

void
proof_begin(struct supervisor *s)
{
	struct store_head *h = s->store.head;
	int err;

	proof_withdraw(s, "%s",
		       s->last_why[0] != '\0' ? s->last_why
					      : "the rules are not proven yet");
	if (s->disabled || s->engine == 0)
		return;
	err = secret_random(h->probe_token, sizeof(h->probe_token));
	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		s->probe_before[k] = seen_so_far(s, k);
	if (err == 0)
		err = probe_start(&s->probe, s->table, s->policy,
				  h->probe_token, seen, s);
	if (err < 0) {
		try_again(s, strerror(-err));
		return;
	}
	s->proof.fn = proof_step;
	s->proof.arg = s;
	evloop_timer_set(s->loop, &s->proof, clock_now_ms());
}

void
proof_manual(struct supervisor *s, const struct manual_report *r)
{
	bool was = s->manual_why[0] != '\0';

	snprintf(s->manual_why, sizeof(s->manual_why), "%s",
		 r->failed != 0 ? r->why : "");
	if (s->manual_why[0] != '\0' && atomic_load(&s->store.head->ready))
		proof_withdraw(s, "%s", s->manual_why);
	else if (was && s->manual_why[0] == '\0')
		proof_begin(s);
}
