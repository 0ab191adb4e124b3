/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/entropy.h"
#include "base/log.h"
#include "base/privs.h"
#include "base/proc.h"
#include "engine/crypto/suite.h"
#include "engine/main/control.h"
#include "engine/main/engine.h"
#include "engine/nfq/worker.h"

/* For the pool's first answer, where there is a pool. */
#define SETTLE_MS 100

struct thread {
	pthread_t id;
	struct worker *worker;
	pthread_barrier_t *confined;
};

/* Waits until the filter is in place for all threads, then works.  What libc
 * calls for a thread's start and its first memory is over by then. */
static void *
run_worker(void *arg)
{
	struct thread *t = arg;
	void *first = malloc(1);
	int err;

	free(first);
	pthread_barrier_wait(t->confined);
	pthread_barrier_wait(t->confined);
	err = worker_run(t->worker);
	/* A dead queue black-holes traffic: a new engine is better. */
	if (err < 0)
		log_fatalx("a worker: %s", strerror(-err));
	return NULL;
}

static void
start_workers(struct control *c, struct thread *threads, unsigned n,
	      int stop_fd, pthread_barrier_t *confined)
{
	for (unsigned i = 0; i < n; i++) {
		struct worker_config config = {
			.store = &c->store,
			.sad = c->sad,
			.index = i,
			.stop_fd = stop_fd,
			.wake_fd = c->rings[i].order_fd,
			.orders = &c->rings[i].orders,
			.obeyed = &c->rings[i].obeyed,
			.notify = control_notify,
			.notify_arg = &c->rings[i],
			.packets_wanted = &c->packets_wanted,
		};

		for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
			config.queue_fd[k] =
			    (int)(ENGINE_FD_QUEUES + k * n + i);
		threads[i].confined = confined;
		threads[i].worker = worker_new(&config);
		if (threads[i].worker == NULL)
			log_fatal("worker %u", i);
		if (pthread_create(&threads[i].id, NULL, run_worker,
				   &threads[i]) != 0)
			log_fatalx("worker %u: no thread", i);
	}
}

static void
drop_privileges(void)
{
	static const int kept[] = { CAP_NET_ADMIN, CAP_NET_RAW };
	int err;

	err = privs_keep(kept, 2);
	if (err < 0)
		log_fatalx("capabilities: %s", strerror(-err));
}

static void
stop_workers(struct thread *threads, unsigned n, int stop_fd)
{
	uint64_t one = 1;

	if (write(stop_fd, &one, sizeof(one)) != sizeof(one))
		log_fatal("eventfd");
	for (unsigned i = 0; i < n; i++) {
		pthread_join(threads[i].id, NULL);
		worker_free(threads[i].worker);
	}
}

/* Before the filter, and before the first secrets. */
static void
use_entropy(void)
{
	int err = entropy_use_supply(ENGINE_FD_ENTROPY);

	if (err < 0)
		log_warnx("entropyd's pool is not used: %s", strerror(-err));
	entropy_settle(SETTLE_MS);
	entropy_watch();
}

int
engine_main(int argc, char **argv)
{
	struct thread threads[STORE_WORKERS_MAX] = { 0 };
	unsigned workers = (unsigned)atoi(argv[2]);
	pid_t parent = atoi(argv[3]);
	pthread_barrier_t confined;
	struct control control;
	const char *failed;
	int stop_fd, err;

	log_init("nfipsecd: engine", argc > 4);
	err = confine_prepare();
	if (err < 0)
		log_fatalx("a thread: %s", strerror(-err));
	proc_title("nfipsecd: engine");
	err = proc_die_with(parent, SIGKILL);
	if (err < 0)
		log_fatalx("the parent's death: %s", strerror(-err));
	err = suite_init(&failed);
	if (err < 0)
		log_fatalx("the self-test of %s failed", failed);
	if (workers == 0 || workers > STORE_WORKERS_MAX)
		log_fatalx("%u workers", workers);
	use_entropy();
	control_open(&control, workers);
	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_fd < 0)
		log_fatal("eventfd");
	if (pthread_barrier_init(&confined, NULL, workers + 1) != 0)
		log_fatalx("no barrier");
	/* Before threads: capabilities are each thread's own. */
	drop_privileges();
	err = server_start(control.server);
	if (err < 0)
		log_fatalx("the crew: %s", strerror(-err));
	start_workers(&control, threads, workers, stop_fd, &confined);
	pthread_barrier_wait(&confined); /* all threads run */
	err = confine_engine();
	if (err < 0)
		log_fatalx("the system call filter: %s", strerror(-err));
	pthread_barrier_wait(&confined);
	control_run(&control);
	stop_workers(threads, workers, stop_fd);
	control_close(&control);
	return 0;
}
