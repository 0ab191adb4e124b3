/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What waits for keys: order, bounds, deadlines; the clock is the test's. */
#include <criterion/criterion.h>

#include "engine/path/hold.h"
#include "test/lib/pair.h"

static struct store store;
static struct hold *hold;
static uint8_t buf[HOLD_PACKET_MAX];

static void
init(void)
{
	cr_assert_eq(store_create(&store, 16, 2), 0);
	store.head->park_packets = 64;
	store.head->park_secs = 10;
	store.head->queue_length = 8192;
	hold = hold_new(&store, 0);
	cr_assert_not_null(hold);
}

static void
fini(void)
{
	hold_free(hold);
	store_unmap(&store);
}

static struct hold_pair
pair_of(uint32_t said, uint32_t peer)
{
	return (struct hold_pair){ .said = said,
				   .local = pair_addr(PAIR_A),
				   .peer = pair_addr(peer),
				   .protocol = IP_UDP };
}

/* A datagram of a flow (its source port) towards peer, with len octets. */
static enum hold_taken
put(struct hold *h, uint32_t said, uint32_t peer, uint16_t flow, uint32_t id,
    size_t len, uint64_t now_ms)
{
	static uint8_t payload[HOLD_PACKET_MAX], packet[HOLD_PACKET_MAX];
	struct hold_pair who = pair_of(said, peer);
	struct pkt pkt = { .octets = packet, .mark = said, .out = 7 };

	for (size_t i = 0; i < len; i++)
		payload[i] = (uint8_t)(i * 3 + id);
	payload[0] = (uint8_t)(flow >> 8);
	payload[1] = (uint8_t)flow;
	payload[2] = payload[3] = 9;
	pkt.len = pkt.whole = pair_packet(packet, sizeof(packet), PAIR_A, peer,
					  IP_UDP, 0, payload, len);
	return hold_put(h, &who, STORE_QUEUE_SEAL, id, &pkt, now_ms);
}

static struct hold_packet
take(unsigned pair, bool sent, uint64_t now_ms)
{
	struct hold_packet out;

	cr_assert(hold_head(hold, pair, buf, &out));
	hold_pop(hold, pair, sent, now_ms);
	return out;
}

static unsigned
find(uint32_t said, uint32_t peer)
{
	struct ipaddr a = pair_addr(peer);

	return hold_pair_find(hold, said, &a);
}

TestSuite(hold, .init = init, .fini = fini);

Test(hold, gives_back_in_order_what_came)
{
	size_t len[] = { 8, 1, 1024, 1004, 1500, 1005, 65000, 100, 2048, 60 };
	struct hold_packet out;
	unsigned p;

	len[1] = 9;
	for (uint32_t i = 0; i < 10; i++)
		cr_assert_eq(put(hold, 0x100, PAIR_B, 1, 100 + i, len[i], i),
			     i == 0 ? HOLD_KEPT : HOLD_COPIED);
	p = find(0x100, PAIR_B);
	cr_assert_lt(p, (unsigned)HOLD_PAIRS);
	for (uint32_t i = 0; i < 10; i++) {
		out = take(p, true, 20);
		cr_assert_eq(out.id, 100 + i);
		cr_assert_eq(out.in_kernel, i == 0);
		cr_assert_eq(out.pkt.len, 20 + len[i]);
		cr_assert_eq(out.pkt.out, 7u);
		for (size_t n = 4; n < len[i]; n++)
			cr_assert_eq(buf[20 + n], (uint8_t)(n * 3 + 100 + i));
	}
	cr_assert(hold_is_empty(hold));
	cr_assert_not(hold_head(hold, p, buf, &out));
}

/* The first of each flow stays in the kernel, whoever came between; when it
 * has left, the next one is a first again. */
Test(hold, first_of_a_flow_in_the_kernel)
{
	cr_assert_eq(put(hold, 0x100, PAIR_B, 1, 1, 8, 0), HOLD_KEPT);
	cr_assert_eq(put(hold, 0x100, PAIR_B, 2, 2, 8, 0), HOLD_KEPT);
	cr_assert_eq(put(hold, 0x100, PAIR_B, 1, 3, 8, 0), HOLD_COPIED);
	cr_assert_eq(put(hold, 0x101, PAIR_B, 1, 4, 8, 0), HOLD_KEPT);
	cr_assert_eq(put(hold, 0x100, PAIR_B, 2, 5, 8, 0), HOLD_COPIED);
	cr_assert_eq(take(find(0x100, PAIR_B), true, 1).id, 1u);
	cr_assert_eq(put(hold, 0x100, PAIR_B, 1, 6, 8, 1), HOLD_KEPT);
}

Test(hold, bound_of_a_pair_over_all_workers)
{
	struct hold *other = hold_new(&store, 1);

	for (uint32_t i = 0; i < 40; i++)
		cr_assert_neq(put(hold, 0x100, PAIR_B, 1, i, 8, 0), HOLD_FULL);
	for (uint32_t i = 0; i < 24; i++)
		cr_assert_neq(put(other, 0x100, PAIR_B, 1, i, 8, 0), HOLD_FULL);
	cr_assert_eq(put(hold, 0x100, PAIR_B, 1, 99, 8, 0), HOLD_FULL);
	cr_assert_eq(put(other, 0x100, PAIR_B, 1, 99, 8, 0), HOLD_FULL);
	/* others are not in its way */
	cr_assert_eq(put(hold, 0x100, PAIR_B + 1, 1, 1, 8, 0), HOLD_KEPT);
	take(find(0x100, PAIR_B), true, 0);
	cr_assert_neq(put(other, 0x100, PAIR_B, 1, 99, 8, 0), HOLD_FULL);
	hold_free(other);
}

Test(hold, bound_of_a_worker)
{
	uint32_t taken = 0;

	store.head->park_packets = 65536;
	/* chunks: one packet of 64 KB takes 64 */
	while (put(hold, 0x100, PAIR_B, 1, taken, 65000, 0) != HOLD_FULL)
		taken++;
	cr_assert_eq(taken, HOLD_CHUNKS / 64u);
	while (taken-- > 0)
		take(find(0x100, PAIR_B), false, 0);
	/* packets */
	taken = 0;
	while (put(hold, 0x100, PAIR_B, 1, taken, 8, 2000) != HOLD_FULL)
		taken++;
	cr_assert_eq(taken, HOLD_PACKETS);
	while (taken-- > 0)
		take(find(0x100, PAIR_B), false, 2000);
	/* firsts, pairs */
	taken = 0;
	while (put(hold, 0x100, PAIR_B + taken, 1, taken, 8, 4000) != HOLD_FULL)
		taken++;
	cr_assert_eq(taken, HOLD_PAIRS);
	for (uint32_t i = 0; i < taken; i++)
		take(find(0x100, PAIR_B + i), true, 4000);
	cr_assert(hold_is_empty(hold));
	for (unsigned i = 0; i < STORE_PARK_PLACES; i++)
		cr_assert_eq(atomic_load(&store.head->park_places[i]), 0u);
}

Test(hold, a_short_queue_is_not_eaten)
{
	store.head->queue_length = 40;
	for (uint16_t i = 0; i < 10; i++)
		cr_assert_eq(put(hold, 0x100, PAIR_B, i, i, 8, 0), HOLD_KEPT);
	cr_assert_eq(put(hold, 0x100, PAIR_B, 10, 10, 8, 0), HOLD_FULL);
	cr_assert_eq(put(hold, 0x100, PAIR_B, 9, 11, 8, 0), HOLD_COPIED);
}

Test(hold, deadlines_and_asking)
{
	put(hold, 0x100, PAIR_B, 1, 1, 8, 1000);
	put(hold, 0x100, PAIR_B, 1, 2, 8, 3000);
	put(hold, 0x101, PAIR_B, 1, 3, 8, 1500);
	cr_assert_eq(hold_wait_ms(hold, 1000, 10000), 1000); /* to ask */
	cr_assert_eq(hold_wait_ms(hold, 1000, 50), 50);
	cr_assert_eq(hold_ask(hold, 1999), (unsigned)HOLD_PAIRS);
	cr_assert_eq(hold_ask(hold, 2000), find(0x100, PAIR_B));
	cr_assert_eq(hold_ask(hold, 2000), (unsigned)HOLD_PAIRS);
	cr_assert_eq(hold_pair_at(hold, find(0x101, PAIR_B))->said, 0x101u);
	cr_assert_eq(hold_late(hold, 10999), (unsigned)HOLD_PAIRS);
	cr_assert_eq(hold_late(hold, 11000), find(0x100, PAIR_B));
	cr_assert_eq(hold_wait_ms(hold, 11000, 5000), 0);
	cr_assert_eq(take(find(0x100, PAIR_B), false, 11000).id, 1u);
	cr_assert_eq(hold_late(hold, 11000), (unsigned)HOLD_PAIRS);
	cr_assert_eq(hold_late(hold, 11500), find(0x101, PAIR_B));
	/* a reload changes the time of what waits */
	store.head->park_secs = 3;
	cr_assert_eq(hold_late(hold, 4500), find(0x101, PAIR_B));
}

/* A verdict came too late: the copy goes. */
Test(hold, what_the_kernel_lost)
{
	struct hold_packet out;
	unsigned p;

	put(hold, 0x100, PAIR_B, 1, 1, 2000, 0);
	put(hold, 0x100, PAIR_B, 2, 2, 8, 0);
	put(hold, 0x100, PAIR_B, 3, 3, 8, 0);
	p = find(0x100, PAIR_B);
	take(p, true, 5);
	take(p, false, 5);
	take(p, true, 5);
	cr_assert(hold_is_empty(hold));
	cr_assert_not(hold_lost(hold, STORE_QUEUE_SEAL, 4));
	cr_assert_not(hold_lost(hold, STORE_QUEUE_SEAL_TCP, 1));
	cr_assert(hold_lost(hold, STORE_QUEUE_SEAL, 2)); /* was dropped */
	cr_assert(hold_lost(hold, STORE_QUEUE_SEAL, 3));
	cr_assert(hold_lost(hold, STORE_QUEUE_SEAL, 1));
	cr_assert_not(hold_lost(hold, STORE_QUEUE_SEAL, 1));
	cr_assert_not(hold_is_empty(hold));
	cr_assert(hold_lost_head(hold, buf, &out));
	cr_assert(out.id == 3 && !out.in_kernel);
	cr_assert(hold_lost_head(hold, buf, &out));
	cr_assert(out.id == 1 && out.pkt.len == 2020 &&
		  buf[1999] == (uint8_t)((1999 - 20) * 3 + 1));
	cr_assert_not(hold_lost_head(hold, buf, &out));
	/* after a while it must have said so */
	put(hold, 0x100, PAIR_B, 1, 9, 8, 10);
	take(find(0x100, PAIR_B), true, 10);
	put(hold, 0x100, PAIR_B, 1, 10, 8, 10 + HOLD_TRUST_MS);
	cr_assert_not(hold_lost(hold, STORE_QUEUE_SEAL, 9));
}

/* What was sent makes room for what waits. */
Test(hold, sent_ones_give_way)
{
	store.head->park_packets = 65536;
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < HOLD_FIRSTS; i++)
			cr_assert_eq(
			    put(hold, 0x100, PAIR_B, (uint16_t)i, i, 4000, 0),
			    HOLD_KEPT);
		for (uint32_t i = 0; i < HOLD_FIRSTS; i++)
			cr_assert_eq(take(find(0x100, PAIR_B), true, 0).id, i);
	}
	for (uint32_t i = 0; i < HOLD_PACKETS; i++)
		cr_assert_neq(put(hold, 0x100, PAIR_B, 1, i, 8, 0), HOLD_FULL);
}

static uint32_t swept[8];
static unsigned n_swept;

static void
note(void *arg, enum store_queue_kind kind, uint32_t id)
{
	cr_assert_eq(kind, STORE_QUEUE_SEAL);
	swept[n_swept++] = id;
}

/* The next engine learns what a dead one held. */
Test(hold, sweep)
{
	put(hold, 0x100, PAIR_B, 1, 0xfffffff0, 8, 0);
	put(hold, 0x100, PAIR_B, 1, 0xfffffff1, 8, 0);
	put(hold, 0x100, PAIR_B, 2, 0xfffffff2, 8, 0);
	cr_assert_eq(atomic_load(&store.head->parked[0].packets), 3u);
	cr_assert_eq(hold_sweep(&store, 0, note, NULL), 1u);
	cr_assert_eq(n_swept, 2u);
	cr_assert(swept[0] == 0xfffffff0 && swept[1] == 0xfffffff2);
	cr_assert_eq(hold_sweep(&store, 0, note, NULL), 0u);
	cr_assert_eq(atomic_load(&store.head->parked[0].packets), 0u);
}
