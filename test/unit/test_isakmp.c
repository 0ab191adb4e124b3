/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "keyneg/kink/isakmp.h"
#include "keyneg/kink/qmbuild.h"

static uint8_t buf[8192];
static struct builder b;
static struct isakmp_op op;
static struct isakmp_fault fault;

static struct qmbuild
start(void)
{
	b = builder_make(buf, sizeof(buf));
	return qmbuild_make(&b);
}

static bool
parse(void)
{
	cr_assert(!b.overflow);
	return isakmp_parse(cursor_make(buf + 4, b.len - 4), buf[0], &op,
			    &fault);
}

static struct isakmp_proposal
esp(void)
{
	return (struct isakmp_proposal){ .number = 1,
					 .protocol = ISAKMP_PROTOCOL_ESP,
					 .spi = 0xdeadbeef,
					 .transforms = 1,
					 .transform = {
					     { .number = 1,
					       .id = 20,
					       .attrs = { .life_secs = 3600,
							  .life_kb = 1ull << 40,
							  .group = 14,
							  .encap = 2,
							  .key_bits = 256,
							  .esn = 1 } } } };
}

Test(isakmp, reads_a_whole_offer)
{
	struct isakmp_proposal p[2] = { esp(), esp() };
	struct qmbuild q = start();
	struct ipaddr a, net, six;

	ipaddr_parse("192.0.2.7", &a);
	ipaddr_parse("192.0.2.0/25", &net);
	ipaddr_parse("2001:db8::/61", &six);
	p[1].number = 2;
	p[1].transforms = 2;
	p[1].transform[1] = p[1].transform[0];
	qmbuild_sa(&q, p, 2);
	qmbuild_nonce(&q, "0123456789abcdef", 16);
	qmbuild_ke(&q, "kekeke", 6);
	qmbuild_id(&q, &a);
	qmbuild_id(&q, &net);
	qmbuild_notify(&q, ISAKMP_NOTIFY_ASSOCIATION, 3, 0, "db", 2);
	cr_assert(parse(), "%s", fault.why);
	cr_assert(op.has_sa && op.has_ids);
	cr_assert_eq(op.proposals, 2);
	cr_assert_eq(op.proposal[1].transforms, 2);
	cr_assert_eq(op.proposal[0].spi, 0xdeadbeef);
	cr_assert_eq(memcmp(&op.proposal[0].transform[0].attrs,
			    &p[0].transform[0].attrs,
			    sizeof(struct isakmp_attrs)),
		     0);
	cr_assert_eq(op.nonce.left, 16);
	cr_assert_eq(op.ke.left, 6);
	cr_assert(ipaddr_equal(&op.idci, &a));
	cr_assert(ipaddr_equal(&op.idcr, &net));
	cr_assert_eq(op.notifies, 1);
	cr_assert_eq(op.notify[0].data.left, 2);
	q = start();
	qmbuild_id(&q, &six);
	qmbuild_id(&q, &six);
	cr_assert(parse());
	cr_assert(ipaddr_equal(&op.idcr, &six));
}

Test(isakmp, every_truncation_is_refused)
{
	struct isakmp_proposal p = esp();
	struct qmbuild q = start();
	size_t n;

	qmbuild_sa(&q, &p, 1);
	qmbuild_nonce(&q, "0123456789abcdef", 16);
	n = b.len - 4;
	for (size_t i = 0; i < n; i++) {
		cr_assert(!isakmp_parse(cursor_make(buf + 4, i), buf[0], &op,
					&fault));
		cr_assert_eq(fault.type, ISAKMP_NOTIFY_PAYLOAD_MALFORMED);
	}
	cr_assert(
	    !isakmp_parse(cursor_make(buf + 4, n + 1), buf[0], &op, &fault));
}

/* Nested lengths: SA at 4, proposal at 16, transform at 28 of buf. */
Test(isakmp, every_wrong_length_is_refused)
{
	static const size_t at[] = { 4 + 2, 16 + 2, 28 + 2 };

	for (size_t i = 0; i < 3; i++) {
		struct isakmp_proposal p = esp();
		struct qmbuild q = start();
		uint16_t right;

		qmbuild_sa(&q, &p, 1);
		right = (uint16_t)(buf[at[i]] << 8 | buf[at[i] + 1]);
		cr_assert_eq(right, b.len - at[i] + 2);
		for (unsigned len = 0; len < 65536; len++) {
			if (len == right)
				continue;
			buf[at[i]] = (uint8_t)(len >> 8);
			buf[at[i] + 1] = (uint8_t)len;
			cr_assert(!parse(), "%u at %zu", len, at[i]);
		}
	}
}

Test(isakmp, counts_are_bounded_and_true)
{
	struct isakmp_proposal p[ISAKMP_MAX_PROPOSALS + 1];
	uint32_t spis[ISAKMP_MAX_SPIS + 1] = { 1 };
	struct qmbuild q;

	for (size_t i = 0; i < ISAKMP_MAX_PROPOSALS + 1; i++)
		p[i] = esp();
	q = start();
	qmbuild_sa(&q, p, ISAKMP_MAX_PROPOSALS);
	cr_assert(parse());
	q = start();
	qmbuild_sa(&q, p, ISAKMP_MAX_PROPOSALS + 1);
	cr_assert(!parse());
	q = start();
	qmbuild_sa(&q, p, 1);
	buf[16 + 7] = 2; /* the number of transforms */
	cr_assert(!parse());
	q = start();
	for (int i = 0; i < ISAKMP_MAX_NOTIFIES + 1; i++)
		qmbuild_notify(&q, 11, 3, 1, NULL, 0);
	cr_assert(!parse());
	q = start();
	qmbuild_delete(&q, 3, spis, ISAKMP_MAX_SPIS);
	cr_assert(parse());
	cr_assert_eq(op.spis, ISAKMP_MAX_SPIS);
	q = start();
	qmbuild_delete(&q, 3, spis, ISAKMP_MAX_SPIS + 1);
	cr_assert(!parse());
	q = start();
	qmbuild_delete(&q, 3, spis, 0);
	cr_assert(!parse());
	q = start();
	qmbuild_delete(&q, 3, spis, 1);
	qmbuild_delete(&q, 3, spis, 1);
	cr_assert(!parse());
}

Test(isakmp, order_and_doubles)
{
	struct isakmp_proposal p = esp();
	struct qmbuild q = start();

	qmbuild_nonce(&q, "0123456789abcdef", 16);
	qmbuild_sa(&q, &p, 1);
	cr_assert(!parse(), "SA must lead");
	q = start();
	qmbuild_nonce(&q, "0123456789abcdef", 16);
	qmbuild_nonce(&q, "0123456789abcdef", 16);
	cr_assert(!parse(), "two nonces");
	q = start();
	qmbuild_nonce(&q, "0123456", 7);
	cr_assert(!parse(), "a short nonce");
	q = start();
	qmbuild_nonce(&q, buf + 4096, 257);
	cr_assert(!parse(), "a long nonce");
	q = start();
	qmbuild_ke(&q, "", 0);
	cr_assert(!parse(), "an empty KE");
}

Test(isakmp, unknown_payload_is_named)
{
	struct qmbuild q = start();

	qmbuild_nonce(&q, "0123456789abcdef", 16);
	buf[0] = 8; /* HASH: not in KINK */
	cr_assert(!parse());
	cr_assert_eq(fault.type, ISAKMP_NOTIFY_INVALID_PAYLOAD_TYPE);
	cr_assert_eq(fault.payload, 8);
}

/* Reads these attributes in a transform of their own. */
static bool
attrs(const void *octets, size_t n)
{
	struct isakmp_proposal p = esp();
	struct qmbuild q = start();
	size_t at = 28 + 8;

	memset(&p.transform[0].attrs, 0, sizeof(p.transform[0].attrs));
	qmbuild_sa(&q, &p, 1);
	builder_octets(&b, octets, n);
	builder_patch_u16(&b, 4 + 2, (uint16_t)(b.len - 4));
	builder_patch_u16(&b, 16 + 2, (uint16_t)(b.len - 16));
	builder_patch_u16(&b, 28 + 2, (uint16_t)(b.len - 28));
	cr_assert_eq(at + n, b.len);
	return parse();
}
#define ATTRS(s) attrs(s, sizeof(s) - 1)

Test(isakmp, attributes)
{
	struct isakmp_transform *t = &op.proposal[0].transform[0];

	/* RFC 2407 section 4.5.2's example */
	cr_assert(ATTRS("\x80\1\0\1\0\2\0\4\0\1\x51\x80"
			"\x80\1\0\2\0\2\0\4\0\1\x86\xa0"));
	cr_assert_eq(t->attrs.life_secs, 86400);
	cr_assert_eq(t->attrs.life_kb, 100000);
	cr_assert(!t->unknown);
	/* a duration as a basic attribute */
	cr_assert(ATTRS("\x80\1\0\1\x80\2\x0e\x10"));
	cr_assert_eq(t->attrs.life_secs, 3600);
	cr_assert(!ATTRS("\0\2\0\4\0\1\x51\x80"), "a duration of what");
	cr_assert(!ATTRS("\x80\1\0\1\x80\2\0\5\x80\1\0\1\x80\2\0\6"));
	cr_assert_eq(fault.type, ISAKMP_NOTIFY_ATTRIBUTES_NOT_SUPPORTED);
	cr_assert(!ATTRS("\x80\4\0\1\x80\4\0\2"), "two modes");
	cr_assert(ATTRS("\x80\4\0\2\x80\4\0\2"), "the same twice");
	cr_assert(!ATTRS("\0\4\0\2\0\2"), "basic as variable");
	cr_assert(!ATTRS("\x80\4\0\0"), "reserved value");
	cr_assert(!ATTRS("\x80\x0b\0\2"), "RFC 4304 section 3");
	cr_assert(ATTRS("\x80\x0b\0\1"));
	cr_assert_eq(t->attrs.esn, 1);
	cr_assert(ATTRS("\x80\x63\0\1"));
	cr_assert(t->unknown);
	cr_assert(ATTRS("\0\x63\0\3abc"));
	cr_assert(t->unknown);
	cr_assert(!ATTRS("\0\x63\0\4abc"), "cut off");
	cr_assert(!ATTRS("\x80\4\0"), "cut off");
	cr_assert(!ATTRS("\x80\1\0\1\0\2\0\0"), "an empty duration");
	cr_assert(!ATTRS("\x80\1\0\1\0\2\0\x09"
			 "\1\0\0\0\0\0\0\0\0"),
		  "a duration over 64 bits");
	cr_assert(ATTRS("\x80\1\0\7\x80\2\0\5"), "a unit we do not know");
	cr_assert(t->unknown);
}

Test(isakmp, identities)
{
	struct qmbuild q = start();
	struct ipaddr a;

	ipaddr_parse("10.0.0.0/9", &a);
	qmbuild_id(&q, &a);
	cr_assert(!parse(), "one without the other");
	q = start();
	qmbuild_id(&q, &a);
	qmbuild_id(&q, &a);
	cr_assert(parse());
	qmbuild_id(&q, &a);
	cr_assert(!parse(), "three");
	for (unsigned type = 0; type < 256; type++) {
		q = start();
		qmbuild_id(&q, &a);
		qmbuild_id(&q, &a);
		buf[8] = (uint8_t)type;
		cr_assert_eq(parse(), type == 4, "%u", type);
	}
	q = start();
	qmbuild_id(&q, &a);
	qmbuild_id(&q, &a);
	buf[4 + 8 + 4] = 0xfd; /* a mask with a hole */
	cr_assert(!parse());
	cr_assert_eq(fault.type, ISAKMP_NOTIFY_INVALID_ID_INFORMATION);
}

Test(isakmp, every_octet_flipped_is_read_or_refused_with_a_reason)
{
	struct isakmp_proposal p = esp();
	struct qmbuild q = start();

	qmbuild_sa(&q, &p, 1);
	qmbuild_nonce(&q, "0123456789abcdef", 16);
	qmbuild_notify(&q, 11, 3, 1, "x", 1);
	for (size_t i = 0; i < b.len; i++)
		for (unsigned v = 0; v < 256; v++) {
			uint8_t old = buf[i];

			buf[i] = (uint8_t)v;
			if (!parse())
				cr_assert_neq(fault.why, NULL);
			buf[i] = old;
		}
}
