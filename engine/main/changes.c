/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/secret.h"
#include "engine/main/changes.h"

static bool
same_key(const struct policy_key *a, const struct policy_key *b)
{
	return a->spi == b->spi && a->key_octets == b->key_octets &&
	       a->auth_key_octets == b->auth_key_octets &&
	       secret_equal(a->key, b->key, sizeof(a->key)) &&
	       secret_equal(a->auth_key, b->auth_key, sizeof(a->auth_key));
}

static bool
same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

/* Two lists that end with NULL, or are not there. */
static bool
same_names(char *const *a, char *const *b)
{
	size_t i = 0;

	if (a == NULL || b == NULL)
		return a == b;
	while (a[i] != NULL && b[i] != NULL && strcmp(a[i], b[i]) == 0)
		i++;
	return a[i] == b[i];
}

static bool
same_assoc(const struct policy_assoc *a, const struct policy_assoc *b)
{
	return a->said == b->said && ipaddr_equal(&a->local, &b->local) &&
	       ipaddr_equal(&a->peer, &b->peer) && a->mode == b->mode &&
	       a->esp_enc == b->esp_enc && a->esp_auth == b->esp_auth &&
	       a->ah_auth == b->ah_auth && a->esn == b->esn &&
	       a->replay_window == b->replay_window &&
	       memcmp(&a->lifetime, &b->lifetime, sizeof(a->lifetime)) == 0 &&
	       a->keying == b->keying && same_key(&a->out, &b->out) &&
	       same_key(&a->in, &b->in) &&
	       same_text(a->local_principal, b->local_principal) &&
	       same_text(a->peer_principal, b->peer_principal) &&
	       same_names(a->bind_users, b->bind_users) &&
	       same_names(a->bind_groups, b->bind_groups);
}

/* Is flow f of x in y too?  Associations by name. */
static bool
has_flow(const struct policy *x, const struct policy_flow *f,
	 const struct policy *y)
{
	for (size_t i = 0; i < y->n_flows; i++) {
		const struct policy_flow *g = &y->flows[i];

		if (f->inbound != g->inbound || f->target != g->target ||
		    strcmp(f->expression, g->expression) != 0)
			continue;
		if (f->target != POLICY_TARGET_ASSOC ||
		    strcmp(x->assocs[f->assoc].name,
			   y->assocs[g->assoc].name) == 0)
			return true;
	}
	return false;
}

static void
print_flows(const struct policy *x, const struct policy *y, const char *what,
	    FILE *out)
{
	for (size_t i = 0; i < x->n_flows; i++) {
		const struct policy_flow *f = &x->flows[i];

		if (has_flow(x, f, y))
			continue;
		fprintf(out, "flow %s %s \"%s\": %s\n",
			f->inbound ? "in" : "out",
			f->target == POLICY_TARGET_BYPASS ? "bypass"
			: f->target == POLICY_TARGET_DISCARD
			    ? "discard"
			    : x->assocs[f->assoc].name,
			f->expression, what);
	}
}

void
changes_print(const struct policy *was, const struct policy *is, FILE *out)
{
	for (size_t i = 0; i < was->n_assocs; i++)
		if (policy_assoc_by_name(is, was->assocs[i].name) == NULL)
			fprintf(out, "association %s: removed\n",
				was->assocs[i].name);
	for (size_t i = 0; i < is->n_assocs; i++) {
		const struct policy_assoc *old =
		    policy_assoc_by_name(was, is->assocs[i].name);

		if (old == NULL)
			fprintf(out, "association %s: added\n",
				is->assocs[i].name);
		else if (!same_assoc(old, &is->assocs[i]))
			fprintf(out, "association %s: changed\n",
				is->assocs[i].name);
	}
	print_flows(was, is, "removed", out);
	print_flows(is, was, "added", out);
}
