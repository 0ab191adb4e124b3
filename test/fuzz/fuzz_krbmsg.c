/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AP-REP and KRB-ERROR as a peer may send them.  The decrypted part of an
 * AP-REP is reached by sealing the input as one. */
#include <gcrypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/builder.h"
#include "keyneg/kink/krbmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

static const struct enctype_key key = { .etype = ENCTYPE_AES256_SHA1 };

static void
put_header(struct builder *b, uint8_t tag, size_t len)
{
	builder_u8(b, tag);
	builder_u8(b, 0x82);
	builder_u16(b, (uint16_t)len);
}

/* AP-REP { 5, 15, { etype 18, cipher } } with lengths of two octets, which
 * need at least 256 octets inside: the input is padded to that. */
static size_t
wrap(const uint8_t *octets, size_t len, uint8_t *out, size_t cap)
{
	uint8_t plain[1024] = { 0 };
	struct builder b = builder_make(out, cap);
	uint8_t cipher[2048];
	int n;

	if (len > sizeof(plain))
		len = sizeof(plain);
	memcpy(plain, octets, len);
	if (len < 256)
		len = 256;
	n = enctype_encrypt(&key, ENCTYPE_USAGE_AP_REP, plain, len, cipher,
			    sizeof(cipher));
	if (n < 0)
		abort();
	len = (size_t)n;
	put_header(&b, 0x6f, 4 + 10 + 4 + 4 + 5 + 4 + 4 + len);
	put_header(&b, 0x30, 10 + 4 + 4 + 5 + 4 + 4 + len);
	builder_octets(&b, "\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x0f", 10);
	put_header(&b, 0xa2, 4 + 5 + 4 + 4 + len);
	put_header(&b, 0x30, 5 + 4 + 4 + len);
	builder_octets(&b, "\xa0\x03\x02\x01\x12", 5);
	put_header(&b, 0xa2, 4 + len);
	put_header(&b, 0x04, len);
	builder_octets(&b, cipher, len);
	return b.overflow ? 0 : b.len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	static uint8_t der[4096];
	struct krbmsg_error e;
	uint64_t secs;
	uint32_t usec = 0;
	size_t n;

	gcry_check_version(NULL);
	if (krbmsg_read_error(cursor_make(octets, len), &e) &&
	    krbmsg_explain(e.code) == NULL)
		abort();
	(void)krbmsg_read_ap_rep(cursor_make(octets, len), &key, &secs, &usec);
	n = wrap(octets, len, der, sizeof(der));
	if (n != 0 &&
	    krbmsg_read_ap_rep(cursor_make(der, n), &key, &secs, &usec) == 0 &&
	    usec > 999999)
		abort();
	return 0;
}
