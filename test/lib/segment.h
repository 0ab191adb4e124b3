/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment: TCP segments over IPv4, made and checked by hand. */
#ifndef TEST_LIB_SEGMENT_H
#define TEST_LIB_SEGMENT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/builder.h"
#include "engine/wire/csum.h"
#include "engine/wire/tcp.h"
#include "test/lib/pair.h"

struct segment {
	uint32_t src, dst, seq, ack;
	uint16_t sport, dport, window, urgent, id, fragment;
	uint8_t flags, tos, ttl;
	uint8_t n_options, options[40]; /* a multiple of 4 */
	uint8_t n_ip_options;           /* NOPs */
};

/* An ordinary one: ACK, with a timestamp. */
#define SEGMENT_DATA(at)                                                       \
	{                                                                      \
		.src = PAIR_A, .dst = PAIR_B, .seq = (at), .ack = 0x01020304,  \
		.sport = 40000, .dport = 80, .window = 501, .id = 1000,        \
		.fragment = IP_DF, .flags = TCP_ACK, .ttl = 64,                \
		.n_options = 12,                                               \
		.options = { 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8 },            \
	}

static inline struct segment
segment_data(uint32_t seq)
{
	return (struct segment)SEGMENT_DATA(seq);
}

/* The checksum by the simplest of means: a word after the other. */
static inline uint16_t
segment_sum(const uint8_t *octets, size_t len)
{
	size_t header = (size_t)(octets[0] & 15) * 4, n = len - header;
	uint32_t sum = IP_TCP + (uint32_t)n;

	for (size_t i = 12; i < 20; i += 2)
		sum += (uint32_t)octets[i] << 8 | octets[i + 1];
	for (size_t i = 0; i < n; i++)
		sum += (uint32_t)octets[header + i] << (i % 2 == 0 ? 8 : 0);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline bool
segment_is_summed(const uint8_t *octets, size_t len)
{
	return segment_sum(octets, len) == 0;
}

/* Returns its length. */
static inline size_t
segment_make(uint8_t *out, size_t cap, const struct segment *s,
	     const uint8_t *payload, size_t len)
{
	size_t header = 20u + s->n_ip_options;
	size_t whole = header + 20u + s->n_options + len;
	struct builder b = builder_make(out, cap);

	builder_u8(&b, (uint8_t)(0x40 | header / 4));
	builder_u8(&b, s->tos);
	builder_u16(&b, (uint16_t)whole);
	builder_u16(&b, s->id);
	builder_u16(&b, s->fragment);
	builder_u8(&b, s->ttl);
	builder_u8(&b, IP_TCP);
	builder_u16(&b, 0);
	builder_u32(&b, s->src);
	builder_u32(&b, s->dst);
	for (unsigned i = 0; i < s->n_ip_options; i++)
		builder_u8(&b, 1);
	builder_patch_u16(&b, 10, csum_of(out, header));
	builder_u16(&b, s->sport);
	builder_u16(&b, s->dport);
	builder_u32(&b, s->seq);
	builder_u32(&b, s->ack);
	builder_u8(&b, (uint8_t)((20u + s->n_options) / 4 << 4));
	builder_u8(&b, s->flags);
	builder_u16(&b, s->window);
	builder_u16(&b, 0);
	builder_u16(&b, s->urgent);
	builder_octets(&b, s->options, s->n_options);
	builder_octets(&b, payload, len);
	PAIR_CHECK(!b.overflow && b.len == whole);
	builder_patch_u16(&b, header + TCP_AT_CHECKSUM,
			  segment_sum(out, whole));
	return whole;
}

#endif
