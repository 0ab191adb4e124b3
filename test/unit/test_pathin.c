/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes in and must not be let in, nor harm. */
#include "test/unit/pathbox.h"

/* Every ESP length 0..64: nothing is accepted, nothing crashes. */
Test(pathin, every_length)
{
	static uint8_t out[2000];
	struct pair p;

	fill();
	pair_init(&p, &gcm);
	for (size_t len = 0; len <= 64; len++) {
		uint8_t body[64] = { 0, 0, 0x10, 0x01, 0, 0, 0, 1 };
		uint8_t packet[128];
		size_t n = pair_packet(packet, sizeof(packet), PAIR_A, PAIR_B,
				       IP_ESP, 0, body, len);
		struct path_result r = open_at(&p.b, packet, n, out);
		enum reason want = REASON_bad_icv;

		if (len < 8 + 8 + 16 + 2)
			want = REASON_truncated;
		else if ((len - 32) % 4 != 0)
			want = REASON_alignment;
		cr_assert_eq(r.action, PATH_DROP);
		cr_assert_eq(r.reason, want, "length %zu", len);
	}
	cr_assert_eq(
	    atomic_load(&store_sa(&p.b.store, p.b.in_slot)->replay_edge), 0u);
	pair_fini(&p);
}

/* Any octet behind the IP header changed: refused, and the window stays. */
Test(pathin, any_octet_flipped)
{
	static uint8_t sealed[200], bad[200], out[200];
	struct path_result r;
	struct pair p;

	pair_init(&p, &gcm);
	r = seal(&p, 99, 0, text, 30, 0, sealed);
	for (size_t at = 20; at < r.len; at++) {
		struct path_result b;

		memcpy(bad, sealed, r.len);
		bad[at] ^= 0x80;
		b = open_at(&p.b, bad, r.len, out);
		if (at < 24) {
			cr_assert_eq(b.action, PATH_ACCEPT); /* other SPI */
			continue;
		}
		cr_assert_eq(b.action, PATH_DROP);
		/* a sequence number's top octet may lie left of 0 */
		cr_assert(b.reason == REASON_bad_icv ||
			      (at == 24 && b.reason == REASON_replay_old),
			  "at %zu", at);
	}
	cr_assert_eq(open_at(&p.b, sealed, r.len, out).action, PATH_REPLACE);
	pair_fini(&p);
}

Test(pathin, refuses)
{
	static uint8_t sealed[200], bad[200], out[200];
	struct store_head *h;
	struct path_result r;
	struct pair p;
	struct sa *sa;

	pair_init(&p, &gcm);
	h = p.b.store.head;
	sa = store_sa(&p.b.store, p.b.in_slot);
	r = seal(&p, 99, 0, text, 30, 0, sealed);
	/* source changed */
	memcpy(bad, sealed, r.len);
	bad[15] ^= 1;
	cr_assert_eq(open_at(&p.b, bad, r.len, out).reason, REASON_address);
	/* destination changed */
	memcpy(bad, sealed, r.len);
	bad[19] ^= 1;
	cr_assert_eq(open_at(&p.b, bad, r.len, out).reason, REASON_address);
	/* a fragment */
	memcpy(bad, sealed, r.len);
	bad[6] = 0x20;
	cr_assert_eq(open_at(&p.b, bad, r.len, out).reason, REASON_fragment);
	/* unknown SPI: left alone, or dropped */
	memcpy(bad, sealed, r.len);
	bad[20] = 9;
	cr_assert_eq(open_at(&p.b, bad, r.len, out).action, PATH_ACCEPT);
	h->unknown_spi_drop = 1;
	cr_assert_eq(open_at(&p.b, bad, r.len, out).action, PATH_DROP);
	cr_assert_eq(open_at(&p.b, bad, r.len, out).reason, REASON_unknown_spi);
	/* reserved SPIs */
	memset(bad + 20, 0, 4);
	cr_assert_eq(open_at(&p.b, bad, r.len, out).reason,
		     REASON_reserved_spi);
	bad[23] = 255;
	cr_assert_eq(open_at(&p.b, bad, r.len, out).reason,
		     REASON_reserved_spi);
	/* the prover's */
	memcpy(bad + 28, h->probe_token, sizeof(h->probe_token));
	cr_assert_eq(open_at(&p.b, bad, r.len, out).reason, REASON_probe);
	cr_assert_eq(atomic_load(&h->probe_seen[STORE_QUEUE_DECAP][0]), 1u);
	bad[23] = 0;
	cr_assert_eq(open_at(&p.b, bad, r.len, out).reason,
		     REASON_reserved_spi);
	/* the real one, twice */
	cr_assert_eq(open_at(&p.b, sealed, r.len, out).action, PATH_REPLACE);
	cr_assert_eq(open_at(&p.b, sealed, r.len, out).reason, REASON_replay);
	cr_assert_eq(atomic_load(&sa->replays), 1u);
	/* far left: with ESN it is taken for one far ahead (RFC 4303 A2.2),
	 * and the ICV says that it is not */
	atomic_store(&sa->replay_edge, 5000);
	cr_assert_eq(open_at(&p.b, sealed, r.len, out).reason, REASON_bad_icv);
	/* killed */
	cr_assert(store_kill(&p.b.store, p.b.in_slot));
	cr_assert_eq(open_at(&p.b, sealed, r.len, out).reason,
		     REASON_unknown_spi);
	pair_fini(&p);
}

Test(pathin, left_of_window)
{
	struct pair_options o = { .enc = ALGO_AES128_GCM,
				  .no_esn = true,
				  .window = 64 };
	static uint8_t sealed[2][200], out[200];
	struct path_result r[2];
	struct pair p;

	pair_init(&p, &o);
	r[0] = seal(&p, 99, 0, text, 30, 0, sealed[0]);
	r[1] = seal(&p, 99, 0, text, 30, 0, sealed[1]);
	atomic_store(&store_sa(&p.b.store, p.b.in_slot)->replay_edge, 65);
	cr_assert_eq(open_at(&p.b, sealed[0], r[0].len, out).reason,
		     REASON_replay_old);
	cr_assert_eq(open_at(&p.b, sealed[1], r[1].len, out).action,
		     PATH_REPLACE);
	pair_fini(&p);
}

Test(pathin, refuses_inside)
{
	struct {
		uint8_t inside[32];
		size_t len;
		enum reason why;
	} rows[] = {
		/* pad length past the text */
		{ { 1, 2, 3, 4, 5, 6, 7, 17 }, 8, REASON_bad_padding },
		{ { 1, 2, 3, 4, 5, 6, 255, 17 }, 8, REASON_bad_padding },
		{ { 1, 2, 3, 4, 5, 6, 7, 99 }, 8, REASON_bad_padding },
		/* not 1, 2, 3 */
		{ { 9, 9, 9, 9, 0, 1, 2, 17 }, 8, REASON_bad_padding },
		{ { 9, 9, 9, 9, 2, 1, 2, 17 }, 8, REASON_bad_padding },
		{ { 9, 9, 9, 1, 2, 4, 3, 17 }, 8, REASON_bad_padding },
		/* dummy */
		{ { 9, 9, 9, 9, 1, 2, 2, 59 }, 8, REASON_dummy },
		/* headers that are not there */
		{ { 9, 9, 9, 9, 1, 2, 2, 17 }, 8, REASON_inner },
		{ { 9, 9, 9, 9, 1, 2, 2, 6 }, 8, REASON_inner },
		{ { 9, 9, 9, 9, 1, 2, 2, 1 }, 8, REASON_inner },
		/* ESP and AH inside */
		{ { 9, 9, 9, 9, 1, 2, 2, 50 }, 8, REASON_inner },
		{ { 9, 9, 9, 9, 1, 2, 2, 51 }, 8, REASON_inner },
		/* nothing but a trailer, of UDP */
		{ { 1, 2, 2, 17 }, 4, REASON_inner },
	};
	static uint8_t packet[512], out[512];
	struct pair p;

	pair_init(&p, &gcm);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n =
		    pair_forge(packet, i + 1, rows[i].inside, rows[i].len);
		struct path_result r;

		memset(out, 0xee, sizeof(out));
		r = open_at(&p.b, packet, n, out);
		cr_assert_eq(r.action, PATH_DROP, "row %zu", i);
		cr_assert_eq(r.reason, rows[i].why, "row %zu", i);
		/* its number is used up all the same */
		cr_assert_eq(open_at(&p.b, packet, n, out).reason,
			     REASON_replay);
	}
	pair_fini(&p);
}

/* More padding than needed, up to 255 octets, is any sender's right. */
Test(pathin, long_padding)
{
	static uint8_t packet[512], out[512];
	uint8_t inside[260];
	struct path_result r;
	struct pair p;

	pair_init(&p, &gcm);
	memset(inside, 7, 3);
	for (unsigned i = 0; i < 255; i++)
		inside[3 + i] = (uint8_t)(i + 1);
	inside[258] = 255;
	inside[259] = 99;
	r = open_at(&p.b, packet, pair_forge(packet, 1, inside, 260), out);
	cr_assert_eq(r.action, PATH_REPLACE);
	cr_assert_eq(r.len, 23u);
	cr_assert_eq(memcmp(out + 20, "\7\7\7", 3), 0);
	pair_fini(&p);
}
