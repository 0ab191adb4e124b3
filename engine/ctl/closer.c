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

/* Messages: more than a sender's buffer has room for. */
#define HARMLESS_MAX 1024

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
		place < CREW_PLACES &&
		atomic_load(&c->board->waiting) < CLOSER_WAITING);
}

/* Should the pipe be full, which takes some thousands, it stays open: that
 * costs less than a close that hangs. */
static void
hand_over(struct closer *c, uid_t uid, int fd, bool counted)
{
	struct crew_burial b = { .fd = fd, .counted = counted };

	/* Who has enough places takes none from others. */
	if (uid == CLOSER_ROOT ||
	    count_of(c->board, uid, &b.place) >= CLOSER_PER_USER)
		b.place = CREW_PLACES;
	if (b.place < CREW_PLACES)
		atomic_store(&c->board->owner[b.place], (uint64_t)uid + 1);
	if (b.counted)
		atomic_fetch_add(&c->board->waiting, 1);
	if (write(c->to_crew, &b, sizeof(b)) == (ssize_t)sizeof(b))
		return;
	if (b.place < CREW_PLACES)
		atomic_store(&c->board->owner[b.place], 0);
	if (b.counted)
		atomic_fetch_sub(&c->board->waiting, 1);
}

static void
close_here(struct closer *c, int fd)
{
	closer_begin(c);
	close(fd);
	closer_end(c);
}

void
closer_take(struct closer *c, uid_t uid, int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	/* These have nothing to do at a close but to linger; others may hold
	 * files. */
	if (c->board != NULL &&
	    (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
	     (domain != AF_INET && domain != AF_INET6)))
		hand_over(c, uid, fd, uid != CLOSER_ROOT);
	else
		close_here(c, fd);
}

/* Are there descriptors in what nobody has read?  Looks at message after
 * message and takes out what has none; its own word of the sender, which each
 * message has, is how one of no octets is told from the end. */
static bool
holds_descriptors(int fd)
{
	int on = 1;

	(void)shutdown(fd, SHUT_RDWR); /* nothing comes behind it */
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return true;
	for (unsigned n = 0; n < HARMLESS_MAX; n++) {
		union {
			struct cmsghdr head;
			char octets[CMSG_SPACE(sizeof(struct ucred))];
		} sender;
		struct msghdr m = { .msg_control = &sender,
				    .msg_controllen = sizeof(sender) };

		if (recvmsg(fd, &m, MSG_PEEK | MSG_DONTWAIT) < 0) {
			if (errno == EINTR || errno == ECONNRESET)
				continue; /* the peer's end is told once */
			return errno != EAGAIN;
		}
		if ((m.msg_flags & MSG_CTRUNC) != 0)
			return true;
		if (m.msg_controllen == 0)
			return false;
		m.msg_control = NULL;
		m.msg_controllen = 0;
		(void)recvmsg(fd, &m, MSG_DONTWAIT);
	}
	return true;
}

void
closer_hang_up(struct closer *c, uid_t uid, int fd)
{
	/* Not counted: anybody may make any number, and keeps nobody else out
	 * by that. */
	if (c->board != NULL && uid != CLOSER_ROOT && holds_descriptors(fd))
		hand_over(c, uid, fd, false);
	else
		close_here(c, fd);
}
