/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "policy/check.h"
#include "policy/unique.h"

/* NAME[/INSTANCE]@REALM, printable (RFC 4120 6).  A `*` may stand for the
 * whole instance where wild is true, and nowhere else.  NULL, or what is
 * wrong. */
static const char *
bad_principal(const char *text, bool wild)
{
	const char *at = strrchr(text, '@'), *star = strchr(text, '*');

	for (const char *c = text; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return "a principal has no blanks in it";
	if (at == NULL || at == text || at[1] == '\0' ||
	    memchr(text, '@', (size_t)(at - text)) != NULL)
		return "a principal is NAME/INSTANCE@REALM or NAME@REALM";
	if (star == NULL)
		return NULL;
	if (!wild)
		return "no `*` here: this names one principal";
	if (star == text || star[-1] != '/' || star + 1 != at)
		return "`*` stands for the whole instance, as in "
		       "kink/*@EXAMPLE.COM";
	return NULL;
}

static void
check_principal(const char *text, bool wild, const struct policy_place *at,
		struct diag *d)
{
	const char *what = bad_principal(text, wild);

	if (what != NULL)
		diag_error(d, at, "`%.100s`: %s", text, what);
}

static void
check_kerberos(const struct policy *p, const struct policy_assoc *a,
	       struct diag *d)
{
	const struct policy_place *at = &a->at[POLICY_WORD_KEYING];

	if (a->local_principal == NULL)
		diag_error(d, at, "`keying kerberos` without `local`");
	else
		check_principal(a->local_principal, false, at, d);
	if (a->peer_principal == NULL) {
		diag_error(d, at, "`keying kerberos` without `peer`");
		return;
	}
	check_principal(a->peer_principal, true, at, d);
	if (a->accept_any_address)
		diag_warn(d, at,
			  "accept-any-address: whoever has a key of %s may "
			  "speak for every address of this association",
			  a->peer_principal);
	else if (strchr(a->peer_principal, '*') != NULL && p->n_principals == 0)
		diag_error(d, at,
			   "a `*` lets every host of the realm speak for "
			   "every address: say which in `principals`, or "
			   "`accept-any-address yes`");
}

void
check_names(const struct policy *p, struct diag *d)
{
	struct unique lines = { 0 };

	for (size_t i = 0; i < p->n_assocs; i++)
		if (p->assocs[i].keying == POLICY_KEYING_KERBEROS)
			check_kerberos(p, &p->assocs[i], d);
	for (size_t i = 0; i < p->n_principals; i++) {
		const struct policy_principal *e = &p->principals[i];

		if (e->kind != POLICY_PRINCIPAL_ADDRESS) {
			unique_add(&lines, &e->kind, sizeof(e->kind),
				   &e->place);
			continue;
		}
		unique_add(&lines, &e->address, sizeof(e->address), &e->place);
		if (!ipaddr_is_host(&e->address))
			diag_error(d, &e->place, "one address, no prefix");
		check_principal(e->principal, false, &e->place, d);
	}
	unique_report(&lines, d, "this again");
}
