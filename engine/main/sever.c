/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sever: SAIDs that a reload takes away.
 *
 * Such a SAID stays closed: no association has it, and what carries it is
 * dropped (unknown-said).  What its connections are told is done here: their
 * sockets end and conntrack forgets them, so that nothing of theirs goes on by
 * another association.  (A UDP server that is bound to no SAID lives on: what
 * it answers late is a new flow.)  The SAID may be given to another name only
 * when no socket carries it any more: a socket bound to it would change its
 * peer without knowing.  Over a stop and a start, too: then nfipsecd does not
 * start, and the guard stays.  An instance's SAID is not given to another
 * principal at all (instances.c).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/main/supervisor.h"
#include "policy/instance.h"
#include "policy/said.h"

static bool
holds(const struct policy *p, const struct policy_assoc *a)
{
	const struct policy_assoc *b =
	    p == NULL ? NULL : policy_assoc_by_said(p, a->said);

	return b != NULL && strcmp(a->name, b->name) == 0;
}

/* Whose it was before it was closed; NULL: nobody's. */
static const char *
closed(const struct supervisor *s, uint32_t said)
{
	for (size_t i = s->sever.n; i-- > 0;)
		if (s->sever.closed[i].said == said)
			return s->sever.closed[i].name;
	return NULL;
}

/* Whose it is, or was last; NULL: nobody's since this boot. */
static const char *
former(const struct supervisor *s, uint32_t said)
{
	const struct policy_assoc *a = policy_assoc_by_said(s->policy, said);

	if (a == NULL && s->goback.policy != NULL)
		a = policy_assoc_by_said(s->goback.policy, said);
	return a != NULL ? a->name : closed(s, said);
}

static void
write_line(struct saidbook_line *l, const struct policy_assoc *a)
{
	*l = (struct saidbook_line){ .said = a->said };
	memcpy(l->name, a->name, sizeof(l->name));
	if (instance_is(a))
		snprintf(l->principal, sizeof(l->principal), "%s",
			 a->instance_principal);
}

void
sever_close(struct supervisor *s, const struct policy_assoc *a)
{
	struct saidbook_line *more =
	    reallocarray(s->sever.closed, s->sever.n + 1, sizeof(*more));

	if (more == NULL)
		log_fatalx("no memory");
	s->sever.closed = more;
	write_line(&more[s->sever.n++], a);
}

void
sever_taken(struct supervisor *s, const struct policy *is)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->sever.n; i++)
		if (policy_assoc_by_said(is, s->sever.closed[i].said) == NULL)
			s->sever.closed[kept++] = s->sever.closed[i];
	s->sever.n = kept;
}

/* May a have its SAID, which was another association's? */
static int
check_moved(struct supervisor *s, const struct policy_options *o,
	    const struct policy_assoc *a, const char *was,
	    struct table_why *why)
{
	struct carriers_found n;
	int err = carriers_count(&s->sever.carriers, said_to_mark(o, a->said),
				 o->said_mask, &n);

	if (err == 0 && n.sockets == 0 && !runs_under(s->runs, was))
		return 0;
	if (err == 0 && n.sockets == 0) {
		snprintf(why->text, sizeof(why->text),
			 "association %s: its SAID 0x%" PRIx32
			 " was association %s's, and programs run under that "
			 "(`nfipsec run`): end them, or take another SAID",
			 a->name, a->said, was);
		return -EADDRINUSE;
	}
	if (err == 0)
		snprintf(why->text, sizeof(why->text),
			 "association %s: its SAID 0x%" PRIx32
			 " was association %s's, and %u sockets carry it: end "
			 "them, or take another SAID",
			 a->name, a->said, was, n.sockets);
	else
		snprintf(why->text, sizeof(why->text),
			 "association %s: its SAID 0x%" PRIx32
			 " was association %s's, and whether sockets "
			 "carry it can't be seen (%s): take another "
			 "SAID",
			 a->name, a->said, was, strerror(-err));
	return -EADDRINUSE;
}

/* What the administrator should know of a SAID that is given on. */
#define UNSEEN                                                                 \
	"association %s: its SAID 0x%" PRIx32 " was association %s's; a "      \
	"socket that has it and no port yet can't be seen, and is %s's now"

int
sever_check(struct supervisor *s, const struct policy *p, struct table_why *why)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < p->n_assocs; i++) {
		const struct policy_assoc *a = &p->assocs[i];
		const char *was = former(s, a->said);

		if (was != NULL && strcmp(was, a->name) != 0)
			err = check_moved(s, &p->options, a, was, why);
	}
	return err;
}

void
sever_moved(struct supervisor *s, const struct policy *p)
{
	for (size_t i = 0; i < p->n_assocs; i++) {
		uint32_t said = p->assocs[i].said;
		const char *was = former(s, said);
		struct carriers_found n;

		if (was == NULL || strcmp(was, p->assocs[i].name) == 0)
			continue;
		(void)carriers_cut(&s->sever.carriers,
				   said_to_mark(&p->options, said),
				   p->options.said_mask, NULL, &n);
		(void)manual_end_said(&s->store, s->persist, said);
	}
}

/* ---- over a stop and a start ---- */

void
sever_begin(struct supervisor *s)
{
	int err = carriers_open(&s->sever.carriers);

	if (err < 0)
		log_fatalx("netlink: %s; %s", strerror(-err), guard_hold(s));
	err = saidbook_load(s->state_dir, &s->sever.closed, &s->sever.n);
	if (err < 0)
		log_warnx("%s/" SAIDBOOK_FILE ": %s; sockets that carry a SAID "
			  "may be another association's now",
			  s->state_dir, strerror(-err));
}

void
sever_range(struct supervisor *s)
{
	const struct policy_options *o = &s->policy->options;
	size_t kept = 0;

	for (size_t i = 0; i < s->sever.n; i++) {
		const struct saidbook_line *l = &s->sever.closed[i];
		uint32_t mark = said_to_mark(o, l->said);
		struct carriers_found n;
		int err;

		if (l->said >= o->said_first && l->said <= o->said_last) {
			s->sever.closed[kept++] = *l;
			continue;
		}
		err =
		    carriers_count(&s->sever.carriers, mark, o->said_mask, &n);
		if (err < 0 || n.sockets != 0 || runs_under(s->runs, l->name))
			log_fatalx("said-range no longer has 0x%" PRIx32
				   ", which was association %s's, and %s: end "
				   "them first, they would send in clear; %s",
				   l->said, l->name,
				   err < 0 ? "whether sockets carry it can't "
					     "be seen"
				   : n.sockets != 0 ? "sockets carry it"
						    : "programs run under it",
				   guard_hold(s));
		(void)carriers_cut(&s->sever.carriers, mark, o->said_mask, NULL,
				   &n);
	}
	s->sever.n = kept;
}

void
sever_start(struct supervisor *s)
{
	const struct policy_options *o = &s->policy->options;
	struct table_why why = { "" };

	for (size_t i = 0; i < s->policy->n_assocs; i++) {
		const struct policy_assoc *a = &s->policy->assocs[i];
		const char *was = closed(s, a->said);
		struct carriers_found n;

		if (was == NULL || strcmp(was, a->name) == 0)
			continue;
		if (check_moved(s, o, a, was, &why) < 0)
			log_fatalx("%s; the guard table holds", why.text);
		log_warnx(UNSEEN, a->name, a->said, was, a->name);
		(void)carriers_cut(&s->sever.carriers, said_to_mark(o, a->said),
				   o->said_mask, NULL, &n);
	}
	sever_taken(s, s->policy);
}

/* Those of p that no later line names. */
static size_t
add_lines(const struct policy *p, const struct policy *later,
	  struct saidbook_line *to)
{
	size_t n = 0;

	for (size_t i = 0; p != NULL && i < p->n_assocs; i++) {
		const struct policy_assoc *a = &p->assocs[i];

		if (later == NULL ||
		    policy_assoc_by_said(later, a->said) == NULL)
			write_line(&to[n++], a);
	}
	return n;
}

void
sever_note(struct supervisor *s)
{
	const struct policy *back = s->goback.policy;
	size_t n = s->sever.n, most = n + s->policy->n_assocs + 1;
	struct saidbook_line *all;
	int err = -ENOMEM;

	if (back != NULL)
		most += back->n_assocs;
	all = calloc(most, sizeof(*all));
	if (all != NULL) {
		if (n != 0)
			memcpy(all, s->sever.closed, n * sizeof(*all));
		n += add_lines(back, s->policy, all + n);
		n += add_lines(s->policy, NULL, all + n);
		err = saidbook_save(s->state_dir, all, n);
	}
	if (err < 0)
		log_warnx("%s/" SAIDBOOK_FILE ": %s; the next start would not "
			  "know whose sockets carry a SAID",
			  s->state_dir, strerror(-err));
	free(all);
}

bool
sever_moves(const struct policy *was, const struct policy *is)
{
	for (size_t i = 0; i < is->n_assocs; i++)
		if (policy_assoc_by_said(was, is->assocs[i].said) != NULL &&
		    !holds(was, &is->assocs[i]))
			return true;
	return false;
}

void
sever_run(struct supervisor *s, const struct policy *was,
	  const struct policy *is, const struct policy *back, FILE *out)
{
	for (size_t i = 0; i < is->n_assocs; i++) {
		const struct policy_assoc *a = &is->assocs[i];
		const struct policy_assoc *b =
		    policy_assoc_by_said(was, a->said);
		const char *name = b != NULL ? b->name : closed(s, a->said);

		if (name != NULL && strcmp(name, a->name) != 0)
			fprintf(out, UNSEEN "\n", a->name, a->said, name,
				a->name);
	}
	sever_taken(s, is);
	for (size_t i = 0; i < was->n_assocs; i++) {
		const struct policy_assoc *a = &was->assocs[i];
		struct carriers_found n;
		int err;

		if (holds(is, a) || holds(back, a))
			continue;
		sever_close(s, a);
		err = carriers_cut(&s->sever.carriers,
				   said_to_mark(&was->options, a->said),
				   was->options.said_mask, NULL, &n);
		if (err < 0)
			fprintf(out,
				"association %s: its connections can't be "
				"ended (%s); the rules drop what they send\n",
				a->name, strerror(-err));
		else
			fprintf(out,
				"association %s: %u connections cut, %u "
				"sockets ended\n",
				a->name, n.connections, n.sockets);
	}
}
