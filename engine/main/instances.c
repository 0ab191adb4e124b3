/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * instances: SAIDs of user principals, out of dynamic-said.
 *
 * A key daemon asks for the instance of an association for a principal and
 * gets the same one for as long as it lives.  It lives while it has an SA, and
 * for a grace period, and for as long as a socket or a connection carries its
 * SAID: bound sockets outlive keys.  A SAID is had again only when nothing
 * carries it (socket, conntrack entry, SA), and late, since those behind it
 * are tried first.
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

/* 0 when there is none. */
static uint32_t
free_said(struct supervisor *s)
{
	const struct policy_options *o = &s->policy->options;
	uint32_t n = o->dynamic_last - o->dynamic_first + 1;
	uint32_t said = s->instances.next;

	for (uint32_t i = 0; i < n; i++, said++) {
		if (said < o->dynamic_first || said > o->dynamic_last)
			said = o->dynamic_first;
		if (policy_assoc_by_said(s->policy, said) != NULL ||
		    has_sa(&s->store, said) || !is_bare(s, said))
			continue;
		s->instances.next = said + 1;
		return said;
	}
	return 0;
}

static int
make(struct supervisor *s, const struct proto_instance *wanted,
     struct table_why *why)
{
	uint32_t said = free_said(s);
	int err;

	if (said == 0 || s->policy->n_assocs >= STORE_ASSOCS_MAX) {
		snprintf(why->text, sizeof(why->text),
			 "dynamic-said is used up");
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
		if (is_bare(s, a->said))
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
		in->unapplied = instance_del(s->policy, said) || in->unapplied;
	}
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
