/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The jitter source refuses timers that it could not live on. */
#include <criterion/criterion.h>
#include <errno.h>

#include "entropyd/jitter.h"
#include "entropyd/quality.h"
#include "timers.h"

static uint64_t
backwards(void *arg)
{
	(void)arg;
	return UINT64_MAX - 100 * ++ticks;
}

static uint64_t
even(void *arg)
{
	(void)arg;
	return ticks += 1000;
}

/* As stepped, but fewer walks than eight take always the same time. */
static uint64_t
quick(void *arg)
{
	const struct jitter *j = arg;

	return j->walks < 8 ? even(arg) : stepped(arg);
}

static int
try(jitter_timer *timer)
{
	struct jitter j;
	int err = jitter_init(&j, timer, NULL);

	if (err == 0)
		jitter_fini(&j);
	return err;
}

Test(jitter, refuses_a_timer_that_stands_still)
{
	cr_assert_eq(try(stuck), -EOPNOTSUPP);
}

Test(jitter, refuses_a_coarse_timer)
{
	cr_assert_eq(try(coarse), -EOPNOTSUPP);
}

Test(jitter, refuses_a_timer_that_runs_backwards)
{
	cr_assert_eq(try(backwards), -EOPNOTSUPP);
}

Test(jitter, refuses_deltas_that_are_all_the_same)
{
	cr_assert_eq(try(even), -EOPNOTSUPP);
}

Test(jitter, divides_by_the_step_of_the_timer)
{
	struct jitter j;

	cr_assert_eq(jitter_init(&j, stepped, NULL), 0);
	cr_assert_eq(j.step, 26);
	cr_assert_eq(j.walks, 1);
	jitter_fini(&j);
}

Test(jitter, walks_more_where_a_walk_is_too_quick)
{
	struct jitter j;

	cr_assert_eq(jitter_init(&j, quick, &j), 0);
	cr_assert_eq(j.walks, 8);
	jitter_fini(&j);
}

Test(jitter, gives_noise_on_this_machine)
{
	static uint8_t samples[4096];
	struct jitter j;

	/* A machine without a fine timer may refuse: that is its right. */
	if (jitter_init(&j, NULL, NULL) != 0)
		cr_skip_test("no fine timer on this machine");
	jitter_collect(&j, samples, sizeof(samples));
	jitter_fini(&j);
	cr_assert_gt(quality_estimate(samples, sizeof(samples)), 500);
}

Test(quality, knows_constant_counting_and_even_samples)
{
	static uint8_t samples[4096];

	cr_assert_eq(quality_estimate(samples, sizeof(samples)), 0);
	for (size_t i = 0; i < sizeof(samples); i++)
		samples[i] = (uint8_t)(3 * i);
	cr_assert_eq(quality_estimate(samples, sizeof(samples)), 0,
		     "a counter is no noise");
	cr_assert_eq(quality_estimate(samples, 2), 0);
	/* a coin: 1 bit, less the width of the interval */
	for (size_t i = 0; i < sizeof(samples); i++)
		samples[i] = (i * 2654435761u >> 20 ^ i * i >> 7) & 1;
	cr_assert_gt(quality_estimate(samples, sizeof(samples)), 600);
	cr_assert_leq(quality_estimate(samples, sizeof(samples)), 1000);
	cr_assert_eq(quality_credit(1000, 3000), 750);
	cr_assert_eq(quality_credit(1000, 5000), 1000);
}
