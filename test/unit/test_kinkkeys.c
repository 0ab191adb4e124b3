/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Key exchange, KEYMAT, offers and choices, and the Kerberos messages that
 * come back. */
#include <criterion/criterion.h>
#include <errno.h>
#include <gcrypt.h>
#include <string.h>

#include "keyneg/core/der.h"
#include "keyneg/kink/dh.h"
#include "keyneg/kink/keymat.h"
#include "keyneg/kink/krbmsg.h"
#include "keyneg/kink/transform.h"
#include "kinksim.h"

static const uint16_t groups[] = { DH_GROUP_MODP2048, DH_GROUP_MODP3072,
				   DH_GROUP_MODP4096, DH_GROUP_CURVE25519 };

Test(dh, both_ends_agree)
{
	gcry_check_version(NULL);
	for (int i = 0; i < 4; i++) {
		uint8_t pa[512], pb[512], sa[512], sb[512];
		struct dh *a = dh_new(groups[i], pa),
			  *b = dh_new(groups[i], pb);
		size_t n = dh_octets(groups[i]);

		cr_assert_neq(a, NULL);
		cr_assert_eq(dh_shared(a, pb, n, sa), 0);
		cr_assert_eq(dh_shared(b, pa, n, sb), 0);
		cr_assert_eq(memcmp(sa, sb, n), 0);
		cr_assert_neq(memcmp(pa, pb, n), 0);
		cr_assert_lt(dh_shared(a, pb, n - 1, sa), 0);
		cr_assert_lt(dh_shared(a, pb, 0, sa), 0);
		dh_free(a);
		dh_free(b);
	}
	cr_assert_null(dh_new(2, NULL)); /* 1024 bits */
	cr_assert_null(dh_new(31, NULL));
}

/* RFC 7748 section 6.1, of the library that dh stands on. */
Test(dh, the_curve_is_x25519)
{
	static const uint8_t secret[32] = { 0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18,
					    0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72,
					    0x51, 0xb2, 0x66, 0x45, 0xdf, 0x4c,
					    0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a,
					    0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9,
					    0x2c, 0x2a };
	static const uint8_t want[4] = { 0x85, 0x20, 0xf0, 0x09 };
	static const uint8_t base[32] = { 9 };
	uint8_t out[32];

	gcry_check_version(NULL);
	cr_assert_eq(gcry_ecc_mul_point(GCRY_ECC_CURVE25519, out, secret, base),
		     0);
	cr_assert_eq(memcmp(out, want, 4), 0);
}

Test(dh, values_that_give_the_secret_away)
{
	/* the points of low order (RFC 7748 section 6.1 asks for the check) */
	static const uint8_t low[5][32] = {
		{ 0 },
		{ 1 },
		{ 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae,
		  0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
		  0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd,
		  0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
		{ 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24,
		  0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
		  0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86,
		  0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57 },
		{ 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
	};
	uint8_t value[512], out[512];
	struct dh *d;

	gcry_check_version(NULL);
	d = dh_new(DH_GROUP_CURVE25519, value);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(dh_shared(d, low[i], 32, out), -EBADMSG, "%d", i);
	dh_free(d);
	for (int g = 0; g < 3; g++) {
		size_t n = dh_octets(groups[g]);

		d = dh_new(groups[g], value);
		memset(value, 0, n);
		cr_assert_eq(dh_shared(d, value, n, out), -EBADMSG, "0");
		value[n - 1] = 1;
		cr_assert_eq(dh_shared(d, value, n, out), -EBADMSG, "1");
		value[n - 1] = 2;
		cr_assert_eq(dh_shared(d, value, n, out), 0);
		memset(value, 0xff, n); /* p and above */
		cr_assert_eq(dh_shared(d, value, n, out), -EBADMSG);
		value[n - 1] = 0xfe; /* p ends in all ones: p - 1 */
		cr_assert_eq(dh_shared(d, value, n, out), -EBADMSG);
		dh_free(d);
	}
}

/* K1 = prf(K, seed), Kn = prf(K, Kn-1 | seed), cut where it is long enough. */
Test(keymat, is_the_chain_of_rfc2409)
{
	for (int32_t e = 17; e <= 20; e++) {
		struct enctype_key k = { .etype = e, .key = { 1, 2, 3 } };
		uint8_t seed[ENCTYPE_PRF_MAX + 14], out[100], one[48];
		static const uint8_t rest[14] = { 'g', 'x', 'y', 3,   1,
						  2,   3,   4,   'n', 'i',
						  'n', 'r', 'n', 'r' };
		size_t at = 0;
		int n;

		gcry_check_version(NULL);
		cr_assert_eq(keymat_derive(&k, cursor_make("gxy", 3), 3,
					   0x01020304, cursor_make("ni", 2),
					   cursor_make("nrnr", 4), out,
					   sizeof(out)),
			     0);
		memcpy(seed, rest, sizeof(rest));
		n = enctype_prf(&k, seed, sizeof(rest), one);
		while (at < sizeof(out)) {
			size_t part = sizeof(out) - at < (size_t)n
					  ? sizeof(out) - at
					  : (size_t)n;

			cr_assert_eq(memcmp(out + at, one, part), 0);
			at += part;
			memcpy(seed, one, (size_t)n);
			memcpy(seed + n, rest, sizeof(rest));
			enctype_prf(&k, seed, (size_t)n + sizeof(rest), one);
		}
		cr_assert_lt(keymat_derive(&k, cursor_make("", 0), 3, 1,
					   cursor_make("", 0),
					   cursor_make("", 0), out,
					   KEYMAT_MAX + 1),
			     0);
	}
}

/* ---- offers ------------------------------------------------------------- */

static struct keyconf_assoc
assoc(void)
{
	return (struct keyconf_assoc){ .enc = ALGO_AES128_GCM,
				       .esn = 1,
				       .limits = { .hard_secs = 1000,
						   .hard_octets = 10 << 20 } };
}

Test(transform, chooses_what_it_is_told_and_nothing_else)
{
	struct keyconf_assoc a = assoc();
	struct isakmp_op op = { .proposals = 1 };
	struct isakmp_attrs *at = &op.proposal[0].transform[0].attrs;
	struct isakmp_proposal out, good;
	uint32_t spi;
	bool first;

	transform_offer(&a, 0x1000, 14, &op.proposal[0]);
	good = op.proposal[0];
	cr_assert(transform_choose(&a, &op, 14, 7, &out, &spi, &first));
	cr_assert(first && spi == 0x1000 && out.spi == 7);
	cr_assert(transform_same(&good, &op.proposal[0]));
	cr_assert(!transform_choose(&a, &op, 0, 7, &out, &spi, &first));
#define NO(change)                                                             \
	do {                                                                   \
		op.proposal[0] = good;                                         \
		change;                                                        \
		cr_assert(                                                     \
		    !transform_choose(&a, &op, 14, 7, &out, &spi, &first),     \
		    #change);                                                  \
		cr_assert(!transform_same(&good, &op.proposal[0]) ||           \
			      op.proposal[0].spi != good.spi,                  \
			  #change);                                            \
	} while (0)
	NO(at->key_bits = 256);
	NO(at->key_bits = 0);
	NO(at->encap = 1);
	NO(at->encap = 0);
	NO(at->esn = 0);
	NO(at->auth = 5);
	NO(at->group = 15);
	NO(op.proposal[0].transform[0].id = 19);
	NO(op.proposal[0].transform[0].unknown = true);
	NO(op.proposal[0].protocol = ISAKMP_PROTOCOL_AH);
	NO(op.proposal[0].spi = 255);
	NO(op.proposal[0].spi = 0);
	/* a bundle under one number */
	op.proposal[0] = good;
	op.proposal[1] = good;
	op.proposals = 2;
	cr_assert(!transform_choose(&a, &op, 14, 7, &out, &spi, &first));
	op.proposal[1].number = 2;
	op.proposal[0].transform[0].id = 12;
	cr_assert(transform_choose(&a, &op, 14, 7, &out, &spi, &first));
	cr_assert(!first);
	cr_assert_eq(out.number, 2);
}

/* What is not built yet is refused by its name. */
Test(transform, says_why_nothing_is_chosen)
{
	struct keyconf_assoc a = assoc();
	struct isakmp_op op = { .proposals = 1 };
	struct isakmp_proposal *p = op.proposal;
	struct isakmp_attrs *at = &p->transform[0].attrs;
	struct isakmp_proposal good;

	transform_offer(&a, 0x1000, 14, p);
	good = *p;
#define WHY(change, text)                                                      \
	do {                                                                   \
		*p = good;                                                     \
		change;                                                        \
		cr_assert_neq(strstr(transform_why_not(&a, &op, 14), text),    \
			      NULL, "%s", transform_why_not(&a, &op, 14));     \
	} while (0)
	WHY(at->encap = 1, "tunnel mode is offered");
	WHY(at->encap = 3, "ESP in UDP is offered");
	WHY(at->encap = 4, "ESP in UDP is offered");
	WHY(at->esn = 0, "`esn` differs");
	WHY(at->key_bits = 256, "algorithms");
	WHY(p->transform[0].id = 12, "algorithms");
	WHY(p->spi = 7, "reserved SPI");
	WHY(p->protocol = ISAKMP_PROTOCOL_AH, "AH is offered");
	WHY(p->transforms = 0, "nothing is offered");
	/* AH and ESP under one number; beside it what nearly fits. */
	p[1] = good;
	p[1].protocol = ISAKMP_PROTOCOL_AH;
	op.proposals = 2;
	WHY(, "AH and ESP together");
	p[1].number = 2;
	WHY(at->esn = 0, "`esn` differs");
}

Test(transform, lifetimes_go_down_and_never_up)
{
	struct keyconf_assoc a = assoc();
	struct isakmp_op op = { .proposals = 1 };
	struct isakmp_attrs *at = &op.proposal[0].transform[0].attrs;
	struct isakmp_proposal out, offered;
	uint32_t spi;
	bool first;

	transform_offer(&a, 0x1000, 0, &op.proposal[0]);
	offered = op.proposal[0];
	at->life_secs = 5000;
	at->life_kb = 1;
	transform_choose(&a, &op, 0, 7, &out, &spi, &first);
	cr_assert_eq(out.transform[0].attrs.life_secs, 1000);
	cr_assert_eq(out.transform[0].attrs.life_kb, 1);
	/* the answer does not say what was not said */
	at->life_kb = 0;
	transform_choose(&a, &op, 0, 7, &out, &spi, &first);
	cr_assert_eq(out.transform[0].attrs.life_kb, 0);
	out = offered;
	out.transform[0].attrs.life_secs--;
	cr_assert(transform_same(&offered, &out));
	out.transform[0].attrs.life_secs += 2;
	cr_assert(!transform_same(&offered, &out));
	out = offered;
	out.transforms = 2;
	cr_assert(!transform_same(&offered, &out));
}

Test(transform, what_cannot_be_negotiated)
{
	struct keyconf_assoc a = { 0 };

	for (int enc = 0; enc < ALGO_COUNT; enc++)
		for (int auth = 0; auth < ALGO_COUNT; auth++) {
			const struct algo_info *e = algo_info((enum algo)enc),
					       *i = algo_info((enum algo)auth);
			bool ok = !e->historic && !i->historic;

			a.enc = (uint8_t)enc;
			a.auth = (uint8_t)auth;
			if (enc == ALGO_NONE)
				ok = ok && i->kind == ALGO_KIND_AUTH;
			else if (auth == ALGO_NONE)
				ok = ok && e->kind == ALGO_KIND_AEAD;
			else
				ok = ok && i->kind == ALGO_KIND_AUTH &&
				     e->kind != ALGO_KIND_AUTH &&
				     (!i->counter_mode || enc == ALGO_NULL);
			if (enc != ALGO_NONE && e->kind == ALGO_KIND_AEAD &&
			    auth != ALGO_NONE)
				continue; /* the configuration refuses it */
			cr_assert_eq(transform_refusal(&a) == NULL, ok, "%s %s",
				     e->name, i->name);
		}
}

/* ---- AP-REP, KRB-ERROR -------------------------------------------------- */

Test(krbmsg, reads_an_ap_rep)
{
	for (int32_t e = 17; e <= 20; e++) {
		struct enctype_key k = { .etype = e, .key = { 9 } }, other = k;
		uint8_t der[512];
		uint64_t secs;
		uint32_t usec;
		size_t n;

		gcry_check_version(NULL);
		n = sim_ap_rep(&k, 1700000000, 123456, der, sizeof(der));
		cr_assert_eq(
		    krbmsg_read_ap_rep(cursor_make(der, n), &k, &secs, &usec),
		    0);
		cr_assert_eq(secs, 1700000000);
		cr_assert_eq(usec, 123456);
		other.key[0] = 8;
		cr_assert_eq(krbmsg_read_ap_rep(cursor_make(der, n), &other,
						&secs, &usec),
			     -EBADMSG);
		other.etype = e == 17 ? 19 : 17;
		cr_assert_eq(krbmsg_read_ap_rep(cursor_make(der, n), &other,
						&secs, &usec),
			     -EPERM);
		for (size_t i = 0; i < n; i++) {
			uint8_t old = der[i];

			cr_assert_lt(krbmsg_read_ap_rep(cursor_make(der, i), &k,
							&secs, &usec),
				     0);
			der[i] ^= 0x40;
			cr_assert_lt(krbmsg_read_ap_rep(cursor_make(der, n), &k,
							&secs, &usec),
				     0);
			der[i] = old;
		}
	}
}

Test(krbmsg, reads_a_krb_error)
{
	uint8_t der[512];
	struct krbmsg_error e;
	size_t n = sim_krb_error(37, 1700000000, 1700003600, der, sizeof(der));

	cr_assert(krbmsg_read_error(cursor_make(der, n), &e));
	cr_assert_eq(e.code, 37);
	cr_assert(e.has_ctime);
	cr_assert_eq(e.stime - e.ctime, 3600);
	for (size_t i = 0; i < n; i++)
		cr_assert(!krbmsg_read_error(cursor_make(der, i), &e));
	n = sim_krb_error(32, 0, 1700003600, der, sizeof(der));
	cr_assert(krbmsg_read_error(cursor_make(der, n), &e));
	cr_assert(!e.has_ctime);
}

Test(der, times_are_those_of_the_c_library)
{
	for (uint64_t t = 0; t < 4102444800u; t += 86399 * 7 + 1) {
		uint8_t der[64];
		struct builder b = builder_make(der, sizeof(der));
		struct cursor c;
		uint64_t back;

		sim_der_time(&b, 4, t);
		c = cursor_make(der, b.len);
		cr_assert(der_take_time(&c, 4, &back));
		cr_assert_eq(back, t);
	}
}

Test(der, lengths_are_minimal_and_definite)
{
	static const struct {
		const char *octets;
		size_t n;
		bool ok;
	} v[] = {
		{ "\x30\x01x", 3, true },
		{ "\x30\x02x", 3, false },
		{ "\x30\x80x", 3, false },
		{ "\x30\x81\x01x", 4, false },
		{ "\x30\x82\x00\x01x", 5, false },
		{ "\x30\x83\x00\x00\x01x", 6, false },
		{ "\x30\x84\xff\xff\xff\xff", 6, false },
		{ "\x30", 1, false },
		{ "\x31\x01x", 3, false },
		{ "", 0, false },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct cursor c = cursor_make(v[i].octets, v[i].n), out;

		cr_assert_eq(der_take(&c, DER_SEQUENCE, &out), v[i].ok, "%zu",
			     i);
		if (!v[i].ok)
			cr_assert_eq(c.left, v[i].n);
	}
}
