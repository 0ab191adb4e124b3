/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/main/changes.h"
#include "engine/main/handover.h"
#include "engine/main/reply.h"
#include "engine/main/supervisor.h"
#include "engine/main/tallies.h"
#include "policy/said.h"
#include "policy/dump.h"
#include "policy/instance.h"

/* ---- reload ---- */

/* What diag has to say, as text (free it); NULL: no memory. */
static char *
diag_text(const struct diag *d)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		return NULL;
	diag_print(d, f);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Options that only a start looks at. */
static void
warn_fixed(const struct policy_options *now, const struct policy_options *new,
	   FILE *out)
{
	if (now->workers != new->workers)
		fprintf(out, "workers: takes effect at the next start\n");
	if (now->queue_length != new->queue_length)
		fprintf(out, "queue-length: takes effect at the next start\n");
	if (now->max_sa != new->max_sa)
		fprintf(out, "max-sa: takes effect at the next start\n");
}

/* Sockets and connections keep their marks; one that is no SAID any more
 * passes as a stranger's. */
static bool
loses_saids(const struct policy_options *now, const struct policy_options *new)
{
	return new->said_first > now->said_first ||
	       new->said_last < now->said_last;
}

int
requests_apply(struct supervisor *s, struct policy *p, struct diag *d,
	       FILE *out, struct table_why *why)
{
	const struct policy *back = s->goback.policy != NULL ? s->goback.policy
				    : s->goback.wanted       ? s->policy
							     : NULL;
	struct manual_report r = { 0 };
	unsigned revoked;
	int err;

	if (p->n_assocs > STORE_ASSOCS_MAX) {
		snprintf(why->text, sizeof(why->text),
			 "more than %d associations", STORE_ASSOCS_MAX);
		return -E2BIG;
	}
	/* Back is where sockets have been before. */
	err = p == s->goback.policy ? 0 : sever_check(s, p, why);
	if (err < 0)
		return err;
	sever_moved(s, p);
	/* Rules first: a SAID without an SA is dropped, an SA without its
	 * rules would be a promise that nobody keeps. */
	err = s->disabled ? supervisor_rules(s, p, why)
			  : table_reload(s->table, p, why);
	if (err < 0) {
		/* Those that sever_moved has ended. */
		manual_apply(&s->store, s->persist, s->policy, &r);
		proof_manual(s, &r);
		return err;
	}
	guard_keep(s);
	manual_write_policy(&s->store, p);
	revoked = manual_revoke(&s->store, s->policy, p);
	manual_apply(&s->store, s->persist, p, &r);
	sever_run(s, s->policy, p, back, out);
	goback_retire(s);
	s->policy = p;
	s->diag = d;
	s->disabled = false;
	handover_note_policy(s);
	sever_note(s);
	fprintf(out, "manual keys: %u kept, %u added, %u removed\n", r.kept,
		r.added, r.removed);
	if (revoked != 0)
		fprintf(out,
			"negotiated SAs: %u removed, their keying or "
			"principals changed\n",
			revoked);
	if (r.failed != 0)
		fprintf(out, "%s\n", r.why);
	proof_manual(s, &r);
	if (s->probe != NULL || !atomic_load(&s->store.head->ready))
		proof_begin(s);
	return 0;
}

/* What marks and SAs allow: there, and back again. */
static int
check_range(const struct supervisor *s, const struct policy *p, bool back,
	    struct table_why *why)
{
	const struct policy *before =
	    s->goback.policy != NULL ? s->goback.policy : s->policy;

	if (p->options.said_mask != s->policy->options.said_mask) {
		snprintf(why->text, sizeof(why->text),
			 "said-mask can't change while nfipsecd runs: end what "
			 "uses SAIDs (nfipsec who), then stop and start it");
		return -ENOTSUP;
	}
	if (loses_saids(&s->policy->options, &p->options)) {
		snprintf(why->text, sizeof(why->text),
			 "said-range can't lose values while marks are in use: "
			 "what carries them would leave in clear; stop and "
			 "start nfipsecd");
		return -ENOTSUP;
	}
	if (back && loses_saids(&p->options, &before->options)) {
		snprintf(why->text, sizeof(why->text),
			 "said-range grows: there is no way back from that "
			 "while marks are in use, so nothing to confirm");
		return -ENOTSUP;
	}
	if (back && sever_moves(before, p)) {
		snprintf(why->text, sizeof(why->text),
			 "a SAID goes to another association: there is no way "
			 "back from that, so nothing to confirm");
		return -ENOTSUP;
	}
	return 0;
}

/* What a reload would do to rules and SAs.  Flows were tried by
 * supervisor_read. */
static int
plan(struct supervisor *s, const struct policy *p, FILE *out,
     struct table_why *why)
{
	char *rules = NULL, *save = NULL;
	int err = 0;

	manual_plan(&s->store, s->policy, p, out);
	err = sever_check(s, p, why);
	if (err == 0 && !s->disabled)
		err = table_try(s->table, p, &rules, why);
	if (err == 0 && rules != NULL)
		for (char *line = strtok_r(rules, "\n", &save); line != NULL;
		     line = strtok_r(NULL, "\n", &save))
			fprintf(out, "rule: %s\n", line);
	free(rules);
	return err;
}

/* Reads the file again and applies what differs, or says what would. */
static int
reload(struct supervisor *s, const struct proto_reload *what, FILE *out,
       struct table_why *why)
{
	bool dry_run = what->flags & PROTO_RELOAD_DRY_RUN;
	bool back = what->secs != 0 || s->goback.policy != NULL;
	struct diag *d = NULL;
	struct policy *p = supervisor_read(s->opt->conf, &d);
	char *text = diag_text(d);
	int err;

	if (text != NULL)
		fputs(text, out);
	free(text);
	if (p == NULL) {
		snprintf(why->text, sizeof(why->text),
			 "the configuration has errors; nothing was changed");
		diag_free(d);
		return -EINVAL;
	}
	err = check_range(s, p, back, why);
	if (err < 0) {
		policy_free(p);
		diag_free(d);
		return err;
	}
	instance_carry(s->policy, p);
	changes_print(s->policy, p, out);
	warn_fixed(&s->policy->options, &p->options, out);
	if (s->disabled)
		fputs("both tables come back: they were disabled\n", out);
	s->goback.wanted = what->secs != 0;
	err =
	    dry_run ? plan(s, p, out, why) : requests_apply(s, p, d, out, why);
	s->goback.wanted = false;
	if (!dry_run && err == 0)
		goback_arm(s, what->secs, out);
	if (dry_run || err < 0) {
		policy_free(p);
		diag_free(d);
	}
	return err;
}

static void
answer_confirm(struct supervisor *s, struct server_ticket t)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (s->goback.policy == NULL) {
		reply_end(s, t, -ENOENT, "nothing waits to be confirmed");
		return;
	}
	out = open_memstream(&text, &len);
	if (out == NULL) {
		reply_end(s, t, -ENOMEM, "no memory");
		return;
	}
	sever_run(s, s->goback.policy, s->policy, NULL, out);
	goback_forget(s);
	sever_note(s);
	if (fclose(out) == 0)
		reply_text(s, t, text, len);
	free(text);
	log_info("confirmed: the configuration stays");
	reply_end(s, t, 0, "");
}

static void
answer_reload(struct supervisor *s, struct server_ticket t,
	      const struct proto_reload *what)
{
	struct table_why why = { "" };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (out == NULL) {
		reply_end(s, t, -ENOMEM, "no memory");
		return;
	}
	err = reload(s, what, out, &why);
	if (fclose(out) == 0)
		reply_text(s, t, text, len);
	free(text);
	if (!(what->flags & PROTO_RELOAD_DRY_RUN))
		log_info("reload: %s", err < 0 ? why.text : "done");
	reply_end(s, t, err, why.text);
}

/* Each line of its own, with its priority. */
static void
log_lines(char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		log_info("reload: %s", line);
}

void
requests_reload(struct supervisor *s)
{
	static const struct proto_reload what;
	struct table_why why = { "" };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (out == NULL) {
		log_warn("reload");
		return;
	}
	err = reload(s, &what, out, &why);
	if (fclose(out) == 0)
		log_lines(text);
	free(text);
	if (err < 0)
		log_warnx("reload: %s", why.text);
	else
		log_info("reload: done");
}

/* ---- the rest ---- */

static void
answer_disable(struct supervisor *s, struct server_ticket t)
{
	struct table_why why = { "" };
	int err;

	proof_withdraw(s, "disabled: plaintext may flow");
	err = table_disable(s->table, &why);
	if (err == 0) {
		guard_keep(s); /* nothing, from now on */
		goback_forget(s);
		s->disabled = true;
		log_warnx("disabled on request: plaintext may flow now");
	} else {
		proof_begin(s);
	}
	reply_end(s, t, err, why.text);
}

static void
answer_export(struct supervisor *s, struct server_ticket t, uint32_t which)
{
	char *text = NULL, *part = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct nftgen_params params = *table_params(s->table);
	int err = 0;

	if (out == NULL) {
		reply_end(s, t, -ENOMEM, "no memory");
		return;
	}
	if (which == PROTO_EXPORT_CONF) {
		dump_policy(s->policy, out, false);
	} else if (which == PROTO_EXPORT_NFT) {
		params.show_queues = true;
		err = nftgen_main(s->policy, &params, &part);
		if (err == 0)
			fputs(part, out);
		free(part);
		part = NULL;
		if (err == 0)
			err = nftgen_guard(s->policy, &params, &part);
		if (err == 0)
			fputs(part, out);
		free(part);
	} else {
		err = -EINVAL;
	}
	if (fclose(out) == 0 && err == 0)
		reply_text(s, t, text, len);
	free(text);
	reply_end(s, t, err, err < 0 ? strerror(-err) : "");
}

/* With success: what a run lacks, and for who did not say what becomes of
 * others, that. */
static void
answer_run(struct supervisor *s, struct server_ticket t,
	   const struct ctl_run *what)
{
	char why[PROTO_SENTENCE_MAX] = "", peer[IPADDR_TEXT];
	struct ctl_run copy = *what;
	const struct policy_assoc *a;
	int err = -ESTALE;

	copy.association[sizeof(copy.association) - 1] = '\0';
	a = policy_assoc_by_name(s->policy, copy.association);
	/* The engine looked it up some time ago. */
	if (a == NULL || a->said != copy.said)
		snprintf(why, sizeof(why), "the association has just gone");
	else
		err = runs_start(s->runs, &copy, s->policy->options.said_mask,
				 said_to_mark(&s->policy->options, copy.said),
				 why);
	if (err < 0)
		log_warnx("uid %u, run under %s: %s", copy.uid,
			  copy.association, why);
	else if (copy.peer.family != IP_FAMILY_NONE && !copy.others_clear &&
		 !copy.others_told)
		snprintf(why + strlen(why), sizeof(why) - strlen(why),
			 "%sother addresses than %s are refused, but for this "
			 "host's; --others clear lets them be reached in clear",
			 why[0] == '\0' ? "" : "\n",
			 ipaddr_format(&copy.peer, peer));
	reply_end(s, t, err, why);
}

static void
answer_instance(struct supervisor *s, struct server_ticket t,
		const struct proto_instance *wanted)
{
	struct link_message m = { .type = LINK_INSTANCE, .ticket = t };
	struct table_why why = { "" };
	struct proto_instance asked = *wanted;
	int err;

	asked.association[sizeof(asked.association) - 1] = '\0';
	asked.principal[sizeof(asked.principal) - 1] = '\0';
	err = instances_get(s, &asked, &m.instance, &why);

	if (err == 0)
		reply_send(s, &m);
	reply_end(s, t, err, why.text);
}

static void
handle(struct supervisor *s, const struct link_message *m)
{
	switch ((enum link_type)m->type) {
	case LINK_STARTED:
		log_debug("the engine works");
		proof_begin(s);
		break;
	case LINK_RELOAD:
		if (m->reload.flags & PROTO_RELOAD_CONFIRM)
			answer_confirm(s, m->ticket);
		else
			answer_reload(s, m->ticket, &m->reload);
		break;
	case LINK_DISABLE:
		answer_disable(s, m->ticket);
		break;
	case LINK_EXPORT:
		answer_export(s, m->ticket, m->arg);
		break;
	case LINK_FLOWS:
		tallies_flows(s, m->ticket);
		break;
	case LINK_RULE_DROPS:
		tallies_drops(s, m->ticket);
		break;
	case LINK_RUN:
		answer_run(s, m->ticket, &m->run);
		break;
	case LINK_INSTANCE:
		answer_instance(s, m->ticket, &m->instance);
		break;
	case LINK_TEXT:
	case LINK_FLOW:
	case LINK_DROP:
	case LINK_END:
		break; /* not for us */
	}
}

void
requests_read(void *supervisor)
{
	static struct link_message m; /* 5 KB, one thread */
	struct supervisor *s = supervisor;
	int r;

	if (s->link_writing) {
		r = link_flush(&s->link);
		s->link_writing = r == 1;
		if (r != 1)
			(void)evloop_want_write(s->loop, s->link.fd, false);
		if (r < 0)
			child_broken(s, r);
	}
	while (s->link.fd >= 0 && (r = link_read(&s->link, &m)) != 0) {
		if (r == 1) {
			handle(s, &m);
			continue;
		}
		child_broken(s, r);
		break;
	}
}
