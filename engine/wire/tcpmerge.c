/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/builder.h"
#include "engine/wire/csum.h"
#include "engine/wire/tcpmerge.h"

enum { AT_TOS = 1, AT_TTL = 8 };

struct part {
	struct ip4 ip;
	struct tcp tcp;
	const uint8_t *octets;
	size_t headers, payload;
};

/* Data that could be a part of more. */
static bool
parse(struct part *p, const uint8_t *octets, size_t len)
{
	p->octets = octets;
	if (ip_parse(octets, len, &p->ip) != IP_OK ||
	    p->ip.header != IP_HEADER_MIN || p->ip.protocol != IP_TCP ||
	    ip_is_fragment(&p->ip) ||
	    !tcp_parse(octets + IP_HEADER_MIN,
		       (size_t)p->ip.total - IP_HEADER_MIN, &p->tcp))
		return false;
	p->headers = (size_t)IP_HEADER_MIN + p->tcp.header;
	p->payload = p->ip.total - p->headers;
	return p->payload > 0 &&
	       (p->tcp.flags & ~(TCP_PSH | TCP_ECE)) == TCP_ACK;
}

/* The sum of the payload's words: all that is under a right checksum, with
 * it, sums up to 0, so it is what the rest lacks. */
static uint16_t
payload_sum(const struct part *p)
{
	uint64_t rest = tcp_pseudo_sum(&p->ip, p->tcp.header + p->payload);

	return csum_finish(
	    csum_add(rest, p->octets + IP_HEADER_MIN, p->tcp.header));
}

bool
tcpmerge_begin(struct tcpmerge *m, uint8_t *octets, size_t len)
{
	struct part p;

	if (!parse(&p, octets, len) || p.ip.total > TCPMERGE_MAX)
		return false;
	*m = (struct tcpmerge){
		.octets = octets,
		.len = p.ip.total,
		.headers = p.headers,
		.parts = 1,
		.is_whole = (p.tcp.flags & TCP_PSH) != 0,
		.ip = p.ip,
		.tcp = p.tcp,
		.sum = payload_sum(&p),
	};
	return true;
}

static bool
is_next(const struct tcpmerge *m, const struct part *p)
{
	const struct tcp *first = &m->tcp, *t = &p->tcp;
	size_t options = (size_t)first->header - TCP_HEADER_MIN;
	size_t at = IP_HEADER_MIN + TCP_HEADER_MIN;

	return t->seq == first->seq + (uint32_t)(m->len - m->headers) &&
	       p->headers == m->headers && t->sport == first->sport &&
	       t->dport == first->dport && t->ack == first->ack &&
	       t->window == first->window &&
	       ((t->flags ^ first->flags) & ~TCP_PSH) == 0 &&
	       p->ip.fragment == m->ip.fragment &&
	       p->octets[AT_TOS] == m->octets[AT_TOS] &&
	       p->octets[AT_TTL] == m->octets[AT_TTL] &&
	       ipaddr_equal(&p->ip.src, &m->ip.src) &&
	       ipaddr_equal(&p->ip.dst, &m->ip.dst) &&
	       memcmp(p->octets + at, m->octets + at, options) == 0;
}

/* Words of a payload at an odd place count the other way round (RFC 1071
 * 2 B). */
static uint16_t
sum_at(size_t at, uint16_t v)
{
	return at % 2 == 0 ? v : (uint16_t)(v << 8 | v >> 8);
}

bool
tcpmerge_add(struct tcpmerge *m, const uint8_t *octets, size_t len)
{
	struct part p;

	if (m->is_whole || !parse(&p, octets, len) || !is_next(m, &p) ||
	    m->len + p.payload > TCPMERGE_MAX)
		return false;
	memcpy(m->octets + m->len, octets + p.headers, p.payload);
	m->sum += sum_at(m->len - m->headers, payload_sum(&p));
	m->len += p.payload;
	m->parts++;
	if ((p.tcp.flags & TCP_PSH) != 0) {
		m->is_whole = true;
		m->tcp.flags |= TCP_PSH;
	}
	return true;
}

size_t
tcpmerge_end(struct tcpmerge *m)
{
	struct builder b = builder_make(m->octets, m->len);
	struct ip4 ip = m->ip;
	size_t tcp_len = m->len - IP_HEADER_MIN;
	uint64_t sum;

	if (m->parts == 1)
		return m->len;
	b.len = m->len;
	ip.total = (uint16_t)m->len;
	ip_finish(m->octets, &ip);
	builder_patch_u8(&b, IP_HEADER_MIN + TCP_AT_FLAGS, m->tcp.flags);
	builder_patch_u16(&b, IP_HEADER_MIN + TCP_AT_CHECKSUM, 0);
	sum = csum_add(tcp_pseudo_sum(&ip, tcp_len), m->octets + IP_HEADER_MIN,
		       m->tcp.header);
	builder_patch_u16(&b, IP_HEADER_MIN + TCP_AT_CHECKSUM,
			  csum_finish(sum + m->sum));
	return m->len;
}
