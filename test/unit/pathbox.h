/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pathbox: a packet through one host's path, in buffers of exactly its length.
 *
 * Included by one test program each; on top of test/lib/pair.h.
 */
#ifndef TEST_UNIT_PATHBOX_H
#define TEST_UNIT_PATHBOX_H

#include <criterion/criterion.h>

#include "test/lib/pair.h"

#define OTHERS 0xab000000u /* mark bits that are not ours */

static const struct pair_options gcm = { .enc = ALGO_AES128_GCM };
static uint8_t text[65536];

static inline void
fill(void)
{
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7 + i / 251);
}

/* A packet in a buffer of exactly its length and `room`. */
static inline struct pkt
make(const uint8_t *octets, size_t len, size_t room, uint32_t mark)
{
	struct pkt p = { .octets = malloc(len + room + 1),
			 .len = len,
			 .room = room,
			 .whole = len,
			 .mark = mark,
			 .mtu = 1500,
			 .in = 2,
			 .out = 2 };

	memcpy(p.octets, octets, len);
	return p;
}

/* Seals len octets of payload at a; returns the result, octets in out. */
static inline struct path_result
seal(struct pair *p, uint8_t protocol, uint16_t fragment, const void *payload,
     size_t len, size_t room, uint8_t *out)
{
	static uint8_t clear[65536];
	size_t n = pair_packet(clear, sizeof(clear), PAIR_A, PAIR_B, protocol,
			       fragment, payload, len);
	struct pkt pkt = make(clear, n, room, OTHERS | PAIR_SAID);
	struct path_result r;

	r = pair_out(&p->a, &pkt, out, n + PATH_GROWTH);
	free(pkt.octets);
	return r;
}

static inline struct path_result
open_at(struct pair_host *h, const uint8_t *sealed, size_t len, uint8_t *out)
{
	struct pkt pkt = make(sealed, len, 0, OTHERS);
	struct path_result r = pair_in(h, &pkt, out, len);

	free(pkt.octets);
	return r;
}

#endif
