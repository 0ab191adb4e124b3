/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard when a start fails: what is configured is closed before anything
 * else is tried, and if the configuration can not be read, what was configured
 * last time is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/divert/guardkeep.h"
#include "engine/main/supervisor.h"

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
