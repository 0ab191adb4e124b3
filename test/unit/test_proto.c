/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/cli/keytext.h"
#include "engine/client/proto.h"

static const struct {
	const char *name;
	const struct proto_shape *shape;
} shapes[] = {
	{ "hello", &proto_shape_hello },
	{ "status", &proto_shape_status },
	{ "assoc", &proto_shape_assoc },
	{ "show", &proto_shape_show },
	{ "sa", &proto_shape_sa },
	{ "drop", &proto_shape_drop },
	{ "queue", &proto_shape_queue },
	{ "flow", &proto_shape_flow },
	{ "export", &proto_shape_export },
	{ "text", &proto_shape_text },
	{ "reload", &proto_shape_reload },
	{ "half", &proto_shape_half },
	{ "pair", &proto_shape_pair },
	{ "delete", &proto_shape_delete },
	{ "rekey", &proto_shape_rekey },
	{ "fail", &proto_shape_fail },
	{ "instance", &proto_shape_instance },
	{ "event", &proto_shape_event },
	{ "subscribe", &proto_shape_subscribe },
	{ "bind", &proto_shape_bind },
	{ "bound", &proto_shape_bound },
	{ "run", &proto_shape_run },
};
#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* Big enough for any record, and aligned. */
static union {
	uint64_t align;
	uint8_t octets[16384];
} one, two;
static uint8_t msg[PROTO_MESSAGE_MAX];

/* Every member gets a value that is not 0 and not its neighbour's; texts and
 * keys are as long as they may be. */
static void
fill(const struct proto_shape *s, uint8_t *record)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct proto_field *f = &s->fields[i];
		uint8_t *at = record + f->offset;
		struct proto_octets *key = (struct proto_octets *)at;

		switch ((enum proto_kind)f->kind) {
		case PROTO_KIND_U32:
			memset(at, 0x80 + (int)i, 4);
			break;
		case PROTO_KIND_U64:
			memset(at, 0x80 + (int)i, 8);
			break;
		case PROTO_KIND_TEXT:
			memset(at, 'a' + (int)i % 26, f->size - 1u);
			break;
		case PROTO_KIND_OCTETS:
			key->len = sizeof(key->at);
			memset(key->at, 1 + (int)i, sizeof(key->at));
			break;
		case PROTO_KIND_ADDRESS:
			cr_assert_eq(
			    ipaddr_parse("fd00:1:2::/48", (struct ipaddr *)at),
			    0);
			break;
		case PROTO_KIND_NESTED:
			fill(f->nested, at);
			break;
		}
	}
}

Test(proto, every_shape_returns_what_went_in)
{
	struct proto_head head = { .type = 7,
				   .flags = 3,
				   .serial = 0xabcd,
				   .error = 5 },
			  got;

	for (size_t i = 0; i < N_SHAPES; i++) {
		const struct proto_shape *s = shapes[i].shape;
		size_t n;

		cr_assert(s->size <= sizeof(one), "%s", shapes[i].name);
		for (unsigned full = 0; full < 2; full++) {
			memset(&one, 0, sizeof(one));
			memset(&two, 0xff, sizeof(two));
			if (full)
				fill(s, one.octets);
			n = proto_build(msg, sizeof(msg), &head, s, &one);
			cr_assert_neq(n, 0, "%s fits", shapes[i].name);
			cr_assert_eq(proto_read(msg, n, s, PROTO_STRICT, &two),
				     0, "%s", shapes[i].name);
			cr_assert_arr_eq(&one, &two, s->size, "%s",
					 shapes[i].name);
			cr_assert_eq(proto_read_head(msg, n, &got), 0);
			cr_assert(got.length == n && got.type == 7 &&
				  got.flags == 3 && got.serial == 0xabcd &&
				  got.error == 5);
		}
	}
}

Test(proto, every_shape_survives_every_cut)
{
	struct proto_head head = { .type = 1 };

	for (size_t i = 0; i < N_SHAPES; i++) {
		const struct proto_shape *s = shapes[i].shape;
		size_t n;

		memset(&one, 0, sizeof(one));
		fill(s, one.octets);
		n = proto_build(msg, sizeof(msg), &head, s, &one);
		for (uint32_t cut = 0; cut < n; cut++) {
			uint32_t length = cut;

			cr_assert_eq(
			    proto_read(msg, cut, s, PROTO_STRICT, &two),
			    -EBADMSG);
			/* The same with a head that lies the right way. */
			if (cut < PROTO_HEAD_OCTETS)
				continue;
			memcpy(msg, &length, 4);
			if (proto_read(msg, cut, s, PROTO_STRICT, &two) < 0)
				for (size_t o = 0; o < s->size; o++)
					cr_assert_eq(two.octets[o], 0,
						     "no half record");
			length = (uint32_t)n;
			memcpy(msg, &length, 4);
		}
	}
}

Test(proto, a_small_buffer_is_never_overrun)
{
	struct proto_head head = { .type = 1 };
	size_t n;

	memset(&one, 0, sizeof(one));
	fill(&proto_shape_pair, one.octets);
	n = proto_build(msg, sizeof(msg), &head, &proto_shape_pair, &one);
	for (size_t cap = 0; cap < n; cap++) {
		memset(msg, 0xee, sizeof(msg));
		cr_assert_eq(
		    proto_build(msg, cap, &head, &proto_shape_pair, &one), 0);
		for (size_t o = cap; o < n; o++)
			cr_assert_eq(msg[o], 0xee);
		/* Nor does a message that failed leave keys behind. */
		for (size_t o = 0; o < cap; o++)
			cr_assert(msg[o] == 0 || msg[o] == 0xee);
	}
}

/* The head of a message with these attributes behind it. */
static size_t
with(const void *attrs, size_t len)
{
	struct proto_head head = { .length = (uint32_t)(16 + len), .type = 1 };

	memcpy(msg, &head, sizeof(head));
	memcpy(msg + sizeof(head), attrs, len);
	return sizeof(head) + len;
}

#define READ(shape, strict, ...)                                               \
	({                                                                     \
		const uint8_t a_[] = { __VA_ARGS__ };                          \
		proto_read(msg, with(a_, sizeof(a_)), shape, strict, &two);    \
	})
/* Attribute number and length, host order; tests run on little endian. */
#define A(n, len) (n), 0, (len), 0

Test(proto, refuses_what_does_not_add_up)
{
	const struct proto_shape *s = &proto_shape_show;

	cr_assert_eq(READ(s, PROTO_STRICT, A(6, 4), 1, 0, 0, 0), 0);
	cr_assert_eq(READ(s, PROTO_STRICT, A(6, 4), 1, 0, 0), -EBADMSG);
	cr_assert_eq(READ(s, PROTO_STRICT, A(6, 3), 1, 0, 0, 0), -EBADMSG);
	cr_assert_eq(READ(s, PROTO_STRICT, A(6, 8), 1, 0, 0, 0, 0, 0, 0, 0),
		     -EBADMSG);
	cr_assert_eq(
	    READ(s, PROTO_STRICT, A(6, 4), 1, 0, 0, 0, A(6, 4), 1, 0, 0, 0),
	    -EBADMSG);
	cr_assert_eq(READ(s, PROTO_STRICT, A(24, 1), 'a', 0, 0, 0), 0);
	cr_assert_eq(READ(s, PROTO_STRICT, A(24, 1), 'a', 0, 0, 1), -EBADMSG);
	cr_assert_eq(READ(s, PROTO_STRICT, A(24, 1), 'a'), -EBADMSG);
	cr_assert_eq(READ(s, PROTO_STRICT, 24, 0, 1), -EBADMSG);
	cr_assert_eq(READ(s, PROTO_STRICT, 24, 0, 0xff, 0xff, 0), -EBADMSG);
	cr_assert_eq(READ(&proto_shape_export, PROTO_STRICT, A(99, 0)),
		     -EOPNOTSUPP);
	cr_assert_eq(READ(&proto_shape_export, PROTO_LENIENT, A(99, 0)),
		     -EBADMSG, "required one missing");
	cr_assert_eq(READ(NULL, PROTO_STRICT, A(6, 4), 1, 0, 0, 0),
		     -EOPNOTSUPP);
	cr_assert_eq(READ(NULL, PROTO_LENIENT, A(6, 4), 1, 0, 0, 0), 0);
}

Test(proto, skips_what_it_does_not_know_only_when_lenient)
{
	cr_assert_eq(READ(&proto_shape_show, PROTO_LENIENT, A(200, 2), 1, 2, 0,
			  0, A(6, 4), 7, 0, 0, 0),
		     0);
	cr_assert_eq(((struct proto_show *)&two)->flags, 7);
}

Test(proto, refuses_texts_and_addresses_that_are_not_legal)
{
	const struct proto_shape *s = &proto_shape_show,
				 *r = &proto_shape_rekey;

	cr_assert_eq(READ(s, PROTO_STRICT, A(24, 4), 'a', 0, 'b', 'c'),
		     -EINVAL);
	cr_assert_eq(READ(s, PROTO_STRICT, A(24, 4), 'a', 0x1b, '[', 'm'),
		     -EINVAL);
	cr_assert_eq(READ(s, PROTO_STRICT, A(24, 4), 'a', 0x7f, 'b', 'c'),
		     -EINVAL);
	cr_assert_eq(READ(s, PROTO_STRICT, A(24, 4), 0xc3, 0xa4, '\n', '\t'),
		     0);
	/* overlong, a surrogate, past the end, C1, cut, alone */
	cr_assert_eq(READ(s, PROTO_STRICT, A(24, 4), 0xc0, 0x80, 'a', 'a'),
		     -EINVAL);
	cr_assert_eq(READ(s, PROTO_STRICT, A(24, 4), 0xed, 0xa0, 0x80, 'a'),
		     -EINVAL);
	cr_assert_eq(READ(s, PROTO_STRICT, A(24, 4), 0xf4, 0x90, 0x80, 0x80),
		     -EINVAL);
	cr_assert_eq(READ(s, PROTO_STRICT, A(24, 4), 0xc2, 0x9b, 'a', 'a'),
		     -EINVAL);
	cr_assert_eq(READ(s, PROTO_STRICT, A(24, 4), 'a', 'a', 0xe2, 0x82),
		     -EINVAL);
	cr_assert_eq(READ(s, PROTO_STRICT, A(24, 4), 'a', 0x80, 'a', 'a'),
		     -EINVAL);
	/* family, prefix, bits behind it, reserved octets */
#define ADDRESS(a, b, c, d, family, prefix, reserved)                          \
	READ(r, PROTO_STRICT, A(24, 0), A(34, 20), a, b, c, d, 0, 0, 0, 0, 0,  \
	     0, 0, 0, 0, 0, 0, 0, family, prefix, 0, reserved)
	cr_assert_eq(ADDRESS(10, 0, 0, 0, 4, 8, 0), 0);
	cr_assert_eq(ADDRESS(0, 0, 0, 0, 0, 0, 0), 0);
	cr_assert_eq(ADDRESS(10, 0, 0, 0, 5, 8, 0), -EINVAL);
	cr_assert_eq(ADDRESS(10, 0, 0, 0, 4, 33, 0), -EINVAL);
	cr_assert_eq(ADDRESS(10, 0, 0, 0, 4, 6, 0), -EINVAL);
	cr_assert_eq(ADDRESS(10, 0, 0, 0, 4, 8, 1), -EINVAL);
	cr_assert_eq(ADDRESS(10, 0, 0, 0, 0, 0, 0), -EINVAL);
	cr_assert_eq(ADDRESS(0xfd, 0, 0, 0, 6, 129, 0), -EINVAL);
}

Test(proto, does_not_build_what_it_would_refuse)
{
	struct proto_head head = { .type = 1 };
	struct proto_show show = { .association = "a\x1b" };
	struct proto_rekey rekey = { .peer.family = 5 };
	struct proto_half half = { .key.len = 65 };

	cr_assert_eq(
	    proto_build(msg, sizeof(msg), &head, PROTO_SHAPE(&show), &show), 0);
	memset(show.association, 'a', sizeof(show.association));
	cr_assert_eq(
	    proto_build(msg, sizeof(msg), &head, PROTO_SHAPE(&show), &show), 0,
	    "no final 0");
	cr_assert_eq(
	    proto_build(msg, sizeof(msg), &head, PROTO_SHAPE(&rekey), &rekey),
	    0);
	cr_assert_eq(
	    proto_build(msg, sizeof(msg), &head, PROTO_SHAPE(&half), &half), 0);
}

Test(proto, the_head_must_say_the_length)
{
	struct proto_head head = { .length = 16 }, got;

	memcpy(msg, &head, sizeof(head));
	for (size_t n = 0; n < 16; n++)
		cr_assert_eq(proto_read_head(msg, n, &got), -EBADMSG);
	cr_assert_eq(proto_read_head(msg, 16, &got), 0);
	cr_assert_eq(proto_read_head(msg, 17, &got), -EBADMSG);
	head.length = UINT32_MAX;
	memcpy(msg, &head, sizeof(head));
	cr_assert_eq(proto_read_head(msg, 16, &got), -EBADMSG);
}

/* ---- what `add sa` reads --------------------------------------------------
 */

static const char *
parse_keys(const char *text, struct proto_half *out, struct proto_half *in)
{
	static char copy[KEYTEXT_MAX];
	unsigned line;

	cr_assert(strlen(text) < sizeof(copy));
	snprintf(copy, sizeof(copy), "%s", text);
	return keytext_parse(copy, out, in, &line);
}

Test(keytext, reads_both_directions)
{
	struct proto_half out, in;

	cr_assert_null(parse_keys("# x\n\n in spi 256 key 0xA1 auth-key b2c3#\n"
				  "out\tspi 0xffffffff  auth-key 0x00\r\n",
				  &out, &in));
	cr_assert(in.spi == 256 && in.key.len == 1 && in.key.at[0] == 0xa1 &&
		  in.auth_key.len == 2 && in.auth_key.at[1] == 0xc3);
	cr_assert(out.spi == UINT32_MAX && out.key.len == 0 &&
		  out.auth_key.len == 1);
}

Test(keytext, refuses_the_rest)
{
	static const char *const bad[] = {
		"",
		"# nothing",
		"out spi 300",
		"out spi 300 key 00\nin spi 301",
		"out spi 300 key 00\nin key 00",
		"out spi 300 key 00\nin spi 255 key 00",
		"out spi 300 key 00\nin spi 4294967296 key 00",
		"out spi 300 key 00\nin spi -1 key 00",
		"out spi 300 key 00\nin spi 0x key 00",
		"out spi 300 key 00\nin spi 301x key 00",
		"out spi 300 key 00\nin spi 301 key 0",
		"out spi 300 key 00\nin spi 301 key 0x",
		"out spi 300 key 00\nin spi 301 key 0g",
		"out spi 300 key 00\nin spi 301 key 00 key 01",
		"out spi 300 key 00\nin spi 301 spi 302 key 01",
		"out spi 300 key 00\nin spi 301 key",
		"out spi 300 key 00\nin spi 301 Key 00",
		"out spi 300 key 00\nout spi 301 key 00\nin spi 302 key 00",
		"out spi 300 key 00\nin spi 301 key 00\nboth",
	};
	struct proto_half out, in;
	char longest[256] = "in spi 300 key ";

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not_null(parse_keys(bad[i], &out, &in), "%s", bad[i]);
	memset(longest + 15, 'a', 130); /* 65 octets, one too many */
	cr_assert_not_null(parse_keys(longest, &out, &in));
}
