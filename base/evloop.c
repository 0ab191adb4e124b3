/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/evloop.h"

struct entry {
	int fd; /* -1: free */
	evloop_fn *fn;
	void *arg;
};

struct evloop {
	int epoll, signals;
	struct entry entries[EVLOOP_FDS_MAX];
	struct evloop_timer *timers;
	evloop_signal_fn *signal_fn;
	void *signal_arg;
};

struct evloop *
evloop_new(void)
{
	struct evloop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->signals = -1;
	for (size_t i = 0; i < EVLOOP_FDS_MAX; i++)
		l->entries[i].fd = -1;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		free(l);
		return NULL;
	}
	return l;
}

void
evloop_free(struct evloop *l)
{
	if (l == NULL)
		return;
	if (l->signals >= 0)
		close(l->signals);
	close(l->epoll);
	free(l);
}

static struct entry *
find(struct evloop *l, int fd)
{
	for (size_t i = 0; i < EVLOOP_FDS_MAX; i++)
		if (l->entries[i].fd == fd)
			return &l->entries[i];
	return NULL;
}

int
evloop_add(struct evloop *l, int fd, evloop_fn *fn, void *arg)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };
	struct entry *e = find(l, -1);

	if (e == NULL)
		return -ENOSPC;
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	*e = (struct entry){ .fd = fd, .fn = fn, .arg = arg };
	return 0;
}

int
evloop_want_write(struct evloop *l, int fd, bool wanted)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (wanted)
		ev.events |= EPOLLOUT;
	return epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &ev) < 0 ? -errno : 0;
}

void
evloop_del(struct evloop *l, int fd)
{
	struct entry *e = find(l, fd);

	if (fd < 0 || e == NULL)
		return;
	(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
	e->fd = -1;
}

static void
read_signals(void *arg)
{
	struct evloop *l = arg;
	struct signalfd_siginfo info;

	while (read(l->signals, &info, sizeof(info)) == sizeof(info))
		l->signal_fn(l->signal_arg, (int)info.ssi_signo);
}

int
evloop_signals(struct evloop *l, const int *signals, size_t n,
	       evloop_signal_fn *fn, void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, signals[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signals < 0)
		return -errno;
	l->signal_fn = fn;
	l->signal_arg = arg;
	return evloop_add(l, l->signals, read_signals, l);
}

void
evloop_timer_clear(struct evloop *l, struct evloop_timer *t)
{
	for (struct evloop_timer **at = &l->timers; *at != NULL;
	     at = &(*at)->next) {
		if (*at != t)
			continue;
		*at = t->next;
		break;
	}
	t->armed = false;
}

void
evloop_timer_set(struct evloop *l, struct evloop_timer *t, uint64_t at_ms)
{
	struct evloop_timer **at = &l->timers;

	if (t->armed)
		evloop_timer_clear(l, t);
	t->at_ms = at_ms;
	t->armed = true;
	while (*at != NULL && (*at)->at_ms <= at_ms)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

static void
run_timers(struct evloop *l)
{
	uint64_t now = clock_now_ms();
	struct evloop_timer *t;

	while ((t = l->timers) != NULL && t->at_ms <= now) {
		evloop_timer_clear(l, t);
		t->fn(t->arg);
	}
}

/* Milliseconds to the next timer, for epoll_wait. */
static int
next_timer(const struct evloop *l)
{
	uint64_t now = clock_now_ms(), left;

	if (l->timers == NULL)
		return -1;
	left = l->timers->at_ms <= now ? 0 : l->timers->at_ms - now;
	return left > 60000 ? 60000 : (int)left;
}

int
evloop_step(struct evloop *l)
{
	struct epoll_event evs[16];
	int n;

	n = epoll_wait(l->epoll, evs, 16, next_timer(l));
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct entry *e = find(l, evs[i].data.fd);

		if (e != NULL)
			e->fn(e->arg);
	}
	run_timers(l);
	return 0;
}
