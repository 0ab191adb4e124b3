/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Authentication Header and an IPv4 header with options: what is read is
 * built again to the same, and what may change on the way changes nothing
 * under the ICV.  ihl (1), rules (1), IV and ICV (1), IPv4 header, AH.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/wire/ah.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
try_cover(struct cursor header, enum ah_rules rules)
{
	uint8_t a[60], b[60], changed[60];
	enum ah_cover first = ah_cover_ipv4(header, rules, false, a);

	if (first != AH_COVER_OK)
		return;
	memcpy(changed, header.at, header.left);
	changed[8]--;
	changed[10] ^= 0xff;
	if (rules == AH_RULES_4302) {
		changed[1] ^= 0xff;
		changed[6] ^= 0xff;
	}
	check(ah_cover_ipv4(cursor_make(changed, header.left), rules, false,
			    b) == AH_COVER_OK);
	check(memcmp(a, b, header.left) == 0);
	/* covered twice is covered once */
	check(ah_cover_ipv4(cursor_make(a, header.left), rules, false, b) ==
	      AH_COVER_OK);
	check(memcmp(a, b, header.left) == 0);
	ah_cover_ipv4(header, rules, true, b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	static const unsigned sizes[][2] = {
		{ 0, 12 }, { 0, 16 }, { 0, 24 }, { 0, 32 }, { 8, 16 }
	};
	struct cursor c = cursor_make(octets, len), header;
	uint8_t words, which, pick, buf[64];
	struct builder b = builder_make(buf, sizeof(buf));
	enum ah_rules rules;
	const unsigned *n;
	struct ah ah;

	if (!cursor_u8(&c, &words) || !cursor_u8(&c, &which) ||
	    !cursor_u8(&c, &pick))
		return 0;
	rules = which & 1 ? AH_RULES_1826 : AH_RULES_4302;
	n = sizes[pick % 5];
	if (cursor_take(&c, words % 64, &header))
		try_cover(header, rules);
	if (!ah_parse(c, rules, n[0], n[1], &ah))
		return 0;
	check(ah.octets <= c.left && ah.octets <= sizeof(buf));
	ah_build(&b, rules, ah.next, ah.spi, ah.seq, c.at + ah.data_at, n[0],
		 n[1]);
	check(!b.overflow && b.len == ah.octets);
	check(memcmp(buf, c.at, 2) == 0);
	check(memcmp(buf + 4, c.at + 4, ah.data_at + n[0] - 4) == 0);
	return 0;
}
