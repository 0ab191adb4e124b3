/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/ctl/closer.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

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

	c->to_crew = -1;
	c->board = NULL;
	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	sigemptyset(&act.sa_mask);
	if (sigaction(SIGALRM, &act, NULL) < 0 ||
	    timer_create(CLOCK_MONOTONIC, &event, &c->timer) < 0)
		return -errno;
	return 0;
}

int
closer_start(struct closer *c)
{
	return crew_hire(&c->board, &c->to_crew);
}

void
closer_fini(struct closer *c)
{
	timer_delete(c->timer);
}

/* How many wait; *free a place, CREW_PLACES for none. */
static unsigned
count_of(const struct crew_board *board, uid_t uid, unsigned *free_place)
{
	unsigned n = 0;

	*free_place = CREW_PLACES;
	for (unsigned i = 0; i < CREW_PLACES; i++) {
		uint64_t owner = atomic_load(&board->owner[i]);

		if (owner == 0)
			*free_place = i;
		n += owner == (uint64_t)uid + 1;
	}
	return n;
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

	return c->board == NULL || uid == CLOSER_ROOT ||
	       (count_of(c->board, uid, &place) < CLOSER_PER_USER &&
		place < CREW_PLACES);
}

/* Should the pipe be full, which takes more descriptors than a process may
 * have, it stays open: that costs less than a close that hangs. */
static void
hand_over(struct closer *c, uid_t uid, int fd)
{
	struct crew_burial b = { .fd = fd, .place = CREW_PLACES };

	if (uid != CLOSER_ROOT)
		(void)count_of(c->board, uid, &b.place);
	if (b.place < CREW_PLACES)
		atomic_store(&c->board->owner[b.place], (uint64_t)uid + 1);
	if (write(c->to_crew, &b, sizeof(b)) != (ssize_t)sizeof(b) &&
	    b.place < CREW_PLACES)
		atomic_store(&c->board->owner[b.place], 0);
}

void
closer_take(struct closer *c, uid_t uid, int fd)
{
	int type;
	socklen_t len = sizeof(type);

	/* Sockets have nothing to do at a close but to linger. */
	if (c->board != NULL &&
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
		hand_over(c, uid, fd);
		return;
	}
	closer_begin(c);
	close(fd);
	closer_end(c);
}
