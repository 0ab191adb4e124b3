/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/builder.h"
#include "base/cursor.h"
#include "engine/wire/csum.h"
#include "engine/wire/ip.h"

enum {
	AT_TOTAL = 2,
	AT_ID = 4,
	AT_FRAGMENT = 6,
	AT_PROTOCOL = 9,
	AT_CHECKSUM = 10,
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_LSRR = 131,
	OPTION_SSRR = 137,
};

static bool
take_address(struct cursor *c, struct ipaddr *out)
{
	*out = (struct ipaddr){ .family = IP_FAMILY_4, .prefix = 32 };
	return cursor_copy(c, out->octets, 4);
}

enum ip_answer
ip_parse(const uint8_t *octets, size_t len, struct ip4 *out)
{
	struct cursor c = cursor_make(octets, len);
	uint8_t first;

	if (!cursor_u8(&c, &first))
		return IP_TRUNCATED;
	if (first >> 4 == 6)
		return IP_VERSION_6;
	if (first >> 4 != 4)
		return IP_MALFORMED;
	out->header = (uint8_t)((first & 0xf) * 4);
	if (!cursor_skip(&c, 1) || !cursor_u16(&c, &out->total) ||
	    !cursor_u16(&c, &out->id) || !cursor_u16(&c, &out->fragment) ||
	    !cursor_skip(&c, 1) || !cursor_u8(&c, &out->protocol) ||
	    !cursor_skip(&c, 2) || !take_address(&c, &out->src) ||
	    !take_address(&c, &out->dst))
		return IP_TRUNCATED;
	if (out->header < IP_HEADER_MIN || out->total < out->header)
		return IP_MALFORMED;
	return out->total > len ? IP_TRUNCATED : IP_OK;
}

bool
ip_is_fragment(const struct ip4 *ip)
{
	return (ip->fragment & (IP_MF | IP_OFFSET)) != 0;
}

bool
ip_is_group(const struct ipaddr *a)
{
	return a->octets[0] >= 224 || a->octets[0] == 0;
}

bool
ip_is_routed(const uint8_t *octets, const struct ip4 *ip)
{
	struct cursor c = cursor_make(octets + IP_HEADER_MIN,
				      (size_t)ip->header - IP_HEADER_MIN);
	uint8_t kind, len;

	while (cursor_u8(&c, &kind) && kind != OPTION_END) {
		if (kind == OPTION_NOP)
			continue;
		if (kind == OPTION_LSRR || kind == OPTION_SSRR)
			return true;
		if (!cursor_u8(&c, &len) || len < 2 ||
		    !cursor_skip(&c, len - 2u))
			return true;
	}
	return false;
}

void
ip_finish(uint8_t *octets, const struct ip4 *ip)
{
	struct builder b = builder_make(octets, ip->header);

	b.len = ip->header;
	builder_patch_u16(&b, AT_TOTAL, ip->total);
	builder_patch_u16(&b, AT_ID, ip->id);
	builder_patch_u16(&b, AT_FRAGMENT, ip->fragment);
	builder_patch_u8(&b, AT_PROTOCOL, ip->protocol);
	builder_patch_u16(&b, AT_CHECKSUM, 0);
	builder_patch_u16(&b, AT_CHECKSUM, csum_of(octets, ip->header));
}
