/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gen_kink DIR: one file for each message and payload chain that KINK knows,
 * made by our builders: the corpora of fuzz_kinkmsg and fuzz_isakmp, and
 * what the Python decoder reads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyneg/kink/kinkmsg.h"
#include "keyneg/kink/qmbuild.h"

static const char *dir;

static void
save(const char *name, const uint8_t *octets, size_t n)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (f == NULL || fwrite(octets, 1, n, f) != n || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static const struct isakmp_proposal two[2] = {
	{ .number = 1,
	  .protocol = ISAKMP_PROTOCOL_ESP,
	  .spi = 0x11223344,
	  .transforms = 2,
	  .transform = { { .number = 1,
			   .id = 20,
			   .attrs = { .life_secs = 3600,
				      .life_kb = 100000000,
				      .encap = 2,
				      .key_bits = 128,
				      .group = 14,
				      .esn = 1 } },
			 { .number = 2,
			   .id = 12,
			   .attrs = { .life_secs = 3600,
				      .life_kb = 0x100000000,
				      .encap = 2,
				      .key_bits = 256,
				      .auth = 5,
				      .group = 14 } } } },
	{ .number = 2,
	  .protocol = ISAKMP_PROTOCOL_AH,
	  .spi = 0x11223345,
	  .transforms = 1,
	  .transform = { { .number = 1,
			   .id = 5,
			   .attrs = { .auth = 5,
				      .encap = 2,
				      .life_secs = 600 } } } },
};

/* An operation with everything, by bits. */
enum {
	OP_SA = 1,
	OP_NONCE = 2,
	OP_KE = 4,
	OP_ID = 8,
	OP_NOTIFY = 16,
	OP_DELETE = 32,
	OP_ID6 = 64,
	OP_PLAIN_SA = 128
};

static void
put_op(struct kinkmsg_build *m, unsigned bits)
{
	static const uint32_t spis[2] = { 0xaabbccdd, 0x01020304 };
	uint8_t octets[256];
	struct ipaddr a, b;
	struct qmbuild q;

	memset(octets, 0x5a, sizeof(octets));
	kinkmsg_begin(m, KINK_PAYLOAD_ISAKMP);
	q = qmbuild_make(&m->b);
	if (bits & OP_SA)
		qmbuild_sa(&q, two, 2);
	if (bits & OP_PLAIN_SA) {
		struct isakmp_proposal one = two[0];

		one.transforms = 1;
		one.transform[0].attrs.group = 0;
		qmbuild_sa(&q, &one, 1);
	}
	if (bits & OP_NONCE)
		qmbuild_nonce(&q, octets, 32);
	if (bits & OP_KE)
		qmbuild_ke(&q, octets, 256);
	if (bits & OP_ID) {
		ipaddr_parse("10.77.0.1", &a);
		ipaddr_parse("10.77.8.0/21", &b);
		qmbuild_id(&q, &a);
		qmbuild_id(&q, &b);
	}
	if (bits & OP_ID6) {
		ipaddr_parse("fd77::1", &a);
		ipaddr_parse("fd77:1::/61", &b);
		qmbuild_id(&q, &a);
		qmbuild_id(&q, &b);
	}
	if (bits & OP_NOTIFY) {
		qmbuild_notify(&q, ISAKMP_NOTIFY_INVALID_SPI, 3, 0x11223344,
			       NULL, 0);
		qmbuild_notify(&q, ISAKMP_NOTIFY_ASSOCIATION, 3, 0, "db", 2);
	}
	if (bits & OP_DELETE)
		qmbuild_delete(&q, 3, spis, 2);
	kinkmsg_end(m);
}

static void
message(const char *name, uint8_t type, uint8_t ap, unsigned bits, bool ack)
{
	uint8_t buf[4096];
	struct kinkmsg_build m =
	    kinkmsg_build_make(buf, sizeof(buf), type, 0xc0ffee01, ack);

	kinkmsg_put_ap(&m, ap, 0x65f00d00, "\x6e\x05kerb!", 7);
	if (bits != 0)
		put_op(&m, bits);
	if (!kinkmsg_finish(&m) || !kinkmsg_sign(&m, "checksumcheck", 12))
		abort();
	save(name, buf, m.b.len);
}

static void
chain(const char *name, unsigned bits)
{
	uint8_t buf[4096];
	struct kinkmsg_build m = kinkmsg_build_inner(buf, sizeof(buf));

	put_op(&m, bits);
	if (m.b.overflow)
		abort();
	/* An operation begins 8 octets in: behind the inner header and the
	 * payload's own, its first octet is the first payload's type. */
	save(name, buf + 8, m.b.len - 8);
}

static void
errors(void)
{
	uint8_t buf[256];
	struct kinkmsg_build m;

	m = kinkmsg_build_make(buf, sizeof(buf), KINK_TYPE_REPLY, 7, false);
	kinkmsg_put_error(&m, KINK_ERROR_BADQMVERS);
	kinkmsg_finish(&m);
	save("reply-error", buf, m.b.len);
	m = kinkmsg_build_make(buf, sizeof(buf), KINK_TYPE_REPLY, 8, false);
	kinkmsg_put(&m, KINK_PAYLOAD_KRB_ERROR, "\x7e\x03\x02\x01\x05", 5);
	kinkmsg_finish(&m);
	save("reply-krb-error", buf, m.b.len);
	m = kinkmsg_build_make(buf, sizeof(buf), KINK_TYPE_GETTGT, 9, false);
	kinkmsg_put(&m, KINK_PAYLOAD_TGT_REQ, "kink/a@R", 8);
	kinkmsg_finish(&m);
	save("gettgt", buf, m.b.len);
	m = kinkmsg_build_make(buf, sizeof(buf), KINK_TYPE_REPLY, 9, false);
	kinkmsg_put(&m, KINK_PAYLOAD_TGT_REP, "\x61\x03\x02\x01\x05", 5);
	kinkmsg_finish(&m);
	save("reply-tgt", buf, m.b.len);
	m = kinkmsg_build_make(buf, sizeof(buf), KINK_TYPE_CREATE, 10, false);
	kinkmsg_put_ap(&m, KINK_PAYLOAD_AP_REQ, 1, "\x6e\x00", 2);
	kinkmsg_put(&m, KINK_PAYLOAD_ENCRYPT, "0123456789abcdefghijk", 21);
	kinkmsg_finish(&m);
	kinkmsg_sign(&m, "checksumcheck", 12);
	save("create-encrypt", buf, m.b.len);
}

/* For fuzz_kinkpeer: a type, then a plaintext. */
static void
peer(const char *name, uint8_t type, unsigned bits)
{
	uint8_t buf[4096];
	struct kinkmsg_build m = kinkmsg_build_inner(buf + 1, sizeof(buf) - 1);

	buf[0] = (uint8_t)(type - 1);
	if (bits != 0)
		put_op(&m, bits);
	save(name, buf, m.b.len + 1);
}

/* For fuzz_krbmsg: a KRB-ERROR, and the inside of an AP-REP. */
static void
kerberos(void)
{
	static const uint8_t error[] = {
		0x7e, 0x3d, 0x30, 0x3b, 0xa0, 3,    2,   1,   5,    0xa1, 3,
		2,    1,    30,   0xa2, 17,   0x18, 15,  '2', '0',  '2',  '6',
		'0',  '1',  '3',  '1',  '1',  '2',  '0', '0', '0',  '0',  'Z',
		0xa4, 17,   0x18, 15,   '2',  '0',  '2', '6', '0',  '1',  '3',
		'1',  '1',  '3',  '0',  '0',  '0',  '0', 'Z', 0xa5, 3,    2,
		1,    0,    0xa6, 3,    2,    1,    37
	};
	static const uint8_t part[] = { 0x7b, 0x1a, 0x30, 0x18, 0xa0, 17,  0x18,
					15,   '2',  '0',  '2',  '6',  '0', '1',
					'3',  '1',  '1',  '2',  '0',  '0', '0',
					'0',  'Z',  0xa1, 3,    2,    1,   7 };

	save("krb-error", error, sizeof(error));
	save("ap-rep-part", part, sizeof(part));
}

int
main(int argc, char **argv)
{
	bool ops = argc == 3 && strcmp(argv[2], "operations") == 0;

	if (argc < 2)
		return 2;
	dir = argv[1];
	if (argc == 3 && strcmp(argv[2], "peer") == 0) {
		peer("create", KINK_TYPE_CREATE, OP_PLAIN_SA | OP_NONCE);
		peer("create-ke", KINK_TYPE_CREATE, OP_SA | OP_NONCE | OP_KE);
		peer("create-all", KINK_TYPE_CREATE,
		     OP_SA | OP_NONCE | OP_KE | OP_ID | OP_NOTIFY);
		peer("delete", KINK_TYPE_DELETE, OP_DELETE);
		peer("status", KINK_TYPE_STATUS, OP_NOTIFY);
		peer("ack", KINK_TYPE_ACK, 0);
		return 0;
	}
	if (argc == 3 && strcmp(argv[2], "kerberos") == 0) {
		kerberos();
		return 0;
	}
	if (ops) {
		chain("sa", OP_SA);
		chain("create", OP_SA | OP_NONCE | OP_KE | OP_ID);
		chain("create6", OP_SA | OP_NONCE | OP_ID6 | OP_NOTIFY);
		chain("notify", OP_NOTIFY);
		chain("delete", OP_DELETE);
		return 0;
	}
	message("create", KINK_TYPE_CREATE, KINK_PAYLOAD_AP_REQ,
		OP_SA | OP_NONCE | OP_KE | OP_ID | OP_NOTIFY, false);
	message("create6", KINK_TYPE_CREATE, KINK_PAYLOAD_AP_REQ,
		OP_SA | OP_NONCE | OP_ID6, false);
	message("reply", KINK_TYPE_REPLY, KINK_PAYLOAD_AP_REP, OP_SA | OP_NONCE,
		true);
	message("reply-notify", KINK_TYPE_REPLY, KINK_PAYLOAD_AP_REP, OP_NOTIFY,
		false);
	message("ack", KINK_TYPE_ACK, KINK_PAYLOAD_AP_REQ, 0, false);
	message("delete", KINK_TYPE_DELETE, KINK_PAYLOAD_AP_REQ, OP_DELETE,
		false);
	message("status", KINK_TYPE_STATUS, KINK_PAYLOAD_AP_REQ, OP_NOTIFY,
		false);
	errors();
	return 0;
}
