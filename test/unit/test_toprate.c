/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rates from two looks: what came, what went, what began anew. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/cli/toprate.h"

static void
look(struct toprate *t, uint64_t at_ms, uint32_t spi, uint64_t packets)
{
	struct proto_sa sa = { .spi = spi,
			       .direction = PROTO_OUT,
			       .packets = packets,
			       .octets = packets * 100 };

	t->at_ms = at_ms;
	cr_assert(toprate_add_sa(t, &sa));
}

static void
look_drop(struct toprate *t, const char *reason, uint64_t packets)
{
	struct proto_drop drop = { .packets = packets };

	snprintf(drop.reason, sizeof(drop.reason), "%s", reason);
	cr_assert(toprate_add_drop(t, &drop));
}

Test(toprate, fastest_first)
{
	struct toprate before = { 0 }, now = { 0 };

	look(&before, 1000, 1, 10);
	look(&before, 1000, 2, 1000);
	look_drop(&before, "replay", 5);
	look(&now, 3000, 2, 1010);
	look(&now, 3000, 1, 110);
	look(&now, 3000, 9, 30); /* new */
	look_drop(&now, "replay", 205);
	look_drop(&now, "bad-icv", 2);
	toprate_compare(&now, &before);
	cr_assert_str_eq(now.rows[0].reason, "replay");
	cr_assert_float_eq(now.rows[0].packet_rate, 100, 1e-9);
	cr_assert_eq(now.rows[1].spi, 1u);
	cr_assert_float_eq(now.rows[1].packet_rate, 50, 1e-9);
	cr_assert_float_eq(now.rows[1].octet_rate, 5000, 1e-9);
	cr_assert_eq(now.rows[2].spi, 9u);
	cr_assert_float_eq(now.rows[2].packet_rate, 15, 1e-9);
	cr_assert_eq(now.rows[3].spi, 2u);
	cr_assert_str_eq(now.rows[4].reason, "bad-icv");
	toprate_free(&before);
	toprate_free(&now);
}

/* Keys replaced under the same SPI count from 0: no rate of 2^64. */
Test(toprate, a_counter_that_went_back)
{
	struct toprate before = { 0 }, now = { 0 };

	look(&before, 1000, 1, 1000000);
	look(&now, 2000, 1, 7);
	toprate_compare(&now, &before);
	cr_assert_float_eq(now.rows[0].packet_rate, 7, 1e-9);
	cr_assert_float_eq(now.rows[0].octet_rate, 700, 1e-9);
	toprate_free(&before);
	toprate_free(&now);
}

Test(toprate, nothing_and_no_time)
{
	struct toprate before = { .at_ms = 5 }, now = { .at_ms = 5 };

	toprate_compare(&now, &before);
	look(&now, 5, 1, 3);
	toprate_compare(&now, &before);
	cr_assert(now.rows[0].packet_rate > 0);
	toprate_free(&before);
	toprate_free(&now);
}
