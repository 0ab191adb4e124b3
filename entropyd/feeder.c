/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "entropyd/feeder.h"
#include "entropyd/quality.h"

#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS (5 * 60 * 1000)
#define PERMANENT_MS   (60 * 60 * 1000)
#define HEALTHY_MS     (10 * 60 * 1000)

/* Below a hundredth of a bit a sample, a buffer of the conditioner would not
 * bring what a block takes beyond that which a full one leaves. */
#define CREDIT_MIN_MBITS 10

/* Below an eighth of a bit in a start-up sample nothing is left to credit. */
#define ESTIMATE_MIN_MBITS 125

void
feeder_init(struct feeder *f, const struct source *source)
{
	memset(f, 0, sizeof(*f));
	f->source = source;
	health_init(&f->health, source->assessed_mbits);
}

enum feeder_action
feeder_next(const struct feeder *f, uint64_t now_ms, bool owed)
{
	switch (f->state) {
	case FEEDER_DOWN:
		return now_ms >= f->retry_ms ? FEEDER_OPEN : FEEDER_WAIT;
	case FEEDER_STARTING:
	case FEEDER_RUNNING:
		break;
	}
	if (f->asked || !f->opened)
		return now_ms >= f->deadline_ms ? FEEDER_CLOSE : FEEDER_WAIT;
	if (f->state == FEEDER_STARTING || f->due)
		return FEEDER_READ;
	/* What is credited nothing is not read for credit. */
	return owed && f->credit_mbits != 0 && !f->source->paced ? FEEDER_READ
								 : FEEDER_WAIT;
}

size_t
feeder_want(const struct feeder *f)
{
	if (f->state == FEEDER_STARTING && f->source->startup != 0)
		return f->source->startup - f->startup_n;
	return f->source->batch;
}

uint64_t
feeder_wake_ms(const struct feeder *f)
{
	if (f->state == FEEDER_DOWN)
		return f->retry_ms;
	return f->asked || !f->opened ? f->deadline_ms : UINT64_MAX;
}

void
feeder_opening(struct feeder *f, uint64_t now_ms)
{
	f->state = FEEDER_STARTING;
	f->opened = false;
	f->asked = false;
	f->startup_n = 0;
	f->silent = f->slow = false;
	f->deadline_ms = now_ms + FEEDER_PATIENCE_MS;
	f->nature = NATURE_NOISE;
	/* Until its worth is known the tests go by the ceiling's half: it is
	 * judged by that later, and tested with its start-up samples once
	 * more. */
	health_reopen(&f->health, f->source->ceiling_mbits / 2);
}

void
feeder_opened(struct feeder *f, uint64_t now_ms)
{
	f->opened = true;
	if (f->source->startup == 0) {
		f->state = FEEDER_RUNNING;
		f->healthy_since_ms = now_ms;
		f->due = true;
	}
}

void
feeder_asked(struct feeder *f, uint64_t now_ms)
{
	f->asked = true;
	f->deadline_ms = now_ms + FEEDER_PATIENCE_MS;
}

void
feeder_is(struct feeder *f, enum nature nature)
{
	f->nature = nature;
	if (nature != NATURE_NOISE)
		f->fault = FEEDER_NOT_NOISE;
}

static enum feeder_fault
health_fault(struct feeder *f, enum health_test test)
{
	f->test = test;
	f->test_failures[test]++;
	f->health_failures++;
	return FEEDER_HEALTH;
}

/* The start-up samples are complete: what is the source worth here? */
static enum feeder_fault
judge_startup(struct feeder *f, uint64_t now_ms)
{
	enum health_test test;

	f->estimate_mbits = quality_estimate(f->startup, f->startup_n);
	f->credit_mbits =
	    quality_credit(f->source->ceiling_mbits, f->estimate_mbits);
	if (f->credit_mbits < CREDIT_MIN_MBITS || f->nature != NATURE_NOISE)
		f->credit_mbits = 0;
	if (f->estimate_mbits < ESTIMATE_MIN_MBITS)
		return FEEDER_POOR;
	test = health_judge(
	    &f->health,
	    quality_tested(f->source->assessed_mbits, f->estimate_mbits),
	    f->startup, f->startup_n);
	secret_wipe(f->startup, f->startup_n);
	if (test != HEALTH_PASS)
		return health_fault(f, test);
	f->state = FEEDER_RUNNING;
	f->healthy_since_ms = now_ms;
	f->due = true;
	return FEEDER_NONE;
}

static enum feeder_fault
take_startup(struct feeder *f, const uint8_t *samples, size_t n,
	     uint64_t now_ms)
{
	enum health_test test = health_feed(&f->health, samples, n);

	if (test != HEALTH_PASS)
		return health_fault(f, test);
	if (n > f->source->startup - f->startup_n)
		n = f->source->startup - f->startup_n;
	memcpy(f->startup + f->startup_n, samples, n);
	f->startup_n += n;
	if (f->startup_n < f->source->startup)
		return FEEDER_NONE;
	return judge_startup(f, now_ms);
}

/* Did less come than was asked for, again and again?  A source that is slow
 * is used as it is, and reported; one that says nothing is given up. */
static enum feeder_fault
note_pace(struct feeder *f, size_t n, uint64_t now_ms)
{
	if (n != 0)
		f->silent = false;
	else if (!f->silent)
		f->silent_ms = now_ms;
	f->silent |= n == 0;
	if (n >= feeder_want(f))
		f->slow = false;
	else if (!f->slow)
		f->slow_ms = now_ms;
	f->slow |= n < feeder_want(f);
	if (f->silent && now_ms >= f->silent_ms + FEEDER_SILENT_MS)
		return FEEDER_STALLED;
	if (f->slow && now_ms >= f->slow_ms + FEEDER_SILENT_MS)
		f->fault = FEEDER_SLOW;
	return FEEDER_NONE;
}

enum feeder_fault
feeder_take(struct feeder *f, const uint8_t *samples, size_t n, uint64_t now_ms,
	    uint64_t *mbits)
{
	enum health_test test;

	*mbits = 0;
	f->asked = false;
	f->samples += n;
	if (f->source->startup == 0) {
		f->due = false;
		return FEEDER_NONE; /* the seed: no noise, no test, no credit */
	}
	if (note_pace(f, n, now_ms) != FEEDER_NONE)
		return FEEDER_STALLED;
	if (n == 0)
		return FEEDER_NONE;
	f->due = false;
	if (f->state == FEEDER_STARTING)
		return take_startup(f, samples, n, now_ms);
	test = health_feed(&f->health, samples, n);
	if (test != HEALTH_PASS)
		return health_fault(f, test);
	*mbits = (uint64_t)n * f->credit_mbits;
	f->credited_mbits += *mbits;
	if (now_ms - f->healthy_since_ms >= HEALTHY_MS) {
		f->failures = 0;
		f->health_row = 0;
	}
	return FEEDER_NONE;
}

static uint64_t
backoff_ms(const struct feeder *f)
{
	uint64_t ms = BACKOFF_MIN_MS;

	if (f->health_row >= FEEDER_PERMANENT)
		return PERMANENT_MS;
	for (unsigned i = 1; i < f->failures && ms < BACKOFF_MAX_MS; i++)
		ms *= 2;
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

void
feeder_failed(struct feeder *f, enum feeder_fault fault, int error,
	      uint64_t now_ms)
{
	f->state = FEEDER_DOWN;
	f->fault = fault;
	f->error = error;
	f->opened = false;
	f->asked = false;
	f->credit_mbits = 0;
	f->failures++;
	switch (fault) {
	case FEEDER_HEALTH:
	case FEEDER_POOR:
		f->health_row++;
		break;
	case FEEDER_STALLED:
		f->stalls++;
		break;
	case FEEDER_ERROR:
		f->errors++;
		break;
	case FEEDER_NONE:
	case FEEDER_ABSENT:
	case FEEDER_UNSUITABLE:
	case FEEDER_SLOW:
	case FEEDER_NOT_NOISE:
		break;
	}
	f->retry_ms = now_ms + backoff_ms(f);
	secret_wipe(f->startup, sizeof(f->startup));
}

void
feeder_excuse(struct feeder *f, uint64_t now_ms)
{
	f->deadline_ms = now_ms + FEEDER_PATIENCE_MS;
	f->silent = f->slow = false;
}

void
feeder_round(struct feeder *f)
{
	/* The seed is read once. */
	if (f->source->startup != 0)
		f->due = true;
}

const char *
feeder_state_name(const struct feeder *f)
{
	switch (f->state) {
	case FEEDER_DOWN:
		if (f->fault == FEEDER_ABSENT)
			return "absent";
		if (f->fault == FEEDER_UNSUITABLE)
			return "unsuitable";
		return f->fault == FEEDER_NONE ? "down" : "failed";
	case FEEDER_STARTING:
		return "starting";
	case FEEDER_RUNNING:
		return "running";
	}
	return "down";
}

const char *
feeder_fault_name(const struct feeder *f)
{
	switch (f->fault) {
	case FEEDER_NONE:
		return "none";
	case FEEDER_ABSENT:
		return "absent";
	case FEEDER_UNSUITABLE:
		return "unsuitable";
	case FEEDER_ERROR:
		return f->error == ENODATA ? "ended" : "error";
	case FEEDER_STALLED:
		return "stalled";
	case FEEDER_SLOW:
		return "slow";
	case FEEDER_POOR:
		return "poor";
	case FEEDER_NOT_NOISE:
		return "not-noise";
	case FEEDER_HEALTH:
		switch (f->test) {
		case HEALTH_REPETITION:
			return "health-repetition";
		case HEALTH_PROPORTION:
			return "health-proportion";
		case HEALTH_LAG:
			return "health-lag";
		case HEALTH_BLOCK:
			return "health-block";
		case HEALTH_PASS:
		case HEALTH_TESTS:
			break;
		}
	}
	return "health";
}
