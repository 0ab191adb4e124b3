/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "engine/crypto/kat.h"
#include "engine/crypto/suite.h"

#define KAT_SPI  0x01020304u
#define KAT_SEQ  0x0000000a05060708u
#define KAT_TEXT 48 /* octets: a multiple of every block */
#define KAT_ICV  32

static const struct kat table[] = {
#include "engine/crypto/kat_table.inc"
};

/* The inputs that oracle.py uses: octets that count up. */
struct input {
	uint8_t key[ALGO_KEYMAT_MAX], auth_key[ALGO_KEYMAT_MAX];
	uint8_t iv[16], text[KAT_TEXT];
	uint8_t want[KAT_TEXT + KAT_ICV];
	struct suite_sizes sizes;
};

const struct kat *
kat_table(size_t *n)
{
	*n = sizeof(table) / sizeof(table[0]);
	return table;
}

static void
count_up(uint8_t *octets, size_t n, unsigned first)
{
	for (size_t i = 0; i < n; i++)
		octets[i] = (uint8_t)(first + i);
}

static unsigned
hex_digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static struct input
make_input(const struct kat *k)
{
	struct input in = { .sizes = suite_sizes(k->enc, k->auth) };

	count_up(in.key, sizeof(in.key), 0);
	count_up(in.auth_key, sizeof(in.auth_key), 0x80);
	count_up(in.iv, sizeof(in.iv), 0xa0);
	count_up(in.text, sizeof(in.text), 0x30);
	for (size_t i = 0; i < sizeof(in.want) && k->answer[2 * i] != 0; i++)
		in.want[i] = (uint8_t)(hex_digit(k->answer[2 * i]) << 4 |
				       hex_digit(k->answer[2 * i + 1]));
	return in;
}

/* Sealed is what the answer says, it opens again, and not when a bit of the
 * ICV is another. */
static bool
esp_is_right(const struct kat *k, struct suite *s, struct input *in)
{
	uint8_t buf[KAT_TEXT] = { 0 }, icv[KAT_ICV] = { 0 };
	struct suite_job job = { .spi = KAT_SPI,
				 .seq = KAT_SEQ,
				 .iv = in->iv,
				 .src = in->text,
				 .dst = buf,
				 .len = KAT_TEXT,
				 .icv = icv };

	if (suite_seal(s, &job) != 0 || memcmp(buf, in->want, KAT_TEXT) != 0 ||
	    memcmp(icv, in->want + KAT_TEXT, in->sizes.icv_octets) != 0)
		return false;
	job.src = in->want;
	if (suite_open(s, &job) != 0 || memcmp(buf, in->text, KAT_TEXT) != 0)
		return false;
	if (in->sizes.icv_octets == 0)
		return true;
	icv[in->sizes.icv_octets - 1] ^= 1;
	memset(buf, 0, sizeof(buf));
	return suite_open(s, &job) == -EBADMSG &&
	       memcmp(buf, (uint8_t[KAT_TEXT]){ 0 }, KAT_TEXT) == 0;
}

static bool
ah_is_right(const struct kat *k, struct suite *s, struct input *in)
{
	uint8_t icv[KAT_ICV];
	struct suite_piece pieces[] = { { in->text, 20 },
					{ NULL, 0 },
					{ in->text + 20, KAT_TEXT - 20 } };
	struct suite_scatter what = { .seq = KAT_SEQ,
				      .iv = in->iv,
				      .pieces = pieces,
				      .n_pieces = 3,
				      .icv = icv };

	if (suite_sign(s, &what) != 0 ||
	    memcmp(icv, in->want, in->sizes.icv_octets) != 0 ||
	    suite_verify(s, &what) != 0)
		return false;
	icv[0] ^= 0x80;
	return suite_verify(s, &what) == -EBADMSG;
}

static bool
is_right(const struct kat *k)
{
	struct input in = make_input(k);
	struct suite_params params = { .enc = k->enc,
				       .auth = k->auth,
				       .esn = k->esn,
				       .key = in.key,
				       .key_octets = algo_keymat_octets(k->enc),
				       .auth_key = in.auth_key,
				       .auth_key_octets =
					   algo_keymat_octets(k->auth) };
	struct suite *s;
	bool right;

	if (k->auth == ALGO_KEYED_MD5)
		params.auth_key_octets = 16; /* any length is allowed */
	s = suite_new(&params);
	if (s == NULL)
		return false;
	right = k->enc == ALGO_NONE ? ah_is_right(k, s, &in)
				    : esp_is_right(k, s, &in);
	suite_free(s);
	return right;
}

int
kat_run(const struct kat *kats, size_t n, const char **failed)
{
	for (size_t i = 0; i < n; i++) {
		if (is_right(&kats[i]))
			continue;
		*failed = algo_info(kats[i].enc != ALGO_NONE ? kats[i].enc
							     : kats[i].auth)
			      ->name;
		return -EPROTO;
	}
	*failed = NULL;
	return 0;
}
