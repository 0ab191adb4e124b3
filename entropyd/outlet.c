/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/builder.h"
#include "base/entropy.h"
#include "base/secret.h"
#include "entropyd/egd.h"
#include "entropyd/outlet.h"

#define ACCEPTS_A_TURN 16
/* One client has so much in a turn, then the others come: beside 255 greedy
 * ones everybody waits for a megabyte of output, a few hundredths of a
 * second. */
#define REQUESTS_A_TURN 16
#define OCTETS_A_TURN   ENTROPY_REQUEST_MAX

/* Clients may pass descriptors, which the kernel closes for us as it drops
 * them; a socket with SO_LINGER then waits for its peer, here.  No wait of a
 * turn is longer than this. */
#define WAIT_MS 2

struct client {
	int fd;
	enum outlet_kind kind;
	uid_t uid;
	uint64_t progress_ms; /* when an octet last moved */
	uint64_t number;      /* they came in this order */
	bool waiting;         /* for a pool that is not ready */
	bool more;            /* requests left over from its turn */
	size_t in_n, out_n, out_at;
	uint8_t in[EGD_REQUEST_MAX];
	uint8_t out[ENTROPY_STATUS_MAX];
};

struct outlet {
	int listeners[OUTLET_KINDS];
	struct pool *pool;
	outlet_status *status;
	void *status_arg;
	struct client *clients[OUTLET_CLIENTS];
	uint64_t admitted;
	struct outlet_counts counts;
};

/* That it comes is all: a wait in the kernel ends. */
static void
on_alarm(int signo)
{
}

static void
alarm_every(long ms)
{
	struct itimerval t = { .it_interval = { 0, ms * 1000 },
			       .it_value = { 0, ms * 1000 } };

	(void)setitimer(ITIMER_REAL, &t, NULL);
}

int
outlet_listen(const char *dir, const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, n, err = 0;

	n = snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", dir, name);
	if (n < 0 || (size_t)n >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 ||
	    errno == EAGAIN)
		err = -EADDRINUSE;
	else if (unlink(at.sun_path) != 0 && errno != ENOENT)
		err = -errno;
	else if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
		 chmod(at.sun_path, 0666) != 0 || listen(fd, 128) != 0)
		err = -errno;
	if (err != 0) {
		close(fd);
		return err;
	}
	return fd;
}

struct outlet *
outlet_new(const int listeners[OUTLET_KINDS], struct pool *pool,
	   outlet_status *status, void *status_arg)
{
	struct sigaction act = { .sa_handler = on_alarm };
	struct outlet *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	(void)sigaction(SIGALRM, &act, NULL);
	memcpy(o->listeners, listeners, sizeof(o->listeners));
	o->pool = pool;
	o->status = status;
	o->status_arg = status_arg;
	return o;
}

static void
drop(struct outlet *o, unsigned slot)
{
	struct client *c = o->clients[slot];

	close(c->fd);
	secret_free(c, sizeof(*c));
	o->clients[slot] = NULL;
	o->counts.now--;
}

void
outlet_free(struct outlet *o)
{
	if (o == NULL)
		return;
	for (unsigned i = 0; i < OUTLET_CLIENTS; i++)
		if (o->clients[i] != NULL)
			drop(o, i);
	for (int i = 0; i < OUTLET_KINDS; i++)
		close(o->listeners[i]);
	free(o);
}

size_t
outlet_poll(const struct outlet *o, struct pollfd *fds)
{
	size_t n = 0;

	for (int i = 0; i < OUTLET_KINDS; i++)
		fds[n++] = (struct pollfd){ o->listeners[i], POLLIN, 0 };
	for (unsigned i = 0; i < OUTLET_CLIENTS; i++) {
		const struct client *c = o->clients[i];

		if (c == NULL)
			continue;
		/* A waiting one is only watched for its end. */
		fds[n++] = (struct pollfd){ c->fd,
					    c->out_n != 0 || c->more ? POLLOUT
					    : c->waiting             ? 0
								     : POLLIN,
					    0 };
	}
	return n;
}

bool
outlet_waiting(const struct outlet *o)
{
	for (unsigned i = 0; i < OUTLET_CLIENTS; i++)
		if (o->clients[i] != NULL && o->clients[i]->waiting)
			return true;
	return false;
}

static unsigned
count_of(const struct outlet *o, uid_t uid)
{
	unsigned n = 0;

	for (unsigned i = 0; i < OUTLET_CLIENTS; i++)
		n += o->clients[i] != NULL && o->clients[i]->uid == uid;
	return n;
}

static bool
is_staler(const struct client *a, const struct client *b)
{
	return a->progress_ms != b->progress_ms
		   ? a->progress_ms < b->progress_ms
		   : a->number < b->number;
}

/* The connection of this user on which nothing has moved for longest. */
static void
evict_stalest(struct outlet *o, uid_t uid)
{
	unsigned stalest = OUTLET_CLIENTS;

	for (unsigned i = 0; i < OUTLET_CLIENTS; i++) {
		const struct client *c = o->clients[i];

		if (c != NULL && c->uid == uid &&
		    (stalest == OUTLET_CLIENTS ||
		     is_staler(c, o->clients[stalest])))
			stalest = i;
	}
	if (stalest != OUTLET_CLIENTS) {
		drop(o, stalest);
		o->counts.evicted++;
	}
}

static uid_t
busiest_user(const struct outlet *o)
{
	unsigned most = 0;
	uid_t busiest = 0;

	for (unsigned i = 0; i < OUTLET_CLIENTS; i++) {
		if (o->clients[i] != NULL) {
			unsigned n = count_of(o, o->clients[i]->uid);

			if (n > most) {
				most = n;
				busiest = o->clients[i]->uid;
			}
		}
	}
	return busiest;
}

static void
admit(struct outlet *o, int fd, enum outlet_kind kind, uint64_t now_ms)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct client *c;
	unsigned slot = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 ||
	    len != sizeof(peer) || peer.uid == (uid_t)-1) {
		close(fd);
		o->counts.refused++;
		return;
	}
	if (peer.uid != 0 && count_of(o, peer.uid) >= OUTLET_PER_USER)
		evict_stalest(o, peer.uid);
	if (o->counts.now == OUTLET_CLIENTS)
		evict_stalest(o, busiest_user(o));
	while (slot < OUTLET_CLIENTS && o->clients[slot] != NULL)
		slot++;
	c = slot < OUTLET_CLIENTS ? secret_alloc(sizeof(*c)) : NULL;
	if (c == NULL || madvise(c, sizeof(*c), MADV_DONTFORK) != 0) {
		close(fd);
		secret_free(c, sizeof(*c));
		o->counts.refused++;
		return;
	}
	c->fd = fd;
	c->kind = kind;
	c->uid = peer.uid;
	c->progress_ms = now_ms;
	c->number = o->admitted++;
	if (kind == OUTLET_STATUS)
		c->out_n =
		    o->status(o->status_arg, (char *)c->out, sizeof(c->out));
	o->clients[slot] = c;
	o->counts.now++;
}

static void
accept_some(struct outlet *o, enum outlet_kind kind, uint64_t now_ms)
{
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept4(o->listeners[kind], NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		/* No descriptor left is no place left: who stands in the queue
		 * would else be told to us for ever, and wait for ever. */
		if (fd < 0 && errno == EMFILE && o->counts.now != 0)
			evict_stalest(o, busiest_user(o));
		if (fd < 0)
			return;
		admit(o, fd, kind, now_ms);
	}
}

/* n octets of the pool behind what `out` already holds. */
static bool
draw(struct outlet *o, struct client *c, size_t n)
{
	if (n == 0)
		return true;
	if (n > sizeof(c->out) - c->out_n ||
	    pool_read(o->pool, c->out + c->out_n, n) != 0)
		return false;
	c->out_n += n;
	return true;
}

/* Does what one request asks.  False: not now, or not at all (EGD_BAD). */
static bool
answer(struct outlet *o, struct client *c, const struct egd_request *rq)
{
	struct builder b = builder_make(c->out, sizeof(c->out));
	char pid[12];
	int n;

	switch (rq->op) {
	case EGD_BITS:
		/* The generator's strength: more is not to be had. */
		builder_u32(&b, pool_ready(o->pool) ? CONDITIONER_BITS : 0);
		c->out_n = b.len;
		return true;
	case EGD_TRY:
		builder_u8(&b, pool_ready(o->pool) ? (uint8_t)rq->n : 0);
		c->out_n = b.len;
		if (c->out[0] == 0 || draw(o, c, rq->n))
			return true;
		c->out_n = 0; /* no count without its octets */
		return false;
	case EGD_READ:
		return draw(o, c, rq->n);
	case EGD_WRITE:
		(void)pool_mix(o->pool, rq->octets, rq->n);
		return true;
	case EGD_PID:
		n = snprintf(pid, sizeof(pid), "%d", (int)getpid());
		builder_u8(&b, (uint8_t)n);
		builder_octets(&b, pid, (size_t)n);
		c->out_n = b.len;
		return true;
	case EGD_MORE:
	case EGD_BAD:
		break;
	}
	return false;
}

/* Sends what there is.  False: the client is gone. */
static bool
flush(struct client *c, uint64_t now_ms)
{
	while (c->out_at < c->out_n) {
		ssize_t put =
		    send(c->fd, c->out + c->out_at, c->out_n - c->out_at,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (put < 0)
			return errno == EAGAIN || errno == EINTR;
		c->out_at += (size_t)put;
		c->progress_ms = now_ms;
	}
	secret_wipe(c->out, c->out_n);
	c->out_n = c->out_at = 0;
	return c->kind != OUTLET_STATUS;
}

static struct egd_request
first_request(const struct client *c)
{
	return c->kind == OUTLET_EGD ? egd_parse(c->in, c->in_n)
				     : egd_parse_pool(c->in, c->in_n);
}

/* Answers what has come, in order, as long as the client takes it. */
static bool
work(struct outlet *o, struct client *c, uint64_t now_ms)
{
	size_t drawn = 0;

	c->more = false;
	for (int i = 0; c->out_n == 0; i++) {
		struct egd_request rq = first_request(c);

		if (rq.op == EGD_MORE)
			return true;
		c->more = i == REQUESTS_A_TURN || drawn >= OCTETS_A_TURN;
		if (c->more)
			return true;
		if (rq.op == EGD_BAD)
			return false;
		c->waiting = false;
		if (!answer(o, c, &rq)) {
			c->waiting = true;
			return true;
		}
		drawn += c->out_n;
		c->in_n -= rq.taken;
		memmove(c->in, c->in + rq.taken, c->in_n);
		if (!flush(c, now_ms))
			return false;
	}
	return true;
}

static bool
receive(struct client *c, uint64_t now_ms)
{
	ssize_t got;

	if (c->in_n == sizeof(c->in))
		return true;
	got =
	    recv(c->fd, c->in + c->in_n, sizeof(c->in) - c->in_n, MSG_DONTWAIT);
	if (got == 0)
		return false;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	c->in_n += (size_t)got;
	c->progress_ms = now_ms;
	return true;
}

static bool
serve_client(struct outlet *o, struct client *c, short events, uint64_t now_ms)
{
	if (events & (POLLERR | POLLNVAL))
		return false;
	if ((events & POLLHUP) && !(events & POLLIN) && c->out_n == 0)
		return false;
	if (c->out_n != 0 && (events & POLLOUT) && !flush(c, now_ms))
		return false;
	if (c->out_n == 0 && !c->waiting && (events & POLLIN) &&
	    !receive(c, now_ms))
		return false;
	return c->out_n != 0 || c->kind == OUTLET_STATUS || work(o, c, now_ms);
}

void
outlet_serve(struct outlet *o, const struct pollfd *fds, size_t n,
	     uint64_t now_ms)
{
	size_t at = OUTLET_KINDS;

	alarm_every(WAIT_MS);
	for (unsigned i = 0; i < OUTLET_CLIENTS && at < n; i++) {
		struct client *c = o->clients[i];

		if (c == NULL || c->fd != fds[at].fd)
			continue;
		if (!serve_client(o, c, fds[at].revents, now_ms))
			drop(o, i);
		at++;
	}
	/* Last, so that no new client takes the place of one just polled. */
	for (int i = 0; i < OUTLET_KINDS; i++)
		if (fds[i].revents & POLLIN)
			accept_some(o, (enum outlet_kind)i, now_ms);
	alarm_every(0);
}

struct outlet_counts
outlet_counts(const struct outlet *o)
{
	return o->counts;
}
