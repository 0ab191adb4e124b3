/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/proc.h"
#include "base/secret.h"
#include "base/writeall.h"
#include "entropyd/jail.h"
#include "entropyd/drbg.h"
#include "entropyd/intake.h"
#include "entropyd/keeper.h"
#include "entropyd/poolproc.h"
#include "entropyd/report.h"

/* Each running source is read, the kernel and the pool get a block. */
#define ROUND_MS (60 * 1000)
/* A pool that gave so much gets a block before its round. */
#define RESEED_OCTETS (UINT64_C(16) << 20)
/* A client waits and the pool is not ready: the kernel is asked so often. */
#define UNREADY_MS    250
#define OUTPUT_OCTETS 16384 /* of --stdout at once */
#define SAVE_MS       (60 * 60 * 1000)
#define STOP_MS       1000  /* for the last save */
#define GOAL_MS       30000 /* --once and --stdout end without it */
#define KEEPER_MS     5000  /* the keeper's answer is late */

struct poolproc {
	const struct poolproc_plan *plan;
	struct pool *pool;
	struct intake *intake;
	struct outlet *outlet;
	struct report_kernel kernel;
	bool kernel_owed, pool_owed, kernel_asked;
	uint64_t kernel_late_ms; /* when its answer is */
	bool ready_told, unlocked_told;
	uint64_t started_ms, round_ms, save_ms;
	uint64_t alive_ms, alive_every_ms; /* the watchdog's; 0: none */
	uint64_t
	    awake_ms; /* when the loop should be here again at the latest */
	uint64_t octets_at_reseed;
	struct log_limit away_limit;
};

static volatile sig_atomic_t stop_wanted;

static void
note_stop(int sig)
{
	(void)sig;
	stop_wanted = 1;
}

static size_t
write_status(void *arg, char *text, size_t size)
{
	struct poolproc *p = arg;
	struct report r = {
		.feeders = intake_feeders(p->intake),
		.n_feeders = p->plan->n_sources,
		.pool_ready = pool_ready(p->pool),
		.kernel = p->kernel,
		.clients = outlet_counts(p->outlet),
		.seed = intake_seed(p->intake),
		.locked = !secret_unlocked(),
		.pid = (int)getpid(),
		.started_ms = p->started_ms,
	};

	r.pool = pool_counts(p->pool);
	return report_write(&r, clock_now_ms(), text, size);
}

static bool
is_owed(const struct poolproc *p)
{
	return p->pool_owed || (p->kernel_owed && !p->kernel_asked);
}

/* Where the next conditioned block goes: the kernel first, for at boot
 * everybody waits for it. */
static void
hand_out_blocks(struct poolproc *p)
{
	struct conditioner *c = pool_conditioner(p->pool);
	uint8_t block[CONDITIONER_OCTETS];

	while (conditioner_ready(c) && is_owed(p)) {
		if (conditioner_take(c, block) != 0)
			break;
		if (p->kernel_owed && !p->kernel_asked) {
			p->kernel_asked =
			    keeper_credit(p->plan->keeper_fd, block) == 0;
			p->kernel_late_ms = clock_now_ms() + KEEPER_MS;
		} else if (pool_reseed(p->pool, block) == 0) {
			p->pool_owed = false;
			p->octets_at_reseed = pool_counts(p->pool).octets;
		}
		secret_wipe(block, sizeof(block));
	}
	secret_wipe(block, sizeof(block));
	if (!is_owed(p))
		conditioner_rest(c);
}

static void
take_keeper_reply(struct poolproc *p, uint64_t now)
{
	struct keeper_reply reply = { 0 };
	int fd, err = keeper_reply(p->plan->keeper_fd, &reply, &fd);

	if (err == -EAGAIN)
		return;
	if (err != 0) {
		stop_wanted = 1; /* we do not outlive the keeper */
		return;
	}
	switch ((enum keeper_op)reply.op) {
	case KEEPER_OPEN:
		intake_opened(p->intake, reply.source, reply.err,
			      (enum nature)reply.nature, fd, now);
		return;
	case KEEPER_CREDIT:
		p->kernel_asked = false;
		p->kernel_owed = false; /* not again before the next round */
		if (reply.err != 0 && p->kernel.error != -reply.err) {
			errno = -reply.err;
			log_warn("the kernel took no entropy");
		}
		p->kernel.error = -reply.err;
		if (reply.err == 0) {
			p->kernel.credits++;
			p->kernel.credited_bits += CONDITIONER_BITS;
			p->kernel.last_ms = now;
		}
		break;
	case KEEPER_READY:
	case KEEPER_ALIVE:
		break;
	}
	if (fd >= 0)
		close(fd);
}

static void
begin_round(struct poolproc *p, uint64_t now)
{
	p->round_ms = now + ROUND_MS;
	p->kernel_owed = p->plan->credits;
	p->pool_owed = true;
	/* Without any source there is still what the kernel has. */
	(void)pool_refresh(p->pool);
	intake_round(p->intake);
	if (!intake_seed(p->intake).saved)
		p->save_ms = now;
}

static void
save_seed(struct poolproc *p, uint64_t now)
{
	uint8_t octets[64];

	if (!intake_can_save(p->intake))
		return;
	if (pool_read(p->pool, octets, sizeof(octets)) == 0 &&
	    intake_save(p->intake, octets, sizeof(octets), now))
		p->save_ms = now + SAVE_MS;
	secret_wipe(octets, sizeof(octets));
}

static void
do_what_is_due(struct poolproc *p, uint64_t now)
{
	if (now >= p->round_ms)
		begin_round(p, now);
	if (pool_counts(p->pool).octets - p->octets_at_reseed > RESEED_OCTETS)
		p->pool_owed = true;
	intake_run(p->intake, now,
		   is_owed(p) && !conditioner_ready(pool_conditioner(p->pool)));
	hand_out_blocks(p);
	if (p->save_ms <= now || intake_seed_lost(p->intake))
		save_seed(p, now);
	if (!p->ready_told && pool_ready(p->pool))
		p->ready_told = keeper_ready(p->plan->keeper_fd) == 0;
	if (p->kernel_asked && now >= p->kernel_late_ms &&
	    p->kernel.error != ETIMEDOUT) {
		p->kernel.error = ETIMEDOUT;
		log_warnx(
		    "the keeper does not answer: the kernel gets nothing");
	}
	if (!p->unlocked_told && secret_unlocked()) {
		p->unlocked_told = true;
		log_warnx("not all memory is locked (RLIMIT_MEMLOCK): it may "
			  "get into swap");
	}
	if (p->alive_every_ms != 0 && now >= p->alive_ms) {
		(void)keeper_alive(p->plan->keeper_fd);
		p->alive_ms = now + p->alive_every_ms;
	}
	if (pool_broken(p->pool))
		log_fatalx("the generator is lost");
}

static int
wait_ms(const struct poolproc *p, uint64_t now)
{
	uint64_t wake = intake_wake_ms(p->intake);

	if (p->round_ms < wake)
		wake = p->round_ms;
	/* A seed that could not be saved is tried again with the round. */
	if (p->save_ms > now && p->save_ms < wake)
		wake = p->save_ms;
	if (p->kernel_asked && p->kernel_late_ms > now &&
	    p->kernel_late_ms < wake)
		wake = p->kernel_late_ms;
	if (p->alive_every_ms != 0 && p->alive_ms < wake)
		wake = p->alive_ms;
	if (((p->outlet != NULL && outlet_waiting(p->outlet)) ||
	     !p->ready_told) &&
	    now + UNREADY_MS < wake)
		wake = now + UNREADY_MS;
	return wake <= now ? 0 : (int)(wake - now);
}

/* Longer than this late, and the process was stopped or the machine asleep. */
#define AWAY_MS 500

static void
note_absence(struct poolproc *p, uint64_t now)
{
	if (p->awake_ms == 0 || now <= p->awake_ms + AWAY_MS)
		return;
	intake_excuse(p->intake, now);
	if (log_limit_take(&p->away_limit, now))
		log_info("away for %" PRIu64
			 " ms, stopped or asleep: no source "
			 "is blamed for that time",
			 now - p->awake_ms);
}

/* One turn: waits, then serves whoever has something.  Returns the time by
 * which deadlines are judged: that of the last look at the descriptors, so
 * that a stop after it makes nobody late. */
static uint64_t
turn(struct poolproc *p, const sigset_t *mask)
{
	struct pollfd fds[1 + NOISE_MAX + OUTLET_KINDS + OUTLET_CLIENTS];
	uint64_t now = clock_now_ms();
	int ms = wait_ms(p, now);
	const struct timespec timeout = { .tv_sec = ms / 1000,
					  .tv_nsec =
					      (long)(ms % 1000) * 1000000 };
	size_t n = 1, n_sources, n_outlet = 0;

	note_absence(p, now);
	p->awake_ms = now + (uint64_t)ms;
	fds[0] = (struct pollfd){ p->plan->keeper_fd, POLLIN, 0 };
	n_sources = intake_poll(p->intake, fds + n);
	n += n_sources;
	if (p->outlet != NULL)
		n_outlet = outlet_poll(p->outlet, fds + n);
	if (ppoll(fds, n + n_outlet, &timeout, mask) < 0)
		return now; /* a signal: the next turn finds who waits */
	now = clock_now_ms();
	note_absence(p, now);
	p->awake_ms = now;
	if (fds[0].revents != 0)
		take_keeper_reply(p, now);
	/* Answers before deadlines: after a SIGSTOP or a jump of the clock
	 * both are there at once. */
	intake_serve(p->intake, fds + 1, n_sources, now);
	if (p->outlet != NULL)
		outlet_serve(p->outlet, fds + n, n_outlet, now);
	return now;
}

static int
write_output(struct poolproc *p)
{
	uint64_t left = p->plan->stdout_octets;
	uint8_t octets[OUTPUT_OCTETS];

	while (left != 0) {
		size_t n = left < sizeof(octets) ? left : sizeof(octets);

		if (stop_wanted || pool_read(p->pool, octets, n) != 0 ||
		    write_all(STDOUT_FILENO, octets, n) < 0)
			return 1;
		left -= n;
	}
	secret_wipe(octets, sizeof(octets));
	return 0;
}

/* --once and --stdout: is it reached, or can it not be?  -1: go on. */
static int
goal_status(struct poolproc *p, uint64_t now)
{
	bool credited = pool_counts(p->pool).credited_bits != 0;

	if (p->plan->stdout_octets != 0 && credited)
		return write_output(p);
	if (p->plan->once && credited &&
	    (p->kernel.credits != 0 || !p->plan->credits))
		return 0;
	if (p->plan->once && p->kernel.error != 0)
		return 1;
	if ((p->plan->once || p->plan->stdout_octets != 0) &&
	    now - p->started_ms > GOAL_MS) {
		log_warnx("no source gave enough in %d s", GOAL_MS / 1000);
		return 1;
	}
	return -1;
}

static void
stop(struct poolproc *p, const sigset_t *mask)
{
	uint64_t until = clock_now_ms() + STOP_MS;

	save_seed(p, clock_now_ms());
	while (intake_saving(p->intake) && clock_now_ms() < until) {
		const struct timespec t = { .tv_nsec = 100 * 1000000 };
		struct pollfd fds[NOISE_MAX];
		size_t n = intake_poll(p->intake, fds);

		(void)ppoll(fds, n, &t, mask);
		intake_serve(p->intake, fds, n, clock_now_ms());
	}
	intake_free(p->intake);
	outlet_free(p->outlet);
	pool_free(p->pool);
}

static void
start(struct poolproc *p, const struct poolproc_plan *plan)
{
	int err = drbg_library();

	if (err != 0)
		log_fatalx("libgcrypt is too old");
	/* The pool's pages are locked while that is still allowed. */
	p->pool = pool_new();
	if (p->pool == NULL)
		log_fatal("pool");
	p->plan = plan;
	p->started_ms = clock_now_ms();
	p->alive_every_ms = notify_watchdog_ms();
	p->away_limit = (struct log_limit){ .burst = 5, .every_ms = 60 * 1000 };
	p->intake = intake_new(plan->sources, plan->n_sources, plan->keeper_fd,
			       pool_conditioner(p->pool), p->pool);
	if (plan->serves)
		p->outlet =
		    outlet_new(plan->listeners, p->pool, write_status, p);
	if (p->intake == NULL || (plan->serves && p->outlet == NULL))
		log_fatalx("no memory");
	err = jail_user();
	if (err == 0)
		err = proc_die_with(plan->keeper_pid, SIGTERM);
	if (err == 0) {
		/* The one source that needs files: before the filter. */
		intake_start_seed(p->intake, plan->seed_fd, p->started_ms);
		err = jail_pool();
	}
	if (err != 0)
		log_fatalx("cannot give up privileges: %s", strerror(-err));
}

int
poolproc_run(const struct poolproc_plan *plan)
{
	struct sigaction act = { .sa_handler = note_stop };
	struct poolproc p = { .plan = plan };
	sigset_t stops, mask;
	int status = -1;

	proc_title("entropyd: pool");
	log_init("entropyd: pool", false);
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	sigprocmask(SIG_BLOCK, &stops, &mask);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	start(&p, plan);
	while (!stop_wanted && status < 0) {
		uint64_t now = turn(&p, &mask);

		do_what_is_due(&p, now);
		status = goal_status(&p, now);
	}
	stop(&p, &mask);
	return status < 0 ? 0 : status;
}
