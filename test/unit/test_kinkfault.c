/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole exchanges between simulated hosts: what goes wrong, by accident and
 * on purpose. */
#include "kinksim.h"

#define A (&sim.host[0])
#define B (&sim.host[1])

static void
nothing_anywhere(void)
{
	for (int i = 0; i < sim.hosts; i++) {
		cr_assert_eq(sim_count(&sim.host[i]), 0, "host %d", i);
		cr_assert_eq(sim.host[i].k.pairs.n, 0, "host %d", i);
	}
}

static void
one_pair(void)
{
	cr_assert_eq(sim_matched(A, B), 1);
	cr_assert_eq(sim_matched(B, A), 1);
	cr_assert_eq(sim_count(A) + sim_count(B), 4);
}

/* What `show peers` says there of the other. */
static const struct peertab_peer *
shown(struct sim_host *h, const struct sim_host *peer)
{
	const struct peertab_peer *p =
	    peertab_find(&h->k.peers, "all", &peer->address);

	cr_assert_neq(p, NULL);
	return p;
}

/* The AP-REQ of a message that was sent: ticket, time, microseconds. */
static const uint8_t *
ap_req(unsigned message)
{
	return sim.trace[message].at + KINKMSG_HEADER_LEN + 4 + 4;
}

Test(kinkfault, mallory_at_the_address_of_another_gets_nothing)
{
	sim_start(3, 1);
	/* Host 2, a good member of the realm, takes B's address. */
	B->up = false;
	sim.host[2].address = B->address;
	cr_assert_eq(sim_acquire(&sim.host[2], A), 0);
	sim_run(60000);
	nothing_anywhere();
	cr_assert_eq(A->k.count[KINK_COUNT_REFUSED], 1);
	cr_assert_neq(strstr(sim.host[2].why, "our address"), NULL, "%s",
		      sim.host[2].why);
	/* And what A sends to B's address, mallory cannot read. */
	cr_assert_eq(sim_acquire(A, B), 0);
	sim_run(60000);
	nothing_anywhere();
	cr_assert_neq(strstr(A->why, "keytab"), NULL, "%s", A->why);
	sim_stop();
}

Test(kinkfault, a_pattern_without_a_map_needs_a_word)
{
	sim_start(2, 1);
	A->conf.maps = 0;
	cr_assert_eq(sim_acquire(A, B), 0);
	sim_run(1000);
	cr_assert_neq(strstr(A->why, "principals"), NULL, "%s", A->why);
	cr_assert_eq(sim_acquire(B, A), 0);
	sim_run(1000);
	nothing_anywhere();
	A->conf.assoc[0].accept_any_address = 1;
	sim_run(10000);
	sim_acquire(B, A);
	sim_run(1000);
	one_pair();
	sim_stop();
}

Test(kinkfault, another_realm_needs_its_own_line)
{
	sim_start(2, 1);
	strcpy(B->principal, "kink/h1.test@OTHER");
	strcpy(B->conf.assoc[0].local_principal, B->principal);
	strcpy(A->conf.map[1].principal, B->principal);
	sim_acquire(B, A);
	sim_run(60000);
	nothing_anywhere();
	strcpy(A->conf.assoc[0].peer_pattern, "kink/h1.test@OTHER");
	sim_acquire(B, A);
	sim_run(1000);
	one_pair();
	sim_stop();
}

Test(kinkfault, no_common_algorithm)
{
	sim_start(2, 1);
	B->conf.assoc[0].enc = ALGO_AES256_GCM;
	sim_acquire(A, B);
	sim_run(1000);
	nothing_anywhere();
	cr_assert_neq(strstr(A->why, "NO-PROPOSAL-CHOSEN"), NULL, "%s", A->why);
	cr_assert_eq(sim_acquire(A, B), -EAGAIN, "held back");
	sim_run(4000);
	B->conf.assoc[0].enc = ALGO_AES128_GCM;
	cr_assert_eq(sim_acquire(A, B), 0);
	sim_run(1000);
	one_pair();
	sim_stop();
}

Test(kinkfault, a_silent_kdc_delays_only_who_needs_it)
{
	sim_start(3, 1);
	A->kdc_down = true;
	cr_assert_eq(sim_acquire(A, B), 0);
	cr_assert_eq(sim_acquire(&sim.host[2], A), 0);
	sim_run(1000);
	cr_assert_eq(sim_matched(&sim.host[2], A), 1);
	sim_run(20000);
	cr_assert_eq(A->give_ups, 1);
	cr_assert_neq(strstr(A->why, "deadline"), NULL, "%s", A->why);
	A->kdc_down = false;
	sim_acquire(A, B);
	sim_run(1000);
	cr_assert_eq(sim_matched(A, B), 1);
	sim_stop();
}

Test(kinkfault, a_silent_peer)
{
	sim_start(2, 1);
	B->up = false;
	sim_acquire(A, B);
	/* The likely reason can be seen long before the end. */
	sim_run(10000);
	cr_assert_neq(strstr(shown(A, B)->why, "UDP port 910"), NULL, "%s",
		      shown(A, B)->why);
	cr_assert_eq(shown(A, B)->failures, 0);
	sim_run(21000);
	cr_assert_eq(sim.datagrams, 7, "%u", sim.datagrams);
	/* Section 9: each with an authenticator of its own, and one ticket. */
	for (unsigned i = 1; i < 7; i++)
		for (unsigned j = 0; j < i; j++) {
			cr_assert_neq(memcmp(ap_req(i) + 8, ap_req(j) + 8, 12),
				      0, "%u, %u", i, j);
			cr_assert_eq(memcmp(ap_req(i), ap_req(j), 8), 0);
		}
	sim_run(1000);
	nothing_anywhere();
	cr_assert_neq(strstr(A->why, "UDP port 910"), NULL, "%s", A->why);
	/* Who asks again at once is told again, and nothing is sent. */
	cr_assert_eq(A->give_ups, 1);
	A->why[0] = '\0';
	cr_assert_eq(sim_acquire(A, B), -EAGAIN);
	cr_assert_eq(A->give_ups, 2);
	cr_assert_neq(strstr(A->why, "UDP port 910"), NULL, "%s", A->why);
	cr_assert_eq(sim.datagrams, 7);
	sim_run(10000);
	cr_assert_eq(A->k.exchanges.items, 0);
	sim_stop();
}

Test(kinkfault, clocks_apart_are_bridged_by_a_proven_error_only)
{
	sim_start(2, 1);
	B->clock_off_secs = 3600;
	sim_acquire(A, B);
	sim_run(400);
	one_pair();
	cr_assert_eq(sim.datagrams, 4);
	/* The second time it is known. */
	kink_delete(&A->k, sim.now_ms, A->k.pairs.first->id);
	sim_run(10000);
	sim.datagrams = 0;
	sim_acquire(A, B);
	sim_run(400);
	cr_assert_eq(sim.datagrams, 2);
	sim_stop();

	sim_start(2, 1);
	B->clock_off_secs = -3600;
	B->unprotected_errors = true;
	sim_acquire(A, B);
	sim_run(1000);
	cr_assert_neq(strstr(shown(A, B)->why, "clocks"), NULL);
	cr_assert_eq(shown(A, B)->failures, 0, "it goes on");
	sim_run(59000);
	nothing_anywhere();
	cr_assert_neq(strstr(A->why, "clocks"), NULL, "%s", A->why);
	sim_stop();
}

Test(kinkfault, an_expired_ticket_is_fetched_anew)
{
	sim_start(2, 1);
	B->tickets_expired = true;
	sim_acquire(A, B);
	sim_run(1000);
	one_pair();
	cr_assert_eq(sim.tickets, 2);
	sim_stop();
}

/* As Kerberos makes no authenticator with a ticket that has ended. */
Test(kinkfault, a_ticket_that_ends_while_the_peer_is_silent)
{
	sim_start(2, 1);
	A->ticket_life_ms = 6000;
	B->up = false;
	sim_acquire(A, B);
	sim_run(9000);
	B->up = true;
	sim_run(20000);
	one_pair();
	cr_assert_eq(sim.tickets, 2);
	cr_assert_eq(A->give_ups, 0);
	sim_stop();

	/* It stays silent: that is the reason, and there is an end. */
	sim_start(2, 1);
	A->ticket_life_ms = 6000;
	B->up = false;
	sim_acquire(A, B);
	sim_run(60000);
	cr_assert_eq(A->give_ups, 1);
	cr_assert_neq(strstr(A->why, "UDP port 910"), NULL, "%s", A->why);
	cr_assert_eq(A->k.exchanges.items, 0);
	sim_stop();
}

/* Everything that was said once is said again. */
Test(kinkfault, replays_change_nothing)
{
	unsigned n;

	for (int secrecy = 0; secrecy < 2; secrecy++) {
		unsigned adds;

		sim_start(2, 1);
		for (int i = 0; i < 2 && secrecy != 0; i++)
			sim.host[i].conf.assoc[0].secrecy = 0;
		sim_acquire(A, B);
		sim_run(1000);
		one_pair();
		n = sim.traced;
		adds = A->adds + B->adds;
		for (unsigned round = 0; round < 3; round++)
			for (unsigned i = 0; i < n; i++) {
				sim_deliver(&sim.trace[i].path, sim.trace[i].at,
					    sim.trace[i].n);
				sim_run(50);
			}
		one_pair();
		cr_assert_eq(A->adds + B->adds, adds);
		/* After the exchanges are forgotten, too. */
		sim_run(60000);
		for (unsigned i = 0; i < n; i++)
			sim_deliver(&sim.trace[i].path, sim.trace[i].at,
				    sim.trace[i].n);
		sim_run(1000);
		one_pair();
		cr_assert_eq(A->adds + B->adds, adds);
		cr_assert_gt(B->k.count[KINK_COUNT_REPLAYED], 0);
		sim_stop();
	}
}

static unsigned flip_message, flip_bit, flip_seen;
static bool
flip(struct sim_host *from, uint8_t *octets, size_t n)
{
	if (flip_seen++ == flip_message)
		octets[flip_bit / 8 % n] ^= (uint8_t)(1 << flip_bit % 8);
	return true;
}

/* One bit wrong in one message: that message is as good as lost, and the next
 * retransmission mends it. */
Test(kinkfault, every_flipped_bit_is_as_good_as_lost, .timeout = 200)
{
	for (flip_message = 0; flip_message < 3; flip_message++)
		for (flip_bit = 0; flip_bit < 1100 * 8;
		     flip_bit += flip_bit < 512 ? 3 : 97) {
			sim_start(2, 1);
			A->conf.assoc[0].secrecy = 0;
			B->conf.assoc[0].secrecy = 0;
			flip_seen = 0;
			sim.tap = flip;
			sim_acquire(A, B);
			sim_run(40000);
			cr_assert_eq(sim_matched(A, B), 1, "%u of message %u",
				     flip_bit, flip_message);
			cr_assert_eq(sim_matched(B, A), 1, "%u of message %u",
				     flip_bit, flip_message);
			sim_stop();
		}
}

Test(kinkfault, ten_thousand_forged_creates_leave_nothing)
{
	uint8_t buf[1024], junk[600];
	struct kinkmsg_build m;
	size_t asked = 0;

	memset(junk, 0xff, sizeof(junk));
	sim_start(2, 1);
	for (unsigned i = 0; i < 10000; i++) {
		struct exchange_path p = { .peer = A->address,
					   .local_port = 910,
					   .peer_port = 910 };
		char text[40];

		snprintf(text, sizeof(text), "192.0.%u.%u", i / 200, i % 200);
		ipaddr_parse(text, &p.local);
		m = kinkmsg_build_make(buf, sizeof(buf), KINK_TYPE_CREATE, i,
				       false);
		kinkmsg_put_ap(&m, KINK_PAYLOAD_AP_REQ, i, junk, sizeof(junk));
		kinkmsg_finish(&m);
		kinkmsg_sign(&m, "twelveoctets", 12);
		sim_deliver(&p, buf, m.b.len);
		asked += m.b.len;
		if (i % 100 == 0)
			sim_run(1);
		cr_assert_leq(A->k.exchanges.octets, 2u << 20);
	}
	sim_run(1000);
	cr_assert_eq(A->k.exchanges.items, 0);
	cr_assert_eq(A->k.exchanges.octets, 0);
	cr_assert_eq(A->k.checking, 0);
	cr_assert_lt(sim.octets_sent, asked);
	cr_assert_eq(sim.octets_sent, 0);
	sim_acquire(A, B);
	sim_run(1000);
	one_pair();
	sim_stop();
}

Test(kinkfault, one_source_is_limited)
{
	struct exchange_path p = { .local_port = 910, .peer_port = 910 };
	uint8_t junk[32] = { KINK_TYPE_CREATE, 0x20 };

	sim_start(2, 1);
	p.peer = A->address;
	p.local = B->address;
	for (int i = 0; i < 1000; i++) {
		sim_deliver(&p, junk, sizeof(junk));
	}
	sim_run(5);
	cr_assert_geq(A->k.count[KINK_COUNT_LIMITED], 700);
	/* INVMAJ is answered, and never by more than was asked. */
	cr_assert_geq(sim.datagrams, 100);
	cr_assert_leq(sim.octets_sent, 1000 * sizeof(junk));
	sim_stop();
}

/* An ERROR takes 24 octets: a question of fewer gets none. */
Test(kinkfault, an_answer_is_never_longer_than_the_question)
{
	struct exchange_path p = { .local_port = 910, .peer_port = 910 };
	uint8_t junk[64] = { KINK_TYPE_CREATE, 0x20 };

	sim_start(2, 1);
	p.peer = A->address;
	p.local = B->address;
	for (size_t n = 0; n <= sizeof(junk); n++) {
		sim.datagrams = 0;
		sim.octets_sent = 0;
		sim_deliver(&p, junk, n);
		sim_run(5);
		cr_assert_eq(sim.datagrams, n < 24 ? 0 : 1, "%zu", n);
		cr_assert_leq(sim.octets_sent, n);
	}
	sim_stop();
}

/* Errors that anybody could have sent do not end an exchange. */
static bool
forge_errors(struct sim_host *from, uint8_t *octets, size_t n)
{
	uint8_t buf[64];
	struct kinkmsg_build m;
	struct exchange_path p = { .local_port = 910, .peer_port = 910 };
	uint32_t xid = (uint32_t)octets[8] << 24 | (uint32_t)octets[9] << 16 |
		       (uint32_t)octets[10] << 8 | octets[11];

	if (octets[0] != KINK_TYPE_CREATE)
		return true;
	p.local = B->address;
	p.peer = A->address;
	for (uint32_t e = 0; e < 9; e++) {
		m = kinkmsg_build_make(buf, sizeof(buf), KINK_TYPE_REPLY, xid,
				       e % 2 != 0);
		kinkmsg_put_error(&m, e);
		kinkmsg_finish(&m);
		sim_deliver(&p, buf, m.b.len);
	}
	return true;
}

Test(kinkfault, forged_errors_do_not_end_it)
{
	sim_start(2, 1);
	sim.delay = 5;
	sim.tap = forge_errors;
	sim_acquire(A, B);
	sim_run(1000);
	one_pair();
	sim_stop();
}

Test(kinkfault, user_to_user_is_refused_plainly)
{
	uint8_t buf[64];
	struct kinkmsg_build m =
	    kinkmsg_build_make(buf, sizeof(buf), KINK_TYPE_GETTGT, 77, false);
	struct exchange_path p = { .local_port = 910, .peer_port = 910 };
	struct kinkbody body;
	struct kinkmsg msg;

	sim_start(2, 1);
	p.peer = A->address;
	p.local = B->address;
	kinkmsg_put(&m, KINK_PAYLOAD_TGT_REQ, "kink/h0.test@TEST", 17);
	kinkmsg_finish(&m);
	sim_deliver(&p, buf, m.b.len);
	sim_run(10);
	cr_assert_eq(sim.traced, 1);
	cr_assert_eq(
	    kinkmsg_parse(cursor_make(sim.trace[0].at, sim.trace[0].n), &msg),
	    0);
	cr_assert_eq(msg.xid, 77);
	kinkmsg_parse_body(msg.payloads, msg.next, &body);
	cr_assert_eq(body.error, KINK_ERROR_U2UDENIED);
	sim_stop();
}

/* A message from before the peer's restart, held back and let go after it,
 * must not take the new SAs down. */
static uint8_t held[4096];
static size_t held_len;
static bool
hold_status(struct sim_host *from, uint8_t *octets, size_t n)
{
	if (octets[0] != KINK_TYPE_STATUS)
		return true;
	memcpy(held, octets, n);
	held_len = n;
	return false;
}

Test(kinkfault, a_message_from_before_the_restart_comes_late)
{
	struct exchange_path p = { .local_port = 910, .peer_port = 910 };

	sim_start(2, 1);
	sim.tap = hold_status;
	kink_probe(&B->k, sim.now_ms, "all", &B->address, &A->address);
	sim_run(300);
	cr_assert_gt(held_len, 0);
	kink_fini(&B->k);
	sim_run(20000);
	sim_boot(B);
	sim_acquire(B, A);
	sim_run(1000);
	one_pair();
	p.local = B->address;
	p.peer = A->address;
	sim.tap = NULL;
	sim_deliver(&p, held, held_len);
	sim_run(1000);
	one_pair();
	cr_assert_eq(A->k.count[KINK_COUNT_EPOCH], 0);
	sim_stop();
}

Test(kinkfault, the_exchange_table_is_capped)
{
	sim_start(2, 1);
	A->kdc_down = true;
	A->conf.maps = 0;
	strcpy(A->conf.assoc[0].peer_pattern, "kink/h1.test@TEST");
	for (unsigned i = 0; i < 2000; i++) {
		struct ipaddr a;
		char text[40];

		snprintf(text, sizeof(text), "10.9.%u.%u", i / 250, i % 250);
		ipaddr_parse(text, &a);
		cr_assert_eq(
		    kink_acquire(&A->k, sim.now_ms, "all", &A->address, &a),
		    i < A->k.exchanges.items_max ? 0 : -ENOBUFS);
	}
	sim_run(60000);
	cr_assert_eq(A->k.exchanges.items, 0);
	sim_stop();
}
