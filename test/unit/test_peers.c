/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/sa/peers.h"

#define SLOTS 256u

static struct store store;

static void
begin(void)
{
	cr_assert_eq(store_create(&store, SLOTS, 1), 0);
}

static void
end(void)
{
	store_unmap(&store);
}

TestSuite(peers, .init = begin, .fini = end);

static struct ipaddr
peer_number(unsigned i)
{
	struct ipaddr a;

	cr_assert_eq(ipaddr_parse("10.0.0.0", &a), 0);
	a.octets[1] = (uint8_t)(i >> 16);
	a.octets[2] = (uint8_t)(i >> 8);
	a.octets[3] = (uint8_t)i;
	return a;
}

static bool
learn(unsigned i, const char *principal)
{
	struct ipaddr a = peer_number(i);
	struct store_peer *place = peers_place(&store, 7, &a);

	if (place != NULL)
		peers_learn(place, 7, &a, principal);
	return place != NULL;
}

static enum peers_who
ask(unsigned i, const char *principal)
{
	struct ipaddr a = peer_number(i);

	return peers_ask(&store, 7, &a, principal);
}

static uint32_t
live_sa(unsigned i)
{
	uint32_t slot;

	cr_assert_eq(store_claim(&store, 0, &slot), 0);
	store_sa(&store, slot)->said = 7;
	store_sa(&store, slot)->peer = peer_number(i);
	store_publish(&store, slot);
	return slot;
}

Test(peers, knows_who_spoke_last)
{
	cr_expect_eq(ask(1, "a@B"), PEERS_UNKNOWN);
	cr_expect(learn(1, "a@B"));
	cr_expect_eq(ask(1, "a@B"), PEERS_SAME);
	cr_expect_eq(ask(1, "c@B"), PEERS_OTHER);
	cr_expect(learn(1, "c@B"));
	cr_expect_eq(ask(1, "a@B"), PEERS_OTHER);
	cr_expect_eq(ask(2, "a@B"), PEERS_UNKNOWN);
}

/* Many more peers come than are remembered; those with SAs stay. */
Test(peers, nobody_with_a_live_sa_is_forgotten)
{
	for (unsigned i = 0; i < SLOTS / 2; i++) {
		cr_assert(learn(i, "a@B"));
		(void)live_sa(i);
	}
	for (unsigned i = SLOTS; i < 40 * SLOTS; i++)
		(void)learn(i, "c@B");
	for (unsigned i = 0; i < SLOTS / 2; i++)
		cr_assert_eq(ask(i, "a@B"), PEERS_SAME, "peer %u", i);
}

Test(peers, without_any_place_left_nobody_is_learnt)
{
	bool stays[SLOTS] = { false };
	unsigned refused = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		if ((stays[i] = learn(i, "a@B")))
			(void)live_sa(i);
	for (unsigned i = SLOTS; i < 4 * SLOTS; i++)
		refused += !learn(i, "c@B");
	cr_expect(refused > 0);
	for (unsigned i = 0; i < SLOTS; i++)
		cr_assert_eq(ask(i, "a@B"),
			     stays[i] ? PEERS_SAME : PEERS_UNKNOWN, "peer %u",
			     i);
	/* Those whose SAs are gone may be forgotten again. */
	for (uint32_t slot = 0; slot < store_slots(&store); slot++)
		(void)store_kill(&store, slot);
	for (unsigned i = SLOTS; i < 4 * SLOTS; i++)
		cr_assert(learn(i, "d@B"), "peer %u", i);
}
