/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/instance.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
instance_is(const struct policy_assoc *a)
{
	return a->instance_of[0] != '\0';
}

const struct policy_assoc *
instance_find(const struct policy *p, const char *parent, const char *principal)
{
	for (size_t i = 0; i < p->n_assocs; i++)
		if (strcmp(p->assocs[i].instance_of, parent) == 0 &&
		    instance_is(&p->assocs[i]) &&
		    strcmp(p->assocs[i].instance_principal, principal) == 0)
			return &p->assocs[i];
	return NULL;
}

static char *
copy_text(const char *text, int *err)
{
	char *copy = text == NULL ? NULL : strdup(text);

	if (text != NULL && copy == NULL)
		*err = -ENOMEM;
	return copy;
}

/* What the parent has on the heap, and keys, it does not share. */
static int
fill(struct policy_assoc *a, const struct policy_assoc *parent,
     const char *principal, uint32_t said)
{
	int err = 0;

	*a = *parent;
	a->said = said;
	a->out = a->in = (struct policy_key){ 0 };
	a->bind_users = a->bind_groups = NULL;
	a->n_bind_uids = a->n_bind_gids = 0;
	memcpy(a->instance_of, parent->name, sizeof(a->instance_of));
	a->local_principal = copy_text(parent->local_principal, &err);
	a->peer_principal = copy_text(parent->peer_principal, &err);
	a->instance_principal = copy_text(principal, &err);
	if (snprintf(a->name, sizeof(a->name), "%s@0x%" PRIx32, parent->name,
		     said) >= (int)sizeof(a->name))
		err = -EINVAL;
	return err;
}

static void
free_texts(struct policy_assoc *a)
{
	free(a->local_principal);
	free(a->peer_principal);
	free(a->instance_principal);
}

int
instance_add(struct policy *p, const char *parent, const char *principal,
	     uint32_t said)
{
	const struct policy_assoc *of = policy_assoc_by_name(p, parent);
	struct policy_assoc a, *more;
	int err;

	if (of == NULL)
		return -ENOENT;
	if (instance_is(of) || of->keying == POLICY_KEYING_MANUAL)
		return -EINVAL;
	if (policy_assoc_by_said(p, said) != NULL)
		return -EEXIST;
	err = fill(&a, of, principal, said);
	if (err == 0 && policy_assoc_by_name(p, a.name) != NULL)
		err = -EEXIST;
	more = err < 0 ? NULL
		       : reallocarray(p->assocs, p->n_assocs + 1, sizeof(a));
	if (err == 0 && more == NULL)
		err = -ENOMEM;
	if (err < 0) {
		free_texts(&a);
		return err;
	}
	p->assocs = more;
	p->assocs[p->n_assocs++] = a;
	return 0;
}

/* Flows name associations by place; instances stand behind them all. */
bool
instance_del(struct policy *p, uint32_t said)
{
	for (size_t i = 0; i < p->n_assocs; i++) {
		struct policy_assoc *a = &p->assocs[i];

		if (a->said != said || !instance_is(a))
			continue;
		free_texts(a);
		memmove(a, a + 1, (p->n_assocs - i - 1) * sizeof(*a));
		p->n_assocs--;
		return true;
	}
	return false;
}

void
instance_carry(const struct policy *from, struct policy *to)
{
	for (size_t i = to->n_assocs; i-- > 0;)
		if (instance_is(&to->assocs[i]))
			(void)instance_del(to, to->assocs[i].said);
	for (size_t i = 0; i < from->n_assocs; i++) {
		const struct policy_assoc *a = &from->assocs[i];

		if (instance_is(a) && a->said >= to->options.dynamic_first &&
		    a->said <= to->options.dynamic_last)
			(void)instance_add(to, a->instance_of,
					   a->instance_principal, a->said);
	}
}
