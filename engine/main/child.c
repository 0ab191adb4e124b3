/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine is this program executed anew, so that it starts with an address
 * space that never held the configuration's text:
 *
 *   nfipsecd --engine WORKERS SUPERVISOR-PID
 *   3 store  4 link  5 listener  6 entropy  7.. the queues, kind by kind
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/main/engine.h"
#include "engine/main/supervisor.h"

#define LINK_SNDBUF    (1 << 20) /* octets */
#define QUICK_MS       5000      /* an engine that lived less died quickly */
#define BACKOFF_MS     100       /* doubled each time, but for the first */
#define BACKOFF_MAX_MS 5000
#define WATCH_MS       2000
#define SILENT_MS      10000
#define STOP_MS        1000 /* to end by itself after SIGTERM */

/* In the child: descriptors to their places, none else left open. */
static int
place_fds(const struct supervisor *s, int link_fd, int entropy_fd)
{
	int from[ENGINE_FD_QUEUES + STORE_QUEUE_KINDS * STORE_WORKERS_MAX];
	int n = ENGINE_FD_QUEUES;

	from[ENGINE_FD_STORE] = s->store.fd;
	from[ENGINE_FD_LINK] = link_fd;
	from[ENGINE_FD_LISTEN] = s->listen_fd;
	from[ENGINE_FD_ENTROPY] = entropy_fd;
	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		for (unsigned w = 0; w < s->workers; w++)
			from[n++] = s->queues[k][w].fd;
	/* First out of the way of each other, then down. */
	for (int i = ENGINE_FD_STORE; i < n; i++) {
		from[i] = fcntl(from[i], F_DUPFD, 256);
		if (from[i] < 0)
			return -errno;
	}
	for (int i = ENGINE_FD_STORE; i < n; i++)
		if (dup2(from[i], i) < 0)
			return -errno;
	return close_range((unsigned)n, ~0u, 0) < 0 ? -errno : 0;
}

static void
become_engine(const struct supervisor *s, int link_fd, int entropy_fd,
	      pid_t parent)
{
	char name[] = "nfipsecd", engine[] = "--engine", debug[] = "--debug";
	char workers[12], pid[12];
	char *argv[] = {
		name, engine, workers, pid, s->opt->debug ? debug : NULL, NULL
	};
	char *env[] = { NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(workers, sizeof(workers), "%u", s->workers);
	snprintf(pid, sizeof(pid), "%d", (int)parent);
	if (place_fds(s, link_fd, entropy_fd) < 0)
		_exit(126);
	execve("/proc/self/exe", argv, env);
	_exit(127);
}

static void
start_again(void *arg)
{
	child_start(arg);
}

static void
start_later(struct supervisor *s)
{
	uint64_t wait = 0;

	if (s->deaths > 1) {
		wait = (uint64_t)BACKOFF_MS
		       << (s->deaths - 2 > 6 ? 6 : s->deaths - 2);
		if (wait > BACKOFF_MAX_MS)
			wait = BACKOFF_MAX_MS;
	}
	s->restart.fn = start_again;
	s->restart.arg = s;
	evloop_timer_set(s->loop, &s->restart, clock_now_ms() + wait);
}

void
child_start(struct supervisor *s)
{
	int pair[2], size = LINK_SNDBUF, entropy_fd;
	pid_t parent = getpid(), pid;

	(void)store_sweep(&s->store);
	entropy_fd = entropy_supply_open(&s->entropy, s->opt->run_dir);
	if (entropy_fd < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		log_warn("socketpair");
		if (entropy_fd >= 0)
			close(entropy_fd);
		entropy_supply_close(&s->entropy);
		s->deaths++;
		start_later(s);
		return;
	}
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size,
			 sizeof(size));
	pid = fork();
	if (pid == 0)
		become_engine(s, pair[1], entropy_fd, parent);
	close(pair[1]);
	close(entropy_fd);
	if (pid < 0) {
		log_warn("fork");
		close(pair[0]);
		entropy_supply_close(&s->entropy);
		s->deaths++;
		start_later(s);
		return;
	}
	s->engine = pid;
	s->engine_started_ms = clock_now_ms();
	link_init(&s->link, pair[0]);
	s->link_writing = false;
	if (evloop_add(s->loop, s->link.fd, requests_read, s) < 0)
		log_fatalx("no room in the event loop");
	atomic_fetch_add(&s->store.head->engine_starts, 1);
	atomic_store(&s->store.head->engine_started_wall, clock_wall_secs());
}

void
child_died(struct supervisor *s, int status)
{
	bool quick = clock_now_ms() - s->engine_started_ms < QUICK_MS;

	s->engine = 0;
	evloop_timer_clear(s->loop, &s->kill);
	evloop_del(s->loop, s->link.fd);
	link_fini(&s->link);
	entropy_supply_close(&s->entropy);
	if (s->stopping && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		log_warnx("the engine died of signal %d when it was to end",
			  WTERMSIG(status));
	if (s->stopping)
		return;
	if (WIFSIGNALED(status))
		log_warnx("the engine died of signal %d (%s); starting "
			  "another",
			  WTERMSIG(status),
			  WTERMSIG(status) == SIGSYS
			      ? "a system call that it should not need"
			      : strsignal(WTERMSIG(status)));
	else
		log_warnx("the engine ended with %d; starting another",
			  WEXITSTATUS(status));
	proof_withdraw(s, "the engine is being restarted");
	s->deaths = quick ? s->deaths + 1 : 1;
	if (s->deaths == 1)
		child_start(s); /* at once: packets wait */
	else
		start_later(s);
}

/* A worker that no longer comes round black-holes what its queues get.  It
 * comes round each second (worker.h); two looks in a row, because after a
 * suspend of the machine the first one finds everything old. */
void
child_watch(struct supervisor *s, uint64_t now_ms)
{
	const struct store_head *h = s->store.head;
	bool silent = false;

	if (s->engine == 0 || now_ms - s->watched_ms < WATCH_MS)
		return;
	s->watched_ms = now_ms;
	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		for (unsigned w = 0; w < s->workers; w++) {
			uint64_t heard = atomic_load(&h->queues[k][w].heard_ms);

			if (heard < s->engine_started_ms)
				heard = s->engine_started_ms;
			silent |= now_ms > heard && now_ms - heard > SILENT_MS;
		}
	if (silent && s->silent) {
		log_warnx("a worker has not come round for %d s; killing the "
			  "engine",
			  SILENT_MS / 1000);
		kill(s->engine, SIGKILL);
	}
	s->silent = silent && !s->silent;
}

static void
kill_hard(void *arg)
{
	struct supervisor *s = arg;

	if (s->engine != 0)
		kill(s->engine, SIGKILL);
}

void
child_broken(struct supervisor *s, int err)
{
	evloop_del(s->loop, s->link.fd);
	if (s->engine == 0 || s->stopping)
		return;
	/* The usual reason is that it is ending by itself. */
	if (err == -EPIPE || err == -ECONNRESET) {
		s->kill.fn = kill_hard;
		s->kill.arg = s;
		evloop_timer_set(s->loop, &s->kill, clock_now_ms() + STOP_MS);
		return;
	}
	log_warnx("the engine's link is broken (%s); killing the engine",
		  strerror(-err));
	kill(s->engine, SIGKILL);
}

void
child_stop(struct supervisor *s)
{
	evloop_timer_clear(s->loop, &s->restart);
	if (s->engine == 0)
		return;
	kill(s->engine, SIGTERM);
	s->kill.fn = kill_hard;
	s->kill.arg = s;
	evloop_timer_set(s->loop, &s->kill, clock_now_ms() + STOP_MS);
}
