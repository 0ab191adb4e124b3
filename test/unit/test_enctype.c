/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vectors of RFC 3961, 3962 and 8009, and MIT's library as a second opinion
 * over random keys. */
#include <criterion/criterion.h>
#include <gcrypt.h>
#include <krb5.h>
#include <string.h>

#include "base/secret.h"
#include "keyneg/kink/enctype.h"

static size_t
hex(const char *text, uint8_t *out)
{
	size_t n = 0;
	unsigned v;

	for (; *text != '\0'; text++) {
		if (*text == ' ')
			continue;
		sscanf(text, "%2x", &v);
		out[n++] = (uint8_t)v;
		text++;
	}
	return n;
}

static struct enctype_key
key(int32_t etype, const char *text)
{
	struct enctype_key k = { .etype = etype };

	gcry_check_version(NULL);
	hex(text, k.key);
	return k;
}

static void
is(const uint8_t *got, int n, const char *want)
{
	uint8_t right[512];

	cr_assert_eq((size_t)n, hex(want, right));
	cr_assert_eq(memcmp(got, right, (size_t)n), 0);
}

/* RFC 3961 appendix A.1 */
Test(enctype, nfold)
{
	static const struct {
		const char *in;
		size_t n;
		const char *out;
	} v[] = {
		{ "012345", 8, "be072631276b1955" },
		{ "password", 7, "78a07b6caf85fa" },
		{ "Rough Consensus, and Running Code", 8, "bb6ed30870b7f0e0" },
		{ "password", 21,
		  "59e4a8ca7c0385c3c37b3f6d2000247cb6e6bd5b3e" },
		{ "MASSACHVSETTS INSTITVTE OF TECHNOLOGY", 24,
		  "db3b0d8f0b061e603282b308a50841229ad798fab9540c1b" },
		{ "Q", 21, "518a54a2 15a8452a 518a54a2 15a8452a 518a54a2 15" },
		{ "ba", 21, "fb25d531 ae897449 9f52fd92 ea9857c4 ba24cf29 7e" },
		{ "kerberos", 8, "6b65726265726f73" },
		{ "kerberos", 16, "6b65726265726f737b9b5b2b93132b93" },
		{ "kerberos", 32,
		  "6b65726265726f737b9b5b2b93132b935c9bdcdad95c9899"
		  "c4cae4dee6d6cae4" },
	};
	uint8_t out[64];

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		enctype_nfold((const uint8_t *)v[i].in, strlen(v[i].in), out,
			      v[i].n);
		is(out, (int)v[i].n, v[i].out);
	}
}

/* RFC 8009 appendix A */
Test(enctype, prf_of_rfc8009)
{
	struct enctype_key k = key(19, "3705D96080C17728A0E800EAB6E0D23C");
	uint8_t out[ENCTYPE_PRF_MAX];

	is(out, enctype_prf(&k, "test", 4, out),
	   "9D188616F63852FE86915BB840B4A886FF3E6BB0F819B49B893393D393854295");
	k = key(20,
		"6D404D37FAF79F9DF0D33568D320669800EB4836472EA8A026D16B718246"
		"0C52");
	is(out, enctype_prf(&k, "test", 4, out),
	   "9801F69A368C2BF675E59521E177D9A07F67EFE1CFDE8D3C8D6F6A0256E3B17D"
	   "B3C1B62AD1B8553360D17367EB1514D2");
}

/* RFC 8009 appendix A, the sample checksums: usage 2, plaintext 00 .. 14 */
Test(enctype, checksum_of_rfc8009)
{
	struct enctype_key k = key(19, "3705D96080C17728A0E800EAB6E0D23C");
	uint8_t plain[21], out[ENCTYPE_CKSUM_MAX];

	for (uint8_t i = 0; i < sizeof(plain); i++)
		plain[i] = i;
	is(out, enctype_cksum(&k, 2, plain, sizeof(plain), out),
	   "D78367186643D67B411CBA9139FC1DEE");
	k = key(20,
		"6D404D37FAF79F9DF0D33568D320669800EB4836472EA8A026D16B718246"
		"0C52");
	is(out, enctype_cksum(&k, 2, plain, sizeof(plain), out),
	   "45EE791567EEFCA37F4AC1E0222DE80D43C3BFA06699672A");
}

/* RFC 8009 appendix A, the sample encryptions: usage 2, all lengths given */
Test(enctype, decrypts_the_samples_of_rfc8009)
{
	static const struct {
		int32_t etype;
		size_t n;
		const char *cipher;
	} v[] = {
		{ 19, 0,
		  "EF85FB890BB8472F4DAB20394DCA781DAD877EDA39D50C87"
		  "0C0D5A0A8E48C718" },
		{ 19, 6,
		  "84D7F30754ED987BAB0BF3506BEB09CFB55402CEF7E6877CE99E24"
		  "7E52D16ED4421DFDF8976C" },
		{ 19, 16,
		  "3517D640F50DDC8AD3628722B3569D2AE07493FA8263254080EA65"
		  "C1008E8FC295FB4852E7D83E1E7C48C37EEBE6B0D3" },
		{ 20, 0,
		  "41F53FA5BFE7026D91FAF9BE959195A058707273A96A40F0A0196062"
		  "1AC612748B9BBFBE7EB4CE3C" },
	};
	static const char *const keys[2] = {
		"3705D96080C17728A0E800EAB6E0D23C",
		"6D404D37FAF79F9DF0D33568D320669800EB4836472EA8A026D16B7182460C"
		"52"
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct enctype_key k = key(v[i].etype, keys[v[i].etype - 19]);
		uint8_t cipher[128], plain[128];
		size_t n = hex(v[i].cipher, cipher);

		cr_assert_eq(
		    enctype_decrypt(&k, 2, cipher, n, plain, sizeof(plain)),
		    (int)v[i].n, "%zu", i);
		for (size_t o = 0; o < v[i].n; o++)
			cr_assert_eq(plain[o], o);
	}
}

static const int32_t etypes[] = { 17, 18, 19, 20 };

Test(enctype, agrees_with_the_kerberos_library)
{
	krb5_context ctx;

	gcry_check_version(NULL);
	cr_assert_eq(krb5_init_context(&ctx), 0);
	for (int round = 0; round < 200; round++) {
		struct enctype_key k = { .etype = etypes[round % 4] };
		krb5_keyblock kb = { .enctype = k.etype,
				     .contents = k.key,
				     .length = (unsigned)enctype_key_octets(
					 k.etype) };
		uint8_t text[300], out[400], back[400];
		size_t n = (size_t)round * 3 % 300;
		krb5_data in = { .data = (char *)text, .length = (unsigned)n };
		krb5_data prf = { .data = (char *)back };
		krb5_enc_data enc = { .enctype = k.etype };
		krb5_boolean good = 0;
		krb5_checksum sum = { 0 };
		size_t prf_len;
		int len;

		secret_random(k.key, sizeof(k.key));
		secret_random(text, sizeof(text));
		cr_assert_eq(krb5_c_prf_length(ctx, k.etype, &prf_len), 0);
		prf.length = (unsigned)prf_len;
		cr_assert_eq(krb5_c_prf(ctx, &kb, &in, &prf), 0);
		cr_assert_eq(enctype_prf(&k, text, n, out), (int)prf_len);
		cr_assert_eq(memcmp(out, back, prf_len), 0);

		cr_assert_eq(krb5_c_make_checksum(ctx, 0, &kb, 40, &in, &sum),
			     0);
		cr_assert(
		    enctype_verify(&k, 40, text, n, sum.contents, sum.length));
		sum.contents[0] ^= 1;
		cr_assert(
		    !enctype_verify(&k, 40, text, n, sum.contents, sum.length));
		krb5_free_checksum_contents(ctx, &sum);

		len = enctype_encrypt(&k, 39, text, n, out, sizeof(out));
		cr_assert_gt(len, 0);
		enc.ciphertext.data = (char *)out;
		enc.ciphertext.length = (unsigned)len;
		prf.length = sizeof(back);
		cr_assert_eq(krb5_c_decrypt(ctx, &kb, 39, NULL, &enc, &prf), 0);
		cr_assert_eq(prf.length, n);
		cr_assert_eq(memcmp(back, text, n), 0);

		enc.ciphertext.length = sizeof(out);
		cr_assert_eq(krb5_c_encrypt(ctx, &kb, 39, NULL, &in, &enc), 0);
		len = enctype_decrypt(&k, 39, out, enc.ciphertext.length, back,
				      sizeof(back));
		cr_assert_eq(len, (int)n);
		cr_assert_eq(memcmp(back, text, n), 0);
		(void)good;
	}
	krb5_free_context(ctx);
}

Test(enctype, one_flipped_bit_anywhere_fails)
{
	for (size_t e = 0; e < 4; e++) {
		struct enctype_key k = { .etype = etypes[e] };
		uint8_t out[128], plain[128];
		int n;

		gcry_check_version(NULL);
		n = enctype_encrypt(&k, 39, "twenty octets of text", 21, out,
				    sizeof(out));
		cr_assert_gt(n, 0);
		for (int i = 0; i < n * 8; i++) {
			out[i / 8] ^= (uint8_t)(1 << i % 8);
			cr_assert_lt(enctype_decrypt(&k, 39, out, (size_t)n,
						     plain, sizeof(plain)),
				     0);
			out[i / 8] ^= (uint8_t)(1 << i % 8);
		}
		for (int i = 0; i < n; i++)
			cr_assert_lt(enctype_decrypt(&k, 39, out, (size_t)i,
						     plain, sizeof(plain)),
				     0);
		cr_assert_lt(enctype_decrypt(&k, 40, out, (size_t)n, plain,
					     sizeof(plain)),
			     0, "another usage");
	}
}

Test(enctype, weak_types_do_nothing)
{
	static const int32_t weak[] = { 1, 3, 16, 23, 24, 0, -1, 25, 26 };

	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
		struct enctype_key k = { .etype = weak[i] };
		uint8_t out[64];

		cr_assert(!enctype_known(weak[i]));
		cr_assert_lt(enctype_prf(&k, "x", 1, out), 0);
		cr_assert_lt(enctype_cksum(&k, 40, "x", 1, out), 0);
		cr_assert_lt(enctype_encrypt(&k, 39, "x", 1, out, 64), 0);
		cr_assert_lt(enctype_decrypt(&k, 39, out, 64, out, 64), 0);
	}
}
