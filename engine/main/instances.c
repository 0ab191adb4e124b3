/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * instances: SAIDs of user principals, out of dynamic-said.
 *
 * A key daemon asks for the instance of an association for a principal and
 * gets the same one for as long as it lives.  It lives while it has an SA, and
 * for a grace period, and for as long as a socket or a connection carries its
 * SAID, or a program runs under it: they outlive keys.
 *
 * A SAID is one principal's until the next boot: not every socket can be seen
 * (one without a port has a mark and is listed nowhere, or is on its way to
 * another process), and what such a one sends must not go to somebody else.
 * The same principal has it again.
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
#include "policy/said.h"

#define LOOK_MS 1000

/* ---- when it was in use ---- */

static bool
has_sa(const struct store *store, uint32_t said)
{
	for (uint32_t i = 0; i < store_slots(store); i++) {
		const struct sa *sa = store_sa(store, i);

		if (atomic_load(&sa->state) == SA_LIVE && sa->said == said)
			return true;
	}
	return false;
}

/* True: nothing carries it.  When that can't be seen, something may. */
static bool
is_bare(struct supervisor *s, uint32_t said)
{
	const struct policy_options *o = &s->policy->options;

	return carriers_any(&s->sever.carriers, said_to_mark(o, said),
			    o->said_mask) == 0;
}

static struct instances_idle *
find_idle(struct supervisor *s, uint32_t said)
{
	for (size_t i = 0; i < s->instances.n; i++)
		if (s->instances.idle[i].said == said)
			return &s->instances.idle[i];
	return NULL;
}

/* Its grace begins now. */
static void
note_use(struct supervisor *s, uint32_t said, uint64_t now_ms)
{
	struct instances *in = &s->instances;
	struct instances_idle *at = find_idle(s, said);

	if (at == NULL) {
		at = reallocarray(in->idle, in->n + 1, sizeof(*at));
		if (at == NULL)
			log_fatalx("no memory");
		in->idle = at;
		at += in->n++;
	}
	*at = (struct instances_idle){ said, now_ms };
}

static void
forget_use(struct supervisor *s, uint32_t said)
{
	struct instances_idle *at = find_idle(s, said);

	if (at != NULL)
		*at = s->instances.idle[--s->instances.n];
}

/* ---- one more, one less ---- */

/* Rules and store as the policy says now. */
static int
apply(struct supervisor *s, struct table_why *why)
{
	int err = table_reload(s->table, s->policy, why);

	return err < 0 ? err : manual_write_policy(&s->store, s->policy);
}

static bool
is_dynamic(const struct policy_options *o, uint32_t said)
{
	return said >= o->dynamic_first && said <= o->dynamic_last;
}

/* The SAID that it had before; 0: none. */
static uint32_t
own_said(const struct supervisor *s, const struct proto_instance *wanted)
{
	char name[sizeof(wanted->association) + 16];

	for (size_t i = s->sever.n; i-- > 0;) {
		const struct saidbook_line *l = &s->sever.closed[i];

		if (strcmp(l->principal, wanted->principal) != 0 ||
		    !is_dynamic(&s->policy->options, l->said))
			continue;
		snprintf(name, sizeof(name), "%s@0x%" PRIx32,
			 wanted->association, l->said);
		if (strcmp(l->name, name) == 0 &&
		    policy_assoc_by_said(s->policy, l->said) == NULL)
			return l->said;
	}
	return 0;
}

static void
take_all(const struct policy_options *o, bool *taken, const struct policy *p)
{
	for (size_t i = 0; p != NULL && i < p->n_assocs; i++)
		if (is_dynamic(o, p->assocs[i].said))
			taken[p->assocs[i].said - o->dynamic_first] = true;
}

/* Which of dynamic-said are somebody's, or were since the boot. */
static bool *
taken_saids(const struct supervisor *s)
{
	const struct policy_options *o = &s->policy->options;
	bool *taken = calloc(o->dynamic_last - o->dynamic_first + 1, 1);

	if (taken == NULL)
		log_fatalx("no memory");
	take_all(o, taken, s->policy);
	take_all(o, taken, s->goback.policy);
	for (size_t i = 0; i < s->sever.n; i++)
		if (is_dynamic(o, s->sever.closed[i].said))
			taken[s->sever.closed[i].said - o->dynamic_first] =
			    true;
	return taken;
}

/* One that was nobody's since the boot, and has no mark of others; 0: none. */
static uint32_t
free_said(struct supervisor *s)
{
	const struct policy_options *o = &s->policy->options;
	bool *taken = taken_saids(s);
	uint32_t said = o->dynamic_first;

	while (is_dynamic(o, said) &&
	       (taken[said - o->dynamic_first] || has_sa(&s->store, said) ||
		!is_bare(s, said)))
		said++;
	free(taken);
	return is_dynamic(o, said) ? said : 0;
}

static int
make(struct supervisor *s, const struct proto_instance *wanted,
     struct table_why *why)
{
	uint32_t said = own_said(s, wanted);
	int err;

	if (s->policy->n_assocs >= STORE_ASSOCS_MAX) {
		snprintf(why->text, sizeof(why->text),
			 "more than %d associations", STORE_ASSOCS_MAX);
		return -ENOSPC;
	}
	if (said == 0)
		said = free_said(s);
	if (said == 0) {
		snprintf(why->text, sizeof(why->text),
			 "dynamic-said is used up: a SAID is one principal's "
			 "until the next boot; a reload may widen it");
		return -ENOSPC;
	}
	err = instance_add(s->policy, wanted->association, wanted->principal,
			   said);
	if (err < 0) {
		snprintf(why->text, sizeof(why->text), "%s", strerror(-err));
		return err;
	}
	err = apply(s, why);
	if (err < 0) {
		(void)instance_del(s->policy, said);
		return err;
	}
	sever_taken(s, s->policy);
	sever_note(s); /* before anybody can be told of it */
	log_info("association %s: instance 0x%" PRIx32 " for %s",
		 wanted->association, said, wanted->principal);
	return 0;
}

static int
check_parent(const struct supervisor *s, const char *name,
	     struct table_why *why)
{
	const struct policy_assoc *a = policy_assoc_by_name(s->policy, name);

	if (s->disabled) {
		snprintf(why->text, sizeof(why->text), "disabled");
		return -ESHUTDOWN;
	}
	if (a == NULL) {
		snprintf(why->text, sizeof(why->text), "no such association");
		return -ENOENT;
	}
	if (a->keying == POLICY_KEYING_MANUAL || instance_is(a)) {
		snprintf(why->text, sizeof(why->text), "%s",
			 instance_is(a)
			     ? "it is an instance itself"
			     : "its keys stand in the configuration");
		return -EOPNOTSUPP;
	}
	return 0;
}

int
instances_get(struct supervisor *s, const struct proto_instance *wanted,
	      struct proto_instance *is, struct table_why *why)
{
	const struct policy_assoc *a;
	int err = check_parent(s, wanted->association, why);

	if (err < 0)
		return err;
	a = instance_find(s->policy, wanted->association, wanted->principal);
	if (a == NULL) {
		err = make(s, wanted, why);
		if (err < 0)
			return err;
		a = instance_find(s->policy, wanted->association,
				  wanted->principal);
	}
	note_use(s, a->said, clock_now_ms());
	*is = (struct proto_instance){ .said = a->said };
	snprintf(is->association, sizeof(is->association), "%s", a->name);
	snprintf(is->principal, sizeof(is->principal), "%s",
		 a->instance_principal);
	snprintf(is->instance_of, sizeof(is->instance_of), "%s",
		 a->instance_of);
	return 0;
}

/* Has it been without SA and carrier for long enough? */
static bool
is_over(struct supervisor *s, const struct policy_assoc *a, uint64_t now_ms)
{
	const struct instances_idle *idle = find_idle(s, a->said);

	if (idle != NULL && !has_sa(&s->store, a->said)) {
		if (now_ms - idle->since_ms < INSTANCES_GRACE_MS)
			return false;
		if (is_bare(s, a->said) && !runs_under(s->runs, a->name))
			return true;
	}
	note_use(s, a->said, now_ms);
	return false;
}

void
instances_tick(struct supervisor *s, uint64_t now_ms)
{
	struct instances *in = &s->instances;
	struct table_why why = { "" };
	bool closed = false;

	if (now_ms - in->looked_ms < LOOK_MS || s->disabled)
		return;
	in->looked_ms = now_ms;
	for (size_t i = s->policy->n_assocs; i-- > 0;) {
		const struct policy_assoc *a = &s->policy->assocs[i];
		uint32_t said = a->said;

		if (!instance_is(a) || !is_over(s, a, now_ms))
			continue;
		log_info("association %s: instance 0x%" PRIx32 " is over",
			 a->instance_of, said);
		forget_use(s, said);
		sever_close(s, a);
		closed = true;
		in->unapplied = instance_del(s->policy, said) || in->unapplied;
	}
	if (closed)
		sever_note(s);
	if (!in->unapplied)
		return;
	in->unapplied = apply(s, &why) < 0;
	if (in->unapplied && !in->told)
		log_warnx("rules of instances that are over, tried again: %s",
			  why.text);
	in->told = in->unapplied;
}

void
instances_adopt(const struct store *store, struct policy *p)
{
	const struct store_head *h = store->head;

	for (uint32_t i = 0; i < atomic_load(&h->n_assocs); i++) {
		const struct store_assoc *a = &h->assocs[i];

		if (a->instance_of[0] != '\0')
			(void)instance_add(p, a->instance_of, a->principal,
					   a->said);
	}
}

void
instances_recall(struct supervisor *s)
{
	/* The latest first, which may live still. */
	for (size_t i = s->sever.n; i-- > 0;) {
		struct saidbook_line l = s->sever.closed[i];

		l.name[strcspn(l.name, "@")] = '\0';
		if (l.principal[0] != '\0' &&
		    is_dynamic(&s->policy->options, l.said) &&
		    s->policy->n_assocs < STORE_ASSOCS_MAX)
			(void)instance_add(s->policy, l.name, l.principal,
					   l.said);
	}
}
