/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "keyneg/kink/kinkmsg.h"

static uint8_t buf[4096];

/* A CREATE with an AP_REQ of 7 octets, an ISAKMP of none, a checksum. */
static size_t
make(void)
{
	struct kinkmsg_build m = kinkmsg_build_make(
	    buf, sizeof(buf), KINK_TYPE_CREATE, 0x01020304, false);

	kinkmsg_put_ap(&m, KINK_PAYLOAD_AP_REQ, 99, "abcdefg", 7);
	kinkmsg_begin(&m, KINK_PAYLOAD_ISAKMP);
	builder_u32(&m.b, 0x00100000);
	kinkmsg_end(&m);
	cr_assert(kinkmsg_finish(&m));
	cr_assert(kinkmsg_sign(&m, "0123456789ab", 12));
	return m.b.len;
}

Test(kinkmsg, reads_what_it_builds)
{
	size_t n = make();
	struct kinkmsg msg;
	struct kinkbody body;

	/* 16 + (8 + 7, padded to 16) + 8 + 12 */
	cr_assert_eq(n, 52);
	cr_assert_eq(kinkmsg_parse(cursor_make(buf, n), &msg), 0);
	cr_assert_eq(msg.type, KINK_TYPE_CREATE);
	cr_assert_eq(msg.xid, 0x01020304);
	cr_assert(!msg.ackreq);
	cr_assert_eq(msg.cksum.left, 12);
	cr_assert_eq(kinkmsg_parse_body(msg.payloads, msg.next, &body), 0);
	cr_assert_eq(body.epoch, 99);
	cr_assert_eq(body.ap.left, 7);
	cr_assert_eq(memcmp(body.ap.at, "abcdefg", 7), 0);
	cr_assert_eq(body.isakmp_count, 1);
}

Test(kinkmsg, signed_octets_are_those_before_signing)
{
	uint8_t before[64], after[64];
	struct kinkmsg_build m =
	    kinkmsg_build_make(before, sizeof(before), KINK_TYPE_ACK, 5, false);
	struct kinkmsg msg;
	size_t n;

	kinkmsg_put_ap(&m, KINK_PAYLOAD_AP_REQ, 1, "xyz", 3);
	kinkmsg_finish(&m);
	n = m.b.len;
	memcpy(buf, before, n);
	m.b.buf = buf;
	m.b.cap = sizeof(buf);
	kinkmsg_sign(&m, "0123456789ab", 12);
	cr_assert_eq(kinkmsg_parse(cursor_make(buf, m.b.len), &msg), 0);
	cr_assert_eq(kinkmsg_signed_octets(&msg, after, sizeof(after)), n);
	cr_assert_eq(memcmp(before, after, n), 0);
	cr_assert_eq(kinkmsg_signed_octets(&msg, after, n - 1), 0);
}

Test(kinkmsg, every_shorter_copy_is_refused)
{
	size_t n = make();
	struct kinkmsg msg;

	for (size_t i = 0; i < n; i++)
		cr_assert_eq(kinkmsg_parse(cursor_make(buf, i), &msg),
			     KINK_ERROR_PROTOERR);
}

Test(kinkmsg, every_length_below_the_header_is_refused)
{
	size_t n = make();
	struct kinkmsg msg;

	for (unsigned len = 0; len < 65536; len++) {
		enum kink_error e;

		buf[2] = (uint8_t)(len >> 8);
		buf[3] = (uint8_t)len;
		e = kinkmsg_parse(cursor_make(buf, n), &msg);
		if (len < 16 + 12 || len > n || len % 4 != 0)
			cr_assert_eq(e, KINK_ERROR_PROTOERR, "%u", len);
		else
			cr_assert_eq(e, KINK_ERROR_OK, "%u", len);
	}
}

Test(kinkmsg, checksum_length_lies_are_refused)
{
	size_t n = make();
	struct kinkmsg msg;

	for (unsigned len = (unsigned)n - 15; len < 65536; len++) {
		buf[14] = (uint8_t)(len >> 8);
		buf[15] = (uint8_t)len;
		cr_assert_eq(kinkmsg_parse(cursor_make(buf, n), &msg),
			     KINK_ERROR_PROTOERR, "%u", len);
	}
}

Test(kinkmsg, octets_behind_the_message_are_ignored)
{
	size_t n = make();
	struct kinkmsg msg;

	cr_assert_eq(kinkmsg_parse(cursor_make(buf, n + 9), &msg), 0);
	cr_assert_eq(msg.whole.left, n);
}

Test(kinkmsg, names_what_is_wrong_in_the_header)
{
	size_t n = make();
	struct kinkmsg msg;

	buf[1] = 0x20;
	cr_assert_eq(kinkmsg_parse(cursor_make(buf, n), &msg),
		     KINK_ERROR_INVMAJ);
	cr_assert_eq(msg.xid, 0x01020304);
	buf[1] = 0x1f; /* the low half is reserved: ignored */
	cr_assert_eq(kinkmsg_parse(cursor_make(buf, n), &msg), 0);
	buf[7] = 2;
	cr_assert_eq(kinkmsg_parse(cursor_make(buf, n), &msg),
		     KINK_ERROR_INVDOI);
	buf[7] = 1;
	for (unsigned type = 0; type < 256; type++) {
		buf[0] = (uint8_t)type;
		cr_assert_eq(kinkmsg_parse(cursor_make(buf, n), &msg),
			     type >= 1 && type <= 6 ? 0 : KINK_ERROR_PROTOERR);
	}
}

/* A chain of one payload of this type and value. */
static enum kink_error
one(uint8_t type, const void *value, size_t len, struct kinkbody *body)
{
	struct kinkmsg_build m =
	    kinkmsg_build_make(buf, sizeof(buf), KINK_TYPE_REPLY, 1, false);
	struct kinkmsg msg;

	kinkmsg_put(&m, type, value, len);
	kinkmsg_finish(&m);
	cr_assert_eq(kinkmsg_parse(cursor_make(buf, m.b.len), &msg), 0);
	return kinkmsg_parse_body(msg.payloads, msg.next, body);
}

Test(kinkmsg, payloads_that_are_too_short)
{
	struct kinkbody body;

	cr_assert_eq(one(KINK_PAYLOAD_AP_REQ, "\0\0\0\1", 4, &body), 1);
	cr_assert_eq(one(KINK_PAYLOAD_AP_REQ, "\0\0\0\1x", 5, &body), 0);
	cr_assert_eq(one(KINK_PAYLOAD_AP_REP, "\0\0\0", 3, &body), 1);
	cr_assert_eq(one(KINK_PAYLOAD_KRB_ERROR, "", 0, &body), 1);
	cr_assert_eq(one(KINK_PAYLOAD_TGT_REQ, "", 0, &body), 1);
	cr_assert_eq(one(KINK_PAYLOAD_ENCRYPT, "", 0, &body), 1);
	cr_assert_eq(one(KINK_PAYLOAD_ERROR, "\0\0\0", 3, &body), 1);
	cr_assert_eq(one(KINK_PAYLOAD_ERROR, "\0\0\0\2\0", 5, &body), 1);
	cr_assert_eq(one(KINK_PAYLOAD_ERROR, "\0\0\0\2", 4, &body), 0);
	cr_assert_eq(body.error, 2);
	cr_assert_eq(one(KINK_PAYLOAD_ISAKMP, "\0\x10\0", 3, &body), 1);
	cr_assert_eq(one(KINK_PAYLOAD_ISAKMP, "\0\x11\0\0", 4, &body),
		     KINK_ERROR_BADQMVERS);
	cr_assert_eq(one(9, "abcd", 4, &body), 1);
	cr_assert_eq(one(200, "abcd", 4, &body), 1);
}

Test(kinkmsg, what_comes_once_comes_once)
{
	for (uint8_t a = 1; a <= 8; a++) {
		struct kinkmsg_build m = kinkmsg_build_make(
		    buf, sizeof(buf), KINK_TYPE_REPLY, 1, false);
		struct kinkbody body;
		struct kinkmsg msg;

		kinkmsg_put(&m, a, "\0\x10\0\0zzzz", a == 8 ? 4 : 8);
		kinkmsg_put(&m, a, "\0\x10\0\0zzzz", a == 8 ? 4 : 8);
		kinkmsg_finish(&m);
		kinkmsg_parse(cursor_make(buf, m.b.len), &msg);
		cr_assert_eq(kinkmsg_parse_body(msg.payloads, msg.next, &body),
			     a == KINK_PAYLOAD_ISAKMP ? KINK_ERROR_OK
						      : KINK_ERROR_PROTOERR,
			     "type %u", a);
	}
}

Test(kinkmsg, isakmp_payloads_are_counted)
{
	struct kinkmsg_build m =
	    kinkmsg_build_make(buf, sizeof(buf), KINK_TYPE_REPLY, 1, false);
	struct kinkbody body;
	struct kinkmsg msg;

	for (int i = 0; i < KINKMSG_MAX_ISAKMP + 1; i++)
		kinkmsg_put(&m, KINK_PAYLOAD_ISAKMP, "\0\x10\0\0", 4);
	kinkmsg_finish(&m);
	kinkmsg_parse(cursor_make(buf, m.b.len), &msg);
	cr_assert_eq(kinkmsg_parse_body(msg.payloads, msg.next, &body), 1);
}

Test(kinkmsg, encrypt_is_last)
{
	struct kinkmsg_build m =
	    kinkmsg_build_make(buf, sizeof(buf), KINK_TYPE_CREATE, 1, false);
	struct kinkbody body;
	struct kinkmsg msg;

	kinkmsg_put(&m, KINK_PAYLOAD_ENCRYPT, "secret", 6);
	kinkmsg_put_error(&m, 1);
	kinkmsg_finish(&m);
	kinkmsg_parse(cursor_make(buf, m.b.len), &msg);
	cr_assert_eq(kinkmsg_parse_body(msg.payloads, msg.next, &body), 1);
}

Test(kinkmsg, payload_lengths_that_lie)
{
	size_t n = make();

	for (unsigned len = 0; len < 65536; len++) {
		struct kinkbody body;
		struct kinkmsg msg;

		if (len == 15)
			continue;
		buf[18] = (uint8_t)(len >> 8);
		buf[19] = (uint8_t)len;
		kinkmsg_parse(cursor_make(buf, n), &msg);
		/* 13, 14 and 16 end on the same border: only shorter DER */
		if (len > 12 && len <= 16)
			continue;
		cr_assert_neq(kinkmsg_parse_body(msg.payloads, msg.next, &body),
			      KINK_ERROR_OK, "%u", len);
	}
}

Test(kinkmsg, inner_chain_ignores_the_ciphers_padding_only)
{
	struct kinkmsg_build m = kinkmsg_build_inner(buf, sizeof(buf));
	struct kinkbody body;
	size_t n;

	kinkmsg_put_error(&m, KINK_ERROR_INTERR);
	n = m.b.len;
	cr_assert_eq(kinkmsg_parse_inner(cursor_make(buf, n + 15), &body), 0);
	cr_assert_eq(body.error, KINK_ERROR_INTERR);
	m = kinkmsg_build_inner(buf, sizeof(buf));
	kinkmsg_put_ap(&m, KINK_PAYLOAD_AP_REQ, 1, "x", 1);
	cr_assert_eq(kinkmsg_parse_inner(cursor_make(buf, m.b.len), &body), 1);
	cr_assert_eq(kinkmsg_parse_inner(cursor_make(buf, 3), &body), 1);
}
