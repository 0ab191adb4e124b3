/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "engine/wire/ah.h"

#define FIXED_4302 12u
#define FIXED_1826 8u

/* offsets in the IPv4 header, RFC 791 3.1 */
#define IP_TOS         1
#define IP_FRAGMENT    6
#define IP_TTL         8
#define IP_CHECKSUM    10
#define IP_DESTINATION 16
#define IP_FIXED       20u

/* option types: copied flag, class, number (RFC 791 3.1) */
enum option {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_RECORD_ROUTE = 7,
	OPTION_TIMESTAMP = 68,
	OPTION_TRACEROUTE = 82,
	OPTION_SECURITY = 130,
	OPTION_LSRR = 131,
	OPTION_EXTENDED_SECURITY = 133,
	OPTION_CIPSO = 134,
	OPTION_SSRR = 137,
	OPTION_ROUTER_ALERT = 148,
	OPTION_SENDER_DIRECTED = 149,
};

static unsigned
fixed_octets(enum ah_rules rules)
{
	return rules == AH_RULES_4302 ? FIXED_4302 : FIXED_1826;
}

unsigned
ah_octets(enum ah_rules rules, unsigned iv_octets, unsigned icv_octets)
{
	return (fixed_octets(rules) + iv_octets + icv_octets + 3) / 4 * 4;
}

/* The length field of a header of so many octets: by either rule two words are
 * not counted. */
static uint8_t
length_field(unsigned octets)
{
	return (uint8_t)(octets / 4 - 2);
}

bool
ah_peek_spi(struct cursor c, uint32_t *spi)
{
	return cursor_skip(&c, 4) && cursor_u32(&c, spi);
}

bool
ah_parse(struct cursor c, enum ah_rules rules, unsigned iv_octets,
	 unsigned icv_octets, struct ah *out)
{
	unsigned octets = ah_octets(rules, iv_octets, icv_octets);
	struct cursor header;
	uint16_t reserved;
	uint8_t len;

	memset(out, 0, sizeof(*out));
	if (!cursor_take(&c, octets, &header) ||
	    !cursor_u8(&header, &out->next) || !cursor_u8(&header, &len) ||
	    !cursor_u16(&header, &reserved) || !cursor_u32(&header, &out->spi))
		return false;
	if (rules == AH_RULES_4302 && !cursor_u32(&header, &out->seq))
		return false;
	out->octets = octets;
	out->data_at = fixed_octets(rules);
	/* reserved is ignored, and under the ICV (RFC 4302 2.3) */
	return len == length_field(octets);
}

void
ah_build(struct builder *b, enum ah_rules rules, uint8_t next, uint32_t spi,
	 uint32_t seq, const uint8_t *iv, unsigned iv_octets,
	 unsigned icv_octets)
{
	unsigned octets = ah_octets(rules, iv_octets, icv_octets);

	builder_u8(b, next);
	builder_u8(b, length_field(octets));
	builder_u16(b, 0);
	builder_u32(b, spi);
	if (rules == AH_RULES_4302)
		builder_u32(b, seq);
	builder_octets(b, iv, iv_octets);
	builder_zeros(b, octets - fixed_octets(rules) - iv_octets);
}

/* RFC 4302 appendix A1: these are covered, every other one is zeroed whole,
 * the ones nobody has heard of too. */
static bool
is_immutable(uint8_t type)
{
	return type == OPTION_END || type == OPTION_NOP ||
	       type == OPTION_SECURITY || type == OPTION_EXTENDED_SECURITY ||
	       type == OPTION_CIPSO || type == OPTION_ROUTER_ALERT ||
	       type == OPTION_SENDER_DIRECTED;
}

static bool
is_rewritten_by_routers(uint8_t type)
{
	return type == OPTION_RECORD_ROUTE || type == OPTION_TIMESTAMP ||
	       type == OPTION_TRACEROUTE || type == OPTION_LSRR ||
	       type == OPTION_SSRR;
}

/* type (1), length (1), pointer (1) from 1 on, addresses: the next hop's at
 * the pointer (RFC 791 3.1).  Past the last one the route is used up. */
static void
use_last_hop(struct cursor option, uint8_t *destination)
{
	uint8_t len = (uint8_t)option.left, pointer;

	if (!cursor_skip(&option, 2) || !cursor_u8(&option, &pointer))
		return;
	if (pointer < 4 || pointer > len || len < 7)
		return;
	memcpy(destination, option.at + option.left - 4, 4);
}

/* Splits the next option off: its type, and all of its octets. */
static bool
next_option(struct cursor *c, uint8_t *type, struct cursor *option)
{
	struct cursor peek = *c;
	uint8_t len;

	if (!cursor_u8(&peek, type))
		return false;
	if (*type == OPTION_END || *type == OPTION_NOP)
		return cursor_take(c, 1, option);
	return cursor_u8(&peek, &len) && len >= 2 &&
	       cursor_take(c, len, option);
}

static enum ah_cover
cover_options(struct cursor header, enum ah_rules rules, bool outbound,
	      uint8_t *out)
{
	struct cursor c = header, option;
	uint8_t type;

	if (!cursor_skip(&c, IP_FIXED))
		return AH_COVER_MALFORMED;
	while (c.left != 0) {
		uint8_t *at = out + (header.left - c.left);

		if (!next_option(&c, &type, &option))
			return AH_COVER_MALFORMED;
		if (type == OPTION_END)
			return AH_COVER_OK;
		if (rules == AH_RULES_1826) {
			if (outbound && is_rewritten_by_routers(type))
				return AH_COVER_CHANGES;
			continue;
		}
		if (is_immutable(type))
			continue;
		if (outbound && (type == OPTION_LSRR || type == OPTION_SSRR))
			use_last_hop(option, out + IP_DESTINATION);
		memset(at, 0, option.left);
	}
	return AH_COVER_OK;
}

enum ah_cover
ah_cover_ipv4(struct cursor header, enum ah_rules rules, bool outbound,
	      uint8_t out[AH_IPV4_HEADER_MAX])
{
	uint8_t first;
	struct cursor c = header;

	if (header.left > AH_IPV4_HEADER_MAX || !cursor_u8(&c, &first) ||
	    first >> 4 != 4 || (first & 15) * 4u != header.left ||
	    header.left < IP_FIXED)
		return AH_COVER_MALFORMED;
	memcpy(out, header.at, header.left);
	if (rules == AH_RULES_4302) {
		out[IP_TOS] = 0;
		memset(out + IP_FRAGMENT, 0, 2);
	}
	out[IP_TTL] = 0;
	memset(out + IP_CHECKSUM, 0, 2);
	return cover_options(header, rules, outbound, out);
}
