/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keyneg/core/keyconf.h"

int
keyconf_add_assoc(struct keyconf *c, const struct keyconf_assoc *a)
{
	struct keyconf_assoc *more =
	    reallocarray(c->assoc, c->assocs + 1, sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	c->assoc = more;
	more[c->assocs++] = *a;
	return 0;
}

int
keyconf_add_map(struct keyconf *c, const struct keyconf_map *m)
{
	struct keyconf_map *more =
	    reallocarray(c->map, c->maps + 1, sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	c->map = more;
	more[c->maps++] = *m;
	return 0;
}

void
keyconf_fini(struct keyconf *c)
{
	free(c->assoc);
	free(c->map);
	memset(c, 0, sizeof(*c));
}

const struct keyconf_assoc *
keyconf_by_name(const struct keyconf *c, const char *name)
{
	for (size_t i = 0; i < c->assocs; i++)
		if (strcmp(c->assoc[i].name, name) == 0)
			return &c->assoc[i];
	return NULL;
}

/* Linear: a star is tried at its shortest and then stretched, and only the
 * last star is ever gone back to. */
bool
keyconf_match(const char *pattern, const char *principal)
{
	const char *star = NULL, *at = NULL;

	while (*principal != '\0') {
		if (*pattern == '*') {
			if (*principal == '/' || *principal == '@')
				return false;
			star = ++pattern;
			at = ++principal;
		} else if (*pattern == *principal) {
			pattern++;
			principal++;
		} else if (star != NULL && *at != '/' && *at != '@' &&
			   *at != '\0') {
			pattern = star;
			principal = ++at;
		} else {
			return false;
		}
	}
	return *pattern == '\0';
}

const char *
keyconf_principal_at(const struct keyconf *c, const struct ipaddr *address)
{
	for (size_t i = 0; i < c->maps; i++)
		if (ipaddr_contains(&c->map[i].address, address))
			return c->map[i].principal;
	return NULL;
}

const char *
keyconf_expected(const struct keyconf *c, const struct keyconf_assoc *a,
		 const struct ipaddr *address, const char **why)
{
	const char *known = keyconf_principal_at(c, address);

	if (known != NULL) {
		if (keyconf_match(a->peer_pattern, known))
			return known;
		*why = "the principal that `principals` gives for this "
		       "address is not among the association's peers";
		return NULL;
	}
	if (strchr(a->peer_pattern, '*') == NULL)
		return a->peer_pattern;
	*why = "`principals` names nobody for this address, and the "
	       "association's peer is a pattern: add a line for it";
	return NULL;
}

bool
keyconf_may_speak(const struct keyconf *c, const struct keyconf_assoc *a,
		  const struct ipaddr *address, const char *principal,
		  const char **why)
{
	const char *known = keyconf_principal_at(c, address);

	if (!keyconf_match(a->peer_pattern, principal)) {
		*why = "the principal is not among the association's peers";
		return false;
	}
	if (known != NULL && strcmp(known, principal) != 0) {
		*why = "the address is another principal's by `principals`";
		return false;
	}
	if (known == NULL && strchr(a->peer_pattern, '*') != NULL &&
	    !a->accept_any_address) {
		*why = "`principals` names nobody for this address";
		return false;
	}
	return true;
}
