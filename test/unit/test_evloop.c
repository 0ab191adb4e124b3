/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/evloop.h"

static int calls, last_signal;
static struct evloop *loop;

static void
count(void *arg)
{
	calls++;
	if (arg != NULL)
		evloop_del(loop, *(int *)arg);
}

static void
got_signal(void *arg, int signo)
{
	last_signal = signo;
}

Test(evloop, timers_in_order_and_cleared)
{
	struct evloop_timer a = { .fn = count }, b = { .fn = count };
	uint64_t now = clock_now_ms();

	loop = evloop_new();
	evloop_timer_set(loop, &b, now + 100000);
	evloop_timer_set(loop, &a, now + 20);
	evloop_timer_set(loop, &a, now + 30); /* moved, not doubled */
	while (calls == 0)
		cr_assert_eq(evloop_step(loop), 0);
	cr_assert_geq(clock_now_ms(), now + 30);
	cr_assert_not(a.armed);
	cr_assert(b.armed);
	evloop_timer_clear(loop, &b);
	cr_assert_not(b.armed);
	cr_assert_eq(calls, 1);
	evloop_free(loop);
}

Test(evloop, a_handler_may_leave)
{
	int p[2];

	loop = evloop_new();
	cr_assert_eq(pipe(p), 0);
	cr_assert_eq(evloop_add(loop, p[0], count, &p[0]), 0);
	cr_assert_eq(write(p[1], "xx", 2), 2);
	cr_assert_eq(evloop_step(loop), 0);
	cr_assert_eq(calls, 1);
	cr_assert_eq(evloop_add(loop, p[0], count, NULL), 0);
	cr_assert_eq(evloop_step(loop), 0);
	cr_assert_eq(calls, 2);
	evloop_free(loop);
}

Test(evloop, signals)
{
	int want[] = { SIGHUP, SIGUSR1 };

	loop = evloop_new();
	cr_assert_eq(evloop_signals(loop, want, 2, got_signal, NULL), 0);
	raise(SIGUSR1);
	cr_assert_eq(evloop_step(loop), 0);
	cr_assert_eq(last_signal, SIGUSR1);
	evloop_free(loop);
}
