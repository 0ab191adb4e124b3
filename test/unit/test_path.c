/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sealed by one host, opened by the other; what is not to leave. */
#include "engine/path/pmtu.h"
#include "engine/wire/icmp.h"
#include "test/unit/pathbox.h"

static void
round_trip(const struct pair_options *o, size_t len, size_t room)
{
	static uint8_t sealed[70000], opened[70000], clear[70000];
	struct pmtu_cost cost = { 0 };
	struct path_result r;
	struct pair p;
	size_t n;

	fill();
	pair_init(&p, o);
	n = pair_packet(clear, sizeof(clear), PAIR_A, PAIR_B, 99, 0, text, len);
	r = seal(&p, 99, 0, text, len, room, sealed);
	cr_assert_eq(r.action, PATH_REPLACE, "len %zu", len);
	cr_assert_eq(r.mark, OTHERS | PAIR_DONE);
	cr_assert_eq(sealed[9], IP_ESP);
	cr_assert_eq(csum_of(sealed, 20), 0);
	cr_assert_eq((size_t)sealed[2] << 8 | sealed[3], r.len);
	cost.esp = suite_sizes(o->enc, o->auth);
	cr_assert_eq(r.len, pmtu_sealed(cost, 20, (uint32_t)len));
	r = open_at(&p.b, sealed, r.len, opened);
	cr_assert_eq(r.action, PATH_REPLACE);
	cr_assert_eq(r.mark, OTHERS | PAIR_SAID);
	cr_assert_eq(r.len, n);
	cr_assert_eq(memcmp(opened, clear, n), 0);
	pair_fini(&p);
}

/* A mask that does not begin with the lowest bit: marks are SAIDs shifted. */
Test(path, said_mask_anywhere)
{
	static uint8_t sealed[2000], opened[2000], clear[2000];
	uint32_t others = 0xff0000ffu;
	struct path_result r;
	struct pair p;
	struct pkt pkt;
	size_t n;

	pair_init(&p, &gcm);
	for (int i = 0; i < 2; i++) {
		struct store_head *h = (i ? &p.b : &p.a)->store.head;

		h->said_mask = PAIR_MASK << 10;
		h->done_mark = PAIR_DONE << 10;
		h->probe_mark = PAIR_PROBE << 10;
	}
	n = pair_packet(clear, sizeof(clear), PAIR_A, PAIR_B, 99, 0, text, 100);
	pkt = make(clear, n, 0, others | PAIR_SAID << 10);
	r = pair_out(&p.a, &pkt, sealed, sizeof(sealed));
	free(pkt.octets);
	cr_assert_eq(r.action, PATH_REPLACE);
	cr_assert_eq(r.mark, others | PAIR_DONE << 10);
	pkt = make(sealed, r.len, 0, others);
	r = pair_in(&p.b, &pkt, opened, sizeof(opened));
	free(pkt.octets);
	cr_assert_eq(r.action, PATH_REPLACE);
	cr_assert_eq(r.mark, others | PAIR_SAID << 10);
	pkt = make(clear, n, 0, PAIR_SAID);
	r = pair_out(&p.a, &pkt, sealed, sizeof(sealed));
	free(pkt.octets);
	cr_assert_eq(r.reason, REASON_queue_mark);
	pkt = make(clear, n, 0, PAIR_PROBE << 10);
	r = pair_out(&p.a, &pkt, sealed, sizeof(sealed));
	free(pkt.octets);
	cr_assert_eq(r.reason, REASON_probe);
	pair_fini(&p);
}

Test(path, round_trip_every_length)
{
	for (size_t len = 0; len <= 64; len++) {
		round_trip(&gcm, len, 0);
		round_trip(&gcm, len, 64);
	}
	round_trip(&gcm, 1400, 0);
	round_trip(&gcm, 1400, 300);
	round_trip(&gcm, 65000, 64);
}

Test(path, round_trip_other_suites)
{
	struct pair_options o[] = {
		{ .enc = ALGO_AES256_GCM, .no_esn = true },
		{ .enc = ALGO_CHACHA20_POLY1305 },
		{ .enc = ALGO_AES128_CBC, .auth = ALGO_HMAC_SHA256 },
		{ .enc = ALGO_NULL, .auth = ALGO_HMAC_SHA256 },
		{ .enc = ALGO_AES128_CTR, .auth = ALGO_HMAC_SHA512 },
	};

	for (size_t i = 0; i < sizeof(o) / sizeof(o[0]); i++)
		for (size_t len = 0; len < 40; len++)
			round_trip(&o[i], len, len % 3 == 0 ? 0 : 32);
}

/* What each bad packet in a seal queue comes to. */
Test(path, out_refuses)
{
	static uint8_t out[2000];
	uint8_t clear[100];
	struct {
		uint32_t mark, src, dst;
		uint16_t fragment;
		enum reason why;
	} bad[] = {
		{ 0, PAIR_A, PAIR_B, 0, REASON_queue_mark },
		{ PAIR_DONE, PAIR_A, PAIR_B, 0, REASON_queue_mark },
		{ 0x400, PAIR_A, PAIR_B, 0, REASON_queue_mark },
		{ PAIR_PROBE, PAIR_A, PAIR_B, 0, REASON_probe },
		{ 0x3ff, PAIR_A, PAIR_B, 0, REASON_unknown_said },
		{ 0x100, PAIR_A, PAIR_B + 1, 0, REASON_peer_mismatch },
		{ 0x100, PAIR_A + 9, PAIR_B, 0, REASON_address },
		{ 0x100, PAIR_A, PAIR_B, IP_MF, REASON_fragment },
		{ 0x100, PAIR_A, PAIR_B, 8, REASON_fragment },
		{ 0x100, PAIR_A, 0xe0000001, 0, REASON_multicast },
		{ 0x100, PAIR_A, 0xffffffff, 0, REASON_multicast },
	};
	struct pair p;

	pair_init(&p, &gcm);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t n =
		    pair_packet(clear, sizeof(clear), bad[i].src, bad[i].dst,
				17, bad[i].fragment, "12345678", 8);
		struct pkt pkt = make(clear, n, 0, bad[i].mark);
		uint64_t before = reason_total(&p.a.store, SA_OUT, bad[i].why);
		struct path_result r = pair_out(&p.a, &pkt, out, sizeof(out));

		cr_assert_eq(r.action, PATH_DROP, "row %zu", i);
		cr_assert_eq(r.reason, bad[i].why, "row %zu", i);
		cr_assert_eq(reason_total(&p.a.store, SA_OUT, bad[i].why),
			     before + 1);
		free(pkt.octets);
	}
	cr_assert_eq(
	    atomic_load(&p.a.store.head->probe_seen[STORE_QUEUE_SEAL][0]), 1u);
	/* no number was used up for any of them */
	cr_assert_eq(atomic_load(&store_sa(&p.a.store, p.a.out_slot)->seq_next),
		     1u);
	pair_fini(&p);
}

Test(path, out_refuses_bad_headers)
{
	static uint8_t out[2000];
	uint8_t good[64], bad[64];
	struct pair p;
	size_t n = pair_packet(good, sizeof(good), PAIR_A, PAIR_B, 17, 0,
			       "12345678", 8);
	struct {
		size_t at;
		uint8_t value;
		enum reason why;
	} rows[] = {
		{ 0, 0x65, REASON_family },    /* version 6 */
		{ 0, 0x05, REASON_ip_header }, /* version 0 */
		{ 0, 0x44, REASON_ip_header }, /* header of 16 */
		{ 0, 0x4f, REASON_ip_header }, /* header past the total */
		{ 3, 0, REASON_ip_header },    /* total length 0 */
		{ 3, 19, REASON_ip_header },   { 3, 200, REASON_truncated },
	};

	pair_init(&p, &gcm);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pkt pkt;
		struct path_result r;

		memcpy(bad, good, n);
		bad[rows[i].at] = rows[i].value;
		pkt = make(bad, n, 0, PAIR_SAID);
		r = pair_out(&p.a, &pkt, out, sizeof(out));
		cr_assert_eq(r.action, PATH_DROP, "row %zu", i);
		cr_assert_eq(r.reason, rows[i].why, "row %zu", i);
		free(pkt.octets);
	}
	/* every length of the copy below the packet's own */
	for (size_t len = 0; len < n; len++) {
		struct pkt pkt = make(good, len, 0, PAIR_SAID);
		struct path_result r = pair_out(&p.a, &pkt, out, sizeof(out));

		cr_assert_eq(r.action, PATH_DROP);
		cr_assert_eq(r.reason, REASON_truncated, "length %zu", len);
		free(pkt.octets);
	}
	/* the kernel's copy was cut */
	{
		struct pkt pkt = make(good, n, 0, PAIR_SAID);

		pkt.whole = n + 1;
		cr_assert_eq(pair_out(&p.a, &pkt, out, sizeof(out)).reason,
			     REASON_truncated);
		free(pkt.octets);
	}
	pair_fini(&p);
}

/* Source routes change where a packet goes. */
Test(path, out_options)
{
	static uint8_t out[2000];
	struct {
		uint8_t options[8];
		bool refused;
	} rows[] = {
		{ { 1, 1, 1, 1, 1, 1, 1, 0 }, false },
		{ { 131, 7, 4, 10, 0, 0, 1, 0 }, true },
		{ { 1, 137, 7, 4, 10, 0, 0, 1 }, true },
		{ { 7, 7, 4, 0, 0, 0, 0, 0 }, false }, /* record route */
		{ { 7, 0, 0, 0, 0, 0, 0, 0 }, true },  /* length 0 */
		{ { 7, 9, 0, 0, 0, 0, 0, 0 }, true },  /* past the end */
		{ { 1, 1, 1, 1, 1, 1, 1, 7 }, true },  /* no length */
	};
	struct pair p;

	pair_init(&p, &gcm);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t clear[64];
		size_t n = pair_packet(clear, sizeof(clear), PAIR_A, PAIR_B, 17,
				       0, text, 20);
		struct path_result r;
		struct pkt pkt;

		clear[0] = 0x47; /* 28 octets of header */
		memcpy(clear + 20, rows[i].options, 8);
		pkt = make(clear, n, 0, PAIR_SAID);
		r = pair_out(&p.a, &pkt, out, sizeof(out));
		cr_assert_eq(r.action == PATH_DROP, rows[i].refused, "row %zu",
			     i);
		if (rows[i].refused)
			cr_assert_eq(r.reason, REASON_options);
		else
			cr_assert_eq(memcmp(out + 20, rows[i].options, 8), 0);
		free(pkt.octets);
	}
	pair_fini(&p);
}
