/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/ctl/closer.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* Outlives the closer when a thread hangs. */
struct closer_shared {
	int from;
	sem_t runs; /* once for each thread */
	/* user + 1 of what is handed over and not closed yet; 0: free */
	_Atomic uint64_t owner[CLOSER_MAX];
};

/* What goes through the pipe. */
struct burial {
	int fd;
	unsigned place;
};

/* That it comes is all: a wait in the kernel ends. */
static void
on_alarm(int signo)
{
}

int
closer_init(struct closer *c)
{
	struct sigaction act = { .sa_handler = on_alarm };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = SIGALRM };

	c->pipe[0] = c->pipe[1] = -1;
	c->shared = NULL;
	c->n = 0;
	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	sigemptyset(&act.sa_mask);
	if (sigaction(SIGALRM, &act, NULL) < 0 ||
	    timer_create(CLOCK_MONOTONIC, &event, &c->timer) < 0)
		return -errno;
	return 0;
}

static void *
bury(void *arg)
{
	struct closer_shared *s = arg;
	struct burial b;

	sem_post(&s->runs);
	while (read(s->from, &b, sizeof(b)) == (ssize_t)sizeof(b)) {
		close(b.fd);
		atomic_store(&s->owner[b.place], 0);
	}
	return NULL;
}

int
closer_start(struct closer *c)
{
	sigset_t all, before;
	int err = 0;

	c->shared = calloc(1, sizeof(*c->shared));
	if (c->shared == NULL)
		return -ENOMEM;
	if (pipe2(c->pipe, O_CLOEXEC) < 0)
		return -errno;
	c->shared->from = c->pipe[0];
	if (sem_init(&c->shared->runs, 0, 0) < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (c->n < CLOSER_THREADS && err == 0) {
		err = -pthread_create(&c->threads[c->n], NULL, bury, c->shared);
		c->n += err == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	/* Who confines the process next forbids what libc calls for a thread's
	 * start. */
	for (unsigned i = 0; i < c->n; i++)
		while (sem_wait(&c->shared->runs) < 0 && errno == EINTR)
			;
	return err;
}

/* How many wait; *free a place, CLOSER_MAX for none. */
static unsigned
count_of(const struct closer_shared *s, uid_t uid, unsigned *free_place)
{
	unsigned n = 0;

	*free_place = CLOSER_MAX;
	for (unsigned i = 0; i < CLOSER_MAX; i++) {
		uint64_t owner = atomic_load(&s->owner[i]);

		if (owner == 0)
			*free_place = i;
		n += owner == (uint64_t)uid + 1;
	}
	return n;
}

static bool
is_idle(const struct closer_shared *s)
{
	for (unsigned i = 0; i < CLOSER_MAX; i++)
		if (atomic_load(&s->owner[i]) != 0)
			return false;
	return true;
}

/* The threads read the end and go; one that hangs ends with the process, and
 * what it looks at stays until then. */
void
closer_fini(struct closer *c)
{
	timer_delete(c->timer);
	if (c->pipe[1] >= 0)
		close(c->pipe[1]);
	c->pipe[1] = -1;
	if (c->shared == NULL || !is_idle(c->shared))
		return;
	while (c->n > 0)
		pthread_join(c->threads[--c->n], NULL);
	if (c->pipe[0] >= 0)
		close(c->pipe[0]);
	free(c->shared);
	c->shared = NULL;
}

static void
set_timer(const struct closer *c, long ms)
{
	struct itimerspec t = { .it_value = { 0, ms * 1000000 },
				.it_interval = { 0, ms * 1000000 } };

	(void)timer_settime(c->timer, 0, &t, NULL);
}

void
closer_begin(struct closer *c)
{
	set_timer(c, CLOSER_MS);
}

void
closer_end(struct closer *c)
{
	set_timer(c, 0);
}

bool
closer_has_room(const struct closer *c, uid_t uid)
{
	unsigned place;

	return c->shared == NULL ||
	       (count_of(c->shared, uid, &place) < CLOSER_PER_USER &&
		place < CLOSER_MAX);
}

/* To a thread; false: there is none, or no place. */
static bool
hand_over(struct closer *c, uid_t uid, int fd)
{
	struct burial b = { .fd = fd };

	if (c->pipe[1] < 0)
		return false;
	(void)count_of(c->shared, uid, &b.place);
	if (b.place == CLOSER_MAX)
		return false;
	atomic_store(&c->shared->owner[b.place], (uint64_t)uid + 1);
	if (write(c->pipe[1], &b, sizeof(b)) == (ssize_t)sizeof(b))
		return true;
	atomic_store(&c->shared->owner[b.place], 0);
	return false;
}

void
closer_take(struct closer *c, uid_t uid, int fd)
{
	int type;
	socklen_t len = sizeof(type);

	/* Sockets have nothing to do at a close but to linger. */
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 &&
	    hand_over(c, uid, fd))
		return;
	closer_begin(c);
	close(fd);
	closer_end(c);
}
