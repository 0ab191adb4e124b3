/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/secret.h"

#define AGAIN_MS 1000 /* between two tries to connect */
#define LATE_MS  1000 /* without an answer for so long: it does not answer */
#define LOW      (ENTROPY_REQUEST_MAX / 2) /* then it is filled up */

/* In pages that are all zero in a forked child: not in use there. */
struct reserve {
	atomic_flag busy;
	bool in_use;
	int fd;            /* the connection; -1: none */
	bool heard;        /* this connection has answered */
	int supply_fd;     /* -1: connects itself */
	size_t have, owed; /* octets here; asked for and not come */
	uint64_t asked_ms, tried_ms;
	struct sockaddr_un at;
	const char *said; /* in the log, last */
	uint8_t octets[ENTROPY_REQUEST_MAX];
};

static struct reserve *reserve;

static int
address(struct sockaddr_un *at, const char *run_dir)
{
	int n;

	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(at->sun_path, sizeof(at->sun_path), "%s/%s", run_dir,
		     ENTROPY_SOCKET);
	return n < 0 || (size_t)n >= sizeof(at->sun_path) ? -ENAMETOOLONG : 0;
}

/* Never waits: where nobody accepts any more, it fails. */
static int
reach(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* ---- descriptors over a pair --------------------------------------------- */

union fd_room {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

static int
send_fd(int to, int fd)
{
	char octet = 0;
	struct iovec iov = { &octet, 1 };
	union fd_room control = { 0 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.room,
			      .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(to, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int
receive_fd(int from)
{
	char octet;
	struct iovec iov = { &octet, 1 };
	union fd_room control;
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.room,
			      .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c;
	int fd;

	if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

/* ---- the reserve --------------------------------------------------------- */

/* The lock is never waited for: who meets another thread has the kernel. */
static bool
enter(struct reserve *r)
{
	return r != NULL && r->in_use &&
	       !atomic_flag_test_and_set_explicit(&r->busy,
						  memory_order_acquire);
}

static void
leave(struct reserve *r)
{
	atomic_flag_clear_explicit(&r->busy, memory_order_release);
}

static void
lose(struct reserve *r)
{
	const char want = 0;

	close(r->fd);
	r->fd = -1;
	secret_wipe(r->octets, r->have);
	r->have = r->owed = 0;
	r->heard = false;
	if (r->supply_fd >= 0)
		(void)!send(r->supply_fd, &want, 1,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
find(struct reserve *r, uint64_t now)
{
	if (r->supply_fd >= 0) {
		r->fd = receive_fd(r->supply_fd);
	} else if (r->tried_ms == 0 || now - r->tried_ms >= AGAIN_MS) {
		r->tried_ms = now;
		r->fd = reach(&r->at);
	}
}

/* What was asked for comes; whatever else comes, or the end, is the end. */
static void
fetch(struct reserve *r)
{
	uint8_t unasked;
	ssize_t got =
	    r->owed == 0
		? recv(r->fd, &unasked, 1, MSG_PEEK | MSG_DONTWAIT)
		: recv(r->fd, r->octets + r->have, r->owed, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0 || r->owed == 0) {
		lose(r);
		return;
	}
	r->have += (size_t)got;
	r->owed -= (size_t)got;
	r->heard = true;
}

static void
ask(struct reserve *r, uint64_t now)
{
	size_t n = sizeof(r->octets) - r->have;
	const uint8_t request[2] = { (uint8_t)(n >> 8), (uint8_t)n };

	if (send(r->fd, request, sizeof(request),
		 MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(request)) {
		lose(r);
		return;
	}
	r->owed = n;
	r->asked_ms = now;
}

static void
follow(struct reserve *r)
{
	uint64_t now = clock_now_ms();

	if (r->fd < 0)
		find(r, now);
	if (r->fd >= 0)
		fetch(r);
	if (r->fd >= 0 && r->owed == 0 && r->have <= LOW)
		ask(r, now);
}

static bool
answers(const struct reserve *r)
{
	return r->fd >= 0 && r->heard &&
	       (r->owed == 0 || clock_now_ms() - r->asked_ms < LATE_MS);
}

static int
begin(int supply_fd, const char *run_dir)
{
	struct sockaddr_un at = { 0 };
	int err = run_dir == NULL ? 0 : address(&at, run_dir);

	if (err != 0)
		return err;
	if (reserve == NULL) {
		reserve = secret_alloc(sizeof(*reserve));
		if (reserve == NULL)
			return -errno;
		if (madvise(reserve, sizeof(*reserve), MADV_WIPEONFORK) != 0) {
			err = -errno;
			secret_free(reserve, sizeof(*reserve));
			reserve = NULL;
			return err;
		}
	}
	entropy_leave();
	atomic_flag_clear(&reserve->busy);
	reserve->fd = -1;
	reserve->supply_fd = supply_fd;
	reserve->at = at;
	reserve->in_use = true;
	entropy_mixes();
	return 0;
}

int
entropy_use(const char *run_dir)
{
	return begin(-1, run_dir);
}

int
entropy_use_supply(int supply_fd)
{
	int err = begin(supply_fd, NULL);

	if (err != 0)
		close(supply_fd);
	return err;
}

void
entropy_settle(int wait_ms)
{
	uint64_t now = clock_now_ms(), until = now + (uint64_t)wait_ms;
	struct pollfd p = { .events = POLLIN };

	while (!entropy_mixes() && reserve != NULL && reserve->in_use &&
	       (p.fd = reserve->fd) >= 0 && now < until) {
		(void)poll(&p, 1, (int)(until - now));
		now = clock_now_ms();
	}
}

void
entropy_leave(void)
{
	struct reserve *r = reserve;

	if (r == NULL || !r->in_use)
		return;
	if (r->fd >= 0)
		close(r->fd);
	if (r->supply_fd >= 0)
		close(r->supply_fd);
	secret_wipe(r, sizeof(*r));
}

size_t
entropy_mix(void *out, size_t n)
{
	struct reserve *r = reserve;
	uint8_t *to = out;

	if (!enter(r))
		return 0;
	if (r->have <= LOW || n > r->have)
		follow(r);
	if (n > r->have)
		n = r->have;
	r->have -= n;
	for (size_t i = 0; i < n; i++)
		to[i] ^= r->octets[r->have + i];
	secret_wipe(r->octets + r->have, n);
	leave(r);
	return n;
}

bool
entropy_mixes(void)
{
	struct reserve *r = reserve;
	bool mixes;

	if (!enter(r))
		return false;
	follow(r);
	mixes = answers(r);
	leave(r);
	return mixes;
}

static const char *const names[] = { "kernel", "kernel and entropyd" };

const char *
entropy_sources(void)
{
	return names[entropy_mixes()];
}

void
entropy_watch(void)
{
	const char *now = entropy_sources();

	if (reserve == NULL || !reserve->in_use || reserve->said == now)
		return;
	reserve->said = now;
	log_info("randomness: %s", now);
}

/* ---- the supply ---------------------------------------------------------- */

int
entropy_supply_open(struct entropy_supply *s, const char *run_dir)
{
	int pair[2];

	*s = (struct entropy_supply){ .fd = -1, .run_dir = run_dir };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -errno;
	s->fd = pair[0];
	s->wanted = true;
	entropy_supply_tick(s, clock_now_ms());
	return pair[1];
}

void
entropy_supply_tick(struct entropy_supply *s, uint64_t now_ms)
{
	struct sockaddr_un at;
	char octet;
	int fd;

	if (s->fd < 0)
		return;
	if (recv(s->fd, &octet, 1, MSG_DONTWAIT) > 0)
		s->wanted = true;
	if (!s->wanted || (s->tried_ms != 0 && now_ms - s->tried_ms < AGAIN_MS))
		return;
	s->tried_ms = now_ms;
	if (address(&at, s->run_dir) != 0)
		return;
	fd = reach(&at);
	if (fd < 0)
		return;
	s->wanted = send_fd(s->fd, fd) != 0;
	close(fd);
}

void
entropy_supply_close(struct entropy_supply *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
