/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timers: for the jitter source, some that it can live on and some not.
 * One thread of a process uses them. */
#ifndef TEST_UNIT_TIMERS_H
#define TEST_UNIT_TIMERS_H

#include <stdint.h>

static uint64_t ticks;

static uint64_t
stuck(void *arg)
{
	(void)arg;
	return 42;
}

/* One step of a millisecond every 500 readings. */
static uint64_t
coarse(void *arg)
{
	(void)arg;
	return ++ticks / 500 * 1000000;
}

/* Each piece of work takes 26 to 416, in steps of 26. */
static uint64_t
stepped(void *arg)
{
	static uint64_t state = 88172645463325252u;

	(void)arg;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return ticks += 26 * (1 + (state >> 20) % 16);
}

#endif
