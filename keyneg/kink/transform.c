/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "keyneg/kink/transform.h"

/* ESP transform ids: IANA's isakmp-registry; 249 is private use, for
 * ChaCha20-Poly1305 has no number in IKEv1. */
enum {
	ESP_NULL = 11,
	ESP_AES_CBC = 12,
	ESP_AES_CTR = 13,
	ESP_AES_CCM_8 = 14,
	ESP_AES_CCM_12 = 15,
	ESP_AES_CCM_16 = 16,
	ESP_AES_GCM_8 = 18,
	ESP_AES_GCM_12 = 19,
	ESP_AES_GCM_16 = 20,
	ESP_NULL_AUTH_AES_GMAC = 23,
	ESP_CHACHA20_POLY1305 = 249,
	/* RFC 8750 has numbers for IKEv2 alone. */
	ESP_AES_GCM_16_IIV = 250,
	ESP_AES_CCM_8_IIV = 251,
	ESP_CHACHA20_POLY1305_IIV = 252,
};

static const struct {
	enum algo algo;
	uint8_t id;
	uint16_t key_bits;
} encryption[] = {
	{ ALGO_AES128_GCM, ESP_AES_GCM_16, 128 },
	{ ALGO_AES192_GCM, ESP_AES_GCM_16, 192 },
	{ ALGO_AES256_GCM, ESP_AES_GCM_16, 256 },
	{ ALGO_AES128_GCM12, ESP_AES_GCM_12, 128 },
	{ ALGO_AES192_GCM12, ESP_AES_GCM_12, 192 },
	{ ALGO_AES256_GCM12, ESP_AES_GCM_12, 256 },
	{ ALGO_AES128_GCM8, ESP_AES_GCM_8, 128 },
	{ ALGO_AES192_GCM8, ESP_AES_GCM_8, 192 },
	{ ALGO_AES256_GCM8, ESP_AES_GCM_8, 256 },
	{ ALGO_AES128_CCM, ESP_AES_CCM_16, 128 },
	{ ALGO_AES256_CCM, ESP_AES_CCM_16, 256 },
	{ ALGO_AES128_CCM12, ESP_AES_CCM_12, 128 },
	{ ALGO_AES256_CCM12, ESP_AES_CCM_12, 256 },
	{ ALGO_AES128_CCM8, ESP_AES_CCM_8, 128 },
	{ ALGO_AES256_CCM8, ESP_AES_CCM_8, 256 },
	{ ALGO_CHACHA20_POLY1305, ESP_CHACHA20_POLY1305, 0 },
	{ ALGO_AES128_GCM_IIV, ESP_AES_GCM_16_IIV, 128 },
	{ ALGO_AES192_GCM_IIV, ESP_AES_GCM_16_IIV, 192 },
	{ ALGO_AES256_GCM_IIV, ESP_AES_GCM_16_IIV, 256 },
	{ ALGO_AES128_CCM8_IIV, ESP_AES_CCM_8_IIV, 128 },
	{ ALGO_AES256_CCM8_IIV, ESP_AES_CCM_8_IIV, 256 },
	{ ALGO_CHACHA20_POLY1305_IIV, ESP_CHACHA20_POLY1305_IIV, 0 },
	{ ALGO_AES128_CBC, ESP_AES_CBC, 128 },
	{ ALGO_AES192_CBC, ESP_AES_CBC, 192 },
	{ ALGO_AES256_CBC, ESP_AES_CBC, 256 },
	{ ALGO_AES128_CTR, ESP_AES_CTR, 128 },
	{ ALGO_AES256_CTR, ESP_AES_CTR, 256 },
	{ ALGO_NULL, ESP_NULL, 0 },
};

/* The authentication attribute, and the AH transform.  AES-CMAC has numbers
 * in neither list: private use. */
static const struct {
	enum algo algo;
	uint16_t attribute;
	uint8_t ah;
} integrity[] = {
	{ ALGO_HMAC_SHA1, 2, 3 },      { ALGO_HMAC_SHA256, 5, 5 },
	{ ALGO_HMAC_SHA384, 6, 6 },    { ALGO_HMAC_SHA512, 7, 7 },
	{ ALGO_AES128_GMAC, 11, 11 },  { ALGO_AES256_GMAC, 13, 13 },
	{ ALGO_AES_CMAC, 61440, 249 },
};

uint8_t
transform_ip_protocol(const struct keyconf_assoc *a)
{
	return a->enc == ALGO_NONE ? 51 : 50;
}

/* Fills in id and algorithms; false: this suite has no numbers. */
static bool
suite(const struct keyconf_assoc *a, struct isakmp_transform *t)
{
	size_t n = sizeof(integrity) / sizeof(integrity[0]), i = 0, e;

	while (i < n && integrity[i].algo != a->auth)
		i++;
	if (a->enc == ALGO_NONE) { /* AH */
		if (i == n)
			return false;
		t->id = integrity[i].ah;
		t->attrs.auth = integrity[i].attribute;
		return true;
	}
	if (a->enc == ALGO_NULL &&
	    (a->auth == ALGO_AES128_GMAC || a->auth == ALGO_AES256_GMAC)) {
		/* RFC 4543 section 9: one transform for both halves */
		t->id = ESP_NULL_AUTH_AES_GMAC;
		t->attrs.key_bits = a->auth == ALGO_AES128_GMAC ? 128 : 256;
		return true;
	}
	for (e = 0; e < sizeof(encryption) / sizeof(encryption[0]); e++)
		if (encryption[e].algo == a->enc)
			break;
	if (e == sizeof(encryption) / sizeof(encryption[0]))
		return false;
	t->id = encryption[e].id;
	t->attrs.key_bits = encryption[e].key_bits;
	if (a->auth == ALGO_NONE)
		return algo_info(a->enc)->kind == ALGO_KIND_AEAD;
	if (i == n || integrity[i].attribute == 11 ||
	    integrity[i].attribute == 13)
		return false;
	t->attrs.auth = integrity[i].attribute;
	return true;
}

const char *
transform_refusal(const struct keyconf_assoc *a)
{
	struct isakmp_transform t = { 0 };

	return suite(a, &t) ? NULL
			    : "these algorithms cannot be negotiated by KINK";
}

static void
lifetimes(const struct keyconf_assoc *a, struct isakmp_attrs *out)
{
	out->life_secs = a->limits.hard_secs != 0 ? a->limits.hard_secs
						  : TRANSFORM_LIFE_SECS;
	out->life_kb = a->limits.hard_octets / 1024;
}

void
transform_offer(const struct keyconf_assoc *a, uint32_t spi, uint16_t group,
		struct isakmp_proposal *out)
{
	struct isakmp_transform *t = &out->transform[0];

	memset(out, 0, sizeof(*out));
	out->number = 1;
	out->protocol = transform_ip_protocol(a) == 51 ? ISAKMP_PROTOCOL_AH
						       : ISAKMP_PROTOCOL_ESP;
	out->spi = spi;
	out->transforms = 1;
	t->number = 1;
	suite(a, t);
	lifetimes(a, &t->attrs);
	t->attrs.encap = TRANSFORM_ENCAP_TRANSPORT;
	t->attrs.group = group;
	t->attrs.esn = a->esn != 0;
}

/* All but the lifetimes. */
static bool
same_suite(const struct isakmp_transform *a, const struct isakmp_transform *b)
{
	return !a->unknown && !b->unknown && a->id == b->id &&
	       a->attrs.group == b->attrs.group &&
	       a->attrs.encap == b->attrs.encap &&
	       a->attrs.auth == b->attrs.auth &&
	       a->attrs.key_bits == b->attrs.key_bits &&
	       a->attrs.esn == b->attrs.esn;
}

static uint64_t
lower(uint64_t a, uint64_t b)
{
	return a == 0 ? b : b == 0 || a < b ? a : b;
}

/* Several proposals under one number are a bundle (AH and ESP together). */
static bool
in_bundle(const struct isakmp_op *o, unsigned i)
{
	for (unsigned j = 0; j < o->proposals; j++)
		if (j != i && o->proposal[j].number == o->proposal[i].number)
			return true;
	return false;
}

bool
transform_choose(const struct keyconf_assoc *a, const struct isakmp_op *offer,
		 uint16_t group, uint32_t spi, struct isakmp_proposal *out,
		 uint32_t *peer_spi, bool *first)
{
	struct isakmp_proposal ours;

	transform_offer(a, spi, group, &ours);
	for (unsigned i = 0; i < offer->proposals; i++) {
		const struct isakmp_proposal *p = &offer->proposal[i];

		if (p->protocol != ours.protocol || p->spi < 256 ||
		    in_bundle(offer, i))
			continue;
		for (unsigned t = 0; t < p->transforms; t++) {
			const struct isakmp_transform *theirs =
			    &p->transform[t];
			struct isakmp_attrs *at = &ours.transform[0].attrs;

			if (!same_suite(theirs, &ours.transform[0]))
				continue;
			/* The answer may lower what was said, and may not
			 * say what was not. */
			at->life_secs =
			    theirs->attrs.life_secs == 0
				? 0
				: lower(at->life_secs, theirs->attrs.life_secs);
			at->life_kb =
			    theirs->attrs.life_kb == 0
				? 0
				: lower(at->life_kb, theirs->attrs.life_kb);
			ours.number = p->number;
			ours.transform[0].number = theirs->number;
			*out = ours;
			*peer_spi = p->spi;
			*first = i == 0 && t == 0;
			return true;
		}
	}
	return false;
}

/* What keeps this one from being chosen; the higher *rank, the more it says. */
static const char *
why_not(const struct isakmp_proposal *p, const struct isakmp_transform *theirs,
	const struct isakmp_proposal *ours, bool bundle, int *rank)
{
	const struct isakmp_transform *wanted = &ours->transform[0];

	*rank = 5;
	if (bundle)
		return "AH and ESP together are offered, which is not "
		       "negotiated here yet";
	if (theirs->attrs.encap == TRANSFORM_ENCAP_TUNNEL)
		return "tunnel mode is offered, which is not negotiated here "
		       "yet";
	if (theirs->attrs.encap == TRANSFORM_ENCAP_UDP_TUNNEL ||
	    theirs->attrs.encap == TRANSFORM_ENCAP_UDP_TRANSPORT)
		return "ESP in UDP is offered, which is not negotiated here "
		       "yet";
	*rank = 1;
	if (p->protocol != ours->protocol)
		return ours->protocol == ISAKMP_PROTOCOL_AH
			   ? "ESP is offered, and the association has AH"
			   : "AH is offered, and the association has ESP";
	*rank = 4;
	if (p->spi < 256)
		return "a reserved SPI is offered";
	*rank = 3;
	if (theirs->id == wanted->id &&
	    theirs->attrs.auth == wanted->attrs.auth &&
	    theirs->attrs.key_bits == wanted->attrs.key_bits &&
	    theirs->attrs.esn != wanted->attrs.esn)
		return "`esn` differs";
	*rank = 2;
	return "the algorithms of the association differ";
}

const char *
transform_why_not(const struct keyconf_assoc *a, const struct isakmp_op *offer,
		  uint16_t group)
{
	const char *best = "nothing is offered";
	struct isakmp_proposal ours;
	int rank = 0;

	transform_offer(a, 0, group, &ours);
	for (unsigned i = 0; i < offer->proposals; i++) {
		const struct isakmp_proposal *p = &offer->proposal[i];

		for (unsigned t = 0; t < p->transforms; t++) {
			int got;
			const char *why = why_not(p, &p->transform[t], &ours,
						  in_bundle(offer, i), &got);

			if (got > rank) {
				rank = got;
				best = why;
			}
		}
	}
	return best;
}

uint16_t
transform_offered_group(const struct isakmp_op *offer)
{
	uint16_t group = 0;
	bool started = false;

	for (unsigned i = 0; i < offer->proposals; i++)
		for (unsigned t = 0; t < offer->proposal[i].transforms; t++) {
			uint16_t g =
			    offer->proposal[i].transform[t].attrs.group;

			if (started && g != group)
				return 0xffff;
			group = g;
			started = true;
		}
	return group;
}

static bool
no_longer(uint64_t answer, uint64_t offered)
{
	return answer == 0 || offered == 0 ? answer == 0 || offered == answer
					   : answer <= offered;
}

bool
transform_same(const struct isakmp_proposal *offered,
	       const struct isakmp_proposal *answer)
{
	const struct isakmp_transform *o = &offered->transform[0],
				      *a = &answer->transform[0];

	return answer->transforms == 1 &&
	       answer->protocol == offered->protocol && answer->spi >= 256 &&
	       same_suite(o, a) &&
	       no_longer(a->attrs.life_secs, o->attrs.life_secs) &&
	       no_longer(a->attrs.life_kb, o->attrs.life_kb);
}
