/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feeder: what the pool knows of one source, and what it does about it next.
 *
 * A pure state machine: no clock (time is a parameter, CLOCK_BOOTTIME in ms),
 * no I/O; it says what to do and is told how that went.  One thread.  Never
 * credits a sample before the start-up test has passed, and none of a batch
 * in which a health test failed.
 *
 *            open              start-up test passed
 *   DOWN ----------> STARTING ----------------------> RUNNING
 *    ^   after back-off  |  absent, error, stalled, health  |
 *    +-------------------+----------------------------------+
 *
 * Back-off: 1 s, doubled at each failure up to 5 min; an hour once a source
 * failed its health tests FEEDER_PERMANENT times in a row (the permanent
 * failure of SP 800-90B 4.3 no. 4).  10 min of health end the row.
 */
#ifndef ENTROPYD_FEEDER_H
#define ENTROPYD_FEEDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entropyd/health.h"
#include "entropyd/nature.h"
#include "entropyd/noise.h"

#define FEEDER_PATIENCE_MS 5000  /* no reply for so long: stalled */
#define FEEDER_SILENT_MS   10000 /* answers, but nothing or little in them */
#define FEEDER_PERMANENT   3

enum feeder_state { FEEDER_DOWN, FEEDER_STARTING, FEEDER_RUNNING };

enum feeder_fault {
	FEEDER_NONE,
	FEEDER_ABSENT,     /* could not be opened, error says why */
	FEEDER_UNSUITABLE, /* the timer is coarse, the CPU has none */
	FEEDER_ERROR,      /* a read failed, or the end came */
	FEEDER_STALLED,    /* no answer, or for 10 s no octet in them */
	FEEDER_SLOW,       /* less than asked for 10 s: used all the same */
	FEEDER_HEALTH,     /* `test` says which */
	FEEDER_POOR,       /* start-up samples worth nothing */
	FEEDER_NOT_NOISE,  /* `nature` says what: mixed in, never credited */
};

enum feeder_action {
	FEEDER_WAIT,
	FEEDER_OPEN,  /* then feeder_opening or feeder_failed */
	FEEDER_READ,  /* ask for feeder_want samples, then feeder_asked */
	FEEDER_CLOSE, /* stalled: stop it, then feeder_failed */
};

struct feeder {
	const struct source *source;
	enum feeder_state state;
	enum feeder_fault fault; /* the last one; kept while running again */
	enum health_test test;
	int error;          /* 0 or errno of the last fault */
	enum nature nature; /* of what was opened this time */
	bool opened;        /* the process has said so */
	bool asked;
	bool due;          /* one batch wanted in this round */
	bool silent, slow; /* and since when: */
	uint64_t silent_ms, slow_ms;
	uint64_t deadline_ms; /* of an answer */
	uint64_t retry_ms;    /* not opened before */
	uint64_t healthy_since_ms;
	unsigned failures;   /* in a row */
	unsigned health_row; /* of them by a health test */
	struct health health;
	uint8_t startup[NOISE_BATCH_MAX];
	size_t startup_n;
	unsigned estimate_mbits, credit_mbits; /* a sample; after start-up */
	/* since the daemon's start */
	uint64_t samples, credited_mbits, errors, stalls, health_failures;
	uint64_t test_failures[HEALTH_TESTS];
};

void feeder_init(struct feeder *f, const struct source *source);
/* `owed`: the conditioner waits for credited samples. */
enum feeder_action feeder_next(const struct feeder *f, uint64_t now_ms,
			       bool owed);
size_t feeder_want(const struct feeder *f);
/* When feeder_next may say something new by itself; UINT64_MAX: never. */
uint64_t feeder_wake_ms(const struct feeder *f);

void feeder_opening(struct feeder *f, uint64_t now_ms);
/* What the device turned out to be, before its process has opened it: all
 * but noise is credited nothing until it is opened again. */
void feeder_is(struct feeder *f, enum nature nature);
void feeder_opened(struct feeder *f, uint64_t now_ms);
void feeder_asked(struct feeder *f, uint64_t now_ms);
/* n samples came (0: nothing in that second).  FEEDER_NONE, and in *mbits
 * what they may be credited; or the fault, which the caller answers by
 * closing and feeder_failed. */
enum feeder_fault feeder_take(struct feeder *f, const uint8_t *samples,
			      size_t n, uint64_t now_ms, uint64_t *mbits);
void feeder_failed(struct feeder *f, enum feeder_fault fault, int error,
		   uint64_t now_ms);
/* An answer that is owed gets its whole time from now on, and what was slow or
 * silent begins anew: this process itself was away (stopped, suspended), or the
 * next step of an opening begins. */
void feeder_excuse(struct feeder *f, uint64_t now_ms);
/* A round begins: every running source gives a batch. */
void feeder_round(struct feeder *f);

const char *feeder_state_name(const struct feeder *f);
/* "none", "absent", "stalled", "health-lag", ... */
const char *feeder_fault_name(const struct feeder *f);

#endif
