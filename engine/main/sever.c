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
 * peer without knowing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/main/supervisor.h"
#include "policy/said.h"

static bool
holds(const struct policy *p, const struct policy_assoc *a)
{
	const struct policy_assoc *b =
	    p == NULL ? NULL : policy_assoc_by_said(p, a->said);

	return b != NULL && strcmp(a->name, b->name) == 0;
}

/* Whose it was; NULL: nobody's since this daemon began. */
static const char *
former(const struct supervisor *s, uint32_t said)
{
	const struct policy_assoc *a = policy_assoc_by_said(s->policy, said);

	if (a == NULL && s->goback.policy != NULL)
		a = policy_assoc_by_said(s->goback.policy, said);
	if (a != NULL)
		return a->name;
	for (size_t i = s->sever.n; i-- > 0;)
		if (s->sever.closed[i].said == said)
			return s->sever.closed[i].name;
	return NULL;
}

static void
close_said(struct supervisor *s, const struct policy_assoc *a)
{
	struct sever_closed *more = realloc(
	    s->sever.closed, (s->sever.n + 1) * sizeof(*s->sever.closed));

	if (more == NULL)
		log_fatalx("no memory");
	s->sever.closed = more;
	more[s->sever.n].said = a->said;
	memcpy(more[s->sever.n++].name, a->name, sizeof(a->name));
}

/* Who has a SAID now is whom it was before the next one. */
static void
forget_taken(struct supervisor *s, const struct policy *is)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->sever.n; i++)
		if (policy_assoc_by_said(is, s->sever.closed[i].said) == NULL)
			s->sever.closed[kept++] = s->sever.closed[i];
	s->sever.n = kept;
}

int
sever_check(struct supervisor *s, const struct policy *p, struct table_why *why)
{
	const struct policy_options *o = &p->options;

	for (size_t i = 0; i < p->n_assocs; i++) {
		const struct policy_assoc *a = &p->assocs[i];
		const char *was = former(s, a->said);
		struct carriers_found n;
		int err;

		if (was == NULL || strcmp(was, a->name) == 0)
			continue;
		err =
		    carriers_count(&s->sever.carriers, said_to_mark(o, a->said),
				   o->said_mask, &n);
		if (err == 0 && n.sockets == 0)
			continue;
		snprintf(why->text, sizeof(why->text),
			 "association %s: its SAID 0x%" PRIx32
			 " was association %s's, and %u sockets carry it: end "
			 "them, or take another SAID",
			 a->name, a->said, was, n.sockets);
		if (err < 0)
			snprintf(why->text, sizeof(why->text),
				 "association %s: its SAID 0x%" PRIx32
				 " was association %s's, and whether sockets "
				 "carry it can't be seen (%s): take another "
				 "SAID",
				 a->name, a->said, was, strerror(-err));
		return -EADDRINUSE;
	}
	return 0;
}

void
sever_moved(struct supervisor *s, const struct policy *p)
{
	for (size_t i = 0; i < p->n_assocs; i++) {
		const char *was = former(s, p->assocs[i].said);
		struct carriers_found n;

		if (was != NULL && strcmp(was, p->assocs[i].name) != 0)
			(void)carriers_cut(
			    &s->sever.carriers,
			    said_to_mark(&p->options, p->assocs[i].said),
			    p->options.said_mask, NULL, &n);
	}
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
	forget_taken(s, is);
	for (size_t i = 0; i < was->n_assocs; i++) {
		const struct policy_assoc *a = &was->assocs[i];
		struct carriers_found n;
		int err;

		if (holds(is, a) || holds(back, a))
			continue;
		close_said(s, a);
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
