/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trains of TCP segments, sealed one by one, and opened by the other end. */
#include <criterion/criterion.h>

#include "test/lib/segment.h"

enum { MOST = 200, PLACE = 70000 };
static uint8_t packet[65536 + 64], payload[65536];

struct collected {
	uint8_t *at[MOST];
	size_t len[MOST], asked;
	uint32_t mark[MOST];
	unsigned n;
};

static uint8_t *
place(void *arg, size_t octets)
{
	struct collected *c = arg;

	cr_assert_lt(c->n, MOST);
	c->asked = octets;
	free(c->at[c->n]);
	c->at[c->n] = malloc(octets);
	return c->at[c->n];
}

static void
take(void *arg, size_t len, uint32_t mark)
{
	struct collected *c = arg;

	cr_assert_leq(len, c->asked);
	c->len[c->n] = len;
	c->mark[c->n++] = mark;
}

static void
forget(struct collected *c)
{
	for (unsigned i = 0; i < MOST; i++)
		free(c->at[i]);
	memset(c, 0, sizeof(*c));
}

static struct path_result
send(struct pair *p, const struct segment *s, size_t len, uint32_t mtu,
     struct collected *c)
{
	struct path_sink sink = { place, take, c };
	struct path_result r;
	struct pkt pkt = { .octets = packet,
			   .room = 64,
			   .mark = 0xab000000u | PAIR_SAID,
			   .out = 2,
			   .mtu = mtu,
			   .is_train = true,
			   .unsummed = true };

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 13 + i / 247);
	pkt.len = pkt.whole =
	    segment_make(packet, sizeof(packet), s, payload, len);
	/* as the kernel leaves it */
	packet[36] = 0x12;
	forget(c);
	path_begin(&p->a.path, PAIR_NOW);
	path_out_train(&p->a.path, STORE_QUEUE_SEAL_TCP, &pkt, PAIR_NOW, &sink,
		       &r);
	path_end(&p->a.path);
	return r;
}

/* b opens all of them; together they are the payload's beginning. */
static size_t
open_all(struct pair *p, const struct segment *s, const struct collected *c)
{
	static uint8_t opened[PLACE];
	size_t done = 0;

	for (unsigned i = 0; i < c->n; i++) {
		struct pkt pkt = { .octets = c->at[i],
				   .len = c->len[i],
				   .whole = c->len[i],
				   .in = 2,
				   .mtu = 1500 };
		struct path_result r =
		    pair_in(&p->b, &pkt, opened, sizeof(opened));
		size_t headers = 40u + s->n_options;
		struct tcp tcp;

		cr_assert_eq(r.action, PATH_REPLACE, "segment %u", i);
		cr_assert(segment_is_summed(opened, r.len));
		cr_assert(tcp_parse(opened + 20, r.len - 20, &tcp));
		cr_assert_eq(tcp.seq, s->seq + (uint32_t)done);
		cr_assert_eq(
		    memcmp(opened + headers, payload + done, r.len - headers),
		    0);
		done += r.len - headers;
	}
	return done;
}

static const struct pair_options gcm = { .enc = ALGO_AES128_GCM };

Test(train, sealed_segment_by_segment)
{
	static const enum algo suites[][2] = {
		{ ALGO_AES128_GCM, ALGO_NONE },
		{ ALGO_CHACHA20_POLY1305, ALGO_NONE },
		{ ALGO_AES128_CBC, ALGO_HMAC_SHA256 },
		{ ALGO_AES256_CTR, ALGO_HMAC_SHA512 },
		{ ALGO_NULL, ALGO_AES128_GMAC },
	};
	static const size_t lengths[] = { 1,    1413,  1414, 1415,
					  2828, 20000, 65000 };
	static struct collected c;

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		struct pair_options o = { .enc = suites[i][0],
					  .auth = suites[i][1] };
		struct segment s = segment_data(0xffffff00u);
		uint64_t next = 1;
		struct pair p;

		pair_init(&p, &o);
		for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]);
		     k++) {
			const struct sa *sa =
			    store_sa(&p.a.store, p.a.out_slot);
			struct path_result r =
			    send(&p, &s, lengths[k], 1500, &c);

			cr_assert_eq(r.action, PATH_SENT);
			for (unsigned n = 0; n < c.n; n++) {
				cr_assert_leq(c.len[n], 1500u);
				/* as long as they may be, but the last */
				if (n + 1 < c.n)
					cr_assert_gt(c.len[n], 1500u - 16);
				cr_assert_eq(c.mark[n],
					     0xab000000u | PAIR_DONE);
				cr_assert_eq(c.at[n][6], 0x40);
				cr_assert_eq(csum_of(c.at[n], 20), 0);
			}
			next += c.n;
			cr_assert_eq(atomic_load(&sa->seq_next), next);
			cr_assert_eq(atomic_load(&sa->packets), next - 1);
			cr_assert_eq(open_all(&p, &s, &c), lengths[k]);
		}
		pair_fini(&p);
		forget(&c);
	}
}

/* The path's MTU, the device's, and what the peer wants: the least counts. */
Test(train, no_longer_than_the_path_takes)
{
	static struct collected c;
	struct segment s = segment_data(1);
	struct sa *sa;
	struct pair p;

	pair_init(&p, &gcm);
	sa = store_sa(&p.a.store, p.a.out_slot);
	cr_assert_eq(send(&p, &s, 9000, 600, &c).action, PATH_SENT);
	for (unsigned i = 0; i < c.n; i++)
		cr_assert_leq(c.len[i], 600u);
	cr_assert_eq(open_all(&p, &s, &c), 9000u);
	atomic_store(&sa->path_mtu, 700);
	atomic_store(&sa->path_mtu_ms, PAIR_NOW);
	cr_assert_eq(send(&p, &s, 9000, 1500, &c).action, PATH_SENT);
	for (unsigned i = 0; i < c.n; i++)
		cr_assert_leq(c.len[i], 700u);
	cr_assert_eq(open_all(&p, &s, &c), 9000u);
	/* the kernel knows the MTU of packets inside; DF stays all the same,
	 * for these are measured by the device alone */
	atomic_store(&sa->told_ms, PAIR_NOW);
	atomic_store(&sa->peer_mss, 536);
	cr_assert_eq(send(&p, &s, 5240, 1500, &c).action, PATH_SENT);
	/* 524 of payload, 12 of options */
	cr_assert_eq(c.n, 10u);
	for (unsigned i = 0; i < c.n; i++)
		cr_assert_eq(c.at[i][6], 0x40);
	cr_assert_eq(open_all(&p, &s, &c), 5240u);
	/* jumbo frames only for who is known to want them */
	atomic_store(&sa->peer_mss, 0);
	atomic_store(&sa->path_mtu, 0);
	cr_assert_eq(send(&p, &s, 20000, 9000, &c).action, PATH_SENT);
	for (unsigned i = 0; i < c.n; i++)
		cr_assert_leq(c.len[i], 1540u);
	cr_assert_eq(open_all(&p, &s, &c), 20000u);
	atomic_store(&sa->peer_mss, 65000);
	cr_assert_eq(send(&p, &s, 65000, 9000, &c).action, PATH_SENT);
	cr_assert_eq(c.n, 8u);
	cr_assert_eq(open_all(&p, &s, &c), 65000u);
	/* a device without a limit */
	cr_assert_eq(send(&p, &s, 64000, 1u << 31, &c).action, PATH_SENT);
	cr_assert_eq(c.n, 1u);
	/* identification 0 would become the kernel's */
	s.id = 0xffff;
	cr_assert_eq(send(&p, &s, 2000, 1500, &c).action, PATH_SENT);
	cr_assert_eq(memcmp(c.at[0] + 4, "\xff\xff", 2), 0);
	cr_assert_eq(memcmp(c.at[1] + 4, "\0\1", 2), 0);
	pair_fini(&p);
	forget(&c);
}

static void
check_refused(struct pair *p, const struct segment *s, size_t len, uint32_t mtu,
	      enum reason why)
{
	static struct collected c;
	uint64_t before = reason_total(&p->a.store, SA_OUT, why);
	struct path_result r = send(p, s, len, mtu, &c);

	cr_assert_eq(r.action, PATH_DROP);
	cr_assert_eq(r.reason, why, "%d", (int)r.reason);
	cr_assert_eq(reason_total(&p->a.store, SA_OUT, why), before + 1);
	cr_assert_eq(c.n, 0u);
	forget(&c);
}

Test(train, refusals)
{
	struct segment s = segment_data(1);
	struct pair p;
	struct sa *sa;

	pair_init(&p, &gcm);
	sa = store_sa(&p.a.store, p.a.out_slot);
	check_refused(&p, &s, 0, 1500, REASON_train);
	check_refused(&p, &s, 5000, 80, REASON_train);
	s.n_options = 20;
	memcpy(s.options, "\1\1\23\22", 4);
	check_refused(&p, &s, 5000, 1500, REASON_train);
	s = segment_data(1);
	s.dst++;
	check_refused(&p, &s, 5000, 1500, REASON_peer_mismatch);
	s.dst--;
	s.fragment = IP_MF;
	check_refused(&p, &s, 5000, 1500, REASON_fragment);
	s.fragment = IP_DF;
	/* no number was used up so far */
	cr_assert_eq(atomic_load(&sa->seq_next), 1u);
	/* 4 are needed, 3 are left */
	atomic_store(&sa->seq_limit, 4);
	check_refused(&p, &s, 5000, 1500, REASON_seq_exhausted);
	cr_assert_eq(atomic_load(&sa->seq_next), 1u);
	pair_fini(&p);
}

/* Life ends in the middle of one: what was before it has gone. */
Test(train, life_ends)
{
	static struct collected c;
	struct segment s = segment_data(1);
	struct pair_options o = { .enc = ALGO_AES128_GCM,
				  .limits = { .hard_packets = 5 } };
	struct path_result r;
	struct pair p;

	pair_init(&p, &o);
	r = send(&p, &s, 20000, 1500, &c);
	cr_assert_eq(r.action, PATH_DROP);
	cr_assert_eq(r.reason, REASON_lifetime);
	cr_assert_eq(reason_total(&p.a.store, SA_OUT, REASON_lifetime), 1u);
	cr_assert_eq(c.n, 5u);
	cr_assert_eq(p.a.event.kind, PATH_HARD);
	cr_assert_eq(open_all(&p, &s, &c), 5u * 1414);
	check_refused(&p, &s, 20000, 1500, REASON_no_sa);
	pair_fini(&p);
	forget(&c);
}

/* What is no train comes with its checksum unfinished, too; and a train
 * never goes the way of one packet: the kernel would lose it. */
Test(train, packets_in_place)
{
	static uint8_t sealed[70000], opened[70000];
	struct segment s = segment_data(1);
	struct pkt pkt = { .octets = packet,
			   .room = 64,
			   .mark = PAIR_SAID,
			   .out = 2,
			   .mtu = 1500,
			   .unsummed = true };
	struct path_result r;
	struct pair p;

	pair_init(&p, &gcm);
	for (size_t len = 0; len < 40; len++) {
		pkt.len = pkt.whole =
		    segment_make(packet, sizeof(packet), &s, payload, len);
		packet[36] ^= 0x12;
		r = pair_out(&p.a, &pkt, sealed, sizeof(sealed));
		cr_assert_eq(r.action, PATH_REPLACE);
		struct pkt back = { .octets = sealed,
				    .len = r.len,
				    .whole = r.len,
				    .in = 2,
				    .mtu = 1500 };
		r = pair_in(&p.b, &back, opened, sizeof(opened));
		cr_assert_eq(r.action, PATH_REPLACE);
		cr_assert(segment_is_summed(opened, r.len));
	}
	pkt.is_train = true;
	r = pair_out(&p.a, &pkt, sealed, sizeof(sealed));
	cr_assert_eq(r.action, PATH_DROP);
	cr_assert_eq(r.reason, REASON_train);
	pair_fini(&p);
}
