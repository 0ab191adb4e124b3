/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet's way, put together from steps that come in any shape. */
#include <criterion/criterion.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/trace/awaited.h"
#include "engine/trace/journey.h"
#include "engine/trace/ruletext.h"

#define TABLE "nfipsec-trace-1"
#define T0    1000u

static struct ipaddr
addr(uint8_t last)
{
	struct ipaddr a = { .octets = { 10, 0, 0, last },
			    .family = IP_FAMILY_4,
			    .prefix = 32 };

	return a;
}

static struct sighting
packet(uint8_t protocol, uint16_t id)
{
	struct sighting p = {
		.src = addr(1), .dst = addr(2), .protocol = protocol, .id = id
	};

	if (protocol == 50)
		p.spi = 0x1001, p.seq = id;
	else
		p.sport = 40000, p.dport = 80;
	return p;
}

static struct traceread_step
step(uint32_t id, const char *table, const char *chain, int32_t verdict)
{
	struct traceread_step s = { .id = id,
				    .family = NFPROTO_INET,
				    .kind = TRACEREAD_RULE,
				    .verdict = verdict,
				    .handle = 7,
				    .oif = 2 };

	snprintf(s.table, sizeof(s.table), "%s", table);
	snprintf(s.chain, sizeof(s.chain), "%s", chain);
	return s;
}

static void
tell(struct journeys *js, struct traceread_step s, const struct sighting *p)
{
	if (p != NULL) {
		s.seen = true;
		s.packet = *p;
	}
	journey_step(js, &s, T0);
}

static void
tell_end(struct journeys *js, uint32_t id, const char *chain)
{
	struct traceread_step s = step(id, TABLE, chain, TRACEREAD_ACCEPT);

	s.kind = TRACEREAD_POLICY;
	journey_step(js, &s, T0);
}

/* Into the queue of the engine. */
static void
tell_queued(struct journeys *js, uint32_t id, const struct sighting *p)
{
	tell(js, step(id, TABLE, "out", TRACEREAD_CONTINUE), p);
	tell(js, step(id, "nfipsec", "seal-tcp-0", TRACEREAD_QUEUE), p);
}

Test(trace, a_new_id_behind_the_queue)
{
	struct journeys *js = journey_new(TABLE);
	struct sighting clear = packet(6, 5), sealed = packet(50, 5);
	const struct journey *j;

	tell_queued(js, 1, &clear);
	tell(js, step(2, "nfipsec", "end", TRACEREAD_ACCEPT), &sealed);
	cr_assert_null(journey_next(js, T0));
	tell_end(js, 2, "left");
	j = journey_next(js, T0);
	cr_assert_not_null(j);
	cr_assert_eq(j->end, JOURNEY_LEFT);
	cr_assert(j->outbound && j->replaced);
	cr_assert_eq(j->first.protocol, 6);
	cr_assert_eq(j->last.protocol, 50);
	cr_assert_null(journey_next(js, T0));
	journey_free(js);
}

/* What the engine sends itself looks like what it was made of. */
Test(trace, a_train_and_its_segments)
{
	struct journeys *js = journey_new(TABLE);
	struct sighting train = packet(6, 5), segment = packet(50, 5);
	struct journey_drop d = { .outbound = true,
				  .sent = true,
				  .packet = train };
	const struct journey *j;

	tell_queued(js, 1, &train);
	tell(js, step(2, TABLE, "out", TRACEREAD_CONTINUE), &segment);
	tell(js, step(2, "nfipsec", "end", TRACEREAD_ACCEPT), &segment);
	tell_end(js, 2, "left");
	cr_assert(journey_dropped(js, &d, T0));
	j = journey_next(js, T0);
	cr_assert_eq(j->end, JOURNEY_SENT);
	cr_assert_eq(j->first.protocol, 6);
	j = journey_next(js, T0);
	cr_assert_eq(j->end, JOURNEY_LEFT);
	cr_assert_eq(j->first.protocol, 50);
	journey_free(js);
}

Test(trace, an_id_used_again_is_another_packet)
{
	struct journeys *js = journey_new(TABLE);
	struct sighting one = packet(6, 5), two = packet(6, 6);
	const struct journey *j;

	tell_queued(js, 1, &one);
	tell_queued(js, 1, &two);
	tell(js, step(1, "mine", "x", TRACEREAD_DROP), NULL);
	j = journey_next(js, T0);
	cr_assert_eq(j->end, JOURNEY_QUEUED);
	cr_assert_eq(j->first.id, 5);
	j = journey_next(js, T0);
	cr_assert_eq(j->end, JOURNEY_DROPPED);
	cr_assert_eq(j->first.id, 6);
	cr_assert_str_eq(j->steps[j->n - 1].table, "mine");
	journey_free(js);
}

Test(trace, what_the_engine_holds_is_told_of_twice)
{
	struct journeys *js = journey_new(TABLE);
	struct sighting p = packet(6, 5);
	struct journey_drop d = { .outbound = true, .reason = "parked-late" };
	const struct journey *j;

	tell_queued(js, 1, &p);
	cr_assert_null(journey_next(js, T0 + JOURNEY_QUEUED_MS - 1));
	j = journey_next(js, T0 + JOURNEY_QUEUED_MS);
	cr_assert_eq(j->end, JOURNEY_QUEUED);
	cr_assert(j->waits);
	cr_assert_null(journey_next(js, T0 + 10000));
	cr_assert_gt(journey_wait_ms(js, T0 + 10000), 0);
	d.packet = p;
	cr_assert(journey_dropped(js, &d, T0 + 10000));
	j = journey_next(js, T0 + 10000);
	cr_assert_eq(j->end, JOURNEY_ENGINE);
	cr_assert_not(j->waits);
	cr_assert_eq(j->waited_ms, 10000);
	cr_assert_null(journey_next(js, T0 + 10000));
	journey_free(js);
}

Test(trace, others_traces_are_not_ours)
{
	struct journeys *js = journey_new(TABLE);
	struct sighting p = packet(6, 5);
	struct traceread_step s = step(9, TABLE, "left", TRACEREAD_CONTINUE);

	tell(js, step(9, "nfipsec-trace-2", "out", TRACEREAD_CONTINUE), &p);
	tell(js, s, &p);
	s.kind = TRACEREAD_RETURN;
	tell(js, s, NULL);
	tell(js, step(9, "mine", "x", TRACEREAD_DROP), NULL);
	cr_assert_null(journey_next(js, T0 + 100000));
	cr_assert_eq(journey_wait_ms(js, T0), -1);
	journey_free(js);
}

Test(trace, the_engines_word_is_for_one_packet)
{
	struct journeys *js = journey_new(TABLE);
	struct sighting one = packet(6, 5), two = packet(6, 6);
	struct journey_drop d = { .outbound = true, .reason = "no-sa" };
	const struct journey *j;

	tell_queued(js, 1, &one);
	tell_queued(js, 2, &two);
	d.packet = two;
	d.packet.dport++;
	cr_assert_not(journey_dropped(js, &d, T0));
	d.packet = two;
	d.outbound = false;
	cr_assert_not(journey_dropped(js, &d, T0));
	d.outbound = true;
	cr_assert(journey_dropped(js, &d, T0));
	cr_assert_not(journey_dropped(js, &d, T0));
	j = journey_next(js, T0);
	cr_assert_eq(j->end, JOURNEY_ENGINE);
	cr_assert_eq(j->first.id, 6);
	cr_assert_str_eq(j->drop.reason, "no-sa");
	cr_assert_null(journey_next(js, T0));
	journey_free(js);
}

Test(trace, silence_ends_it)
{
	struct journeys *js = journey_new(TABLE);
	struct sighting p = packet(6, 5), q = packet(6, 6);

	tell(js, step(1, TABLE, "first", TRACEREAD_CONTINUE), &p);
	tell_queued(js, 2, &q);
	cr_assert_eq(journey_wait_ms(js, T0), JOURNEY_SILENT_MS);
	cr_assert_null(journey_next(js, T0 + JOURNEY_SILENT_MS - 1));
	cr_assert_eq(journey_next(js, T0 + JOURNEY_SILENT_MS)->end,
		     JOURNEY_UNSEEN);
	cr_assert_null(journey_next(js, T0 + JOURNEY_QUEUED_MS - 1));
	cr_assert_eq(journey_next(js, T0 + JOURNEY_QUEUED_MS)->end,
		     JOURNEY_QUEUED);
	journey_free(js);
}

Test(trace, bounded)
{
	struct journeys *js = journey_new(TABLE);
	struct sighting p = packet(6, 5);
	unsigned told = 0;

	for (uint32_t id = 1; id <= 3 * JOURNEY_MAX; id++)
		tell(js, step(id, TABLE, "out", TRACEREAD_CONTINUE), &p);
	for (int i = 0; i < 2 * JOURNEY_STEPS; i++)
		tell(js, step(3 * JOURNEY_MAX, "mine", "x", TRACEREAD_CONTINUE),
		     NULL);
	tell(js, step(3 * JOURNEY_MAX, "mine", "last", TRACEREAD_DROP), NULL);
	for (const struct journey *j;
	     (j = journey_next(js, T0 + JOURNEY_SILENT_MS)) != NULL; told++)
		if (j->end == JOURNEY_DROPPED) {
			cr_assert_eq(j->n, (size_t)JOURNEY_STEPS);
			cr_assert_str_eq(j->steps[j->n - 1].chain, "last");
			cr_assert(j->untold > 0);
		}
	cr_assert_eq(told, (unsigned)JOURNEY_MAX);
	journey_free(js);
}

static const char listing[] =
    "table inet nfipsec { # handle 3\n"
    "\tset saids { # handle 4\n"
    "\t\ttype mark\n"
    "\t\telements = { 0x00000100-0x000003ff }\n"
    "\t}\n"
    "\n"
    "\tcounter drop-in-latch { # handle 5\n"
    "\t\tpackets 0 bytes 0\n"
    "\t}\n"
    "\n"
    "\tchain flows-in { # handle 6\n"
    "\t\tip saddr 10.0.0.2 counter name \"flow-in-a-1\" goto {\n"
    "\t\t\tmeta mark & 0x00003fff == 0x00000100 accept\n"
    "\t\t\tcounter name \"drop-in-unprotected\" drop\n"
    "\t\t} # handle 70\n"
    "\t\ttcp dport { 80, 443 } drop comment \"a # handle 9\" # handle 71\n"
    "\t}\n"
    "\n"
    "\tchain check { # handle 7\n"
    "\t\ttype filter hook prerouting priority -199; policy accept;\n"
    "\t\tjump flows-in # handle 72\n"
    "\t}\n"
    "}\n";

Test(trace, rules_by_handle)
{
	size_t n;
	struct ruletext_rule *r = ruletext_parse(listing, &n);

	cr_assert_eq(n, 3u);
	cr_assert_eq(r[0].handle, 70u);
	cr_assert_str_eq(r[0].chain, "flows-in");
	cr_assert_str_eq(
	    r[0].text, "ip saddr 10.0.0.2 counter name \"flow-in-a-1\" goto { "
		       "meta mark & 0x00003fff == 0x00000100 accept ; "
		       "counter name \"drop-in-unprotected\" drop ; }");
	cr_assert_eq(r[1].handle, 71u);
	cr_assert_str_eq(r[1].text,
			 "tcp dport { 80, 443 } drop comment \"a # handle 9\"");
	cr_assert_eq(r[2].handle, 72u);
	cr_assert_str_eq(r[2].chain, "check");
	ruletext_free_rules(r, n);
}

/* Cut anywhere: whatever it is taken for, it is freed. */
Test(trace, half_listings)
{
	for (size_t len = 0; len < sizeof(listing); len++) {
		char *half = strndup(listing, len);
		size_t n;
		struct ruletext_rule *r = ruletext_parse(half, &n);

		cr_assert_leq(n, 3u);
		ruletext_free_rules(r, n);
		free(half);
	}
}

static struct awaited_sent
sent(uint32_t said, uint8_t last, uint64_t left_ms)
{
	struct awaited_sent s = { .said = said,
				  .peer = addr(last),
				  .protocol = 50,
				  .spi = 0x1001,
				  .left_ms = left_ms };

	return s;
}

Test(trace, who_is_silent_is_told_of_once)
{
	struct awaited a = { .n = 0 };
	struct awaited_sent one = sent(0x100, 2, T0), got;
	uint64_t due = T0 + AWAITED_WAIT_MS;

	cr_assert_eq(awaited_wait_ms(&a, T0), -1);
	cr_assert_not(awaited_due(&a, T0, &got));
	awaited_left(&a, &one);
	one.left_ms += 10; /* another one meanwhile: the first counts */
	awaited_left(&a, &one);
	cr_assert_eq(awaited_wait_ms(&a, T0), AWAITED_WAIT_MS);
	cr_assert_not(awaited_due(&a, due - 1, &got));
	cr_assert(awaited_due(&a, due, &got));
	cr_assert_eq(got.left_ms, T0);
	cr_assert_not(awaited_due(&a, due, &got));
	cr_assert_eq(awaited_wait_ms(&a, due), -1);
	cr_assert(awaited_silent(&a, &got, 0));
	/* still silent */
	one.left_ms = T0 + 5000;
	awaited_left(&a, &one);
	cr_assert(awaited_due(&a, T0 + 5000 + AWAITED_WAIT_MS, &got));
	cr_assert_not(awaited_silent(&a, &got, T0 - 400));
	/* heard: also a little before the packet's way was read */
	one.left_ms = T0 + 9000;
	awaited_left(&a, &one);
	cr_assert(awaited_due(&a, T0 + 9000 + AWAITED_WAIT_MS, &got));
	cr_assert_not(awaited_silent(&a, &got, T0 + 9000 - AWAITED_SLACK_MS));
	/* and silent again */
	one.left_ms = T0 + 20000;
	awaited_left(&a, &one);
	cr_assert(awaited_due(&a, T0 + 20000 + AWAITED_WAIT_MS, &got));
	cr_assert(awaited_silent(&a, &got, T0 + 9000));
}

Test(trace, questions_are_bounded)
{
	struct awaited a = { .n = 0 };
	struct awaited_sent got;
	unsigned n = 0;

	for (uint32_t i = 0; i < 3 * AWAITED_MAX; i++) {
		struct awaited_sent one = sent(0x100 + i / 2, i % 2, T0 + i);

		awaited_left(&a, &one);
	}
	while (awaited_due(&a, T0 + 10000, &got)) {
		cr_assert_geq(got.left_ms, T0 + 2 * AWAITED_MAX);
		n++;
	}
	cr_assert_eq(n, (unsigned)AWAITED_MAX);
}
