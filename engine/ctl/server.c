/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "engine/ctl/broker.h"
#include "engine/ctl/server_priv.h"

/* epoll's 64 bits of ours: sessions by index from 0, then the others. */
enum {
	KEY_WATCH = 1u << 16,
	KEY_LISTENER = 1u << 17,
	KEY_TIMER,
};
#define ACCEPT_BURST 256
#define EVENTS_MAX   64

/* Connects, to learn whether a socket file still has a server. */
static bool
somebody_listens(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool yes;

	if (fd < 0)
		return false;
	yes = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;
	close(fd);
	return yes;
}

static int
bind_at(int fd, const struct sockaddr_un *at)
{
	if (bind(fd, (const struct sockaddr *)at, sizeof(*at)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (somebody_listens(at))
		return -EADDRINUSE;
	if (unlink(at->sun_path) < 0 ||
	    bind(fd, (const struct sockaddr *)at, sizeof(*at)) < 0)
		return -errno;
	return 0;
}

int
server_listen(const char *run_dir)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int dir, fd, err;

	dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		err = -errno;
		close(dir);
		return err;
	}
	/* By descriptor: sun_path has no room for a long run-dir. */
	(void)snprintf(at.sun_path, sizeof(at.sun_path),
		       "/proc/self/fd/%d/" PROTO_SOCKET, dir);
	err = bind_at(fd, &at);
	if (err == 0 &&
	    (chmod(at.sun_path, 0666) < 0 || listen(fd, SOMAXCONN) < 0))
		err = -errno;
	close(dir);
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

static int
add_fd(struct server *s, int fd, uint64_t key)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = key };

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

int
server_new(struct server **out, const struct server_config *config)
{
	struct server *s = calloc(1, sizeof(*s));
	int err;

	if (s == NULL)
		return -ENOMEM;
	s->config = *config;
	/* Not later: the engine may not ask when it is confined. */
	s->own_uid = geteuid();
	s->netns = broker_netns();
	s->refusals = (struct log_limit){ .burst = 10, .every_ms = 1000 };
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
		s->sessions[i].fd = -1;
	for (unsigned i = 0; i < SERVER_WATCHES_MAX; i++)
		s->watches[i].fd = -1;
	s->timer_fd = -1;
	err = closer_init(&s->closer);
	if (err < 0) {
		free(s);
		return err;
	}
	s->message = secret_alloc(PROTO_MESSAGE_MAX);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd >= 0)
		s->timer_fd =
		    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->message == NULL || s->timer_fd < 0)
		err = -errno;
	else
		err = shadow_init(&s->shadow, config->store);
	if (err == 0)
		err = add_fd(s, config->listen_fd, KEY_LISTENER);
	if (err == 0)
		err = add_fd(s, s->timer_fd, KEY_TIMER);
	if (err < 0) {
		server_free(s);
		return err;
	}
	feed_init(s);
	*out = s;
	return 0;
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
		if (s->sessions[i].fd >= 0)
			session_close(s, &s->sessions[i]);
	closer_fini(&s->closer);
	shadow_fini(&s->shadow);
	if (s->timer_fd >= 0)
		close(s->timer_fd);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	secret_free(s->message, PROTO_MESSAGE_MAX);
	free(s);
}

int
server_start(struct server *s)
{
	return closer_start(&s->closer);
}

int
server_watch(struct server *s, int fd, void (*fn)(void *arg), void *arg)
{
	int err;

	for (unsigned i = 0; i < SERVER_WATCHES_MAX; i++) {
		struct server_watch *w = &s->watches[i];

		if (w->fd >= 0)
			continue;
		err = add_fd(s, fd, KEY_WATCH | i);
		if (err == 0)
			*w = (struct server_watch){ fd, fn, arg };
		return err;
	}
	return -ENOSPC;
}

struct session *
server_session(struct server *s, struct server_ticket t)
{
	struct session *c;

	if (t.client >= SERVER_CLIENTS_MAX)
		return NULL;
	c = &s->sessions[t.client];
	if (c->fd < 0 || c->generation != t.generation ||
	    c->phase != SESSION_WAIT || c->serial != t.serial ||
	    c->type != t.type)
		return NULL;
	return c;
}

/* ---- new clients ----------------------------------------------------------
 */

/* The kernel's word on who connected.  Not an octet of theirs is read yet. */
static enum proto_rights
rights_of(const struct server *s, int fd, uid_t *uid)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return PROTO_RIGHTS_NONE;
	*uid = who.uid;
	if (who.uid == 0 || who.uid == s->own_uid)
		return PROTO_RIGHTS_ALL;
	return PROTO_RIGHTS_OWN;
}

/* Whose places are looked at. */
enum crowd { CROWD_ALL, CROWD_USERS, CROWD_USER };

static bool
is_of(const struct session *c, enum crowd crowd, uid_t uid)
{
	if (c->fd < 0)
		return false;
	switch (crowd) {
	case CROWD_ALL:
		break;
	case CROWD_USERS:
		return c->rights == PROTO_RIGHTS_OWN;
	case CROWD_USER:
		return c->rights == PROTO_RIGHTS_OWN && c->uid == uid;
	}
	return true;
}

/* When `max` places are taken, whoever was silent longest and listens to no
 * events makes room, or does not listen at all.  False: nobody could. */
static bool
make_room(struct server *s, enum crowd crowd, uid_t uid, unsigned max)
{
	struct session *oldest = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
		struct session *c = &s->sessions[i];

		if (!is_of(c, crowd, uid))
			continue;
		n++;
		if ((c->mask != 0 || c->phase != SESSION_IDLE) &&
		    !session_is_deaf(c))
			continue;
		if (oldest == NULL || c->since_ms < oldest->since_ms)
			oldest = c;
	}
	if (n < max)
		return true;
	if (oldest != NULL)
		session_close(s, oldest);
	return oldest != NULL;
}

static void
admit(struct server *s, int fd, uid_t uid, enum proto_rights rights)
{
	bool room = true;

	if (rights == PROTO_RIGHTS_NONE) {
		session_open(s, fd, uid, rights, EACCES);
		return;
	}
	if (rights == PROTO_RIGHTS_OWN)
		room = closer_has_room(&s->closer, uid) &&
		       make_room(s, CROWD_USER, uid, SERVER_PER_USER) &&
		       make_room(s, CROWD_USERS, uid, SERVER_USERS_MAX);
	if (room)
		room = make_room(s, CROWD_ALL, uid, SERVER_CLIENTS_MAX);
	session_open(s, fd, uid, rights, room ? 0 : EBUSY);
}

static void
accept_clients(struct server *s)
{
	for (unsigned n = 0; n < ACCEPT_BURST; n++) {
		enum proto_rights rights;
		uid_t uid = (uid_t)-1;
		int fd;

		fd = accept4(s->config.listen_fd, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0) {
			/* Out of descriptors: the next tick tries again, and
			 * this must not spin until then. */
			s->accept_paused = errno != EAGAIN;
			if (s->accept_paused)
				(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL,
						s->config.listen_fd, NULL);
			return;
		}
		rights = rights_of(s, fd, &uid);
		admit(s, fd, uid, rights);
	}
}

/* ---- time -----------------------------------------------------------------
 */

/* The timer ticks only while somebody needs it. */
static void
set_ticking(struct server *s)
{
	bool need = s->feed.watching || s->accept_paused;
	struct itimerspec t = { 0 };

	for (unsigned i = 0; i < SERVER_CLIENTS_MAX && !need; i++)
		need = s->sessions[i].fd >= 0 &&
		       (!s->sessions[i].greeted ||
			session_is_deaf(&s->sessions[i]));
	if (need == s->ticking)
		return;
	if (need) {
		t.it_value.tv_nsec = SERVER_TICK_MS * 1000000l;
		t.it_interval = t.it_value;
	}
	if (timerfd_settime(s->timer_fd, 0, &t, NULL) == 0)
		s->ticking = need;
}

static void
tick(struct server *s)
{
	uint64_t expirations, now = clock_now_ms();

	while (read(s->timer_fd, &expirations, sizeof(expirations)) < 0 &&
	       errno == EINTR)
		;
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
		struct session *c = &s->sessions[i];

		if (c->fd < 0)
			continue;
		if ((!c->greeted && now - c->since_ms > SERVER_HELLO_MS) ||
		    (session_is_deaf(c) && now - c->stuck_ms > SERVER_DEAF_MS))
			session_close(s, c);
	}
	if (s->accept_paused &&
	    add_fd(s, s->config.listen_fd, KEY_LISTENER) == 0)
		s->accept_paused = false;
	feed_poll(s, now);
}

int
server_step(struct server *s, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	bool knock = false;
	int n;

	n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, timeout_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		uint64_t key = events[i].data.u64;

		if (key < SERVER_CLIENTS_MAX) {
			struct session *c = &s->sessions[key];

			if (c->fd >= 0)
				session_serve(s, c, events[i].events);
		} else if (key == KEY_LISTENER) {
			knock = true;
		} else if (key == KEY_TIMER) {
			tick(s);
		} else {
			struct server_watch *w = &s->watches[key - KEY_WATCH];

			if (w->fd >= 0)
				w->fn(w->arg);
		}
	}
	/* Last, so that no event above meets a newcomer in an old place. */
	if (knock)
		accept_clients(s);
	set_ticking(s);
	return 0;
}

/* ---- answers of others ----------------------------------------------------
 */

static int
append(struct server *s, struct server_ticket t,
       const struct proto_shape *shape, const void *record)
{
	struct session *c = server_session(s, t);
	int err;

	if (c == NULL)
		return 0;
	err = session_append(s, c, shape, record);
	if (err < 0) {
		session_end(c, err, "the answer is too large");
		session_flush(s, c);
	}
	return err;
}

int
server_answer_text(struct server *s, struct server_ticket t, const char *text,
		   size_t len)
{
	struct proto_text piece = { 0 };
	size_t n, fill = 0;
	int err;

	while (len != 0) {
		n = proto_text_step(text, len);
		if (fill + (n == 0 ? 1 : n) >= sizeof(piece.text)) {
			piece.text[fill] = '\0';
			err = append(s, t, PROTO_SHAPE(&piece), &piece);
			if (err < 0)
				return err;
			fill = 0;
		}
		/* What may not be in a message shows as what it is not. */
		if (n == 0)
			piece.text[fill++] = '?';
		else
			memcpy(piece.text + fill, text, n);
		fill += n;
		text += n == 0 ? 1 : n;
		len -= n == 0 ? 1 : n;
	}
	if (fill == 0)
		return 0;
	piece.text[fill] = '\0';
	return append(s, t, PROTO_SHAPE(&piece), &piece);
}

int
server_answer_flow(struct server *s, struct server_ticket t,
		   const struct proto_flow *flow)
{
	return append(s, t, PROTO_SHAPE(flow), flow);
}

int
server_answer_instance(struct server *s, struct server_ticket t,
		       const struct proto_instance *instance)
{
	return append(s, t, PROTO_SHAPE(instance), instance);
}

int
server_answer_drop(struct server *s, struct server_ticket t,
		   const struct proto_drop *drop)
{
	if (t.client == FEED_CLIENT) {
		feed_rule_drop(s, drop);
		return 0;
	}
	return append(s, t, PROTO_SHAPE(drop), drop);
}

int
server_answer_end(struct server *s, struct server_ticket t, int err,
		  const char *sentence)
{
	struct session *c = server_session(s, t);

	if (t.client == FEED_CLIENT)
		feed_rule_end(s);
	if (c == NULL)
		return 0;
	if (c->type == PROTO_DROPS) {
		/* The engine's own rows follow whatever became of these. */
		c->rows_follow = true;
		c->error = 0;
		(void)snprintf(
		    c->text, sizeof(c->text), "%s",
		    err == 0 ? "" : "without the counters of the nft rules");
		c->phase = c->backlog == NULL ? SESSION_ROWS : SESSION_BACKLOG;
	} else {
		session_end(c, err, "%s", sentence == NULL ? "" : sentence);
	}
	session_flush(s, c);
	return 0;
}
