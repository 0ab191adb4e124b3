/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

#include "base/secret.h"
#include "entropyd/jitter.h"
#include "entropyd/quality.h"

#define CALIBRATION 1024 /* timings */
#define ACCESSES    16   /* memory touches in one walk */
#define LINE        64   /* octets of a cache line, near enough */

/* A timer passes when at least a quarter of the deltas differ from the one
 * before (a coarse timer shows zero or the same step again and again) and a
 * sample shows at least LEAST_MBITS; ENOUGH_MBITS ends the search for a good
 * number of walks. */
#define WALKS_MAX    32
#define ENOUGH_MBITS 2500
#define LEAST_MBITS  1000

static uint64_t
machine_timer(void *arg)
{
	(void)arg;
#if defined(__x86_64__) || defined(__i386__)
	unsigned aux;

	/* rdtscp waits for what was issued before it. */
	return __rdtscp(&aux);
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks)::"memory");
	return ticks;
#else
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
#endif
}

static uint64_t
rotate(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

/* Additions, rotations and exclusive ors in the manner of SipHash. */
static void
stir(uint64_t lanes[4], unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		lanes[0] += lanes[1];
		lanes[1] = rotate(lanes[1], 13) ^ lanes[0];
		lanes[0] = rotate(lanes[0], 32);
		lanes[2] += lanes[3];
		lanes[3] = rotate(lanes[3], 16) ^ lanes[2];
		lanes[0] += lanes[3];
		lanes[3] = rotate(lanes[3], 21) ^ lanes[0];
		lanes[2] += lanes[1];
		lanes[1] = rotate(lanes[1], 17) ^ lanes[2];
		lanes[2] = rotate(lanes[2], 32);
	}
}

/* Sends the line back to memory, so that the next touch pays for a way
 * through the memory controller.  Without such an instruction the walk alone
 * has to do. */
static void
evict(volatile uint8_t *at)
{
#if defined(__x86_64__) || defined(__i386__)
	_mm_clflush((const void *)at);
#elif defined(__aarch64__)
	__asm__ volatile("dc civac, %0" ::"r"(at) : "memory");
#else
	(void)at;
#endif
}

/* The same piece of work each time, and how long it took.  The places come
 * from constants, not from the samples before: a walk steered by its own
 * timings would look more random to every estimator than the machine is.
 * The accesses are volatile, so that no level of optimisation drops or merges
 * them, and each place depends on the value read before, so that they can't
 * overlap. */
static uint64_t
measure(struct jitter *j)
{
	uint64_t lanes[4] = { 1, 2, 3, 4 }; /* anything but all zero */
	uint64_t start = j->timer(j->timer_arg);

	for (unsigned i = 0; i < j->walks * ACCESSES; i++) {
		uint64_t line = lanes[0] % (JITTER_MEMORY / LINE);
		volatile uint8_t *at = &j->memory[line * LINE];

		lanes[1] ^= *at;
		*at = (uint8_t)(lanes[2] | 1);
		evict(at);
		stir(lanes, 2);
	}
	*j->memory = (uint8_t)lanes[0];
	return j->timer(j->timer_arg) - start;
}

static uint64_t
common_divisor(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* n timings with the present number of walks: their step, and whether they
 * show at least `least` thousandths of a bit a sample. */
static bool
try_walks(struct jitter *j, unsigned n, unsigned least)
{
	uint64_t took[CALIBRATION], step = 0;
	uint8_t samples[CALIBRATION];
	unsigned changes = 0, zeros = 0;

	for (unsigned i = 0; i < n; i++) {
		took[i] = measure(j);
		if (took[i] > UINT64_MAX / 2)
			return false; /* backwards */
		zeros += took[i] == 0;
		changes += i != 0 && took[i] != took[i - 1];
		step = common_divisor(step, took[i]);
	}
	if (zeros > n / 100 || changes < n / 4 || step == 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		samples[i] = (uint8_t)(took[i] / step);
	j->step = step;
	return quality_estimate(samples, n) >= least;
}

/* Where a walk takes few steps of the timer (an emulator, an old machine), a
 * sample is several walks: as few as show enough. */
static int
calibrate(struct jitter *j)
{
	j->walks = 1;
	while (!try_walks(j, CALIBRATION / 4, ENOUGH_MBITS) &&
	       j->walks < WALKS_MAX)
		j->walks *= 2;
	return try_walks(j, CALIBRATION, LEAST_MBITS) ? 0 : -EOPNOTSUPP;
}

int
jitter_init(struct jitter *j, jitter_timer *timer, void *timer_arg)
{
	uint8_t *memory = mmap(NULL, JITTER_MEMORY, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (memory == MAP_FAILED)
		return -ENOMEM;
	*j = (struct jitter){
		.memory = memory,
		.timer = timer != NULL ? timer : machine_timer,
		.timer_arg = timer_arg,
	};
	/* Page faults are no noise: touch every page first. */
	for (size_t i = 0; i < JITTER_MEMORY; i += LINE)
		memory[i] = (uint8_t)i;
	err = calibrate(j);
	if (err != 0)
		jitter_fini(j);
	return err;
}

void
jitter_fini(struct jitter *j)
{
	if (j->memory != NULL)
		munmap((void *)j->memory, JITTER_MEMORY);
	secret_wipe(j, sizeof(*j));
}

void
jitter_collect(struct jitter *j, uint8_t *samples, size_t n)
{
	for (size_t i = 0; i < n; i++)
		samples[i] = (uint8_t)(measure(j) / j->step);
}
