/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/wire/ah.h"

/* An IPv4 header with room for options: what is not zero is told apart. */
static const uint8_t plain[20] = { 0x45, 0xb8, 0x00, 0x64, 0x12, 0x34, 0x40,
				   0x00, 0x3f, 51,   0xab, 0xcd, 10,   77,
				   0,    1,    10,   77,   0,    2 };

static struct cursor
with_options(uint8_t *buf, const uint8_t *options, size_t n)
{
	memcpy(buf, plain, 20);
	memcpy(buf + 20, options, n);
	buf[0] = (uint8_t)(0x40 | (20 + n) / 4);
	return cursor_make(buf, 20 + n);
}

Test(ah, builds_what_it_parses, .timeout = 10)
{
	static const unsigned sizes[][2] = {
		{ 0, 12 }, { 0, 16 }, { 0, 24 }, { 0, 32 }, { 8, 16 }
	};
	static const uint8_t iv[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	for (unsigned i = 0; i < 2 * 5; i++) {
		enum ah_rules rules = i & 1 ? AH_RULES_1826 : AH_RULES_4302;
		unsigned ivn = sizes[i / 2][0], icvn = sizes[i / 2][1];
		unsigned n = ah_octets(rules, ivn, icvn);
		uint8_t buf[64];
		uint32_t spi;
		struct builder b = builder_make(buf, sizeof(buf));
		struct ah ah;

		ah_build(&b, rules, 17, 0x01020304, 0x05060708, iv, ivn, icvn);
		cr_assert(!b.overflow && b.len == n && n % 4 == 0);
		cr_assert_eq(buf[1],
			     rules == AH_RULES_4302 ? n / 4 - 2 : (n - 8) / 4);
		cr_assert(ah_peek_spi(cursor_make(buf, n), &spi));
		cr_assert_eq(spi, 0x01020304);
		cr_assert(ah_parse(cursor_make(buf, n), rules, ivn, icvn, &ah));
		cr_assert(ah.next == 17 && ah.spi == 0x01020304);
		cr_assert_eq(ah.seq, rules == AH_RULES_4302 ? 0x05060708 : 0);
		cr_assert(ah.octets == n &&
			  ah.data_at == (rules == AH_RULES_4302 ? 12 : 8));
		cr_assert_arr_eq(buf + ah.data_at, iv, ivn);
		for (unsigned at = ah.data_at + ivn; at < n; at++)
			cr_assert_eq(buf[at], 0);
		for (unsigned cut = 0; cut < n; cut++)
			cr_assert_not(ah_parse(cursor_make(buf, cut), rules,
					       ivn, icvn, &ah));
		for (unsigned len = 0; len < 256; len++) {
			uint8_t right = buf[1];

			buf[1] = (uint8_t)len;
			cr_assert_eq(ah_parse(cursor_make(buf, n), rules, ivn,
					      icvn, &ah),
				     len == right);
			buf[1] = right;
		}
	}
}

Test(ah, reserved_is_ignored)
{
	uint8_t buf[24];
	struct builder b = builder_make(buf, sizeof(buf));
	struct ah ah;

	ah_build(&b, AH_RULES_4302, 17, 256, 1, NULL, 0, 12);
	cr_assert_eq(buf[2] | buf[3], 0);
	buf[2] = 0x12;
	buf[3] = 0x34;
	cr_expect(ah_parse(cursor_make(buf, b.len), AH_RULES_4302, 0, 12, &ah));
}

Test(ah, no_spi_in_seven_octets)
{
	static const uint8_t octets[8] = { 0 };
	uint32_t spi;

	for (unsigned n = 0; n < 8; n++)
		cr_expect_not(ah_peek_spi(cursor_make(octets, n), &spi));
}

Test(ah, zeroes_the_mutable_fields_of_rfc_4302_and_no_other)
{
	uint8_t out[60], want[20];

	memcpy(want, plain, 20);
	want[1] = want[6] = want[7] = want[8] = want[10] = want[11] = 0;
	cr_expect_eq(
	    ah_cover_ipv4(cursor_make(plain, 20), AH_RULES_4302, true, out),
	    AH_COVER_OK);
	cr_expect_arr_eq(out, want, 20);
}

Test(ah, zeroes_ttl_and_checksum_alone_by_rfc_1826)
{
	uint8_t out[60], want[20];

	memcpy(want, plain, 20);
	want[8] = want[10] = want[11] = 0;
	cr_expect_eq(
	    ah_cover_ipv4(cursor_make(plain, 20), AH_RULES_1826, true, out),
	    AH_COVER_OK);
	cr_expect_arr_eq(out, want, 20);
}

/* RFC 4302 appendix A1, all 256 types. */
Test(ah, covers_options_by_the_table_of_appendix_a)
{
	static const uint8_t immutable[] = { 130, 133, 134, 148, 149 };
	static const uint8_t zeros[4];

	for (unsigned type = 2; type < 256; type++) {
		uint8_t buf[60], out[60];
		uint8_t options[8] = {
			1, (uint8_t)type, 4, 0xaa, 0xbb, 1, 0, 0
		};
		struct cursor c = with_options(buf, options, 8);
		bool keep = memchr(immutable, (int)type, 5) != NULL;

		cr_assert_eq(ah_cover_ipv4(c, AH_RULES_4302, false, out),
			     AH_COVER_OK);
		cr_expect_arr_eq(out + 21, keep ? options + 1 : zeros, 4,
				 "option %u", type);
		cr_expect(out[20] == 1 && out[25] == 1 && out[26] == 0);
		cr_assert_eq(ah_cover_ipv4(c, AH_RULES_1826, false, out),
			     AH_COVER_OK);
		cr_expect_arr_eq(out + 20, options, 8, "option %u", type);
	}
}

Test(ah, octets_behind_the_end_of_options_are_covered)
{
	static const uint8_t options[8] = { 0, 7, 7, 7, 7, 7, 7, 7 };
	uint8_t buf[60], out[60];
	struct cursor c = with_options(buf, options, 8);

	cr_expect_eq(ah_cover_ipv4(c, AH_RULES_4302, true, out), AH_COVER_OK);
	cr_expect_arr_eq(out + 20, options, 8);
}

Test(ah, an_unused_source_route_ends_at_its_last_address)
{
	uint8_t options[12] = { 131, 11, 4, 10, 0, 0, 1, 10, 0, 0, 9, 0 };
	static const uint8_t zeros[11];
	uint8_t buf[60], out[60];
	struct cursor c;

	for (unsigned type = 131; type <= 137; type += 6) {
		options[0] = (uint8_t)type;
		for (unsigned pointer = 0; pointer < 20; pointer++) {
			bool left = pointer >= 4 && pointer <= 11;

			options[2] = (uint8_t)pointer;
			c = with_options(buf, options, 12);
			cr_expect_eq(ah_cover_ipv4(c, AH_RULES_4302, true, out),
				     AH_COVER_OK);
			cr_expect_arr_eq(out + 16,
					 left ? options + 7 : plain + 16, 4);
			cr_expect_arr_eq(out + 20, zeros, 11);
			/* it arrived: its destination is what it says */
			cr_expect_eq(
			    ah_cover_ipv4(c, AH_RULES_4302, false, out),
			    AH_COVER_OK);
			cr_expect_arr_eq(out + 16, plain + 16, 4);
		}
	}
}

Test(ah, what_routers_rewrite_is_not_sent_under_rfc_1826)
{
	static const uint8_t types[] = { 7, 68, 82, 131, 137 };

	for (unsigned type = 2; type < 256; type++) {
		uint8_t options[4] = { (uint8_t)type, 3, 4, 0 }, buf[60],
			out[60];
		struct cursor c = with_options(buf, options, 4);

		cr_expect_eq(ah_cover_ipv4(c, AH_RULES_1826, true, out),
			     memchr(types, (int)type, 5) != NULL
				 ? AH_COVER_CHANGES
				 : AH_COVER_OK);
	}
}

Test(ah, malformed_headers_and_options)
{
	static const uint8_t bad[][4] = { { 7, 0, 0, 0 }, { 7, 1, 0, 0 },
					  { 7, 5, 0, 0 }, { 7, 255, 0, 0 },
					  { 1, 1, 1, 7 }, { 1, 148, 4, 0 } };
	uint8_t buf[64] = { 0 }, out[60];

	for (unsigned i = 0; i < 6; i++) {
		struct cursor c = with_options(buf, bad[i], 4);

		cr_expect_eq(ah_cover_ipv4(c, AH_RULES_4302, true, out),
			     AH_COVER_MALFORMED, "%u", i);
	}
	memcpy(buf, plain, 20);
	for (unsigned first = 0; first < 256; first++)
		for (unsigned n = 0; n <= 64; n++) {
			bool right = first >> 4 == 4 && (first & 15) >= 5 &&
				     (first & 15) * 4 == n;

			buf[0] = (uint8_t)first;
			memset(buf + 20, 0, 44);
			cr_expect_eq(ah_cover_ipv4(cursor_make(buf, n),
						   AH_RULES_4302, true, out),
				     right ? AH_COVER_OK : AH_COVER_MALFORMED);
		}
}
