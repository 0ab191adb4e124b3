/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An SA from its first packet to its last, and the time without one. */
#include "test/unit/pathbox.h"

Test(pathlife, seq_zero_and_number_wrap)
{
	static uint8_t packet[512], out[512], sealed[512];
	uint8_t inside[8] = { 9, 9, 9, 9, 1, 2, 2, 99 };
	uint64_t base = ((uint64_t)1 << 32) - 3;
	struct path_result r;
	struct pair p;

	pair_init(&p, &gcm);
	cr_assert_eq(
	    open_at(&p.b, packet, pair_forge(packet, 0, inside, 8), out).reason,
	    REASON_seq_zero);
	/* across 2^32 with ESN */
	atomic_store(&store_sa(&p.a.store, p.a.out_slot)->seq_next, base);
	atomic_store(&store_sa(&p.b.store, p.b.in_slot)->replay_edge, base - 1);
	for (int i = 0; i < 6; i++) {
		r = seal(&p, 99, 0, text, 20, 0, sealed);
		cr_assert_eq(r.action, PATH_REPLACE);
		cr_assert_eq(open_at(&p.b, sealed, r.len, out).action,
			     PATH_REPLACE, "number %d", i);
	}
	cr_assert_eq(
	    atomic_load(&store_sa(&p.b.store, p.b.in_slot)->replay_edge),
	    base + 5);
	pair_fini(&p);
}

Test(pathlife, out_ends_at_limit)
{
	struct pair_options o = { .enc = ALGO_AES128_GCM, .no_esn = true };
	static uint8_t sealed[512];
	struct pair p;
	struct sa *sa;

	pair_init(&p, &o);
	sa = store_sa(&p.a.store, p.a.out_slot);
	atomic_store(&sa->seq_next, ((uint64_t)1 << 32) - 1);
	cr_assert_eq(seal(&p, 99, 0, text, 20, 0, sealed).action, PATH_REPLACE);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(seal(&p, 99, 0, text, 20, 0, sealed).reason,
			     REASON_seq_exhausted);
	cr_assert_eq(atomic_load(&sa->seq_next), (uint64_t)1 << 32);
	/* a manual key's start counter, and its end */
	atomic_store(&sa->seq_limit, UINT64_MAX);
	sa->iv_start = (uint64_t)5 << SA_IV_LOW_BITS;
	sa->seq_base = ((uint64_t)1 << 32) - 7;
	cr_assert_eq(seal(&p, 99, 0, text, 20, 0, sealed).action, PATH_REPLACE);
	cr_assert_eq(memcmp(sealed + 28, "\x00\x00\x50\x00\x00\x00\x00\x07", 8),
		     0);
	atomic_store(&sa->seq_next,
		     sa->seq_base + ((uint64_t)1 << SA_IV_LOW_BITS));
	cr_assert_eq(seal(&p, 99, 0, text, 20, 0, sealed).reason,
		     REASON_seq_exhausted);
	pair_fini(&p);
}

Test(pathlife, lifetime)
{
	struct pair_options o = { .enc = ALGO_AES128_GCM,
				  .limits = { .soft_packets = 2,
					      .hard_packets = 3 } };
	static uint8_t sealed[4][512], out[512];
	struct path_result r[4];
	struct pair p;

	pair_init(&p, &o);
	for (int i = 0; i < 4; i++)
		r[i] = seal(&p, 99, 0, text, 20, 0, sealed[i]);
	cr_assert_eq(r[2].action, PATH_REPLACE);
	cr_assert_eq(r[3].action, PATH_DROP);
	cr_assert_eq(r[3].reason, REASON_lifetime);
	cr_assert_eq(p.a.events, 2u); /* soft, hard */
	cr_assert_eq(p.a.event.kind, PATH_HARD);
	/* told whole: the SA may be gone when somebody reads it */
	cr_assert_eq(p.a.event.spi, store_sa(&p.a.store, p.a.out_slot)->spi);
	cr_assert_eq(p.a.event.direction, SA_OUT);
	cr_assert_eq(p.a.event.protocol, SA_ESP);
	cr_assert_eq(p.a.event.packets, 3u);
	/* dead from now on; an acquire is asked for, once */
	cr_assert_eq(seal(&p, 99, 0, text, 20, 0, sealed[3]).reason,
		     REASON_no_sa);
	cr_assert_eq(p.a.event.kind, PATH_ACQUIRE);
	cr_assert_eq(p.a.event.protocol, 99);
	cr_assert_eq(seal(&p, 99, 0, text, 20, 0, sealed[3]).reason,
		     REASON_no_sa);
	cr_assert_eq(p.a.events, 3u);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(open_at(&p.b, sealed[i], r[i].len, out).action,
			     PATH_REPLACE);
	cr_assert_eq(p.b.events, 1u);
	cr_assert_eq(p.b.event.kind, PATH_SOFT);
	pair_fini(&p);
}

/* Keys may come: it waits, uncounted; where they can't, or nothing is to
 * wait, it is dropped. */
Test(pathlife, parks_where_keys_may_come)
{
	static uint8_t sealed[512];
	struct store_head *h;
	struct path_result r;
	struct pair p;

	pair_init(&p, &gcm);
	h = p.a.store.head;
	h->park_packets = 64;
	cr_assert(store_kill(&p.a.store, p.a.out_slot));
	r = seal(&p, 17, 0, "12345678", 8, 0, sealed);
	cr_assert_eq(r.action, PATH_DROP); /* manual keys */
	cr_assert_eq(r.reason, REASON_no_sa);
	h->assocs[0].flags = STORE_ASSOC_NEGOTIATED;
	r = seal(&p, 17, 0, "12345678", 8, 0, sealed);
	cr_assert_eq(r.action, PATH_PARK);
	cr_assert_eq(r.pair.said, PAIR_SAID);
	cr_assert_eq(r.pair.sport, 0x3132);
	cr_assert_eq(r.pair.dport, 0x3334);
	cr_assert_eq(reason_total(&p.a.store, SA_OUT, REASON_no_sa), 1u);
	cr_assert_eq(p.a.event.kind, PATH_ACQUIRE);
	path_begin(&p.a.path, PAIR_NOW);
	cr_assert_not(path_has_keys(&p.a.path, &r.pair));
	path_end(&p.a.path);
	p.a.out_slot =
	    pair_claim(&p.a, &gcm, SA_OUT, PAIR_SPI_AB, PAIR_A, PAIR_B);
	path_begin(&p.a.path, PAIR_NOW + 1);
	cr_assert(path_has_keys(&p.a.path, &r.pair));
	path_end(&p.a.path);
	cr_assert(store_kill(&p.a.store, p.a.out_slot));
	h->park_packets = 0;
	r = seal(&p, 17, 0, "12345678", 8, 0, sealed);
	cr_assert_eq(r.action, PATH_DROP);
	cr_assert_eq(r.reason, REASON_no_sa);
	pair_fini(&p);
}

/* A SAID is whose it was as long as association and principal are the same. */
Test(pathlife, knows_whose_a_said_was)
{
	static uint8_t sealed[512];
	struct store_assoc *a;
	struct path_result r;
	struct path *path;
	struct pair p;

	pair_init(&p, &gcm);
	path = &p.a.path;
	p.a.store.head->park_packets = 64;
	a = &p.a.store.head->assocs[0];
	snprintf(a->name, sizeof(a->name), "db");
	snprintf(a->principal, sizeof(a->principal), "alice@R");
	a->flags = STORE_ASSOC_NEGOTIATED;
	cr_assert(store_kill(&p.a.store, p.a.out_slot));
	r = seal(&p, 17, 0, "12345678", 8, 0, sealed);
	cr_assert_eq(r.action, PATH_PARK);
	cr_assert_not(path_is_moved(path, PAIR_SAID, r.pair.whose));
	/* the instance of another principal, under the same number */
	snprintf(a->principal, sizeof(a->principal), "carol@R");
	cr_assert(path_is_moved(path, PAIR_SAID, r.pair.whose));
	snprintf(a->principal, sizeof(a->principal), "alice@R");
	cr_assert_not(path_is_moved(path, PAIR_SAID, r.pair.whose));
	snprintf(a->name, sizeof(a->name), "web");
	cr_assert(path_is_moved(path, PAIR_SAID, r.pair.whose));
	/* where one name ends and the other begins */
	snprintf(a->name, sizeof(a->name), "dba");
	snprintf(a->principal, sizeof(a->principal), "lice@R");
	cr_assert(path_is_moved(path, PAIR_SAID, r.pair.whose));
	/* nobody's: another reason says so */
	atomic_store(&p.a.store.head->n_assocs, 0);
	cr_assert_not(path_is_moved(path, PAIR_SAID, r.pair.whose));
	pair_fini(&p);
}

/* Packets that were queued before a SAID was given on, and behind that. */
Test(pathlife, knows_what_was_queued_before)
{
	const enum store_queue_kind kind = STORE_QUEUE_SEAL;
	_Atomic uint64_t *fence;
	struct pair p;

	pair_init(&p, &gcm);
	fence = &p.a.store.head->fences[kind][0];
	cr_assert_not(path_is_before(&p.a.path, kind, 1));
	atomic_store(fence, STORE_FENCE | 100);
	cr_assert(path_is_before(&p.a.path, kind, 99));
	cr_assert(path_is_before(&p.a.path, kind, 100));
	cr_assert_not(path_is_before(&p.a.path, STORE_QUEUE_SEAL_TCP, 99));
	cr_assert_not(path_is_before(&p.a.path, kind, 101));
	cr_assert_eq(atomic_load(fence), 0u, "it is taken away");
	/* ids come round, and 0 is one of them */
	atomic_store(fence, STORE_FENCE | 5);
	cr_assert(path_is_before(&p.a.path, kind, UINT32_MAX));
	atomic_store(fence, STORE_FENCE | 0);
	cr_assert(path_is_before(&p.a.path, kind, UINT32_MAX - 3));
	cr_assert_not(path_is_before(&p.a.path, kind, 1));

	cr_assert_not(path_was_given_on(&p.a.path, PAIR_SAID));
	p.a.store.head->assocs[0].flags |= STORE_ASSOC_GIVEN_ON;
	cr_assert(path_was_given_on(&p.a.path, PAIR_SAID));
	cr_assert_not(path_was_given_on(&p.a.path, PAIR_SAID + 1));
	pair_fini(&p);
}

/* A batch that began before an SA was installed: the peer knows that it was,
 * so the packet is opened all the same. */
Test(pathlife, opens_by_an_sa_newer_than_the_batch)
{
	static uint8_t sealed[512], opened[512];
	struct path_result r;
	struct pair p;
	struct pkt pkt;
	size_t len;

	pair_init(&p, &gcm);
	len = seal(&p, 99, 0, text, 20, 0, sealed).len;
	cr_assert(store_kill(&p.b.store, p.b.in_slot));
	pkt = make(sealed, len, 0, OTHERS);
	path_begin(&p.b.path, PAIR_NOW);
	path_in(&p.b.path, &pkt, PAIR_NOW, opened, sizeof(opened), &r);
	cr_assert_eq(r.action, PATH_ACCEPT); /* the kernel's, if anybody's */
	p.b.in_slot =
	    pair_claim(&p.b, &gcm, SA_IN, PAIR_SPI_AB, PAIR_B, PAIR_A);
	path_in(&p.b.path, &pkt, PAIR_NOW, opened, sizeof(opened), &r);
	cr_assert_eq(r.action, PATH_REPLACE);
	path_end(&p.b.path);
	free(pkt.octets);
	pair_fini(&p);
}
