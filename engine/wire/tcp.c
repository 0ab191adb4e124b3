/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/builder.h"
#include "base/cursor.h"
#include "engine/wire/csum.h"
#include "engine/wire/tcp.h"

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MD5 = 19,
	OPTION_AO = 29,
};

bool
tcp_parse(const uint8_t *octets, size_t len, struct tcp *out)
{
	struct cursor c = cursor_make(octets, len);
	uint8_t offset;

	if (!cursor_u16(&c, &out->sport) || !cursor_u16(&c, &out->dport) ||
	    !cursor_u32(&c, &out->seq) || !cursor_u32(&c, &out->ack) ||
	    !cursor_u8(&c, &offset) || !cursor_u8(&c, &out->flags) ||
	    !cursor_u16(&c, &out->window) || !cursor_u16(&c, &out->checksum) ||
	    !cursor_u16(&c, &out->urgent))
		return false;
	out->header = (uint8_t)((offset >> 4) * 4);
	return out->header >= TCP_HEADER_MIN && out->header <= len;
}

bool
tcp_is_signed(const uint8_t *octets, size_t header)
{
	struct cursor c = cursor_make(octets, header);
	uint8_t kind, len;

	if (!cursor_skip(&c, TCP_HEADER_MIN))
		return true;
	while (cursor_u8(&c, &kind) && kind != OPTION_END) {
		if (kind == OPTION_NOP)
			continue;
		if (kind == OPTION_MD5 || kind == OPTION_AO)
			return true;
		if (!cursor_u8(&c, &len) || len < 2 ||
		    !cursor_skip(&c, len - 2u))
			return true;
	}
	return false;
}

uint64_t
tcp_pseudo_sum(const struct ip4 *ip, size_t len)
{
	uint64_t sum = IP_TCP + len;

	sum = csum_add(sum, ip->src.octets, 4);
	return csum_add(sum, ip->dst.octets, 4);
}

void
tcp_finish(uint8_t *octets, size_t len, const struct ip4 *ip)
{
	struct builder b = builder_make(octets, len);

	b.len = len;
	builder_patch_u16(&b, TCP_AT_CHECKSUM, 0);
	builder_patch_u16(
	    &b, TCP_AT_CHECKSUM,
	    csum_finish(csum_add(tcp_pseudo_sum(ip, len), octets, len)));
}
