/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "policy/keyfile.h"
#include "policy/number.h"
#include "policy/source.h"

#define KEYFILE_MAX 1024

/* Hexadecimal with blanks between its digits, as keygen and editors leave
 * it.  Wipes what it made of the text. */
static bool
read_hex(const struct source_file *f, uint8_t *key, size_t *n)
{
	char digits[KEYFILE_MAX];
	size_t len = 0;
	bool good;

	for (size_t i = 0; i < f->len; i++)
		if (f->text[i] == '\0' || strchr(" \t\r\n", f->text[i]) == NULL)
			digits[len++] = f->text[i];
	good = number_parse_hex(digits, len, key, n);
	secret_wipe(digits, sizeof(digits));
	return good;
}

/* `need` octets, 0 for any number.  A file of just that length is raw. */
static const char *
read_key(const struct source_file *f, unsigned need, uint8_t *key,
	 unsigned *octets)
{
	size_t n = ALGO_KEYMAT_MAX;

	if ((need == 0 || f->len != need) && read_hex(f, key, &n)) {
		*octets = (unsigned)n;
		return NULL;
	}
	if (f->len == 0)
		return "it is empty";
	if (f->len > ALGO_KEYMAT_MAX)
		return "neither a raw key nor hexadecimal digits";
	memcpy(key, f->text, f->len);
	*octets = (unsigned)f->len;
	return NULL;
}

static void
load_one(struct diag *d, const struct policy_place *at, const char *path,
	 unsigned need, uint8_t *key, unsigned *octets)
{
	struct source_file f = { 0 };
	const char *what;
	int err;

	if (path == NULL)
		return;
	err = source_read(path, KEYFILE_MAX, &f);
	if (err != 0) {
		diag_error(d, at, "%s: %s", path, source_error(err));
		return;
	}
	what = (f.mode & (S_IROTH | S_IWOTH)) != 0
		   ? "others can read or write this key: chmod o-rw"
		   : read_key(&f, need, key, octets);
	if (what != NULL)
		diag_error(d, at, "%s: %s", path, what);
	secret_wipe(f.text, f.len);
	free(f.text);
}

static void
load_direction(const struct policy_assoc *a, struct policy_key *k,
	       struct diag *d)
{
	load_one(d, &k->key_at, k->key_file, algo_keymat_octets(a->esp_enc),
		 k->key, &k->key_octets);
	load_one(d, &k->auth_key_at, k->auth_key_file,
		 algo_keymat_octets(policy_auth_key_algo(a)), k->auth_key,
		 &k->auth_key_octets);
	load_one(d, &k->ah_key_at, k->ah_key_file,
		 algo_keymat_octets(policy_ah_key_algo(a)), k->ah_key,
		 &k->ah_key_octets);
}

void
keyfile_load(struct policy *p, struct diag *d)
{
	for (size_t i = 0; i < p->n_assocs; i++) {
		load_direction(&p->assocs[i], &p->assocs[i].out, d);
		load_direction(&p->assocs[i], &p->assocs[i].in, d);
	}
}
