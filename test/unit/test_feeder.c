/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults of a source, with a clock of our own: no false credit, a report. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "entropyd/feeder.h"

static uint64_t state = 88172645463325252u;

static void
fill(uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		out[i] = (uint8_t)(state >> 24);
	}
}

static struct source hwrng;
static struct feeder f;
static uint64_t mbits;

static void
start(void)
{
	noise_hwrng(&hwrng, "/nowhere");
	feeder_init(&f, &hwrng);
}

/* Opens and passes the start-up test at `now`. */
static void
run_up(uint64_t now)
{
	uint8_t samples[NOISE_BATCH_MAX];

	cr_assert_eq(feeder_next(&f, now, false), FEEDER_OPEN);
	feeder_opening(&f, now);
	cr_assert_eq(feeder_next(&f, now, true), FEEDER_WAIT);
	feeder_opened(&f, now);
	cr_assert_eq(feeder_next(&f, now, false), FEEDER_READ);
	cr_assert_eq(feeder_want(&f), hwrng.startup);
	fill(samples, hwrng.startup);
	feeder_asked(&f, now);
	cr_assert_eq(feeder_take(&f, samples, hwrng.startup, now, &mbits),
		     FEEDER_NONE);
	cr_assert_eq(mbits, 0, "start-up samples are credited nothing");
	cr_assert_eq(f.state, FEEDER_RUNNING);
}

static enum feeder_fault
give(const uint8_t *samples, size_t n, uint64_t now)
{
	feeder_asked(&f, now);
	return feeder_take(&f, samples, n, now, &mbits);
}

Test(feeder, runs_up_and_credits_a_batch, .init = start)
{
	uint8_t samples[176];

	run_up(5);
	cr_assert_eq(f.credit_mbits, 1500);
	cr_assert_str_eq(feeder_state_name(&f), "running");
	fill(samples, sizeof(samples));
	cr_assert_eq(give(samples, sizeof(samples), 6), FEEDER_NONE);
	cr_assert_eq(mbits, 176 * 1500);
	/* Not due any more; only asked again when something is owed. */
	cr_assert_eq(feeder_next(&f, 7, false), FEEDER_WAIT);
	cr_assert_eq(feeder_next(&f, 7, true), FEEDER_READ);
	cr_assert_eq(feeder_wake_ms(&f), UINT64_MAX, "idle means idle");
	feeder_round(&f);
	cr_assert_eq(feeder_next(&f, 8, false), FEEDER_READ);
}

Test(feeder, absent_backs_off_and_comes_back, .init = start)
{
	uint64_t now = 0, wait = 1000;

	for (int i = 0; i < 20; i++) {
		cr_assert_eq(feeder_next(&f, now, true), FEEDER_OPEN);
		feeder_opening(&f, now);
		feeder_failed(&f, FEEDER_ABSENT, ENOENT, now);
		cr_assert_eq(feeder_wake_ms(&f), now + wait);
		cr_assert_eq(feeder_next(&f, now + wait - 1, true),
			     FEEDER_WAIT);
		now += wait;
		wait = wait * 2 < 300000 ? wait * 2 : 300000;
	}
	cr_assert_str_eq(feeder_state_name(&f), "absent");
	cr_assert_eq(f.error, ENOENT);
	run_up(now);
	cr_assert_eq(f.credit_mbits, 1500);
}

Test(feeder, unplugged_while_read, .init = start)
{
	uint8_t samples[176];

	run_up(0);
	fill(samples, sizeof(samples));
	feeder_asked(&f, 10);
	feeder_failed(&f, FEEDER_ERROR, ENODATA, 20);
	cr_assert_eq(f.credit_mbits, 0);
	cr_assert_eq(f.errors, 1);
	cr_assert_str_eq(feeder_state_name(&f), "failed");
	cr_assert_str_eq(feeder_fault_name(&f), "ended");
	/* The start-up test comes again. */
	run_up(1020);
}

Test(feeder, stalled_is_closed_and_slow_is_not, .init = start)
{
	run_up(0);
	feeder_asked(&f, 100);
	cr_assert_eq(feeder_wake_ms(&f), 100 + FEEDER_PATIENCE_MS);
	cr_assert_eq(feeder_next(&f, 99 + FEEDER_PATIENCE_MS, true),
		     FEEDER_WAIT);
	cr_assert_eq(feeder_next(&f, 100 + FEEDER_PATIENCE_MS, true),
		     FEEDER_CLOSE);
	feeder_failed(&f, FEEDER_STALLED, 0, 100 + FEEDER_PATIENCE_MS);
	cr_assert_eq(f.stalls, 1);
	run_up(1100 + FEEDER_PATIENCE_MS);
	/* A second without a sample: asked again. */
	cr_assert_eq(give(NULL, 0, 8000), FEEDER_NONE);
	cr_assert_eq(mbits, 0);
	cr_assert_eq(feeder_next(&f, 8000, true), FEEDER_READ);
}

Test(feeder, silent_is_given_up_after_a_while, .init = start)
{
	uint64_t now = 1000;

	run_up(0);
	for (; now < 1000 + FEEDER_SILENT_MS; now += 1000)
		cr_assert_eq(give(NULL, 0, now), FEEDER_NONE);
	cr_assert_eq(give(NULL, 0, now), FEEDER_STALLED);
	cr_assert_eq(mbits, 0);
}

Test(feeder, slow_is_reported_and_used, .init = start)
{
	uint8_t samples[20];
	uint64_t now = 0;

	feeder_opening(&f, now);
	feeder_opened(&f, now);
	for (; f.state == FEEDER_STARTING && now < 1000000; now += 1000) {
		fill(samples, sizeof(samples));
		cr_assert_eq(give(samples, sizeof(samples), now), FEEDER_NONE);
		cr_assert_eq(f.fault == FEEDER_SLOW, now >= FEEDER_SILENT_MS,
			     "after %d ms", (int)now);
	}
	cr_assert_eq(f.state, FEEDER_RUNNING);
	cr_assert_str_eq(feeder_fault_name(&f), "slow");
	fill(samples, sizeof(samples));
	cr_assert_eq(give(samples, sizeof(samples), now), FEEDER_NONE);
	cr_assert_eq(mbits, 20 * 1500);
}

/* A device that gives the same again each time it is opened. */
Test(feeder, same_samples_over_a_reopening_earn_nothing, .init = start)
{
	static uint8_t first[4096];
	uint8_t batch[256];

	fill(first, sizeof(first));
	fill(batch, sizeof(batch));
	feeder_opening(&f, 0);
	feeder_opened(&f, 0);
	cr_assert_eq(give(first, sizeof(first), 0), FEEDER_NONE);
	cr_assert_eq(give(batch, sizeof(batch), 1), FEEDER_NONE);
	cr_assert_eq(mbits, 256 * 1500);
	feeder_failed(&f, FEEDER_ERROR, ENODATA, 2);
	feeder_opening(&f, 1002);
	feeder_opened(&f, 1002);
	cr_assert_eq(give(first, sizeof(first), 1002), FEEDER_HEALTH);
	cr_assert_eq(f.test, HEALTH_BLOCK);
	feeder_failed(&f, FEEDER_HEALTH, 0, 1003);
	/* Another start, then the batch that was credited once. */
	run_up(f.retry_ms);
	cr_assert_eq(give(batch, sizeof(batch), f.retry_ms), FEEDER_HEALTH);
	cr_assert_eq(mbits, 0);
	cr_assert_eq(f.credited_mbits, 256 * 1500);
}

Test(feeder, opening_that_hangs_is_closed, .init = start)
{
	feeder_opening(&f, 0);
	cr_assert_eq(feeder_next(&f, FEEDER_PATIENCE_MS, false), FEEDER_CLOSE);
}

Test(feeder, stuck_batch_is_credited_nothing, .init = start)
{
	uint8_t samples[176] = { 0 };

	run_up(0);
	cr_assert_eq(give(samples, sizeof(samples), 1), FEEDER_HEALTH);
	cr_assert_eq(mbits, 0);
	cr_assert_eq(f.credited_mbits, 0);
	feeder_failed(&f, FEEDER_HEALTH, 0, 1);
	cr_assert_str_eq(feeder_fault_name(&f), "health-repetition");
	cr_assert_eq(f.test_failures[HEALTH_REPETITION], 1);
}

Test(feeder, third_health_failure_in_a_row_is_permanent, .init = start)
{
	uint8_t stuck[176] = { 0 };
	uint64_t now = 0;

	for (int i = 1; i <= FEEDER_PERMANENT; i++) {
		run_up(now);
		cr_assert_eq(give(stuck, sizeof(stuck), now), FEEDER_HEALTH);
		feeder_failed(&f, FEEDER_HEALTH, 0, now);
		cr_assert_eq(f.retry_ms - now >= 3600000, i == FEEDER_PERMANENT,
			     "failure %d", i);
		now = f.retry_ms;
	}
}

Test(feeder, ten_healthy_minutes_end_the_row, .init = start)
{
	uint8_t samples[176], stuck[176] = { 0 };

	run_up(0);
	cr_assert_eq(give(stuck, sizeof(stuck), 0), FEEDER_HEALTH);
	feeder_failed(&f, FEEDER_HEALTH, 0, 0);
	run_up(1000);
	fill(samples, sizeof(samples));
	cr_assert_eq(give(samples, sizeof(samples), 602000), FEEDER_NONE);
	cr_assert_eq(f.health_row, 0);
	cr_assert_eq(f.failures, 0);
}

Test(feeder, biased_at_start_is_refused, .init = start)
{
	uint8_t samples[NOISE_BATCH_MAX];

	feeder_opening(&f, 0);
	feeder_opened(&f, 0);
	fill(samples, hwrng.startup);
	for (unsigned i = 0; i < hwrng.startup; i++)
		samples[i] &= i % 8 ? 0 : 1;
	cr_assert_neq(give(samples, hwrng.startup, 0), FEEDER_NONE);
	cr_assert_neq(f.state, FEEDER_RUNNING);
	cr_assert_eq(f.credit_mbits, 0);
}

/* 1 + ceil(30 / H) and the rest of health.h, with the H of this start. */
static void
judged_by(unsigned mbits_)
{
	struct health want;

	health_init(&want, mbits_);
	cr_assert_eq(f.health.repetition_cutoff, want.repetition_cutoff,
		     "%u at %u", f.health.repetition_cutoff, mbits_);
	cr_assert_eq(f.health.proportion_cutoff, want.proportion_cutoff);
	cr_assert_eq(f.health.lag_cutoff, want.lag_cutoff);
	cr_assert_eq(f.health.block_len, want.block_len);
}

static void
start_with(const struct source *source, uint8_t mask)
{
	uint8_t samples[NOISE_BATCH_MAX];

	feeder_init(&f, source);
	feeder_opening(&f, 0);
	feeder_opened(&f, 0);
	fill(samples, source->startup);
	for (unsigned i = 0; i < source->startup; i++)
		samples[i] &= mask;
	cr_assert_eq(give(samples, source->startup, 0), FEEDER_NONE);
	cr_assert_eq(f.state, FEEDER_RUNNING);
}

/* Not by what is credited: H is what was assessed, or stated, and at most half
 * of what the start-up samples showed. */
Test(feeder, is_tested_by_its_assessed_entropy)
{
	struct source s;

	noise_jitter(&s);
	start_with(&s, 0xff);
	cr_assert_eq(f.credit_mbits, 1000);
	cr_assert_gt(f.estimate_mbits, 6000);
	cr_assert_lt(f.estimate_mbits, 8000);
	judged_by(f.estimate_mbits / 2);
	/* a sample of 5 bits: below the 4.5 that were assessed */
	start_with(&s, 31);
	cr_assert_lt(f.estimate_mbits, 5000);
	judged_by(f.estimate_mbits / 2);
	f.estimate_mbits = 0;
	/* what shows more than twice the assessment is tested by that */
	s.assessed_mbits = 2500;
	start_with(&s, 0xff);
	judged_by(2500);

	noise_hwrng(&s, "/nowhere");
	start_with(&s, 0xff);
	judged_by(1500);
	start_with(&s, 3); /* shows less than is stated */
	judged_by(f.estimate_mbits / 2);
	noise_stream_parts(&s, "x", "/nowhere", 2500);
	start_with(&s, 0xff);
	judged_by(2500);
	noise_stream_parts(&s, "x", "/nowhere", 0); /* nothing is stated */
	start_with(&s, 0xff);
	judged_by(f.estimate_mbits / 2);
}

/* What the old cut-offs, by the credit, let pass: a jitter of 3 bits that had
 * shown 7 at its start. */
Test(feeder, what_falls_below_its_assessment_is_found)
{
	enum feeder_fault fault = FEEDER_NONE;
	uint8_t samples[400];
	unsigned batches = 0;
	struct source s;

	noise_jitter(&s);
	start_with(&s, 0xff);
	for (; fault == FEEDER_NONE && batches < 100; batches++) {
		fill(samples, sizeof(samples));
		for (size_t i = 0; i < sizeof(samples); i++)
			samples[i] &= i % 2 ? 3 : 7;
		fault = give(samples, sizeof(samples), batches);
	}
	cr_assert_eq(fault, FEEDER_HEALTH);
	cr_assert_eq(mbits, 0);
	cr_assert_leq(batches, 3);
}

/* The kernel's generator, our own, a file: whatever they look like. */
Test(feeder, what_is_no_noise_is_never_credited, .init = start)
{
	static const enum nature natures[] = { NATURE_KERNEL, NATURE_PROGRAM,
					       NATURE_STORED };
	uint8_t samples[4096];

	for (size_t i = 0; i < 3; i++) {
		feeder_init(&f, &hwrng);
		feeder_opening(&f, 0);
		feeder_is(&f, natures[i]);
		feeder_opened(&f, 0);
		fill(samples, hwrng.startup);
		cr_assert_eq(give(samples, hwrng.startup, 0), FEEDER_NONE);
		cr_assert_eq(f.state, FEEDER_RUNNING);
		cr_assert_eq(f.credit_mbits, 0);
		cr_assert_str_eq(feeder_fault_name(&f), "not-noise");
		fill(samples, hwrng.batch);
		cr_assert_eq(give(samples, hwrng.batch, 1), FEEDER_NONE);
		cr_assert_eq(mbits, 0);
		/* nor read for credit */
		cr_assert_eq(feeder_next(&f, 2, true), FEEDER_WAIT);
		/* and what is opened the next time is looked at anew */
		feeder_failed(&f, FEEDER_ERROR, ENODATA, 3);
		run_up(f.retry_ms);
		cr_assert_eq(f.credit_mbits, 1500);
	}
}

Test(feeder, poorer_than_assessed_lowers_the_credit, .init = start)
{
	uint8_t samples[NOISE_BATCH_MAX];

	feeder_opening(&f, 0);
	feeder_opened(&f, 0);
	fill(samples, hwrng.startup);
	for (unsigned i = 0; i < hwrng.startup; i++)
		samples[i] &= 7; /* eight values, 3 bits: a quarter */
	cr_assert_eq(give(samples, hwrng.startup, 0), FEEDER_NONE);
	cr_assert_leq(f.credit_mbits, 750);
	cr_assert_gt(f.credit_mbits, 600);
}

Test(feeder, clock_that_jumps_forward_is_one_late_answer, .init = start)
{
	uint8_t samples[176];
	uint64_t day = 24 * 3600 * 1000;

	run_up(1000);
	fill(samples, sizeof(samples));
	/* The answer came while the machine slept: taken, and credited. */
	feeder_asked(&f, 2000);
	cr_assert_eq(feeder_take(&f, samples, sizeof(samples), day, &mbits),
		     FEEDER_NONE);
	cr_assert_eq(mbits, 176 * 1500);
	cr_assert_eq(feeder_next(&f, day, false), FEEDER_WAIT);
}

Test(feeder, is_not_blamed_while_the_pool_itself_was_away, .init = start)
{
	run_up(0);
	feeder_asked(&f, 0);
	feeder_excuse(&f, 6000); /* back again */
	cr_assert_eq(feeder_next(&f, 5999 + FEEDER_PATIENCE_MS, true),
		     FEEDER_WAIT);
	cr_assert_eq(feeder_next(&f, 6000 + FEEDER_PATIENCE_MS, true),
		     FEEDER_CLOSE);
}

/* Asleep for an hour behind one answer that was empty or short. */
Test(feeder, an_hour_asleep_is_no_hour_of_silence, .init = start)
{
	const uint64_t hour = 3600 * 1000;
	uint8_t samples[20];

	run_up(0);
	cr_assert_eq(give(NULL, 0, 1000), FEEDER_NONE);
	feeder_excuse(&f, 1000 + hour);
	cr_assert_eq(give(NULL, 0, 1000 + hour), FEEDER_NONE);
	fill(samples, sizeof(samples));
	cr_assert_eq(give(samples, sizeof(samples), 2000 + hour), FEEDER_NONE);
	feeder_excuse(&f, 2000 + 2 * hour);
	fill(samples, sizeof(samples));
	cr_assert_eq(give(samples, sizeof(samples), 2000 + 2 * hour),
		     FEEDER_NONE);
	cr_assert_eq(f.fault, FEEDER_NONE);
}

Test(feeder, clock_that_goes_back_credits_nothing_twice, .init = start)
{
	uint8_t samples[176];

	run_up(100000);
	fill(samples, sizeof(samples));
	cr_assert_eq(give(samples, sizeof(samples), 50), FEEDER_NONE);
	cr_assert_eq(mbits, 176 * 1500);
	/* The very same batch once more is a device that repeats itself. */
	cr_assert_eq(give(samples, sizeof(samples), 50), FEEDER_HEALTH);
	cr_assert_eq(mbits, 0);
}

Test(feeder, paced_source_never_fills_a_block_alone)
{
	uint8_t samples[NOISE_BATCH_MAX];
	struct source cpu;

	noise_cpu(&cpu);
	cr_assert_leq(cpu.ceiling_mbits, 125);
	/* As where there is rdseed, wherever this runs. */
	cpu.ceiling_mbits = 125;
	feeder_init(&f, &cpu);
	feeder_opening(&f, 0);
	feeder_opened(&f, 0);
	fill(samples, cpu.startup);
	cr_assert_eq(give(samples, cpu.startup, 0), FEEDER_NONE);
	fill(samples, cpu.batch);
	cr_assert_eq(give(samples, cpu.batch, 0), FEEDER_NONE);
	cr_assert_leq(mbits, 8000);
	cr_assert_eq(feeder_next(&f, 1, true), FEEDER_WAIT);
}

Test(feeder, seed_is_read_once_and_never_credited)
{
	struct source seed;
	uint8_t octets[64] = { 0 };

	noise_seed(&seed, "/nowhere");
	feeder_init(&f, &seed);
	feeder_opening(&f, 0);
	feeder_opened(&f, 0);
	cr_assert_eq(feeder_next(&f, 0, false), FEEDER_READ);
	cr_assert_eq(give(octets, sizeof(octets), 0), FEEDER_NONE);
	cr_assert_eq(mbits, 0);
	feeder_round(&f);
	cr_assert_eq(feeder_next(&f, 0, true), FEEDER_WAIT);
}
