/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What arrives in the decap queue.  The first octet chooses:
 *   even  the rest is the packet, from its IP header on
 *   odd   the rest is what a peer with the right keys put inside: its text,
 *         trailer and all, under a good ICV
 */
#include "test/lib/pair.h"
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

#define OTHERS 0x5a000000u

static struct pair pair;
static bool ready;

static void
start(void)
{
	static const struct pair_options gcm = { .enc = ALGO_AES128_GCM };

	pair_init(&pair, &gcm);
	ready = true;
}

/* As if no packet had come yet. */
static void
reset(struct pair_host *h)
{
	struct sa *sa = store_sa(&h->store, h->in_slot);
	_Atomic uint64_t *words = store_replay(&h->store, sa);

	for (uint32_t i = 0; i < sa->replay_words; i++)
		atomic_store(&words[i], 0);
	atomic_store(&sa->replay_edge, 0);
	atomic_store(&sa->packets, 0);
	atomic_store(&sa->octets, 0);
}

static void
check_opened(const uint8_t *dst, size_t cap, const struct path_result *r)
{
	struct ip4 ip;

	PAIR_CHECK(r->len <= cap);
	PAIR_CHECK(ip_parse(dst, r->len, &ip) == IP_OK);
	PAIR_CHECK(ip.total == r->len);
	PAIR_CHECK(csum_of(dst, ip.header) == 0);
	PAIR_CHECK(ip.protocol != IP_ESP && ip.protocol != IP_AH &&
		   ip.protocol != IP_NONE);
	PAIR_CHECK(r->mark == (OTHERS | PAIR_SAID));
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	struct pair_host *h = &pair.b;
	struct path_result r;
	uint8_t *packet, *dst;
	bool inside;
	size_t n;

	if (len == 0 || len > 60000)
		return 0;
	if (!ready)
		start();
	reset(h);
	inside = octets[0] % 2 != 0;
	n = len - 1;
	if (inside) {
		packet = malloc(n + 64);
		n = pair_forge(packet, 1, octets + 1, n);
	} else {
		packet = malloc(n + !n);
		memcpy(packet, octets + 1, n);
	}
	dst = malloc(n + !n);
	{
		struct pkt pkt = { .octets = packet,
				   .len = n,
				   .whole = n,
				   .mark = OTHERS | PAIR_PROBE,
				   .in = 2,
				   .mtu = 1500 };

		r = pair_in(h, &pkt, dst, n);
	}
	switch (r.action) {
	case PATH_SENT: /* trains alone, and outbound */
		abort();
	case PATH_DROP:
		PAIR_CHECK(r.reason < REASON_COUNT && r.tell_mtu == 0);
		break;
	case PATH_ACCEPT:
		PAIR_CHECK(!inside);
		break;
	case PATH_PARK: /* only outbound */
		PAIR_CHECK(false);
		break;
	case PATH_REPLACE:
		/* nobody but the peer makes a right ICV */
		PAIR_CHECK(inside);
		check_opened(dst, n, &r);
		break;
	}
	free(dst);
	free(packet);
	return 0;
}
