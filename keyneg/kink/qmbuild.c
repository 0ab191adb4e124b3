/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keyneg/kink/qmbuild.h"

enum { DOI_IPSEC = 1, SIT_IDENTITY_ONLY = 1 };

struct qmbuild
qmbuild_make(struct builder *b)
{
	struct qmbuild q = { .b = b, .last_next = b->len };

	builder_u8(b, ISAKMP_PAYLOAD_NONE);
	builder_u8(b, 0x10);
	builder_u16(b, 0);
	return q;
}

/* Writes a generic header at the end; the offset of the payload. */
static size_t
begin(struct builder *b)
{
	size_t at = b->len;

	builder_zeros(b, 4);
	return at;
}

static void
end(struct builder *b, size_t at)
{
	if (b->len - at > UINT16_MAX)
		b->overflow = true;
	else
		builder_patch_u16(b, at + 2, (uint16_t)(b->len - at));
}

/* The same, linked from the payload before. */
static size_t
begin_linked(struct qmbuild *q, uint8_t type)
{
	size_t at;

	builder_patch_u8(q->b, q->last_next, type);
	at = begin(q->b);
	q->last_next = at;
	return at;
}

static void
put_basic(struct builder *b, uint16_t type, uint16_t v)
{
	if (v == 0)
		return;
	builder_u16(b, 0x8000 | type);
	builder_u16(b, v);
}

static void
put_life(struct builder *b, uint16_t unit, uint64_t v)
{
	if (v == 0)
		return;
	put_basic(b, 1, unit);
	builder_u16(b, 2);
	if (v <= UINT32_MAX) {
		builder_u16(b, 4);
		builder_u32(b, (uint32_t)v);
	} else {
		builder_u16(b, 8);
		builder_u64(b, v);
	}
}

static void
put_transform(struct builder *b, const struct isakmp_transform *t, bool last)
{
	size_t at = begin(b);
	const struct isakmp_attrs *a = &t->attrs;

	if (!last)
		builder_patch_u8(b, at, ISAKMP_PAYLOAD_TRANSFORM);
	builder_u8(b, t->number);
	builder_u8(b, t->id);
	builder_u16(b, 0);
	put_life(b, 1, a->life_secs);
	put_life(b, 2, a->life_kb);
	put_basic(b, 3, a->group);
	put_basic(b, 4, a->encap);
	put_basic(b, 5, a->auth);
	put_basic(b, 6, a->key_bits);
	put_basic(b, 11, a->esn);
	end(b, at);
}

void
qmbuild_sa(struct qmbuild *q, const struct isakmp_proposal *p,
	   unsigned proposals)
{
	struct builder *b = q->b;
	size_t sa = begin_linked(q, ISAKMP_PAYLOAD_SA);

	builder_u32(b, DOI_IPSEC);
	builder_u32(b, SIT_IDENTITY_ONLY);
	for (unsigned i = 0; i < proposals; i++) {
		size_t at = begin(b);

		if (i + 1 < proposals)
			builder_patch_u8(b, at, ISAKMP_PAYLOAD_PROPOSAL);
		builder_u8(b, p[i].number);
		builder_u8(b, p[i].protocol);
		builder_u8(b, 4);
		builder_u8(b, (uint8_t)p[i].transforms);
		builder_u32(b, p[i].spi);
		for (unsigned t = 0; t < p[i].transforms; t++)
			put_transform(b, &p[i].transform[t],
				      t + 1 == p[i].transforms);
		end(b, at);
	}
	end(b, sa);
}

static void
put_octets(struct qmbuild *q, uint8_t type, const void *octets, size_t n)
{
	size_t at = begin_linked(q, type);

	builder_octets(q->b, octets, n);
	end(q->b, at);
}

void
qmbuild_nonce(struct qmbuild *q, const void *octets, size_t n)
{
	put_octets(q, ISAKMP_PAYLOAD_NONCE, octets, n);
}

void
qmbuild_ke(struct qmbuild *q, const void *octets, size_t n)
{
	put_octets(q, ISAKMP_PAYLOAD_KE, octets, n);
}

void
qmbuild_id(struct qmbuild *q, const struct ipaddr *a)
{
	size_t at = begin_linked(q, ISAKMP_PAYLOAD_ID);
	size_t n = a->family == IP_FAMILY_4 ? 4 : 16;
	bool host = ipaddr_is_host(a);

	builder_u8(q->b, n == 4 ? (host ? 1 : 4) : (host ? 5 : 6));
	builder_u8(q->b, 0);
	builder_u16(q->b, 0);
	builder_octets(q->b, a->octets, n);
	for (size_t i = 0; !host && i < n; i++) {
		int bits = a->prefix - (int)i * 8;

		builder_u8(q->b, bits >= 8   ? 0xff
				 : bits <= 0 ? 0
					     : (uint8_t)(0xff << (8 - bits)));
	}
	end(q->b, at);
}

void
qmbuild_notify(struct qmbuild *q, uint16_t type, uint8_t protocol, uint32_t spi,
	       const void *data, size_t n)
{
	size_t at = begin_linked(q, ISAKMP_PAYLOAD_NOTIFY);

	builder_u32(q->b, DOI_IPSEC);
	builder_u8(q->b, protocol);
	builder_u8(q->b, spi != 0 ? 4 : 0);
	builder_u16(q->b, type);
	if (spi != 0)
		builder_u32(q->b, spi);
	builder_octets(q->b, data, n);
	end(q->b, at);
}

void
qmbuild_delete(struct qmbuild *q, uint8_t protocol, const uint32_t *spi,
	       unsigned n)
{
	size_t at = begin_linked(q, ISAKMP_PAYLOAD_DELETE);

	builder_u32(q->b, DOI_IPSEC);
	builder_u8(q->b, protocol);
	builder_u8(q->b, 4);
	builder_u16(q->b, (uint16_t)n);
	for (unsigned i = 0; i < n; i++)
		builder_u32(q->b, spi[i]);
	end(q->b, at);
}
