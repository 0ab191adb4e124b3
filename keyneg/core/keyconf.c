/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
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

/* The place of an address, or of the hole where it would go. */
static uint32_t *
find_slot(const struct keyconf *c, const struct ipaddr *address)
{
	size_t at = fnv_fold(fnv_add(FNV_BEGIN, address->octets,
				     sizeof(address->octets))) &
		    (c->slots - 1);

	while (c->slot[at] != 0 &&
	       !ipaddr_equal(&c->map[c->slot[at] - 1].address, address))
		at = (at + 1) & (c->slots - 1);
	return &c->slot[at];
}

/* Room in the index for one line more, half of the slots empty. */
static int
grow_index(struct keyconf *c)
{
	uint32_t *more;

	if (2 * (c->maps + 1) <= c->slots)
		return 0;
	more = calloc(c->slots == 0 ? 64 : 2 * c->slots, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	free(c->slot);
	c->slot = more;
	c->slots = c->slots == 0 ? 64 : 2 * c->slots;
	for (size_t i = 0; i < c->maps; i++) {
		uint32_t *slot;

		if (!ipaddr_is_host(&c->map[i].address))
			continue;
		slot = find_slot(c, &c->map[i].address);
		if (*slot == 0)
			*slot = (uint32_t)i + 1;
	}
	return 0;
}

int
keyconf_add_map(struct keyconf *c, const struct keyconf_map *m)
{
	bool host = ipaddr_is_host(&m->address);
	struct keyconf_map *more;
	uint32_t *prefix, *slot;

	if (grow_index(c) != 0)
		return -ENOMEM;
	if (!host) {
		prefix =
		    reallocarray(c->prefix, c->prefixes + 1, sizeof(*prefix));
		if (prefix == NULL)
			return -ENOMEM;
		c->prefix = prefix;
	}
	more = reallocarray(c->map, c->maps + 1, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	c->map = more;
	more[c->maps++] = *m;
	if (!host) {
		c->prefix[c->prefixes++] = (uint32_t)c->maps;
		return 0;
	}
	slot = find_slot(c, &m->address);
	if (*slot == 0) /* the first that knows it decides */
		*slot = (uint32_t)c->maps;
	return 0;
}

void
keyconf_fini(struct keyconf *c)
{
	free(c->assoc);
	free(c->map);
	free(c->slot);
	free(c->prefix);
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
	uint32_t best = c->slots == 0 ? 0 : *find_slot(c, address);

	for (size_t i = 0; i < c->prefixes; i++) {
		uint32_t n = c->prefix[i];

		if (best != 0 && best < n)
			break;
		if (ipaddr_contains(&c->map[n - 1].address, address)) {
			best = n;
			break;
		}
	}
	return best == 0 || best > c->maps ? NULL : c->map[best - 1].principal;
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
