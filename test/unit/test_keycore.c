/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every key negotiation protocol stands on: timers, limits, the table
 * of exchanges, names and rights, the layouts between processes. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "keyneg/core/exchange.h"
#include "keyneg/core/keyconf.h"
#include "keyneg/core/krbreq.h"
#include "keyneg/core/ratelimit.h"
#include "keyneg/core/timerheap.h"

/* The vectors of its authors. */
Test(fnv, vectors)
{
	cr_assert_eq(fnv_add(FNV_BEGIN, "", 0), 0x811c9dc5);
	cr_assert_eq(fnv_add(FNV_BEGIN, "a", 1), 0xe40c292c);
	cr_assert_eq(fnv_add_text(FNV_BEGIN, "foobar"), 0xbf9cf968);
	cr_assert_eq(fnv_add_text(fnv_add(FNV_BEGIN, "foo", 3), "bar"),
		     0xbf9cf968);
	cr_assert_eq(fnv_fold(0x80000000), 0x80010000);
}

Test(timerheap, pops_in_order_whatever_is_done_to_it)
{
	static struct timerheap_node node[500];
	static uint64_t due[500];
	struct timerheap h = { 0 };
	struct timerheap_node *t;
	unsigned left = 0;
	uint64_t last = 0;

	srand(1);
	for (int round = 0; round < 5000; round++) {
		int i = rand() % 500;

		if (rand() % 4 == 0) {
			timerheap_cancel(&h, &node[i]);
			due[i] = 0;
		} else {
			due[i] = 1 + (uint64_t)rand() % 1000;
			cr_assert_eq(timerheap_set(&h, &node[i], due[i]), 0);
		}
	}
	for (int i = 0; i < 500; i++)
		left += due[i] != 0;
	cr_assert_eq(h.n, left);
	cr_assert_null(timerheap_pop(&h, 0));
	while ((t = timerheap_pop(&h, 2000)) != NULL) {
		cr_assert_geq(t->due_ms, last);
		cr_assert_eq(t->due_ms, due[t - node]);
		cr_assert_eq(t->place, 0);
		last = t->due_ms;
		left--;
	}
	cr_assert_eq(left, 0);
	cr_assert_eq(timerheap_wait(&h, 0), -1);
	timerheap_fini(&h);
}

Test(timerheap, waits_for_the_next)
{
	struct timerheap h = { 0 };
	struct timerheap_node a = { 0 }, b = { 0 };

	timerheap_set(&h, &a, 100);
	timerheap_set(&h, &b, 50);
	cr_assert_eq(timerheap_wait(&h, 20), 30);
	cr_assert_eq(timerheap_wait(&h, 60), 0);
	timerheap_cancel(&h, &b);
	timerheap_cancel(&h, &b);
	cr_assert_eq(timerheap_wait(&h, 60), 40);
	timerheap_fini(&h);
}

Test(ratelimit, burst_then_rate)
{
	static struct ratelimit r;
	struct ipaddr a;
	unsigned got = 0;

	ipaddr_parse("192.0.2.1", &a);
	cr_assert_eq(ratelimit_init(&r, 10, 5), 0);
	for (int i = 0; i < 50; i++)
		got += ratelimit_take(&r, &a, 1000);
	cr_assert_eq(got, 10);
	cr_assert_eq(r.refused, 40);
	got = 0;
	/* five a second, over ten seconds of asking without pause */
	for (uint64_t ms = 1000; ms < 11000; ms += 10)
		got += ratelimit_take(&r, &a, ms);
	cr_assert_geq(got, 49);
	cr_assert_leq(got, 51);
	/* long silence fills the bucket, and no further */
	got = 0;
	for (int i = 0; i < 50; i++)
		got += ratelimit_take(&r, &a, 100000000);
	cr_assert_eq(got, 10);
}

Test(ratelimit, an_ipv6_source_is_its_64)
{
	static struct ratelimit r;
	unsigned got = 0;

	ratelimit_init(&r, 10, 1);
	for (int i = 0; i < 100; i++) {
		char text[40];
		struct ipaddr a;

		snprintf(text, sizeof(text), "2001:db8::%x", i + 1);
		ipaddr_parse(text, &a);
		got += ratelimit_take(&r, &a, 5);
	}
	cr_assert_eq(got, 10);
}

/* ---- exchanges ---------------------------------------------------------- */

static const char *
no_name(uint8_t kind)
{
	return "test";
}

static struct exchange_path
path_to(const char *peer)
{
	struct exchange_path p = { 0 };

	ipaddr_parse(peer, &p.peer);
	return p;
}

/* From which states to which others: everything else is refused. */
Test(exchange, only_the_listed_moves)
{
	static const bool
	    allowed[EXCHANGE_STATE_COUNT][EXCHANGE_STATE_COUNT] = {
		    [EXCHANGE_NEW] = { [EXCHANGE_WAIT_TICKET] = true,
				       [EXCHANGE_WAIT_CHECK] = true },
		    [EXCHANGE_WAIT_TICKET] = { [EXCHANGE_WAIT_REPLY] = true,
					       [EXCHANGE_FAILED] = true },
		    [EXCHANGE_WAIT_REPLY] = { [EXCHANGE_DONE] = true,
					      [EXCHANGE_FAILED] = true },
		    [EXCHANGE_WAIT_CHECK] = { [EXCHANGE_WAIT_ACK] = true,
					      [EXCHANGE_DONE] = true,
					      [EXCHANGE_FAILED] = true },
		    [EXCHANGE_WAIT_ACK] = { [EXCHANGE_DONE] = true,
					    [EXCHANGE_FAILED] = true },
		    [EXCHANGE_DONE] = { [EXCHANGE_FAILED] = true },
	    };
	struct exchange_path path = path_to("192.0.2.1");
	struct exchange_table t;
	struct exchange *x;

	exchange_init(&t, sizeof(*x), 4, 1 << 20, no_name);
	x = exchange_new(&t, EXCHANGE_INITIATOR, 1, 1, &path);
	for (int from = 0; from < EXCHANGE_STATE_COUNT; from++)
		for (int to = 0; to < EXCHANGE_STATE_COUNT; to++) {
			x->state = (enum exchange_state)from;
			cr_assert_eq(
			    exchange_move(&t, x, (enum exchange_state)to),
			    allowed[from][to] ? 0 : -EINVAL, "%d -> %d", from,
			    to);
			cr_assert_eq((int)x->state,
				     allowed[from][to] ? to : from);
		}
	exchange_free(&t, x);
	exchange_fini(&t);
}

Test(exchange, is_found_and_capped)
{
	struct exchange_path a = path_to("192.0.2.1"), b = path_to("192.0.2.2");
	struct exchange_table t;
	struct exchange *x[3];

	exchange_init(&t, sizeof(*x[0]), 3, 4 * sizeof(*x[0]), no_name);
	x[0] = exchange_new(&t, EXCHANGE_INITIATOR, 1, 7, &a);
	x[1] = exchange_new(&t, EXCHANGE_RESPONDER, 1, 7, &a);
	x[2] = exchange_new(&t, EXCHANGE_RESPONDER, 1, 7, &b);
	cr_assert_null(exchange_new(&t, EXCHANGE_RESPONDER, 1, 8, &b));
	cr_assert_eq(t.refused, 1);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(exchange_by_id(&t, x[i]->id), x[i]);
	cr_assert_eq(exchange_by_xid(&t, EXCHANGE_INITIATOR, &a.peer, 7, NULL),
		     x[0]);
	cr_assert_eq(exchange_by_xid(&t, EXCHANGE_RESPONDER, &a.peer, 7, NULL),
		     x[1]);
	cr_assert_null(
	    exchange_by_xid(&t, EXCHANGE_RESPONDER, &a.peer, 7, x[1]));
	cr_assert_null(
	    exchange_by_xid(&t, EXCHANGE_RESPONDER, &a.peer, 6, NULL));
	/* memory beyond the items is charged, up to the cap */
	cr_assert(exchange_charge(&t, x[0], sizeof(*x[0])));
	cr_assert(!exchange_charge(&t, x[1], 1));
	cr_assert(exchange_charge(&t, x[0], 0));
	cr_assert(exchange_charge(&t, x[1], 1));
	for (int i = 0; i < 3; i++)
		exchange_free(&t, x[i]);
	cr_assert_eq(t.items, 0);
	cr_assert_eq(t.octets, 0);
	cr_assert_null(exchange_by_id(&t, 1));
	exchange_fini(&t);
}

/* ---- names and rights --------------------------------------------------- */

Test(keyconf, patterns)
{
	static const struct {
		const char *pattern, *name;
		bool match;
	} v[] = {
		{ "kink/*@R", "kink/a.test@R", true },
		{ "kink/*@R", "kink/@R", false },
		{ "kink/*@R", "kink/a/b@R", false },
		{ "kink/*@R", "kink/a@R@R", false },
		{ "kink/*@R", "kink/a@RR", false },
		{ "kink/*@R", "kink/a@Q", false },
		{ "kink/*@R", "host/a@R", false },
		{ "kink/*@R", "kink/a\\/b@R", false },
		{ "kink/a*c@R", "kink/abcbc@R", true },
		{ "kink/a*c@R", "kink/abcb@R", false },
		{ "kink/a@R", "kink/a@R", true },
		{ "kink/a@R", "kink/A@R", false },
		{ "kink/a@R", "kink/a@R2", false },
		{ "kink/a@R2", "kink/a@R", false },
		{ "*@R", "alice@R", true },
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", false },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		cr_assert_eq(keyconf_match(v[i].pattern, v[i].name), v[i].match,
			     "%s %s", v[i].pattern, v[i].name);
}

/* Whatever the index does: the first line, read from the top. */
Test(keyconf, the_first_line_that_knows_an_address)
{
	struct keyconf c = { 0 };
	unsigned hits = 0;

	srand(2);
	cr_assert_null(keyconf_principal_at(&c, &(struct ipaddr){ 0 }));
	for (int i = 0; i < 3000; i++) {
		struct keyconf_map m = { 0 };
		char text[40];

		if (rand() % 100 == 0)
			snprintf(text, sizeof(text), "10.%d.%d.0/24",
				 rand() % 4, rand() % 250);
		else
			snprintf(text, sizeof(text), "10.%d.%d.%d", rand() % 4,
				 rand() % 250, rand() % 8);
		cr_assert_eq(ipaddr_parse(text, &m.address), 0);
		snprintf(m.principal, sizeof(m.principal), "kink/h%d@R", i);
		cr_assert_eq(keyconf_add_map(&c, &m), 0);
	}
	for (int i = 0; i < 20000; i++) {
		const char *want = NULL, *got;
		struct ipaddr a;
		char text[40];

		snprintf(text, sizeof(text), "10.%d.%d.%d", rand() % 5,
			 rand() % 250, rand() % 9);
		ipaddr_parse(text, &a);
		for (size_t j = 0; j < c.maps && want == NULL; j++)
			if (ipaddr_contains(&c.map[j].address, &a))
				want = c.map[j].principal;
		got = keyconf_principal_at(&c, &a);
		cr_assert_eq(got, want, "%s", text);
		hits += got != NULL;
	}
	cr_assert_gt(hits, 1000);
	keyconf_fini(&c);
}

/* The table of who may speak: pattern or name, in the map or not. */
Test(keyconf, who_may_speak_for_what)
{
	struct keyconf c = { 0 };
	struct keyconf_assoc star = { .peer_pattern = "kink/*@R" },
			     one = { .peer_pattern = "kink/b@R" };
	struct keyconf_map m = { .principal = "kink/b@R" };
	struct ipaddr b, other;
	const char *why = NULL;

	ipaddr_parse("10.0.0.2", &b);
	ipaddr_parse("10.0.0.9", &other);
	m.address = b;
	keyconf_add_map(&c, &m);
	strcpy(m.principal, "kink/late@R");
	keyconf_add_map(&c, &m); /* the first that knows it decides */
	cr_assert(keyconf_may_speak(&c, &star, &b, "kink/b@R", &why));
	cr_assert(!keyconf_may_speak(&c, &star, &b, "kink/late@R", &why));
	cr_assert(!keyconf_may_speak(&c, &star, &b, "kink/m@R", &why));
	cr_assert(!keyconf_may_speak(&c, &star, &other, "kink/b@R", &why));
	cr_assert_neq(why, NULL);
	star.accept_any_address = 1;
	cr_assert(keyconf_may_speak(&c, &star, &other, "kink/m@R", &why));
	/* what is mapped is mapped, whatever else is accepted */
	cr_assert(!keyconf_may_speak(&c, &star, &b, "kink/m@R", &why));
	cr_assert(!keyconf_may_speak(&c, &star, &other, "kink/m@Q", &why));
	cr_assert(keyconf_may_speak(&c, &one, &other, "kink/b@R", &why));
	cr_assert(!keyconf_may_speak(&c, &one, &other, "kink/m@R", &why));

	cr_assert_str_eq(keyconf_expected(&c, &star, &b, &why), "kink/b@R");
	cr_assert_null(keyconf_expected(&c, &star, &other, &why));
	cr_assert_str_eq(keyconf_expected(&c, &one, &other, &why), "kink/b@R");
	strcpy(one.peer_pattern, "kink/x@R");
	cr_assert_null(keyconf_expected(&c, &one, &b, &why));
	keyconf_fini(&c);
}

/* ---- between processes -------------------------------------------------- */

Test(krbreq, what_is_not_sound_is_refused)
{
	static struct krbreq r;
	static struct krbans a;
	size_t n;

	r.type = KRBREQ_READ;
	r.der_len = 10;
	n = krbreq_size(&r);
	cr_assert(krbreq_check(&r, n));
	cr_assert(!krbreq_check(&r, n - 1));
	cr_assert(!krbreq_check(&r, n + 1));
	cr_assert(!krbreq_check(&r, 0));
	r.der_len = KRBREQ_DER_MAX + 1;
	cr_assert(!krbreq_check(&r, krbreq_size(&r)));
	r.der_len = 10;
	r.type = KRBREQ_MAKE;
	cr_assert(!krbreq_check(&r, n), "MAKE brings no DER");
	r.der_len = 0;
	cr_assert(krbreq_check(&r, krbreq_size(&r)));
	r.type = 3;
	cr_assert(!krbreq_check(&r, krbreq_size(&r)));
	r.type = KRBREQ_MAKE;
	memset(r.local, 'x', sizeof(r.local));
	cr_assert(!krbreq_check(&r, krbreq_size(&r)), "no end");

	a.type = KRBREQ_MAKE;
	n = krbans_size(&a);
	cr_assert(krbans_check(&a, n));
	cr_assert(!krbans_check(&a, n - 1));
	a.der_len = 10;
	n = krbans_size(&a);
	cr_assert(krbans_check(&a, n));
	cr_assert(!krbans_check(&a, n - 1));
	cr_assert(!krbans_check(&a, n + 1));
	a.status = KRBANS_STATUS_COUNT;
	cr_assert(!krbans_check(&a, n));
	a.status = 0;
	memset(a.why, 'x', sizeof(a.why));
	cr_assert(!krbans_check(&a, n));
	for (int s = 0; s < KRBANS_STATUS_COUNT; s++)
		cr_assert_str_neq(krbans_status_text((enum krbans_status)s),
				  "?");
}
