/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole exchanges between simulated hosts: what should happen. */
#include "kinksim.h"

#define A (&sim.host[0])
#define B (&sim.host[1])

/* One pair each, and both directions readable. */
static void
one_pair(void)
{
	cr_assert_eq(sim_count(A), 2);
	cr_assert_eq(sim_count(B), 2);
	cr_assert_eq(sim_matched(A, B), 1);
	cr_assert_eq(sim_matched(B, A), 1);
	cr_assert_eq(A->k.pairs.n, 1);
	cr_assert_eq(B->k.pairs.n, 1);
}

static void
set_secrecy(struct sim_host *h, enum keyconf_secrecy s)
{
	h->conf.assoc[0].secrecy = (uint8_t)s;
}

static bool
inbound_stands(struct sim_host *from, uint8_t *octets, size_t n)
{
	if (octets[0] == KINK_TYPE_CREATE)
		cr_assert_eq(sim_count(A), 1, "before the CREATE leaves");
	return true;
}

Test(kinkscene, two_messages_when_the_first_offer_is_taken)
{
	static const int32_t etypes[] = { 17, 18, 19, 20 };

	for (int i = 0; i < 4; i++) {
		sim_start(2, 1);
		sim.etype = etypes[i];
		sim.tap = inbound_stands;
		cr_assert_eq(sim_acquire(A, B), 0);
		cr_assert_eq(sim_acquire(A, B), -EALREADY);
		sim_run(1000);
		cr_assert_eq(sim.datagrams, 2);
		one_pair();
		sim_stop();
	}
}

static bool
no_outbound_before_the_ack(struct sim_host *from, uint8_t *octets, size_t n)
{
	if (octets[0] == KINK_TYPE_CREATE)
		cr_assert_eq(sim_count(A), 0);
	if (octets[0] == KINK_TYPE_REPLY) {
		cr_assert_eq(octets[13], 0x80, "asks for an ACK");
		cr_assert_eq(sim_count(B), 1);
	}
	if (octets[0] == KINK_TYPE_ACK) {
		cr_assert_eq(sim_count(A), 2);
		cr_assert_eq(sim_count(B), 1);
	}
	return true;
}

Test(kinkscene, three_messages_with_a_key_exchange)
{
	sim_start(2, 1);
	set_secrecy(A, KEYCONF_SECRECY_PREFER);
	set_secrecy(B, KEYCONF_SECRECY_PREFER);
	sim.tap = no_outbound_before_the_ack;
	sim_acquire(A, B);
	sim_run(400);
	cr_assert_eq(sim.datagrams, 3);
	one_pair();
	cr_assert_eq(A->k.pairs.first->group, 0x801f);
	sim_stop();
}

Test(kinkscene, secrecy_is_dropped_only_when_both_allow_it)
{
	sim_start(2, 1);
	set_secrecy(A, KEYCONF_SECRECY_PREFER);
	set_secrecy(B, KEYCONF_SECRECY_OFF);
	sim_acquire(A, B);
	sim_run(1000);
	one_pair();
	cr_assert_eq(A->k.pairs.first->group, 0);
	sim_stop();

	sim_start(2, 1);
	set_secrecy(A, KEYCONF_SECRECY_REQUIRE);
	set_secrecy(B, KEYCONF_SECRECY_OFF);
	sim_acquire(A, B);
	sim_run(1000);
	cr_assert_eq(sim_count(A) + sim_count(B), 0);
	cr_assert_eq(A->give_ups, 1);
	sim_stop();

	sim_start(2, 1);
	set_secrecy(A, KEYCONF_SECRECY_OFF);
	set_secrecy(B, KEYCONF_SECRECY_REQUIRE);
	sim_acquire(A, B);
	sim_run(1000);
	cr_assert_eq(sim_count(A) + sim_count(B), 0);
	sim_stop();
}

Test(kinkscene, every_suite_of_the_table)
{
	static const struct {
		enum algo enc, auth;
	} suites[] = { { ALGO_AES128_GCM, 0 },
		       { ALGO_AES256_GCM, 0 },
		       { ALGO_AES192_GCM12, 0 },
		       { ALGO_AES256_GCM8, 0 },
		       { ALGO_CHACHA20_POLY1305, 0 },
		       { ALGO_AES256_CCM, 0 },
		       { ALGO_AES128_CCM8, 0 },
		       { ALGO_AES256_CCM12, 0 },
		       { ALGO_AES128_CBC, ALGO_HMAC_SHA256 },
		       { ALGO_AES256_CBC, ALGO_HMAC_SHA512 },
		       { ALGO_AES256_CTR, ALGO_HMAC_SHA384 },
		       { ALGO_NULL, ALGO_HMAC_SHA1 },
		       { ALGO_NULL, ALGO_AES128_GMAC },
		       { ALGO_NULL, ALGO_AES_CMAC },
		       { ALGO_NONE, ALGO_HMAC_SHA256 },
		       { ALGO_NONE, ALGO_AES256_GMAC },
		       { ALGO_NONE, ALGO_AES_CMAC } };

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		sim_start(2, 1);
		for (int h = 0; h < 2; h++) {
			sim.host[h].conf.assoc[0].enc = (uint8_t)suites[i].enc;
			sim.host[h].conf.assoc[0].auth =
			    (uint8_t)suites[i].auth;
			sim.host[h].conf.assoc[0].esn = i % 2 == 0;
		}
		sim_acquire(A, B);
		sim_run(1000);
		one_pair();
		sim_stop();
	}
}

Test(kinkscene, lifetimes_shrink_to_the_shorter)
{
	sim_start(2, 1);
	A->conf.assoc[0].limits.hard_secs = 7200;
	B->conf.assoc[0].limits.hard_secs = 600;
	sim_acquire(A, B);
	sim_run(1000);
	one_pair();
	cr_assert_leq(A->k.pairs.first->hard_ms, sim.now_ms + 600000);
	cr_assert_leq(B->k.pairs.first->hard_ms, sim.now_ms + 600000);
	cr_assert_lt(A->k.pairs.first->soft_ms, A->k.pairs.first->hard_ms);
	sim_stop();
}

/* Hosts that were started together do not change keys together. */
Test(kinkscene, rekeying_is_drawn_anew_for_each_pair)
{
	uint64_t first = UINT64_MAX, last = 0;

	sim_start(41, 4);
	for (int i = 1; i <= 40; i++)
		cr_assert_eq(sim_acquire(A, &sim.host[i]), 0);
	sim_run(1000);
	cr_assert_eq(A->k.pairs.n, 40);
	for (const struct sapair *p = A->k.pairs.first; p != NULL;
	     p = p->next) {
		uint64_t after = p->soft_ms - p->created_ms;

		first = after < first ? after : first;
		last = after > last ? after : last;
		/* an hour's: a tenth before its end, to a cycle before it */
		cr_assert(after >= 3240000 && after <= 3600000 - 31500);
	}
	cr_assert_gt(last - first, 100000, "over minutes");
	sim_stop();
}

Test(kinkscene, rekeying_leaves_one_pair)
{
	uint32_t spi;

	sim_start(2, 7);
	set_secrecy(A, KEYCONF_SECRECY_PREFER);
	set_secrecy(B, KEYCONF_SECRECY_PREFER);
	sim_acquire(A, B);
	sim_run(1000);
	one_pair();
	for (int i = 0; i < 5; i++) {
		spi = A->k.pairs.first->spi_in;
		sim_run(A->k.pairs.first->soft_ms - sim.now_ms + 100);
		/* The old inbound SAs live on for the grace time. */
		cr_assert_eq(sim_matched(A, B), 1);
		sim_run(5000);
		one_pair();
		cr_assert_neq(A->k.pairs.first->spi_in, spi);
	}
	sim_stop();
}

/* A packet, or `nfipsec rekey`, has new keys made long before the old ones'
 * end: those are not left where they are. */
Test(kinkscene, newer_keys_end_the_older_ones)
{
	for (int ke = 0; ke < 2; ke++)
		for (int who = 0; who < 4; who++) {
			struct sim_host *first = &sim.host[who % 2],
					*second = &sim.host[who / 2];

			sim_start(2, 3);
			for (int i = 0; i < 2 && ke; i++)
				set_secrecy(&sim.host[i],
					    KEYCONF_SECRECY_REQUIRE);
			sim_acquire(first, first == A ? B : A);
			sim_run(20000);
			one_pair();
			sim_acquire(second, second == A ? B : A);
			sim_run(1000);
			/* Both can be read for a moment, one is used. */
			cr_assert_eq(A->k.pairs.n, 2, "%d, %d", ke, who);
			cr_assert_eq(sim_matched(A, B) + sim_matched(B, A), 2);
			sim_run(9000);
			one_pair();
			sim_stop();
		}
}

Test(kinkscene, both_ask_at_once_and_make_one_pair)
{
	for (unsigned i = 0; i < 64; i++) {
		sim_start(2, i);
		A->krb_ms = 1 + i % 4 * 3;
		B->krb_ms = 1 + i / 4 % 4 * 3;
		A->engine_ms = i / 16 % 2 * 7;
		B->engine_ms = i / 32 * 7;
		for (int h = 0; h < 2 && i % 2 != 0; h++)
			set_secrecy(&sim.host[h], KEYCONF_SECRECY_PREFER);
		sim_acquire(A, B);
		sim_acquire(B, A);
		sim_run(2000);
		cr_assert_eq(sim_matched(A, B), 1, "%u", i);
		cr_assert_eq(sim_matched(B, A), 1, "%u", i);
		sim_run(2 * 3600 * 1000);
		one_pair();
		sim_stop();
	}
}

Test(kinkscene, a_restarted_peer_is_noticed_by_its_epoch)
{
	sim_start(2, 1);
	sim_acquire(A, B);
	sim_run(5000);
	one_pair();
	/* B loses everything, its engine too. */
	kink_fini(&B->k);
	memset(B->sa, 0, SIM_SAS * sizeof(*B->sa));
	sim_boot(B);
	cr_assert_eq(
	    kink_probe(&A->k, sim.now_ms, "all", &A->address, &B->address), 0);
	sim_run(1000);
	cr_assert_eq(sim_count(A), 0);
	cr_assert_eq(A->k.count[KINK_COUNT_EPOCH], 1);
	sim_acquire(A, B);
	sim_run(1000);
	one_pair();
	/* And from the other side: the restarted one asks first. */
	sim_run(60000);
	kink_fini(&B->k);
	memset(B->sa, 0, SIM_SAS * sizeof(*B->sa));
	sim_boot(B);
	sim_acquire(B, A);
	sim_run(1000);
	one_pair();
	sim_stop();
}

Test(kinkscene, delete_takes_both_ends_down)
{
	sim_start(2, 1);
	sim_acquire(A, B);
	sim_run(1000);
	one_pair();
	cr_assert_eq(kink_delete(&B->k, sim.now_ms, B->k.pairs.first->id), 0);
	sim_run(500);
	cr_assert_eq(sim_matched(A, B) + sim_matched(B, A), 0);
	sim_run(5000);
	cr_assert_eq(sim_count(A) + sim_count(B), 0);
	/* Even if the peer is gone. */
	sim_run(60000);
	sim_acquire(A, B);
	sim_run(1000);
	one_pair();
	B->up = false;
	kink_delete(&A->k, sim.now_ms, A->k.pairs.first->id);
	sim_run(60000);
	cr_assert_eq(sim_count(A), 0);
	cr_assert_eq(A->k.exchanges.items, 0);
	sim_stop();
}

Test(kinkscene, expiry_without_rekeying)
{
	sim_start(2, 1);
	sim_acquire(A, B);
	sim_run(1000);
	B->up = false; /* so that rekeying fails */
	sim_run(3700 * 1000);
	cr_assert_eq(sim_count(A), 0);
	B->up = true;
	sim_run(10);
	cr_assert_eq(sim_count(B), 0);
	sim_stop();
}

Test(kinkscene, a_configuration_without_the_association_deletes_its_pairs)
{
	struct keyconf empty = { 0 };

	sim_start(2, 1);
	sim_acquire(A, B);
	sim_run(1000);
	kink_set_conf(&A->k, sim.now_ms, &A->conf);
	one_pair();
	kink_set_conf(&A->k, sim.now_ms, &empty);
	cr_assert_eq(sim_matched(A, B), 0);
	sim_run(60000);
	cr_assert_eq(sim_count(A), 0);
	kink_set_conf(&A->k, sim.now_ms, &A->conf);
	sim_stop();
}

/* Loss, duplication, reordering and delay up to 30 %, many times over. */
Test(kinkscene, bad_networks_converge, .timeout = 100)
{
	unsigned tries = 0;

	for (unsigned seed = 0; seed < 150; seed++) {
		sim_start(2, seed);
		sim.loss = seed % 4 * 10;
		sim.dup = seed / 4 % 4 * 10;
		sim.delay = seed / 16 % 4 * 400 + 1;
		if (seed % 2 != 0) {
			set_secrecy(A, KEYCONF_SECRECY_PREFER);
			set_secrecy(B, KEYCONF_SECRECY_PREFER);
		}
		for (int i = 0; i < 10 && sim_matched(A, B) == 0; i++) {
			sim_acquire(A, B);
			if (seed % 3 == 0)
				sim_acquire(B, A);
			sim_run(40000);
			tries++;
		}
		cr_assert_geq(sim_matched(A, B), 1, "seed %u", seed);
		cr_assert_geq(sim_matched(B, A), 1, "seed %u", seed);
		/* Then rekeying under the same conditions, for hours: never
		 * a moment without, after the dust settled. */
		for (int hour = 0; hour < 3; hour++) {
			sim_run(1800 * 1000);
			if (sim_matched(A, B) == 0)
				sim_acquire(A, B);
			sim_run(90 * 1000);
		}
		/* No leak: with rekeying cut off, all is gone at its end. */
		sim.loss = 100;
		sim_run(2 * 3600 * 1000);
		cr_assert_eq(sim_count(A), 0, "seed %u", seed);
		cr_assert_eq(sim_count(B), 0, "seed %u", seed);
		cr_assert_eq(A->k.exchanges.items + B->k.exchanges.items, 0);
		cr_assert_eq(A->k.exchanges.octets, 0);
		cr_assert_eq(A->k.checking + B->k.checking, 0);
		sim_stop();
	}
	cr_assert_leq(tries, 160, "more than one attempt is rare: %u", tries);
}

Test(kinkscene, two_hundred_hosts_against_one, .timeout = 100)
{
	sim_start(201, 5);
	sim.loss = 10;
	for (int i = 1; i <= 200; i++)
		cr_assert_eq(sim_acquire(&sim.host[i], A), 0);
	sim_run(60000);
	for (int i = 1; i <= 200; i++) {
		cr_assert_eq(sim_matched(&sim.host[i], A), 1, "%d", i);
		cr_assert_eq(sim_matched(A, &sim.host[i]), 1, "%d", i);
	}
	cr_assert_eq(A->k.pairs.n, 200);
	sim_stop();
}

/* A message that makes the peer send waits until the engine has the SA. */
Test(kinkscene, nothing_is_asked_for_that_the_engine_cannot_read_yet)
{
	for (int ke = 0; ke < 2; ke++) {
		sim_start(2, 11);
		for (int i = 0; i < 2; i++) {
			sim.host[i].engine_ms = 200;
			set_secrecy(&sim.host[i], ke ? KEYCONF_SECRECY_REQUIRE
						     : KEYCONF_SECRECY_OFF);
		}
		cr_assert_eq(sim_acquire(A, B), 0);
		/* CREATE at once with a key exchange, else with its SA. */
		sim_run(100);
		cr_assert_eq(sim.datagrams, (unsigned)ke);
		sim_run(200);
		cr_assert_eq(sim.datagrams, 1 + (unsigned)ke);
		sim_run(400);
		cr_assert_eq(sim.datagrams, 2 + (unsigned)ke);
		cr_assert_eq(sim_matched(A, B) + sim_matched(B, A), 2);
		sim_stop();
	}
}

/* Its own packet wakes the responder's engine before the ACK is there. */
Test(kinkscene, who_waits_for_an_ack_asks_for_nothing)
{
	sim_start(2, 10);
	for (int i = 0; i < 2; i++)
		sim.host[i].conf.assoc[0].secrecy = KEYCONF_SECRECY_REQUIRE;
	cr_assert_eq(sim_acquire(&sim.host[0], &sim.host[1]), 0);
	while (sim_count(&sim.host[1]) == 0)
		sim_run(1);
	cr_assert_eq(sim_acquire(&sim.host[1], &sim.host[0]), -EALREADY);
	while (sim_matched(&sim.host[1], &sim.host[0]) == 0)
		sim_run(1);
	/* asked before, heard after */
	sim_run(100);
	cr_assert_eq(sim_acquire(&sim.host[1], &sim.host[0]), -EALREADY);
	sim_run(1000);
	cr_assert_eq(sim.datagrams, 3);
	cr_assert_eq(sim_matched(&sim.host[1], &sim.host[0]), 1);
	sim_stop();
}

/* ---- dead peers --------------------------------------------------------- */

/* What the engine's counters say of the newest pair with host `peer`. */
static void
look(struct sim_host *h, int peer, uint64_t in, uint64_t out)
{
	struct sapair *p =
	    sapair_newest(&h->k.pairs, "all", &sim.host[peer].address);

	if (p == NULL)
		return;
	kink_seen(&h->k, sim.now_ms, p->id, false, in);
	kink_seen(&h->k, sim.now_ms, p->id, true, out);
}

Test(kinkscene, a_peer_that_is_silent_is_asked_and_then_given_up)
{
	struct sim_host *a;
	uint64_t in = 0, out = 0;
	unsigned before;

	sim_start(2, 7);
	a = &sim.host[0];
	cr_assert_eq(sim_acquire(a, &sim.host[1]), 0);
	sim_run(1000);
	before = sim.datagrams;
	/* Traffic both ways, and none at all: nobody is asked. */
	for (int i = 0; i < 10; i++, sim_run(5000))
		look(a, 1, ++in, ++out);
	for (int i = 0; i < 10; i++, sim_run(5000))
		look(a, 1, in, out);
	cr_assert_eq(sim.datagrams, before);
	/* Nothing comes back: it is asked, and lives. */
	for (int i = 0; i < 4; i++, sim_run(5000))
		look(a, 1, in, ++out);
	cr_assert_eq(sim.datagrams, before + 2);
	cr_assert_eq(sim_count(a), 2);
	/* And now it is dead. */
	sim.host[1].up = false;
	look(a, 1, ++in, ++out);
	for (int i = 0; i < 20; i++, sim_run(5000))
		look(a, 1, in, ++out);
	cr_assert_eq(a->k.count[KINK_COUNT_DEAD], 1);
	cr_assert_eq(sim_count(a), 0);
	sim_stop();
}

Test(kinkscene, what_goes_one_way_only_is_no_proof_of_death)
{
	struct sim_host *a;
	uint64_t out = 0;
	unsigned asked;

	sim_start(2, 8);
	a = &sim.host[0];
	cr_assert_eq(sim_acquire(a, &sim.host[1]), 0);
	sim_run(1000);
	asked = sim.datagrams;
	/* A quarter of an hour: asked less and less often. */
	for (int i = 0; i < 200; i++, sim_run(5000))
		look(a, 1, 0, ++out);
	cr_assert_gt(sim.datagrams - asked, 2);
	cr_assert_lt(sim.datagrams - asked, 30);
	sim.host[1].up = false;
	for (int i = 0; i < 200; i++, sim_run(5000))
		look(a, 1, 0, ++out);
	cr_assert_eq(a->k.count[KINK_COUNT_DEAD], 0);
	cr_assert_eq(sim_count(a), 2);
	sim_stop();
}

/* Everything of the peer is gone, keys and keynegd; it comes back and knows
 * nothing of us, and sends nothing. */
Test(kinkscene, a_peer_that_forgot_us_is_noticed_by_traffic)
{
	struct sim_host *a, *b;

	sim_start(2, 9);
	a = &sim.host[0];
	b = &sim.host[1];
	cr_assert_eq(sim_acquire(a, b), 0);
	sim_run(1000);
	kink_fini(&b->k);
	memset(b->sa, 0, SIM_SAS * sizeof(*b->sa));
	sim_run(5000);
	sim_boot(b);
	for (uint64_t i = 0; i < 5; i++, sim_run(5000))
		look(a, 1, 3, 3 + i);
	cr_assert_eq(a->k.count[KINK_COUNT_EPOCH], 1);
	cr_assert_eq(sim_count(a), 0);
	cr_assert_eq(sim_acquire(a, b), 0);
	sim_run(1000);
	cr_assert_eq(sim_matched(a, b) + sim_matched(b, a), 2);
	sim_stop();
}
