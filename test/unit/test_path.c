/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sealed by one host, opened by the other; then everything that must not be. */
#include <criterion/criterion.h>

#include "engine/path/pmtu.h"
#include "engine/wire/esp.h"
#include "engine/wire/icmp.h"
#include "test/lib/pair.h"

#define OTHERS 0xab000000u /* mark bits that are not ours */

static const struct pair_options gcm = { .enc = ALGO_AES128_GCM };
static uint8_t text[65536];

static void
fill(void)
{
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7 + i / 251);
}

/* A packet in a buffer of exactly its length and `room`. */
static struct pkt
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
static struct path_result
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

static struct path_result
open_at(struct pair_host *h, const uint8_t *sealed, size_t len, uint8_t *out)
{
	struct pkt pkt = make(sealed, len, 0, OTHERS);
	struct path_result r = pair_in(h, &pkt, out, len);

	free(pkt.octets);
	return r;
}

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

/* Every ESP length 0..64: nothing is accepted, nothing crashes. */
Test(path, in_every_length)
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
Test(path, in_any_octet_flipped)
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

Test(path, in_refuses)
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

Test(path, in_left_of_window)
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

/* Sealed by hand, with a right ICV over what a sender must not send. */
static size_t
forge(uint8_t *out, uint64_t seq, const uint8_t *inside, size_t len)
{
	uint8_t key[20], body[300];
	struct suite_params params = { .enc = ALGO_AES128_GCM,
				       .esn = true,
				       .key = key,
				       .key_octets = sizeof(key) };
	struct suite *s;
	struct suite_job job = { .spi = PAIR_SPI_AB,
				 .seq = seq,
				 .iv = body + 8,
				 .src = inside,
				 .dst = body + 16,
				 .len = len,
				 .icv = body + 16 + len };

	memset(key, PAIR_SPI_AB & 0xff, sizeof(key));
	s = suite_new(&params);
	esp_build_head(body, job.spi, seq);
	suite_make_iv(s, seq, body + 8);
	cr_assert_eq(suite_seal(s, &job), 0);
	suite_free(s);
	return pair_packet(out, 512, PAIR_A, PAIR_B, IP_ESP, 0, body,
			   16 + len + 16);
}

Test(path, in_refuses_inside)
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
		size_t n = forge(packet, i + 1, rows[i].inside, rows[i].len);
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
Test(path, in_long_padding)
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
	r = open_at(&p.b, packet, forge(packet, 1, inside, 260), out);
	cr_assert_eq(r.action, PATH_REPLACE);
	cr_assert_eq(r.len, 23u);
	cr_assert_eq(memcmp(out + 20, "\7\7\7", 3), 0);
	pair_fini(&p);
}

Test(path, seq_zero_and_number_wrap)
{
	static uint8_t packet[512], out[512], sealed[512];
	uint8_t inside[8] = { 9, 9, 9, 9, 1, 2, 2, 99 };
	uint64_t base = ((uint64_t)1 << 32) - 3;
	struct path_result r;
	struct pair p;

	pair_init(&p, &gcm);
	cr_assert_eq(
	    open_at(&p.b, packet, forge(packet, 0, inside, 8), out).reason,
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

Test(path, out_ends_at_limit)
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

Test(path, lifetime)
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
	cr_assert_eq(p.a.event.slot, p.a.out_slot);
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
Test(path, parks_where_keys_may_come)
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

/* A batch that began before an SA was installed: the peer knows that it was,
 * so the packet is opened all the same. */
Test(path, opens_by_an_sa_newer_than_the_batch)
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
