/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard when a start fails: what is configured is closed before anything
 * else is tried, and if the configuration can not be read or must not be put in
 * place, what was configured last time is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/divert/guardkeep.h"
#include "engine/main/supervisor.h"

#define BACK_BURST    20 /* times put back at once */
#define BACK_EVERY_MS 500
#define SAID_BURST    5 /* lines */
#define SAID_EVERY_MS 60000
#define AGAIN_MS      50

void
guard_first(struct supervisor *s)
{
	struct nftgen_params params = { .workers = 1 };
	struct table_why why = { "" };
	uint32_t uid = supervisor_keying_uid();
	char *text = NULL;
	int err;

	if (uid != 0) {
		params.keying_uids = &uid;
		params.n_keying_uids = 1;
	}
	err = nftgen_guard(s->policy, &params, &text);
	if (err == 0)
		err = guardkeep_load(text, &why);
	free(text);
	if (err < 0)
		log_warnx("the guard table: %s",
			  why.text[0] != '\0' ? why.text : strerror(-err));
}

void
guard_keep(struct supervisor *s)
{
	const char *text = table_guard_text(s->table);
	int err = text == NULL ? guardkeep_forget(s->state_dir)
			       : guardkeep_save(s->state_dir, text);

	if (err < 0)
		log_warnx("%s/" GUARDKEEP_FILE ": %s; a start that fails after "
			  "a boot would not know what to block",
			  s->state_dir, strerror(-err));
}

/* FILE:LINE:COLUMN: WHAT of the first error, in one line. */
static void
say_first(const struct diag *d, const char *conf, const char *then)
{
	const struct diag_item *item;
	size_t i = 0;

	while ((item = diag_item(d, i)) != NULL && item->warning)
		i++;
	if (item == NULL)
		log_warnx("not started: %s is not good; %s", conf, then);
	else if (item->file == NULL)
		log_warnx("not started: %s: %s; %s", conf, item->what, then);
	else
		log_warnx("not started: %s:%u:%u: %s; %s", item->file,
			  item->line, item->column, item->what, then);
}

void
guard_last(const struct supervisor_options *opt, const struct diag *d)
{
	struct table_why why = { "" };
	char *dir = supervisor_state_dir(opt);
	int err = dir == NULL ? -ENOENT : guardkeep_restore(dir, &why);

	free(dir);
	if (err == 1)
		say_first(d, opt->conf,
			  "what was configured last time stays blocked");
	else if (err == 0)
		say_first(d, opt->conf,
			  "the guard table stays: flows are blocked");
	else if (err == -ENOENT)
		say_first(d, opt->conf,
			  "no guard is known from before: nothing is blocked");
	else
		say_first(d, opt->conf, why.text);
}

const char *
guard_hold(const struct supervisor *s)
{
	static struct table_why why;
	int err = guardkeep_restore(s->state_dir, &why);

	if (err >= 0)
		return "the guard of last time holds";
	return err == -ENOENT ? "no guard is known from before" : why.text;
}

/* ---- others' changes ---- */

static void
say(uint64_t now_ms, const char *what)
{
	static struct log_limit lines = { .burst = SAID_BURST,
					  .every_ms = SAID_EVERY_MS };

	if (!log_limit_take(&lines, now_ms))
		return;
	if (lines.suppressed != 0)
		log_warnx("the guard table: %s (%llu times more, not told)",
			  what, (unsigned long long)lines.suppressed);
	else
		log_warnx("the guard table: %s", what);
	lines.suppressed = 0;
}

static void look(void *arg);

/* Deaf for a moment, then there is no end of events to read. */
static void
rest(struct supervisor *s, uint64_t now_ms, unsigned pause_ms)
{
	evloop_del(s->loop, table_watch_fd(s->table));
	s->guard.fn = look;
	s->guard.arg = s;
	evloop_timer_set(s->loop, &s->guard, now_ms + pause_ms);
}

static void
on_event(void *arg)
{
	/* Two that undo each other's work would do nothing else.  Behind the
	 * main table, which is there meanwhile, the guard has nothing to do. */
	static struct log_limit pace = { .burst = BACK_BURST,
					 .every_ms = BACK_EVERY_MS };
	struct supervisor *s = arg;
	struct table_why why = { "" };
	uint64_t now = clock_now_ms();
	int r;

	if (!log_limit_take(&pace, now)) {
		rest(s, now, BACK_EVERY_MS);
		return;
	}
	runs_look(s->runs); /* what the event tells of may be theirs */
	r = table_watch_handle(s->table, &why);
	if (r == 1)
		say(now, "somebody touched it; it is whole again");
	if (r < 0) {
		say(now, why.text);
		rest(s, now, AGAIN_MS);
	}
}

static void
look(void *arg)
{
	guard_watch(arg);
	on_event(arg);
}

void
guard_watch(struct supervisor *s)
{
	int err = evloop_add(s->loop, table_watch_fd(s->table), on_event, s);

	if (err < 0)
		log_fatalx("nftables' events: %s", strerror(-err));
}
