/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/builder.h"
#include "base/cursor.h"
#include "engine/wire/csum.h"
#include "engine/wire/icmp.h"

enum {
	TYPE_UNREACHABLE = 3,
	TYPE_QUENCH = 4,
	TYPE_EXCEEDED = 11,
	TYPE_PARAMETER = 12,
	CODE_FRAGMENTATION = 4,
	CODE_PROHIBITED = 13,
	ICMP_HEADER = 8,
	TTL = 64,
};

/* The quoted packet, cut off wherever its sender liked. */
static bool
parse_third(struct cursor *c, struct icmp_error *out)
{
	out->has_third = cursor_u32(c, &out->word[2]);
	return true;
}

static bool
parse_quote(struct cursor *c, struct icmp_error *out)
{
	uint8_t first;

	out->src = out->dst =
	    (struct ipaddr){ .family = IP_FAMILY_4, .prefix = 32 };
	return cursor_u8(c, &first) && first >> 4 == 4 &&
	       (first & 0xf) * 4 >= IP_HEADER_MIN && cursor_skip(c, 8) &&
	       cursor_u8(c, &out->protocol) && cursor_skip(c, 2) &&
	       cursor_copy(c, out->src.octets, 4) &&
	       cursor_copy(c, out->dst.octets, 4) &&
	       cursor_skip(c, (first & 0xfu) * 4 - IP_HEADER_MIN) &&
	       cursor_u32(c, &out->word[0]) && cursor_u32(c, &out->word[1]) &&
	       parse_third(c, out);
}

bool
icmp_parse_error(const uint8_t *octets, size_t len, struct icmp_error *out)
{
	struct cursor c = cursor_make(octets, len);
	uint8_t type, code;

	if (!cursor_u8(&c, &type) || !cursor_u8(&c, &code) ||
	    !cursor_skip(&c, 4) || !cursor_u16(&c, &out->mtu))
		return false;
	if (type != TYPE_UNREACHABLE && type != TYPE_QUENCH &&
	    type != TYPE_EXCEEDED && type != TYPE_PARAMETER)
		return false;
	out->fragmentation_needed =
	    type == TYPE_UNREACHABLE && code == CODE_FRAGMENTATION;
	return parse_quote(&c, out) && csum_of(octets, len) == 0;
}

/* Type 3 of a code, with a number in its second word. */
static size_t
build_unreachable(uint8_t *out, const uint8_t *about, const struct ip4 *ip,
		  uint8_t code, uint16_t number)
{
	struct builder b = builder_make(out, ICMP_ERROR_MAX);
	size_t quote = ICMP_ERROR_MAX - IP_HEADER_MIN - ICMP_HEADER;

	if (quote > ip->total)
		quote = ip->total;
	builder_u8(&b, 0x45);
	builder_u8(&b, 0xc0); /* internetwork control, RFC 1812 4.3.2.5 */
	builder_u16(&b, (uint16_t)(IP_HEADER_MIN + ICMP_HEADER + quote));
	builder_u32(&b, 0);
	builder_u8(&b, TTL);
	builder_u8(&b, IP_ICMP);
	builder_u16(&b, 0);
	builder_u32(&b, 0);
	builder_octets(&b, ip->src.octets, 4);
	builder_u8(&b, TYPE_UNREACHABLE);
	builder_u8(&b, code);
	builder_u32(&b, 0); /* checksum, unused */
	builder_u16(&b, number);
	builder_octets(&b, about, quote);
	builder_patch_u16(&b, IP_HEADER_MIN + 2,
			  csum_of(out + IP_HEADER_MIN, b.len - IP_HEADER_MIN));
	return b.len;
}

size_t
icmp_build_needed(uint8_t *out, const uint8_t *about, const struct ip4 *ip,
		  uint16_t mtu)
{
	return build_unreachable(out, about, ip, CODE_FRAGMENTATION, mtu);
}

size_t
icmp_build_prohibited(uint8_t *out, const uint8_t *about, const struct ip4 *ip)
{
	return build_unreachable(out, about, ip, CODE_PROHIBITED, 0);
}
