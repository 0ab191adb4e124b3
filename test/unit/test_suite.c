/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "engine/crypto/kat.h"
#include "engine/crypto/suite.h"

#define TEXT 96 /* octets: a multiple of every block */

static uint8_t keys[2][ALGO_KEYMAT_MAX];

static void
start(void)
{
	const char *failed = NULL;

	cr_assert_eq(suite_init(&failed), 0, "known answer of %s", failed);
	for (unsigned i = 0; i < sizeof(keys[0]); i++) {
		keys[0][i] = (uint8_t)(i * 7 + 1);
		keys[1][i] = (uint8_t)(i * 5 + 3);
	}
}

static struct suite *
make(enum algo enc, enum algo auth, bool esn)
{
	struct suite_params params = { .enc = enc,
				       .auth = auth,
				       .esn = esn,
				       .key = keys[0],
				       .key_octets = algo_keymat_octets(enc),
				       .auth_key = keys[1],
				       .auth_key_octets =
					   algo_keymat_octets(auth) };

	if (auth == ALGO_KEYED_MD5)
		params.auth_key_octets = 16;
	return suite_new(&params);
}

/* Every pair that algo.h does not refuse, ESP and AH. */
struct pair {
	enum algo enc, auth;
};

static unsigned
all_pairs(struct pair *pairs)
{
	unsigned n = 0;

	for (unsigned e = 0; e < ALGO_COUNT; e++)
		for (unsigned a = 0; a < ALGO_COUNT; a++) {
			struct pair p = { (enum algo)e, (enum algo)a };
			bool ah = p.enc == ALGO_NONE;

			if ((ah ? algo_refuse_ah(p.auth)
				: algo_refuse_esp(p.enc, p.auth, false)) ==
			    NULL)
				pairs[n++] = p;
		}
	return n;
}

static bool
is_historic(struct pair p)
{
	return algo_info(p.enc)->historic || algo_info(p.auth)->historic;
}

TestSuite(suite, .init = start);

Test(suite, every_algorithm_has_a_known_answer)
{
	size_t n;
	const struct kat *kats = kat_table(&n);

	for (unsigned a = 1; a < ALGO_COUNT; a++) {
		bool found = false;

		for (size_t i = 0; i < n; i++)
			found |= kats[i].enc == a || kats[i].auth == a;
		cr_expect(found, "%s", algo_info((enum algo)a)->name);
	}
}

Test(suite, a_wrong_known_answer_is_found_and_named)
{
	size_t n;
	const struct kat *kats = kat_table(&n);

	for (size_t i = 0; i < n; i++) {
		struct kat bad = kats[i];
		char answer[256];
		const char *failed = NULL;

		cr_assert_lt(strlen(bad.answer), sizeof(answer));
		for (size_t at = 0; at < strlen(bad.answer); at += 7) {
			strcpy(answer, bad.answer);
			answer[at] = answer[at] == '0' ? '1' : '0';
			cr_expect_eq(kat_run(&(struct kat){ bad.enc, bad.auth,
							    bad.esn, answer },
					     1, &failed),
				     -EPROTO);
			cr_expect_str_eq(
			    failed,
			    algo_info(bad.enc != ALGO_NONE ? bad.enc : bad.auth)
				->name);
		}
		bad.esn = !bad.esn; /* ESN changes every answer that has one */
		cr_expect_eq(kat_run(&bad, 1, &failed), -EPROTO);
	}
}

static void
fill(uint8_t *octets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		octets[i] = (uint8_t)(i * 3 + 11);
}

Test(suite, seals_and_opens_all_lengths_in_place_and_apart)
{
	struct pair pairs[512];
	unsigned n = all_pairs(pairs);

	cr_assert_gt(n, 60);
	for (unsigned i = 0; i < n; i++) {
		struct suite_sizes z = suite_sizes(pairs[i].enc, pairs[i].auth);
		uint8_t iv[16], text[TEXT], a[TEXT], b[TEXT], icv[2][32];
		struct suite *s;

		if (pairs[i].enc == ALGO_NONE)
			continue;
		s = make(pairs[i].enc, pairs[i].auth, !is_historic(pairs[i]));
		cr_assert_not_null(s);
		fill(text, TEXT);
		for (size_t len = 0; len <= TEXT; len += z.block) {
			struct suite_job job = {
				7, 1ull << 40 | len, iv, text, a, len, icv[0]
			};

			suite_make_iv(s, len, iv);
			cr_assert_eq(suite_seal(s, &job), 0);
			memcpy(b, text, TEXT);
			job.src = job.dst = b;
			job.icv = icv[1];
			cr_assert_eq(suite_seal(s, &job), 0);
			cr_assert_arr_eq(a, b, len);
			cr_assert_arr_eq(icv[0], icv[1], z.icv_octets);
			cr_assert_eq(suite_open(s, &job), 0);
			cr_assert_arr_eq(b, text, len);
			job.src = a;
			cr_assert_eq(suite_open(s, &job), 0);
			cr_assert_arr_eq(b, text, len);
		}
		suite_free(s);
	}
}

/* Whatever is under the ICV: each bit of it, changed, is noticed, and no
 * octet of plaintext comes out. */
static void
expect_refused(struct suite *s, struct suite_job job, const uint8_t *text,
	       const char *what, const char *name)
{
	static const uint8_t zeros[TEXT];
	uint8_t out[TEXT] = { 0 }, in_place[TEXT];

	job.dst = out;
	cr_expect_eq(suite_open(s, &job), -EBADMSG, "%s: %s", name, what);
	cr_expect_arr_eq(out, zeros, TEXT, "%s: %s leaks", name, what);
	memcpy(in_place, job.src, job.len);
	job.src = job.dst = in_place;
	cr_expect_eq(suite_open(s, &job), -EBADMSG);
	for (size_t at = 0; at + 8 <= job.len && text != NULL; at += 8)
		cr_expect(memcmp(in_place + at, text + at, 8) != 0,
			  "%s: %s leaks in place", name, what);
}

static void
flip_everything(struct suite *s, struct suite_job job, struct suite_sizes z,
		bool esn, const uint8_t *text, const char *name)
{
	uint8_t *sealed = job.dst, *iv = (uint8_t *)job.iv;

	job.src = sealed;
	for (unsigned bit = 0; bit < z.icv_octets * 8; bit++) {
		job.icv[bit / 8] ^= (uint8_t)(1 << bit % 8);
		expect_refused(s, job, text, "ICV", name);
		job.icv[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (unsigned at = 0; at < job.len; at++) {
		sealed[at] ^= 1;
		expect_refused(s, job, text, "text", name);
		sealed[at] ^= 1;
	}
	for (unsigned at = 0; at < z.iv_octets; at++) {
		iv[at] ^= 0x10;
		expect_refused(s, job, text, "IV", name);
		iv[at] ^= 0x10;
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		struct suite_job other = job;

		other.seq ^= 1ull << bit;
		if (bit < 32 || esn)
			expect_refused(s, other, text, "sequence", name);
		if (bit >= 32)
			continue;
		other = job;
		other.spi ^= 1u << bit;
		expect_refused(s, other, text, "SPI", name);
	}
	if (job.len > z.block) {
		job.len -= z.block;
		expect_refused(s, job, text, "shorter text", name);
	}
}

Test(suite, notices_each_change_and_gives_no_plaintext, .timeout = 60)
{
	struct pair pairs[512];
	unsigned n = all_pairs(pairs);

	for (unsigned i = 0; i < 2 * n; i++) {
		struct pair p = pairs[i / 2];
		struct suite_sizes z = suite_sizes(p.enc, p.auth);
		bool esn = i & 1, plain = p.enc == ALGO_NULL;
		uint8_t iv[16], text[TEXT], out[TEXT], icv[32];
		struct suite_job job = { 0x1234, 5ull << 32 | 77, iv, text,
					 out,    TEXT / 2,        icv };
		struct suite *s;

		if (p.enc == ALGO_NONE || is_historic(p))
			continue;
		s = make(p.enc, p.auth, esn);
		cr_assert_not_null(s);
		fill(text, TEXT);
		suite_make_iv(s, 99, iv);
		cr_assert_eq(suite_seal(s, &job), 0);
		flip_everything(s, job, z, esn, plain ? NULL : text,
				algo_info(p.enc)->name);
		suite_free(s);
	}
}

Test(suite, refuses_what_is_no_multiple_of_its_block)
{
	uint8_t buf[32] = { 0 }, iv[16] = { 0 }, icv[32];
	struct suite *s = make(ALGO_AES128_CBC, ALGO_HMAC_SHA256, false);
	struct suite_job job = { 1, 1, iv, buf, buf, 31, icv };

	cr_assert_not_null(s);
	cr_expect_eq(suite_open(s, &job), -EBADMSG);
	cr_expect_eq(suite_seal(s, &job), -EIO);
	suite_free(s);
}

Test(suite, an_ah_suite_does_not_seal_and_an_esp_suite_does_not_sign)
{
	uint8_t buf[16] = { 0 }, iv[16] = { 0 }, icv[32];
	struct suite_job job = { 1, 1, iv, buf, buf, 16, icv };
	struct suite_piece piece = { buf, sizeof(buf) };
	struct suite_scatter what = { 1, iv, &piece, 1, icv };
	struct suite *ah = make(ALGO_NONE, ALGO_HMAC_SHA256, true);
	struct suite *esp = make(ALGO_AES128_GCM, ALGO_NONE, true);

	cr_expect_eq(suite_seal(ah, &job), -EIO);
	cr_expect_eq(suite_open(ah, &job), -EIO);
	cr_expect_eq(suite_sign(esp, &what), -EIO);
	cr_expect_eq(suite_verify(esp, &what), -EIO);
	suite_free(ah);
	suite_free(esp);
}

Test(suite, signs_the_same_however_it_is_cut)
{
	struct pair pairs[512];
	unsigned n = all_pairs(pairs);

	for (unsigned i = 0; i < n; i++) {
		uint8_t data[TEXT], iv[8] = { 1, 2, 3 }, icv[32];
		struct suite_piece pieces[3] = { { data, TEXT } };
		struct suite_scatter what = { 3ull << 32 | 4, iv, pieces, 1,
					      icv };
		struct suite *s;

		if (pairs[i].enc != ALGO_NONE)
			continue;
		s = make(ALGO_NONE, pairs[i].auth, !is_historic(pairs[i]));
		cr_assert_not_null(s);
		fill(data, TEXT);
		cr_assert_eq(suite_sign(s, &what), 0);
		what.n_pieces = 3;
		for (size_t cut = 0; cut <= TEXT; cut++) {
			pieces[0] = (struct suite_piece){ data, cut / 2 };
			pieces[1] = (struct suite_piece){ data + cut / 2,
							  cut - cut / 2 };
			pieces[2] =
			    (struct suite_piece){ data + cut, TEXT - cut };
			cr_expect_eq(suite_verify(s, &what), 0);
			data[cut % TEXT] ^= 4;
			cr_expect_eq(suite_verify(s, &what), -EBADMSG);
			data[cut % TEXT] ^= 4;
		}
		what.seq ^= 1ull << 33;
		cr_expect_eq(suite_verify(s, &what),
			     is_historic(pairs[i]) ? 0 : -EBADMSG);
		suite_free(s);
	}
}

Test(suite, refuses_combinations_that_do_not_protect)
{
	static const struct pair bad[] = {
		{ ALGO_NONE, ALGO_NONE },
		{ ALGO_NULL, ALGO_NONE },
		{ ALGO_AES128_CBC, ALGO_NONE },
		{ ALGO_AES256_CTR, ALGO_NONE },
		{ ALGO_AES128_GCM, ALGO_HMAC_SHA256 },
		{ ALGO_AES128_CBC, ALGO_AES128_GMAC },
		{ ALGO_AES128_CBC, ALGO_KEYED_MD5 },
		{ ALGO_NULL, ALGO_KEYED_MD5 },
		{ ALGO_DES_CBC_1829_IV32, ALGO_HMAC_SHA256 },
		{ ALGO_HMAC_SHA256, ALGO_NONE },
		{ ALGO_AES128_CBC, ALGO_AES128_CBC },
		{ ALGO_NONE, ALGO_AES128_GCM },
		{ ALGO_COUNT, ALGO_NONE },
		{ ALGO_NULL, ALGO_COUNT },
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct suite_sizes z = suite_sizes(bad[i].enc, bad[i].auth);

		errno = 0;
		cr_expect_null(make(bad[i].enc, bad[i].auth, false), "%u", i);
		cr_expect_eq(errno, EINVAL);
		cr_expect_eq(z.block != 0, bad[i].auth == ALGO_NONE &&
					       (bad[i].enc == ALGO_AES128_CBC ||
						bad[i].enc == ALGO_AES256_CTR));
		cr_expect_not_null(
		    bad[i].enc == ALGO_NONE
			? algo_refuse_ah(bad[i].auth)
			: algo_refuse_esp(bad[i].enc, bad[i].auth, false));
	}
	/* AH around it makes encryption alone one of RFC 8221's ways */
	for (unsigned esn = 0; esn < 2; esn++) {
		struct suite_params params = {
			.enc = ALGO_AES128_CTR,
			.esn = esn,
			.inside_ah = true,
			.key = keys[0],
			.key_octets = algo_keymat_octets(ALGO_AES128_CTR),
		};
		struct suite *s = suite_new(&params);

		cr_expect_not_null(s);
		suite_free(s);
		params.enc = ALGO_NULL;
		params.key_octets = 0;
		cr_expect_null(suite_new(&params));
	}
	/* no sequence number, so no high half of it */
	cr_expect_null(make(ALGO_NONE, ALGO_KEYED_MD5, true));
	cr_expect_null(make(ALGO_DES_CBC_1829_IV64, ALGO_NONE, true));
}

Test(suite, refuses_keys_of_the_wrong_length)
{
	struct pair pairs[512];
	unsigned n = all_pairs(pairs);

	for (unsigned i = 0; i < n; i++) {
		struct pair p = pairs[i];
		struct suite_params params = {
			.enc = p.enc,
			.auth = p.auth,
			.key = keys[0],
			.key_octets = algo_keymat_octets(p.enc),
			.auth_key = keys[1],
			.auth_key_octets = algo_keymat_octets(p.auth),
		};

		if (p.enc != ALGO_NONE) {
			params.key_octets++;
			cr_expect_null(suite_new(&params));
			params.key_octets -= 2;
			cr_expect_null(params.key_octets > ALGO_KEYMAT_MAX
					   ? NULL
					   : suite_new(&params));
			params.key_octets++;
		}
		if (p.auth == ALGO_NONE || p.auth == ALGO_KEYED_MD5)
			continue;
		params.auth_key_octets--;
		cr_expect_null(suite_new(&params));
		params.auth_key_octets = 0;
		cr_expect_null(suite_new(&params));
	}
}

Test(suite, keyed_md5_takes_keys_of_1_to_64_octets)
{
	struct suite_params params = { .enc = ALGO_NONE,
				       .auth = ALGO_KEYED_MD5,
				       .auth_key = keys[0] };

	for (unsigned n = 0; n <= 65; n++) {
		struct suite *s;

		params.auth_key_octets = n;
		s = suite_new(&params);
		cr_expect_eq(s != NULL, n >= 1 && n <= 64, "%u", n);
		suite_free(s);
	}
}

Test(suite, refuses_the_weak_keys_of_des)
{
	static const uint8_t weak[2][8] = {
		{ 1, 1, 1, 1, 1, 1, 1, 1 },
		{ 0x1f, 0xe0, 0x1f, 0xe0, 0x0e, 0xf1, 0x0e, 0xf1 },
	};

	for (unsigned i = 0; i < 2; i++) {
		struct suite_params params = { .enc = ALGO_DES_CBC_1829_IV32,
					       .key = weak[i],
					       .key_octets = 8 };

		cr_expect_null(suite_new(&params));
		cr_expect_eq(errno, EINVAL);
	}
}

Test(suite, ivs_differ_and_cbc_ivs_show_no_counter)
{
	struct pair pairs[512];
	unsigned n = all_pairs(pairs);

	for (unsigned i = 0; i < n; i++) {
		struct suite_sizes z = suite_sizes(pairs[i].enc, pairs[i].auth);
		struct suite *s = make(pairs[i].enc, pairs[i].auth, false);
		struct suite *other = make(pairs[i].enc, pairs[i].auth, false);
		uint8_t a[17], b[17], c[17];

		memset(a, 0x5a, sizeof(a));
		suite_make_iv(s, 0x0102030405060708, a);
		for (unsigned at = z.iv_octets; at < sizeof(a); at++)
			cr_expect_eq(a[at], 0x5a, "writes past its IV");
		suite_make_iv(s, 0x0102030405060709, b);
		suite_make_iv(other, 0x0102030405060708, c);
		cr_expect_arr_eq(a, c, z.iv_octets); /* on every worker */
		if (z.iv_octets != 0)
			cr_expect(memcmp(a, b, z.iv_octets) != 0);
		if (z.iv_octets == 8)
			cr_expect_arr_eq(a, "\1\2\3\4\5\6\7\10", 8);
		if (z.iv_octets == 4)
			cr_expect_arr_eq(a, "\5\6\7\10", 4);
		if (z.iv_octets == 16)
			cr_expect(memcmp(a, b, 8) != 0 &&
				  memcmp(a + 8, b + 8, 7) != 0);
		suite_free(s);
		suite_free(other);
	}
}
