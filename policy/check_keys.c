/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "policy/check.h"
#include "policy/unique.h"

/* Octets of a key that encrypt, its salt left out: under one key two salts
 * are still one key. */
static unsigned
without_salt(enum algo algo, unsigned octets)
{
	unsigned salt = algo_info(algo)->salt_octets;

	return octets > salt ? octets - salt : octets;
}

/* One key against what its algorithm needs. */
static void
check_octets(enum algo algo, const char *word, unsigned octets,
	     const struct policy_place *at,
	     const struct policy_place *direction, struct diag *d)
{
	const struct algo_info *info = algo_info(algo);
	unsigned need = algo_keymat_octets(algo);
	bool any = info->kind == ALGO_KIND_AUTH && need == 0;

	if (need == 0 && (!any || algo == ALGO_NONE)) {
		if (at->line != 0)
			diag_error(d, at, "`%s`, but nothing here uses it",
				   word);
		return;
	}
	if (at->line == 0) {
		diag_error(d, direction, "no `%s` for %s", word, info->name);
		return;
	}
	if (octets == 0 || any || octets == need)
		return; /* none could be read: that was said already */
	if (info->salt_octets != 0)
		diag_error(d, at,
			   "a key of %u octets: %s needs %u, a key of "
			   "%u and then a salt of %u",
			   octets, info->name, need, info->key_octets,
			   info->salt_octets);
	else
		diag_error(d, at, "a key of %u octets: %s needs %u", octets,
			   info->name, need);
}

static void
check_direction(const struct policy_assoc *a, const struct policy_key *k,
		const char *word, struct diag *d)
{
	if (k->place.line == 0) {
		diag_error(d, &a->at[POLICY_WORD_KEYING],
			   "`keying manual` without `%s`", word);
		return;
	}
	if (a->esp_enc == ALGO_NONE && a->ah_auth == ALGO_NONE)
		return;
	check_octets(a->esp_enc, "key", k->key_octets, &k->key_at, &k->place,
		     d);
	check_octets(policy_auth_key_algo(a), "auth-key", k->auth_key_octets,
		     &k->auth_key_at, &k->place, d);
	check_octets(policy_ah_key_algo(a), "ah-key", k->ah_key_octets,
		     &k->ah_key_at, &k->place, d);
}

static void
check_manual(const struct policy_assoc *a, struct diag *d)
{
	const enum algo used[] = { a->esp_enc, a->esp_auth, a->ah_auth };

	check_direction(a, &a->out, "out", d);
	check_direction(a, &a->in, "in", d);
	if (a->at[POLICY_WORD_PEER].line == 0 || ipaddr_is_host(&a->peer))
		return;
	for (size_t i = 0; i < 3; i++)
		if (algo_info(used[i])->counter_mode) {
			diag_error(
			    d, &a->at[POLICY_WORD_PEER],
			    "one manual key for many peers, each with a "
			    "counter of its own: %s would use a nonce twice",
			    algo_info(used[i])->name);
			return;
		}
}

static void
add_key(struct unique *keys, const uint8_t *key, unsigned octets,
	enum algo algo, const struct policy_place *at)
{
	if (octets != 0)
		unique_add(keys, key, without_salt(algo, octets), at);
}

static void
add_direction(struct unique *keys, const struct policy_assoc *a,
	      const struct policy_key *k)
{
	add_key(keys, k->key, k->key_octets, a->esp_enc, &k->key_at);
	add_key(keys, k->auth_key, k->auth_key_octets, policy_auth_key_algo(a),
		&k->auth_key_at);
	add_key(keys, k->ah_key, k->ah_key_octets, policy_ah_key_algo(a),
		&k->ah_key_at);
}

/* An SA is found by SPI and protocol inbound, and by the peer as well on the
 * other side (RFC 4301 4.1). */
static void
add_spi(struct unique *spis, const struct policy_assoc *a,
	const struct policy_key *k, const struct ipaddr *peer)
{
	struct {
		struct ipaddr peer;
		uint32_t spi, ah;
	} id = { .spi = k->spi, .ah = a->esp_enc == ALGO_NONE };

	if (k->spi == 0)
		return;
	if (peer != NULL)
		id.peer = *peer;
	unique_add(spis, &id, sizeof(id), &k->place);
}

void
check_keys(const struct policy *p, struct diag *d)
{
	struct unique keys = { 0 }, in = { 0 }, out = { 0 };

	for (size_t i = 0; i < p->n_assocs; i++) {
		const struct policy_assoc *a = &p->assocs[i];

		if (a->keying != POLICY_KEYING_MANUAL)
			continue;
		check_manual(a, d);
		add_direction(&keys, a, &a->out);
		add_direction(&keys, a, &a->in);
		add_spi(&in, a, &a->in, NULL);
		add_spi(&out, a, &a->out, &a->peer);
	}
	unique_report(&keys, d, "the same key octets: a nonce would repeat");
	unique_report(&in, d, "this inbound SPI again");
	unique_report(&out, d, "this outbound SPI towards the same peer");
}
