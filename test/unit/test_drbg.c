/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HMAC_DRBG with SHA-256 against NIST's CAVP cases (drbgvectors_no_reseed and
 * drbgvectors_pr_false, HMAC_DRBG.rsp, [SHA-256]): instantiate, reseed where
 * there is one, generate twice, compare the second output.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "entropyd/drbg.h"

struct vector {
	const char *entropy, *nonce, *personal;
	const char *reseed, *reseed_additional;
	const char *additional[2];
	const char *returned;
};

static const struct vector vectors[] = {
	{ /* 1: no reseed, no personalization */
	  .entropy = "ca851911349384bffe89de1cbdc46e6831e44d34a4fb935ee285dd"
		     "14b71a7488",
	  .nonce = "659ba96c601dc69fc902940805ec0ca8",
	  .returned =
	      "e528e9abf2dece54d47c7e75e5fe302149f817ea9fb4bee6f4199697d04d5b"
	      "89d54fbb978a15b5c443c9ec21036d2460b6f73ebad0dc2aba6e624abf0774"
	      "5bc107694bb7547bb0995f70de25d6b29e2d3011bb19d27676c07162c8b5cc"
	      "de0668961df86803482cb37ed6d5c0bb8d50cf1f50d476aa0458bdaba806f4"
	      "8be9dcb8" },
	{ /* 2: the same, COUNT = 1 */
	  .entropy = "79737479ba4e7642a221fcfd1b820b134e9e3540a35bb48ffae29c"
		     "20f5418ea3",
	  .nonce = "3593259c092bef4129bc2c6c9e19f343",
	  .returned =
	      "cf5ad5984f9e43917aa9087380dac46e410ddc8a7731859c84e9d0f31bd436"
	      "55b924159413e2293b17610f211e09f770f172b8fb693a35b85d3b9e5e63b1"
	      "dc252ac0e115002e9bedfb4b5b6fd43f33b8e0eafb2d072e1a6fee1f159df9"
	      "b51e6c8da737e60d5032dd30544ec51558c6f080bdbdab1de8a939e961e06b"
	      "5f1aca37" },
	{ /* 3: no reseed, personalization */
	  .entropy = "5cacc68165a2e2ee20812f35ec73a79dbf30fd475476ac0c44fc61"
		     "74cdac2b55",
	  .nonce = "6f885496c1e63af620becd9e71ecb824",
	  .personal = "e72dd8590d4ed5295515c35ed6199e9d211b8f069b3058caa6670b"
		      "96ef1208d0",
	  .returned =
	      "f1012cf543f94533df27fedfbf58e5b79a3dc517a9c402bdbfc9a0c0f721f9"
	      "d53faf4aafdc4b8f7a1b580fcaa52338d4bd95f58966a243cdcd3f446ed4bc"
	      "546d9f607b190dd69954450d16cd0e2d6437067d8b44d19a6af7a7cfa8794e"
	      "5fbd728e8fb2f2e8db5dd4ff1aa275f35886098e80ff844886060da8b1e713"
	      "7846b23b" },
	{ /* 4: reseed */
	  .entropy = "06032cd5eed33f39265f49ecb142c511da9aff2af71203bffaf34a"
		     "9ca5bd9c0d",
	  .nonce = "0e66f71edc43e42a45ad3c6fc6cdc4df",
	  .reseed = "01920a4e669ed3a85ae8a33b35a74ad7fb2a6bb4cf395ce00334a9c"
		    "9a5a5d552",
	  .returned =
	      "76fc79fe9b50beccc991a11b5635783a83536add03c157fb30645e611c2898"
	      "bb2b1bc215000209208cd506cb28da2a51bdb03826aaf2bd2335d576d51916"
	      "0842e7158ad0949d1a9ec3e66ea1b1a064b005de914eac2e9d4f2d72a8616a"
	      "80225422918250ff66a41bd2f864a6a38cc5b6499dc43f7f2bd09e1e0f8f58"
	      "85935124" },
	{ /* 5: reseed and additional input everywhere */
	  .entropy = "05ac9fc4c62a02e3f90840da5616218c6de5743d66b8e0fbf83375"
		     "9c5928b53d",
	  .nonce = "2b89a17904922ed8f017a63044848545",
	  .reseed = "2791126b8b52ee1fd9392a0a13e0083bed4186dc649b739607ac70e"
		    "c8dcecf9b",
	  .reseed_additional = "43bac13bae715092cf7eb280a2e10a962faf7233c4141"
			       "2f69bc74a35a584e54c",
	  .additional = { "3f2fed4b68d506ecefa21f3f5bb907beb0f17dbc30f6ffbba5"
			  "e5861408c53a1e",
			  "529030df50f410985fde068df82b935ec23d839cb4b269414c0e"
			  "de6cffea5b"
			  "68" },
	  .returned =
	      "02ddff5173da2fcffa10215b030d660d61179e61ecc22609b1151a75f1cbcb"
	      "b4363c3a89299b4b63aca5e581e73c860491010aa35de3337cc6c09ebec8c9"
	      "1a6287586f3a74d9694b462d2720ea2e11bbd02af33adefb4a16e6b370fa0e"
	      "ffd57d607547bdcfbb7831f54de7073ad2a7da987a0016a82fa958779a1686"
	      "74b56524" },
};

static struct drbg_octets
unhex(const char *text, uint8_t *out)
{
	size_t n = text != NULL ? strlen(text) / 2 : 0;

	for (size_t i = 0; i < n; i++) {
		unsigned v;

		sscanf(text + 2 * i, "%2x", &v);
		out[i] = (uint8_t)v;
	}
	return (struct drbg_octets){ out, n };
}

Test(drbg, agrees_with_the_published_cases)
{
	cr_assert_eq(drbg_library(), 0);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		uint8_t a[128], b[128], c[128], out[128], want[128];
		struct drbg d;

		cr_assert_eq(drbg_instantiate(&d, unhex(v->entropy, a),
					      unhex(v->nonce, b),
					      unhex(v->personal, c)),
			     0);
		if (v->reseed != NULL)
			cr_assert_eq(
			    drbg_reseed(&d, unhex(v->reseed, a),
					unhex(v->reseed_additional, b)),
			    0);
		for (int call = 0; call < 2; call++)
			cr_assert_eq(
			    drbg_generate(&d, out, sizeof(out),
					  unhex(v->additional[call], a)),
			    0);
		unhex(v->returned, want);
		cr_assert_arr_eq(out, want, sizeof(out), "case %zu", i + 1);
	}
}

static struct drbg
fresh(void)
{
	static const uint8_t seed[32] = { 1, 2, 3 };
	struct drbg d;

	cr_assert_eq(drbg_library(), 0);
	cr_assert_eq(drbg_instantiate(&d, (struct drbg_octets){ seed, 32 },
				      (struct drbg_octets){ seed, 16 },
				      (struct drbg_octets){ NULL, 0 }),
		     0);
	return d;
}

static const struct drbg_octets none = { NULL, 0 };

Test(drbg, state_after_a_call_does_not_give_back_its_output)
{
	struct drbg d = fresh(), before = d;
	uint8_t out[64], again[64];

	cr_assert_eq(drbg_generate(&d, out, sizeof(out), none), 0);
	/* Backtracking resistance: both halves of the state have moved on,
	 * and neither is what was given out. */
	cr_assert_neq(memcmp(d.key, before.key, 32), 0);
	cr_assert_neq(memcmp(d.v, before.v, 32), 0);
	cr_assert_neq(memcmp(d.v, out + 32, 32), 0);
	cr_assert_eq(drbg_generate(&d, again, sizeof(again), none), 0);
	cr_assert_neq(memcmp(out, again, sizeof(out)), 0);
}

Test(drbg, additional_input_parts_two_clones)
{
	struct drbg a = fresh(), b = a;
	uint8_t x[32], y[32];

	cr_assert_eq(drbg_generate(&a, x, 32, (struct drbg_octets){ "a", 1 }),
		     0);
	cr_assert_eq(drbg_generate(&b, y, 32, (struct drbg_octets){ "b", 1 }),
		     0);
	cr_assert_neq(memcmp(x, y, 32), 0);
}

Test(drbg, refuses_without_seed_and_beyond_its_limits)
{
	struct drbg d = fresh();
	static uint8_t out[DRBG_REQUEST_MAX + 1];

	cr_assert_eq(drbg_generate(&d, out, sizeof(out), none), -EINVAL);
	d.since_seed = UINT64_C(1) << 48;
	cr_assert_eq(drbg_generate(&d, out, 1, none), -EAGAIN);
	cr_assert_eq(drbg_reseed(&d, none, none), 0);
	cr_assert_eq(drbg_generate(&d, out, 1, none), 0);
	drbg_wipe(&d);
	for (size_t i = 0; i < sizeof(d); i++)
		cr_assert_eq(((uint8_t *)&d)[i], 0);
	cr_assert_eq(drbg_generate(&d, out, 1, none), -EAGAIN);
	cr_assert_eq(drbg_reseed(&d, none, none), -EAGAIN);
}

Test(drbg, mixing_is_no_reseeding)
{
	static const uint8_t seed[48] = { 1 };
	struct drbg a, b;
	uint8_t x[32], y[32];

	cr_assert_eq(drbg_library(), 0);
	cr_assert_eq(drbg_instantiate(&a, (struct drbg_octets){ seed, 48 },
				      none, none),
		     0);
	cr_assert_eq(drbg_generate(&a, x, sizeof(x), none), 0);
	b = a;
	cr_assert_eq(drbg_mix(&a, (struct drbg_octets){ seed, 5 }), 0);
	cr_assert_eq(a.since_seed, 1);
	cr_assert_eq(drbg_generate(&a, x, sizeof(x), none), 0);
	cr_assert_eq(drbg_generate(&b, y, sizeof(y), none), 0);
	cr_assert_neq(memcmp(x, y, sizeof(x)), 0);
	cr_assert_eq(drbg_reseed(&a, (struct drbg_octets){ seed, 48 }, none),
		     0);
	cr_assert_eq(a.since_seed, 0);
}
