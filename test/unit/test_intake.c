/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources in their own processes, up to the conditioner: a machine whose timer
 * is coarse, and one whose timer stands still, beside one that is sound.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/log.h"
#include "entropyd/drbg.h"
#include "entropyd/intake.h"
#include "entropyd/keeper.h"
#include "timers.h"

static int
open_coarse(struct noise *noise)
{
	return jitter_init(&noise->jitter, coarse, NULL);
}

static int
open_stuck(struct noise *noise)
{
	return jitter_init(&noise->jitter, stuck, NULL);
}

static int
open_sound(struct noise *noise)
{
	return jitter_init(&noise->jitter, stepped, NULL);
}

static int (*const openers[])(struct noise *) = { open_coarse, open_stuck,
						  open_sound };
static struct source_kind kinds[3];

static struct source sources[3];
static struct intake *in;
static struct pool *pool;
static int pair[2];

static void
setup(void)
{
	static const char *const names[] = { "coarse", "stuck", "sound" };

	cr_assert_eq(drbg_library(), 0);
	for (int i = 0; i < 3; i++) {
		noise_jitter(&sources[i]);
		strcpy(sources[i].name, names[i]);
		kinds[i] = timing_kind;
		kinds[i].open = openers[i];
		sources[i].kind = &kinds[i];
	}
	pool = pool_new();
	cr_assert_not_null(pool);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	in = intake_new(sources, 3, pair[0], pool_conditioner(pool), pool);
	cr_assert_not_null(in);
}

static void
teardown(void)
{
	intake_free(in);
	pool_free(pool);
	close(pair[0]);
	close(pair[1]);
}

TestSuite(intake, .init = setup, .fini = teardown, .timeout = 120);

static void
turn(void)
{
	struct pollfd fds[NOISE_MAX];
	size_t n;

	intake_run(in, clock_now_ms(), true);
	n = intake_poll(in, fds);
	cr_assert_geq(poll(fds, n, 20), 0);
	intake_serve(in, fds, n, clock_now_ms());
}

/* Whoever draws meanwhile is answered. */
static void
turn_beside_a_consumer(void)
{
	uint8_t octets[64];

	turn();
	cr_assert_eq(pool_read(pool, octets, sizeof(octets)), 0);
}

Test(intake, bad_timers_are_refused_and_reported)
{
	const struct feeder *f = intake_feeders(in);
	uint64_t until = clock_now_ms() + 60 * 1000;

	while (clock_now_ms() < until &&
	       (f[0].state != FEEDER_DOWN || f[0].fault == FEEDER_NONE ||
		f[1].state != FEEDER_DOWN || f[1].fault == FEEDER_NONE ||
		!conditioner_ready(pool_conditioner(pool))))
		turn_beside_a_consumer();
	for (int i = 0; i < 2; i++) {
		cr_assert_str_eq(feeder_state_name(&f[i]), "unsuitable");
		cr_assert_str_eq(feeder_fault_name(&f[i]), "unsuitable");
		cr_assert_eq(f[i].error, EOPNOTSUPP);
		cr_assert_eq(f[i].samples, 0);
		cr_assert_eq(f[i].credited_mbits, 0);
		cr_assert_gt(f[i].retry_ms, 0); /* and asked again later */
	}
	cr_assert_eq(f[2].state, FEEDER_RUNNING);
	cr_assert(conditioner_ready(pool_conditioner(pool)),
		  "the sound one alone fills a block");
}
