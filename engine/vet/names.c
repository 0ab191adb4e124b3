/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "engine/vet/names.h"

/* A number as it is.  Not the one that means "nobody" to the kernel. */
static bool
is_number(const char *name, uint32_t *id)
{
	unsigned long v;

	if (strspn(name, "0123456789") != strlen(name) || name[0] == '\0')
		return false;
	errno = 0;
	v = strtoul(name, NULL, 10);
	if (errno != 0 || v >= UINT32_MAX)
		return false;
	*id = (uint32_t)v;
	return true;
}

static bool
find_user(const char *name, uint32_t *id)
{
	const struct passwd *pw;

	if (is_number(name, id))
		return true;
	pw = getpwnam(name);
	if (pw != NULL)
		*id = pw->pw_uid;
	return pw != NULL;
}

static bool
find_group(const char *name, uint32_t *id)
{
	const struct group *gr;

	if (is_number(name, id))
		return true;
	gr = getgrnam(name);
	if (gr != NULL)
		*id = gr->gr_gid;
	return gr != NULL;
}

static unsigned
resolve(char *const *names, bool (*find)(const char *name, uint32_t *id),
	const char *what, uint32_t ids[POLICY_BIND_MAX],
	const struct policy_place *at, struct diag *d)
{
	unsigned n = 0;

	for (size_t i = 0; names != NULL && names[i] != NULL; i++)
		if (n < POLICY_BIND_MAX && find(names[i], &ids[n]))
			n++;
		else
			diag_warn(d, at,
				  "no %s `%s`: nobody is admitted by that name",
				  what, names[i]);
	return n;
}

void
names_resolve(struct policy *p, struct diag *d)
{
	for (size_t i = 0; i < p->n_assocs; i++) {
		struct policy_assoc *a = &p->assocs[i];
		const struct policy_place *at = &a->at[POLICY_WORD_BIND];

		a->n_bind_uids = resolve(a->bind_users, find_user, "user",
					 a->bind_uids, at, d);
		a->n_bind_gids = resolve(a->bind_groups, find_group, "group",
					 a->bind_gids, at, d);
	}
}
