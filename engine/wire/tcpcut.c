/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/builder.h"
#include "engine/wire/tcpcut.h"

bool
tcpcut_begin(struct tcpcut *c, uint8_t *octets, const struct ip4 *ip,
	     size_t room, size_t longest)
{
	*c = (struct tcpcut){ .ip = *ip, .octets = octets, .room = room };
	if (ip->protocol != IP_TCP ||
	    !tcp_parse(octets + ip->header, (size_t)ip->total - ip->header,
		       &c->tcp) ||
	    tcp_is_signed(octets + ip->header, c->tcp.header))
		return false;
	c->at = c->headers = (size_t)ip->header + c->tcp.header;
	if (longest <= c->headers || ip->total <= c->headers)
		return false;
	c->each = longest - c->headers;
	memcpy(c->head, octets, c->headers);
	return true;
}

uint32_t
tcpcut_count(const struct tcpcut *c)
{
	return (uint32_t)((c->ip.total - c->headers + c->each - 1) / c->each);
}

/* At `at`: offset `from` in the payload, with as many octets of it. */
static void
write_headers(const struct tcpcut *c, struct tcpcut_segment *s, size_t from)
{
	struct builder b = builder_make(s->octets, s->len);
	struct ip4 ip = c->ip;
	uint8_t *tcp = s->octets + ip.header, flags = c->tcp.flags;
	uint32_t seq = c->tcp.seq + (uint32_t)from;
	bool urgent = (flags & TCP_URG) != 0 && from < c->tcp.urgent;

	memcpy(s->octets, c->head, c->headers);
	ip.total = (uint16_t)s->len;
	ip.id = s->id;
	ip_finish(s->octets, &ip);
	if (!s->last)
		flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (!s->first)
		flags &= (uint8_t)~TCP_CWR;
	if (!urgent)
		flags &= (uint8_t)~TCP_URG;
	b.len = s->len;
	builder_patch_u16(&b, ip.header + TCP_AT_SEQ, (uint16_t)(seq >> 16));
	builder_patch_u16(&b, ip.header + TCP_AT_SEQ + 2, (uint16_t)seq);
	builder_patch_u8(&b, ip.header + TCP_AT_FLAGS, flags);
	if ((c->tcp.flags & TCP_URG) != 0)
		builder_patch_u16(&b, ip.header + TCP_AT_URGENT,
				  urgent ? (uint16_t)(c->tcp.urgent - from)
					 : 0);
	tcp_finish(tcp, s->len - ip.header, &ip);
}

bool
tcpcut_next(struct tcpcut *c, struct tcpcut_segment *out)
{
	size_t left = c->ip.total - c->at, n = left < c->each ? left : c->each;
	size_t from = c->at - c->headers;

	memcpy(c->octets + c->at, c->saved, c->n_saved);
	c->n_saved = 0;
	if (left == 0)
		return false;
	*out = (struct tcpcut_segment){
		.octets = c->octets + c->at - c->headers,
		.len = c->headers + n,
		.room = c->room,
		.id = (uint16_t)(c->ip.id + from / c->each),
		.first = from == 0,
		.last = n == left,
	};
	if (!out->last) {
		c->n_saved = left - n < TCPCUT_ROOM ? left - n : TCPCUT_ROOM;
		out->room = c->n_saved;
		memcpy(c->saved, c->octets + c->at + n, c->n_saved);
	}
	write_headers(c, out, from);
	c->at += n;
	return true;
}
