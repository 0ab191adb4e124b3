/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between netlink message and verdict no memory is allocated, libgcrypt's
 * included: this program's malloc counts.  Nor where a message becomes many
 * packets, or many a verdict. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "engine/nfq/merge.h"
#include "engine/path/locals.h"
#include "test/lib/segment.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS false /* the sanitizer has a malloc of its own */
static unsigned long calls;
#else
#define COUNTS true
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
static unsigned long calls;

void *
malloc(size_t n)
{
	calls++;
	return __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	calls++;
	return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	calls++;
	return __libc_realloc(p, n);
}
#endif

static uint8_t clear[2048], sealed[2048], opened[2048];

static void
exchange(struct pair *p, const uint8_t *payload, size_t len, bool refused)
{
	struct pkt pkt = { .octets = clear,
			   .room = 64,
			   .mark = PAIR_SAID,
			   .out = 2,
			   .mtu = 1500 };
	struct path_result r;

	pkt.len = pkt.whole = pair_packet(clear, sizeof(clear), PAIR_A, PAIR_B,
					  99, 0, payload, len);
	r = pair_out(&p->a, &pkt, sealed, sizeof(sealed));
	if (r.action != PATH_REPLACE)
		abort();
	pkt = (struct pkt){ .octets = sealed,
			    .len = r.len,
			    .whole = r.len,
			    .in = 2,
			    .mtu = 1500 };
	if (refused)
		sealed[r.len - 1] ^= 1;
	r = pair_in(&p->b, &pkt, opened, sizeof(opened));
	if ((r.action != PATH_REPLACE) != refused)
		abort();
}

Test(noalloc, path)
{
	/* libgcrypt takes a buffer to end an HMAC, and gives it back. */
	struct {
		struct pair_options o;
		unsigned each;
	} suites[] = {
		{ { .enc = ALGO_AES128_GCM }, 0 },
		{ { .enc = ALGO_CHACHA20_POLY1305 }, 0 },
		{ { .enc = ALGO_AES128_CCM }, 0 },
		{ { .enc = ALGO_AES256_CBC, .auth = ALGO_AES_CMAC }, 0 },
		{ { .enc = ALGO_NULL, .auth = ALGO_AES128_GMAC }, 0 },
		{ { .enc = ALGO_AES256_CBC, .auth = ALGO_HMAC_SHA256 }, 1 },
		{ { .enc = ALGO_AES128_CTR, .auth = ALGO_HMAC_SHA1 }, 1 },
	};
	static const uint8_t payload[1300];

	if (!COUNTS)
		cr_skip_test("the sanitizer has a malloc of its own");
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		unsigned long before, first;
		struct pair p;

		before = calls;
		pair_init(&p, &suites[i].o);
		exchange(&p, payload, 100, false);
		first = calls;
		cr_assert_gt(first, before); /* it does count */
		for (unsigned n = 0; n < 500; n++)
			exchange(&p, payload, n % sizeof(payload), n % 7 == 0);
		cr_assert_leq(calls - first, (2 * 500ul + 1) * suites[i].each,
			      "suite %zu: %lu calls", i, calls - first);
		pair_fini(&p);
	}
}

/* ---- trains, cut by one end and merged by the other ---- */

enum { SEGMENTS = 50 };
static uint8_t train[65536 + 64], places[SEGMENTS][1700], verdicts[128 * 1024];
static size_t lengths[SEGMENTS];
static unsigned n_places;

static uint8_t *
place(void *arg, size_t octets)
{
	if (n_places == SEGMENTS || octets > sizeof(places[0]))
		abort();
	return places[n_places];
}

static void
take(void *arg, size_t len, uint32_t mark)
{
	lengths[n_places++] = len;
}

static void
cut(struct pair *p)
{
	struct path_sink sink = { place, take, NULL };
	struct segment s = segment_data(1);
	struct path_result r;
	struct pkt pkt = { .octets = train,
			   .room = 64,
			   .mark = PAIR_SAID,
			   .out = 2,
			   .mtu = 1500,
			   .is_train = true };

	pkt.len = pkt.whole =
	    segment_make(train, sizeof(train), &s, train, 60000);
	n_places = 0;
	path_begin(&p->a.path, PAIR_NOW);
	path_out_train(&p->a.path, STORE_QUEUE_SEAL_TCP, &pkt, PAIR_NOW, &sink,
		       &r);
	path_end(&p->a.path);
	if (r.action != PATH_SENT)
		abort();
}

/* How many verdicts are left of them. */
static unsigned
join(struct pair *p)
{
	struct merge g = { 0 };
	struct nlq_verdict v;
	unsigned n = 0;

	nlq_verdict_init(&v, verdicts, sizeof(verdicts), 4335);
	for (unsigned i = 0; i < n_places; i++) {
		struct nlq_msg m = { .id = i + 1,
				     .pkt = { .octets = places[i],
					      .len = lengths[i],
					      .whole = lengths[i],
					      .in = 2,
					      .mtu = 1500 } };
		struct path_result r;
		size_t cap;

		r = pair_in(&p->b, &m.pkt, opened, sizeof(opened));
		if (g.is_open && merge_add(&g, &m, &r, opened))
			continue;
		(void)merge_close(&g, &v);
		memcpy(nlq_verdict_open(&v, &cap), opened, r.len);
		if (!merge_begin(&g, p->b.store.head, &m, &r,
				 nlq_verdict_open(&v, &cap)))
			abort();
		n++;
	}
	(void)merge_close(&g, &v);
	return n;
}

Test(noalloc, trains)
{
	static const struct pair_options o = { .enc = ALGO_AES128_GCM };
	struct ip4 ip = { .src = pair_addr(PAIR_B), .dst = pair_addr(PAIR_A) };
	struct tcp tcp = { .sport = 80, .dport = 40000 };
	unsigned long first;
	struct pair p;

	if (!COUNTS)
		cr_skip_test("the sanitizer has a malloc of its own");
	pair_init(&p, &o);
	locals_see(p.b.store.head, &ip, &tcp, true);
	cut(&p);
	(void)join(&p);
	first = calls;
	for (unsigned i = 0; i < 100; i++) {
		cut(&p);
		if (n_places != 43 || join(&p) != 3)
			abort();
	}
	cr_assert_eq(calls, first);
	pair_fini(&p);
}
