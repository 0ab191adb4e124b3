/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole exchanges between simulated hosts whose engines refuse SAs, lose them,
 * are late or away. */
#include "keyneg/kink/kinkexch.h"
#include "kinksim.h"

#define A (&sim.host[0])
#define B (&sim.host[1])
#define C (&sim.host[2])

static void
start(int hosts, enum keyconf_secrecy s)
{
	sim_start(hosts, 1);
	for (int i = 0; i < hosts; i++)
		sim.host[i].conf.assoc[0].secrecy = (uint8_t)s;
}

static void
one_pair(void)
{
	cr_assert_eq(sim_matched(A, B), 1);
	cr_assert_eq(sim_matched(B, A), 1);
	cr_assert_eq(sim_count(A), 2);
	cr_assert_eq(sim_count(B), 2);
}

/* No SA, no pair, no exchange; then the next packet of `from` gets keys. */
static void
nothing_then_keys(struct sim_host *from, struct sim_host *to)
{
	sim_run(70000);
	cr_assert_eq(sim_count(A), 0);
	cr_assert_eq(sim_count(B), 0);
	cr_assert_eq(A->k.pairs.n + B->k.pairs.n, 0);
	cr_assert_eq(A->k.exchanges.items + B->k.exchanges.items, 0);
	A->refuses = B->refuses = 0;
	A->engine_away = B->engine_away = false;
	cr_assert_eq(sim_acquire(from, to), 0);
	sim_run(1000);
	one_pair();
}

/* ---- it has lost what it had -------------------------------------------- */

Test(kinkengine, the_peer_of_a_lost_pair_is_told)
{
	for (int secrecy = 0; secrecy < 2; secrecy++)
		for (int who = 0; who < 2; who++) {
			struct sim_host *forgets = &sim.host[who],
					*other = &sim.host[1 - who];

			start(2, secrecy == 0 ? KEYCONF_SECRECY_OFF
					      : KEYCONF_SECRECY_REQUIRE);
			sim_acquire(A, B);
			sim_run(60000);
			one_pair();
			sim_engine_forgets(forgets, 0);
			sim_run(1000);
			/* What the other one would send into is gone: */
			cr_assert_eq(sim_matched(other, forgets), 0);
			for (int i = 0; i < SIM_SAS; i++)
				cr_assert(!other->sa[i].there ||
					  other->sa[i].direction ==
					      SAINSTALL_IN);
			/* so its next packet asks. */
			cr_assert_eq(sim_acquire(other, forgets), 0);
			sim_run(10000);
			one_pair();
			cr_assert_eq(A->k.pairs.n + B->k.pairs.n, 2);
			sim_stop();
		}
}

Test(kinkengine, what_it_has_kept_stays)
{
	uint32_t lost, epoch;

	start(3, KEYCONF_SECRECY_OFF);
	sim_acquire(A, C);
	sim_run(1000);
	sim_acquire(B, A);
	sim_run(60000);
	cr_assert_eq(sim_matched(A, C) + sim_matched(A, B), 2);
	epoch = A->k.epoch;
	/* nothing at all: a connection that broke */
	sim_engine_forgets(A, UINT32_MAX);
	sim_run(5000);
	cr_assert_eq(sim_matched(A, C) + sim_matched(A, B), 2);
	cr_assert_eq(A->k.pairs.n, 2);
	cr_assert_eq(A->k.epoch, epoch);
	/* the pair with B alone */
	lost = sapair_newest(&A->k.pairs, "all", &B->address)->id;
	sim_engine_forgets(A, lost);
	sim_run(5000);
	cr_assert_eq(sim_matched(A, C), 1);
	cr_assert_eq(sim_matched(C, A), 1);
	cr_assert_eq(sim_count(B), 0);
	cr_assert_eq(A->k.pairs.n, 1);
	cr_assert_eq(A->k.epoch, epoch, "it would kill the pair with C");
	cr_assert_eq(sim_acquire(B, A), 0);
	sim_run(1000);
	cr_assert_eq(sim_matched(A, B), 1);
	sim_stop();
}

static bool
lose_all(struct sim_host *from, uint8_t *octets, size_t n)
{
	return false;
}

/* The peer cannot be told for as long as a DELETE is tried: it learns of it
 * by the epoch, when it asks why we are silent. */
Test(kinkengine, a_peer_that_cannot_be_told_learns_by_the_epoch)
{
	struct sapair *p;

	start(2, KEYCONF_SECRECY_OFF);
	sim_acquire(A, B);
	sim_run(60000);
	one_pair();
	sim.tap = lose_all;
	sim_engine_forgets(A, 0);
	sim_run(60000);
	cr_assert_eq(A->k.pairs.n, 0);
	cr_assert_eq(B->k.pairs.n, 1, "it knows nothing");
	sim.tap = NULL;
	p = B->k.pairs.first;
	for (uint64_t i = 1; i < 5 && B->k.pairs.n != 0; i++) {
		kink_seen(&B->k, sim.now_ms, p->id, true, i);
		sim_run(5000);
	}
	cr_assert_eq(B->k.pairs.n, 0);
	cr_assert_eq(B->k.count[KINK_COUNT_EPOCH], 1);
	cr_assert_eq(sim_acquire(B, A), 0);
	sim_run(1000);
	one_pair();
	sim_stop();
}

static bool
hold_replies(struct sim_host *from, uint8_t *octets, size_t n)
{
	return octets[0] != KINK_TYPE_REPLY;
}

/* The engine goes while an exchange is under way: another is begun. */
Test(kinkengine, an_exchange_under_way_is_made_anew)
{
	for (int secrecy = 0; secrecy < 2; secrecy++) {
		start(2, secrecy == 0 ? KEYCONF_SECRECY_OFF
				      : KEYCONF_SECRECY_REQUIRE);
		sim.tap = hold_replies;
		sim_acquire(A, B);
		sim_run(300);
		sim.tap = NULL;
		sim_engine_forgets(A, 0);
		sim_run(50000);
		cr_assert_eq(sim_matched(A, B), 1);
		cr_assert_eq(sim_matched(B, A), 1);
		cr_assert_eq(A->k.exchanges.items + B->k.exchanges.items, 0);
		cr_assert_eq(A->give_ups, 0);
		sim_stop();
	}
	/* The responder's engine, before the ACK: nobody is left with half. */
	start(2, KEYCONF_SECRECY_REQUIRE);
	sim.tap = hold_replies;
	sim_acquire(A, B);
	sim_run(300);
	cr_assert_eq(sim_count(B), 1);
	sim_engine_forgets(B, 0);
	sim.tap = NULL;
	sim_run(5000);
	sim_acquire(A, B);
	sim_run(60000);
	one_pair();
	cr_assert_eq(A->k.pairs.n + B->k.pairs.n, 2);
	sim_stop();
}

/* More pairs than exchanges have room: every peer is told in the end. */
Test(kinkengine, two_hundred_peers_are_told)
{
	unsigned most;

	start(SIM_HOSTS, KEYCONF_SECRECY_OFF);
	for (int i = 1; i < SIM_HOSTS; i++) {
		sim_acquire(&sim.host[i], A);
		sim_run(20);
	}
	sim_run(60000);
	cr_assert_eq(A->k.pairs.n, SIM_HOSTS - 1);
	most = (unsigned)A->k.exchanges.items_max;
	A->k.exchanges.items_max = 40;
	sim_engine_forgets(A, 0);
	sim_run(5 * 60000);
	A->k.exchanges.items_max = most;
	for (int i = 1; i < SIM_HOSTS; i++)
		cr_assert_eq(sim_count(&sim.host[i]), 0, "host %d", i);
	cr_assert_eq(A->k.pairs.n, 0);
	sim_stop();
}

/* ---- it refuses --------------------------------------------------------- */

/* Any half, at either end, with two messages and with three: both ends are
 * left without SAs, whoever asked is told why and does not ask in a circle. */
Test(kinkengine, refuses_any_half_at_either_end)
{
	for (int secrecy = 0; secrecy < 2; secrecy++)
		for (int who = 0; who < 2; who++)
			for (unsigned what = 1; what < 4; what++) {
				start(2, secrecy == 0
					     ? KEYCONF_SECRECY_OFF
					     : KEYCONF_SECRECY_REQUIRE);
				sim.host[who].refuses = what;
				sim_acquire(A, B);
				sim_run(400);
				cr_assert_eq(sim_matched(A, B), 0, "%d %d %u",
					     secrecy, who, what);
				/* A responder whose outbound half alone is
				 * refused, had said yes. */
				if (who == 0 || what != 2 || secrecy == 0) {
					cr_assert_eq(A->give_ups, 1, "%d %d %u",
						     secrecy, who, what);
					cr_assert_neq(
					    strstr(A->why,
						   who == 0 ? "nfipsecd"
							    : "the log there"),
					    NULL, "%s", A->why);
					cr_assert_eq(sim_acquire(A, B),
						     -EAGAIN);
				}
				nothing_then_keys(A, B);
				sim_stop();
			}
}

/* New keys are refused: the old ones serve on. */
Test(kinkengine, refuses_new_keys)
{
	for (int who = 0; who < 2; who++) {
		start(2, KEYCONF_SECRECY_REQUIRE);
		sim_acquire(A, B);
		sim_run(60000);
		one_pair();
		sim.host[who].refuses = 3;
		kink_soft_limit(&A->k, sim.now_ms, A->k.pairs.first->id);
		sim_run(5000);
		one_pair();
		sim.host[who].refuses = 0;
		sim.host[who].engine_forgot = true;
		sim_acquire(A, B);
		sim_run(60000);
		cr_assert_eq(sim_matched(A, B), 1);
		cr_assert_eq(sim_matched(B, A), 1);
		sim_stop();
	}
}

/* So late that the old ones are on their way out: nothing is sealed by them
 * that nobody reads. */
Test(kinkengine, refuses_new_keys_late)
{
	start(2, KEYCONF_SECRECY_REQUIRE);
	sim_acquire(A, B);
	sim_run(60000);
	one_pair();
	A->refuses = 3;
	A->engine_ms = KINKEXCH_SUPERSEDED_MS + 500;
	sim_acquire(A, B);
	sim_run(KINKEXCH_SUPERSEDED_MS + 2000);
	cr_assert_eq(sim_matched(A, B), 0);
	for (int i = 0; i < SIM_SAS; i++)
		cr_assert(!A->sa[i].there ||
			  A->sa[i].direction == SAINSTALL_IN);
	A->engine_ms = 0;
	A->engine_forgot = true;
	nothing_then_keys(A, B);
	sim_stop();
}

/* ---- it is not there, or late ------------------------------------------- */

Test(kinkengine, is_away)
{
	for (int secrecy = 0; secrecy < 2; secrecy++)
		for (int who = 0; who < 2; who++) {
			start(2, secrecy == 0 ? KEYCONF_SECRECY_OFF
					      : KEYCONF_SECRECY_REQUIRE);
			sim.host[who].engine_away = true;
			sim_acquire(A, B);
			sim_run(1000);
			cr_assert_eq(A->give_ups, 1);
			if (who == 0 && secrecy == 0)
				cr_assert_neq(strstr(A->why, "nfipsecd is not"),
					      NULL, "%s", A->why);
			nothing_then_keys(A, B);
			sim_stop();
		}
}

/* It goes between the answer and the ACK, and while an answer waits. */
Test(kinkengine, goes_away_half_way)
{
	start(2, KEYCONF_SECRECY_REQUIRE);
	sim.tap = hold_replies;
	sim_acquire(A, B);
	sim_run(300);
	sim.tap = NULL;
	B->engine_away = true;
	sim_run(1000);
	cr_assert_eq(sim_matched(A, B), 0);
	/* What it still has of the pair is deleted at the next list. */
	B->engine_forgot = true;
	for (int i = 0; i < SIM_SAS; i++)
		B->sa[i].there = false;
	nothing_then_keys(A, B);
	sim_stop();
}

static unsigned before_sa;
static bool
nothing_before_the_sa(struct sim_host *from, uint8_t *octets, size_t n)
{
	if (octets[0] == KINK_TYPE_CREATE && A->engine_ms != 0)
		before_sa += sim.now_ms < 4000;
	if (octets[0] == KINK_TYPE_REPLY && B->engine_ms != 0)
		before_sa += sim.now_ms < 4000;
	return true;
}

/* Later than what is sent again: that waits, too. */
Test(kinkengine, is_slower_than_the_retransmission)
{
	for (int secrecy = 0; secrecy < 2; secrecy++)
		for (int who = secrecy; who < 2; who++) {
			start(2, secrecy == 0 ? KEYCONF_SECRECY_OFF
					      : KEYCONF_SECRECY_REQUIRE);
			sim.host[who].engine_ms = 3000;
			before_sa = 0;
			sim.tap = nothing_before_the_sa;
			sim_acquire(A, B);
			sim_run(20000);
			cr_assert_eq(before_sa, 0, "%d %d", secrecy, who);
			one_pair();
			sim_stop();
		}
}

/* ---- clocks -------------------------------------------------------------- */

/* B's clock is an hour ahead, and known to be; then it is set right, and B
 * starts anew: its epoch is lower than the one of before. */
Test(kinkengine, a_clock_that_is_set_right_is_believed)
{
	start(2, KEYCONF_SECRECY_OFF);
	kink_fini(&B->k);
	B->clock_off_secs = 3600;
	sim_boot(B);
	sim_acquire(A, B);
	sim_run(1000);
	one_pair();
	kink_fini(&B->k);
	for (int i = 0; i < SIM_SAS; i++)
		B->sa[i].there = false;
	B->clock_off_secs = 0;
	sim_run(10000);
	sim_boot(B);
	cr_assert_lt(B->k.epoch, A->k.pairs.first->epoch);
	cr_assert_eq(sim_acquire(B, A), 0);
	sim_run(1000);
	one_pair();
	cr_assert_eq(A->k.count[KINK_COUNT_EPOCH], 1);
	sim_stop();
}
