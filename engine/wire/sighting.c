/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/cursor.h"
#include "engine/wire/sighting.h"
#include "engine/wire/ip.h"

#define IP6_HEADER 40 /* octets */
#define IP_ICMP6   58

static bool
take_address(struct cursor *c, enum ip_family family, struct ipaddr *out)
{
	memset(out, 0, sizeof(*out));
	out->family = (uint8_t)family;
	out->prefix = family == IP_FAMILY_4 ? 32 : 128;
	return cursor_copy(c, out->octets, family == IP_FAMILY_4 ? 4 : 16);
}

static bool
take_ip4(struct cursor *c, uint8_t first, struct sighting *s)
{
	uint16_t fragment;

	if ((first & 15) * 4 < IP_HEADER_MIN || !cursor_skip(c, 1) ||
	    !cursor_u16(c, &s->length) || !cursor_u16(c, &s->id) ||
	    !cursor_u16(c, &fragment))
		return false;
	s->later_fragment = (fragment & IP_OFFSET) != 0;
	return cursor_skip(c, 1) && cursor_u8(c, &s->protocol) &&
	       cursor_skip(c, 2) && take_address(c, IP_FAMILY_4, &s->src) &&
	       take_address(c, IP_FAMILY_4, &s->dst);
}

static bool
take_ip6(struct cursor *c, struct sighting *s)
{
	if (!cursor_skip(c, 3) || !cursor_u16(c, &s->length) ||
	    !cursor_u8(c, &s->protocol))
		return false;
	s->length = (uint16_t)(s->length + IP6_HEADER);
	return cursor_skip(c, 1) && take_address(c, IP_FAMILY_6, &s->src) &&
	       take_address(c, IP_FAMILY_6, &s->dst);
}

static void
take_transport(struct cursor *c, struct sighting *s)
{
	if (s->later_fragment)
		return;
	switch (s->protocol) {
	case IP_ICMP:
	case IP_ICMP6:
		if (!cursor_u8(c, &s->type) || !cursor_u8(c, &s->code))
			s->type = s->code = 0;
		break;
	case IP_TCP:
	case IP_UDP:
		if (!cursor_u16(c, &s->sport) || !cursor_u16(c, &s->dport))
			s->sport = s->dport = 0;
		break;
	case IP_AH:
		if (!cursor_skip(c, 4))
			break;
		/* fallthrough */
	case IP_ESP:
		if (!cursor_u32(c, &s->spi) || !cursor_u32(c, &s->seq))
			s->spi = s->seq = 0;
		break;
	}
}

bool
sighting_take(const uint8_t *octets, size_t len, struct sighting *out)
{
	struct cursor c = cursor_make(octets, len);
	uint8_t first;

	memset(out, 0, sizeof(*out));
	if (!cursor_u8(&c, &first))
		return false;
	if (first >> 4 == 4) {
		if (!take_ip4(&c, first, out))
			return false;
		if (cursor_skip(&c, (first & 15u) * 4 - IP_HEADER_MIN))
			take_transport(&c, out);
		return true;
	}
	if (first >> 4 != 6 || !take_ip6(&c, out))
		return false;
	take_transport(&c, out);
	return true;
}
