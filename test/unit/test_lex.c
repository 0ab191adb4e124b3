/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "policy/flowtext.h"
#include "policy/lex.h"
#include "policy/number.h"

Test(lex, tells_words_from_signs)
{
	static const char text[] = "a-b/1 {x};\n'y \"z'\"\" # c {\n,=";
	static const enum token_kind kinds[] = {
		TOKEN_WORD, TOKEN_OPEN,  TOKEN_WORD,   TOKEN_CLOSE,
		TOKEN_END,  TOKEN_END,   TOKEN_STRING, TOKEN_STRING,
		TOKEN_END,  TOKEN_COMMA, TOKEN_EQUALS, TOKEN_EOF,
		TOKEN_EOF
	};
	struct lex lx = lex_make(text, sizeof(text) - 1);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct token t = lex_next(&lx);

		cr_assert_eq(t.kind, kinds[i], "token %zu", i);
		if (i == 0)
			cr_assert(lex_is(&t, "a-b/1") && !lex_is(&t, "a-b"));
		if (i == 6)
			cr_assert(t.len == 4 &&
				  memcmp(t.text, "y \"z", 4) == 0 &&
				  t.line == 2 && t.column == 1);
		if (i == 9)
			cr_assert(t.line == 3 && t.column == 1);
	}
}

Test(lex, says_what_is_no_word)
{
	static const struct {
		const char *text;
		size_t len;
		unsigned column;
	} bad[] = {
		{ "\"open", 5, 1 },   { "'open\n'", 7, 1 },
		{ "a\0b", 3, 2 },     { "# \0", 3, 3 },
		{ "\"a\0\"", 4, 3 },  { "\x01", 1, 1 },
		{ "\xc3\xa4", 2, 1 }, { "\"\xc3\xa4\"", 4, 2 },
		{ "\x7f", 1, 1 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct lex lx = lex_make(bad[i].text, bad[i].len);
		struct token t;

		do
			t = lex_next(&lx);
		while (t.kind != TOKEN_BAD && t.kind != TOKEN_EOF);
		cr_assert_eq(t.kind, TOKEN_BAD, "%zu", i);
		cr_assert_not_null(t.bad);
		cr_assert_eq(t.column, bad[i].column, "%zu", i);
	}
}

Test(lex, a_rest_ends_outside_its_braces)
{
	static const char text[] = " { 1,\n { \"}\" } # }\n } ; next";
	struct lex lx = lex_make(text, sizeof(text) - 1);
	struct token t = lex_rest(&lx);
	char *flat;

	cr_assert_eq(t.kind, TOKEN_STRING);
	flat = lex_flatten(t.text, t.len);
	cr_assert_str_eq(flat, "{ 1, { \"}\" } }");
	free(flat);
	cr_assert_eq(lex_next(&lx).kind, TOKEN_END);
	t = lex_next(&lx);
	cr_assert(lex_is(&t, "next"));
}

Test(number, never_wraps)
{
	uint64_t a, b;
	enum number_unit unit;

	cr_assert(number_parse("18446744073709551615", 20, &a));
	cr_assert_eq(a, UINT64_MAX);
	cr_assert(!number_parse("18446744073709551616", 20, &a));
	cr_assert(number_parse("0xFFffFFffFFffFFff", 18, &a));
	cr_assert(!number_parse("0x10000000000000000", 19, &a));
	cr_assert(!number_parse("0x", 2, &a));
	cr_assert(!number_parse("", 0, &a));
	cr_assert(!number_parse("-1", 2, &a));
	cr_assert(!number_parse("1f", 2, &a));
	cr_assert(number_parse_range("0x10-20", 7, &a, &b));
	cr_assert(a == 16 && b == 20);
	cr_assert(!number_parse_range("21-20", 5, &a, &b));
	cr_assert(!number_parse_range("1-2-3", 5, &a, &b));
	cr_assert(number_parse_unit("18446744T", 9, &unit, &a));
	cr_assert(!number_parse_unit("18446745T", 9, &unit, &a));
	cr_assert(!number_parse_unit("0x10s", 5, &unit, &a));
	cr_assert(!number_parse_unit("10", 2, &unit, &a));
	cr_assert(!number_parse_unit("s", 1, &unit, &a));
	cr_assert(!number_parse_unit("10K", 3, &unit, &a));
}

Test(number, prints_what_it_reads)
{
	static const char *const texts[] = { "1s",    "59s",     "1m",  "61s",
					     "1h",    "1d",      "36h", "1k",
					     "1500k", "1M",      "80G", "3T",
					     "1p",    "1000000p" };
	char out[NUMBER_TEXT];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		enum number_unit unit;
		uint64_t v;

		cr_assert(
		    number_parse_unit(texts[i], strlen(texts[i]), &unit, &v));
		cr_assert_str_eq(number_format(v, unit, out), texts[i]);
	}
}

Test(number, reads_hexadecimal_into_what_there_is)
{
	uint8_t out[4];
	size_t n = 4;

	cr_assert(number_parse_hex("0x00fFA0", 8, out, &n));
	cr_assert(n == 3 && out[1] == 0xff && out[2] == 0xa0);
	n = 4;
	cr_assert(!number_parse_hex("0011223344", 10, out, &n));
	cr_assert(!number_parse_hex("001", 3, out, &n));
	cr_assert(!number_parse_hex("0x", 2, out, &n));
	cr_assert(!number_parse_hex("", 0, out, &n));
	cr_assert(!number_parse_hex("0g", 2, out, &n));
}

Test(flowtext, keeps_an_expression_in_its_place)
{
	static const struct {
		const char *text;
		size_t at;
	} bad[] = {
		{ "", 0 },          { " \t", 0 },     { "a;b", 1 },
		{ "a\nb", 1 },      { "a#", 1 },      { "a\\", 1 },
		{ "{", 0 },         { "a { b", 2 },   { "}{", 0 },
		{ "a \"b", 2 },     { "\"}\" }", 4 }, { "a\x01", 1 },
		{ "a\xc3\xa4", 1 }, { "a\x7f", 1 },
	};
	size_t at;

	cr_assert_null(flowtext_check("ip daddr { 10.0.0.1 } \"{\"", &at));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_assert_not_null(flowtext_check(bad[i].text, &at), "%zu", i);
		cr_assert_eq(at, bad[i].at, "%zu: %zu", i, at);
	}
}
