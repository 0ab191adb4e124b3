/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "engine/ctl/request.h"
#include "engine/ctl/rows.h"

/* A slow reader is stopped early: kernel memory of 128 unread sockets stays
 * under 10 MB. */
#define SEND_BUFFER_OCTETS 32768

enum sent { SENT, SENT_LATER, SENT_DEAD };

static enum sent
put(struct session *c, const void *msg, size_t len)
{
	ssize_t n;

	do
		n = send(c->fd, msg, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return SENT;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
		return SENT_LATER;
	return SENT_DEAD;
}

static void
drop_backlog(struct server *s, struct session *c)
{
	if (c->backlog == NULL)
		return;
	secret_wipe(c->backlog, c->backlog_cap);
	free(c->backlog);
	s->backlog -= c->backlog_cap;
	c->backlog = NULL;
	c->backlog_len = c->backlog_sent = c->backlog_cap = 0;
}

/* The server's first word, also to those who are turned away. */
static enum sent
greet(struct session *c, int refused)
{
	struct proto_head head = {
		.type = PROTO_HELLO,
		.flags = PROTO_FLAG_REPLY,
		.error = refused,
	};
	struct proto_hello hello = {
		.version = PROTO_VERSION,
		.rights = c->rights,
		.software = "nfipsec " NFIPSEC_VERSION,
	};
	uint8_t msg[256];
	size_t len;

	len = proto_build(msg, sizeof(msg), &head, PROTO_SHAPE(&hello), &hello);
	return put(c, msg, len);
}

/* Asks epoll for what this phase waits for.  A closed peer is always told. */
static void
set_interest(struct server *s, struct session *c)
{
	uint32_t want = c->lost != 0 ? EPOLLOUT : 0;
	struct epoll_event e;

	switch (c->phase) {
	case SESSION_IDLE:
		want |= EPOLLIN;
		break;
	case SESSION_WAIT:
		break;
	case SESSION_BACKLOG:
	case SESSION_ROWS:
	case SESSION_END:
		want |= EPOLLOUT;
		break;
	}
	if (want == c->interest)
		return;
	e = (struct epoll_event){
		.events = want,
		.data.u64 = (uint64_t)(c - s->sessions),
	};
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, c->fd, &e) == 0)
		c->interest = want;
}

void
session_open(struct server *s, int fd, uid_t uid, enum proto_rights rights,
	     int refused)
{
	struct session turned_away = { .fd = fd,
				       .rights = rights,
				       .passed = -1 };
	int octets = SEND_BUFFER_OCTETS;
	struct session *c = NULL;
	struct epoll_event e;
	uint32_t generation;

	for (unsigned i = 0; i < SERVER_CLIENTS_MAX && c == NULL; i++)
		if (s->sessions[i].fd < 0)
			c = &s->sessions[i];
	if (c == NULL && refused == 0)
		refused = EBUSY;
	if (refused != 0) {
		(void)greet(&turned_away, refused);
		closer_hang_up(&s->closer, uid, fd);
		return;
	}
	generation = c->generation + 1;
	*c = (struct session){
		.fd = fd,
		.generation = generation,
		.rights = rights,
		.uid = uid,
		.passed = -1,
		.interest = EPOLLIN,
		.since_ms = clock_now_ms(),
	};
	e = (struct epoll_event){
		.events = EPOLLIN,
		.data.u64 = (uint64_t)(c - s->sessions),
	};
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof(octets));
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ||
	    greet(c, 0) != SENT)
		session_close(s, c);
}

static void
close_passed(struct server *s, struct session *c)
{
	if (c->passed >= 0)
		closer_take(&s->closer, c->uid, c->passed);
	c->passed = -1;
}

void
session_close(struct server *s, struct session *c)
{
	bool listened = c->mask != 0;

	drop_backlog(s, c);
	close_passed(s, c);
	/* What it passed and nobody read goes, too, maybe not at once. */
	(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
	closer_hang_up(&s->closer, c->uid, c->fd);
	c->fd = -1;
	c->mask = 0;
	c->phase = SESSION_IDLE;
	if (listened)
		feed_listeners_changed(s);
}

void
session_end(struct session *c, int err, const char *fmt, ...)
{
	va_list ap;

	c->error = -err;
	va_start(ap, fmt);
	(void)vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
	/* What is legal only; a cut in mid-character counts as the end. */
	for (size_t at = 0, n, left = strlen(c->text); left != 0;
	     at += n, left -= n) {
		n = proto_text_step(c->text + at, left);
		if (n == 0) {
			c->text[at] = '\0';
			break;
		}
	}
	c->rows_follow = false;
	c->phase = c->backlog == NULL ? SESSION_END : SESSION_BACKLOG;
}

/* Room for n more octets, within what all sessions together may hold. */
static bool
reserve(struct server *s, struct session *c, size_t n)
{
	size_t cap = c->backlog_cap == 0 ? PROTO_MESSAGE_MAX : c->backlog_cap;
	uint8_t *more;

	if (c->backlog_cap - c->backlog_len >= n)
		return true;
	while (cap - c->backlog_len < n)
		cap *= 2;
	if (s->backlog - c->backlog_cap + cap > SERVER_BACKLOG_MAX)
		return false;
	more = malloc(cap);
	if (more == NULL)
		return false;
	if (c->backlog != NULL) {
		memcpy(more, c->backlog, c->backlog_len);
		secret_wipe(c->backlog, c->backlog_len);
		free(c->backlog);
	}
	s->backlog += cap - c->backlog_cap;
	c->backlog = more;
	c->backlog_cap = cap;
	return true;
}

int
session_append(struct server *s, struct session *c,
	       const struct proto_shape *shape, const void *record)
{
	struct proto_head head = {
		.type = c->type,
		.flags = PROTO_FLAG_REPLY | PROTO_FLAG_MORE,
		.serial = c->serial,
	};
	size_t len;

	len = proto_build(s->message, PROTO_MESSAGE_MAX, &head, shape, record);
	if (len == 0)
		return -EMSGSIZE;
	if (!reserve(s, c, len))
		return -ENOBUFS;
	memcpy(c->backlog + c->backlog_len, s->message, len);
	c->backlog_len += len;
	return 0;
}

/* One message of the backlog, or the step to what follows it. */
static enum sent
flush_backlog(struct server *s, struct session *c)
{
	struct proto_head head;
	enum sent done;

	if (c->backlog_sent == c->backlog_len) {
		drop_backlog(s, c);
		c->phase = c->rows_follow ? SESSION_ROWS : SESSION_END;
		return SENT;
	}
	memcpy(&head, c->backlog + c->backlog_sent, sizeof(head));
	done = put(c, c->backlog + c->backlog_sent, head.length);
	if (done == SENT)
		c->backlog_sent += head.length;
	return done;
}

/* One row.  If the reader is slow it is made again later, and fresher. */
static enum sent
flush_row(struct server *s, struct session *c)
{
	uint32_t at = c->at;
	size_t len = rows_next(s, c, s->message, PROTO_MESSAGE_MAX);
	enum sent done;

	if (len == 0) {
		c->phase = SESSION_END;
		return SENT;
	}
	done = put(c, s->message, len);
	secret_wipe(s->message, len);
	if (done != SENT)
		c->at = at;
	return done;
}

static enum sent
flush_end(struct server *s, struct session *c)
{
	struct proto_head head = {
		.type = c->type,
		.flags = PROTO_FLAG_REPLY,
		.serial = c->serial,
		.error = c->error,
	};
	struct proto_text text;
	enum sent done;
	size_t len;

	memset(&text, 0, sizeof(text));
	memcpy(text.text, c->text, sizeof(c->text));
	len = proto_build(s->message, PROTO_MESSAGE_MAX, &head,
			  PROTO_SHAPE(&text), &text);
	done = put(c, s->message, len);
	if (done != SENT)
		return done;
	c->phase = SESSION_IDLE;
	return c->hang_up ? SENT_DEAD : SENT;
}

static enum sent
flush_lost(struct session *c)
{
	struct proto_head head = { .type = PROTO_EVENT };
	struct proto_event e = {
		.kind = PROTO_EVENT_LOST,
		.wall_ms = clock_wall_ms(),
		.lost = c->lost,
	};
	uint8_t msg[256];
	enum sent done;
	size_t len;

	len = proto_build(msg, sizeof(msg), &head, PROTO_SHAPE(&e), &e);
	done = put(c, msg, len);
	if (done == SENT)
		c->lost = 0;
	return done;
}

void
session_flush(struct server *s, struct session *c)
{
	enum sent done = SENT;
	unsigned n = 0;

	if (c->lost != 0)
		done = flush_lost(c);
	for (; done == SENT && n < SERVER_BURST; n++) {
		enum session_phase phase = c->phase;

		if (phase == SESSION_IDLE || phase == SESSION_WAIT)
			break;
		done = phase == SESSION_BACKLOG ? flush_backlog(s, c)
		       : phase == SESSION_ROWS  ? flush_row(s, c)
						: flush_end(s, c);
	}
	if (done != SENT_LATER)
		c->stuck_ms = 0;
	else if (c->stuck_ms == 0 || n > 1) /* slow is not deaf */
		c->stuck_ms = clock_now_ms();
	if (done == SENT_DEAD)
		session_close(s, c);
	else
		set_interest(s, c);
}

bool
session_is_deaf(const struct session *c)
{
	return c->stuck_ms != 0 && c->rights != PROTO_RIGHTS_ALL;
}

bool
session_tell(struct server *s, struct session *c, const void *msg, size_t len)
{
	/* What was lost is said first, so that the order is the true one. */
	if (c->lost == 0 && put(c, msg, len) == SENT)
		return true;
	c->lost++;
	set_interest(s, c);
	return false;
}

union control {
	struct cmsghdr head;
	char octets[CMSG_SPACE(CLOSER_MESSAGE * sizeof(int))];
};

/* The first descriptor is the request's; of what else came there is no use. */
static void
take_descriptors(struct server *s, struct session *c, const struct msghdr *m,
		 const union control *control)
{
	int fds[CLOSER_MESSAGE];
	size_t n;

	if (m->msg_controllen < CMSG_LEN(sizeof(int)) ||
	    control->head.cmsg_level != SOL_SOCKET ||
	    control->head.cmsg_type != SCM_RIGHTS)
		return;
	n = (control->head.cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(&control->head), n * sizeof(int));
	c->passed = fds[0];
	for (size_t i = 1; i < n; i++)
		closer_take(&s->closer, c->uid, fds[i]);
}

/* What of a message without its descriptors: whoever has too many waiting is
 * answered, and hung up on with the message still there. */
static ssize_t
look_at(struct session *c, struct msghdr *m)
{
	ssize_t n;

	m->msg_control = NULL;
	m->msg_controllen = 0;
	n = recvmsg(c->fd, m, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0)
		return n;
	c->cut = (m->msg_flags & MSG_CTRUNC) != 0;
	if (!c->cut)
		return recvmsg(c->fd, m, MSG_DONTWAIT | MSG_TRUNC);
	c->hang_up = true;
	return n;
}

/* A message, and the descriptor that may come with it.  As recv(2). */
static ssize_t
receive(struct server *s, struct session *c)
{
	struct iovec iov = { s->message, PROTO_MESSAGE_MAX };
	union control control;
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	if (!closer_has_room(&s->closer, c->uid))
		return look_at(c, &m);
	closer_begin(&s->closer);
	n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	closer_end(&s->closer);
	if (n >= 0) {
		c->cut = (m.msg_flags & MSG_CTRUNC) != 0;
		take_descriptors(s, c, &m, &control);
	}
	return n;
}

/* Reads one message.  False: the client is gone. */
static bool
take_request(struct server *s, struct session *c)
{
	ssize_t n;

	do
		n = receive(s, c);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK;
	if (n == 0)
		return false;
	c->since_ms = clock_now_ms();
	c->type = 0;
	c->serial = 0;
	c->at = 0;
	if (n > (ssize_t)PROTO_MESSAGE_MAX) {
		c->hang_up = true;
		session_end(c, -EMSGSIZE, "longer than %u octets",
			    PROTO_MESSAGE_MAX);
	} else {
		request_handle(s, c, s->message, (size_t)n);
	}
	close_passed(s, c);
	/* It may have held keys. */
	secret_wipe(s->message, PROTO_MESSAGE_MAX);
	return true;
}

void
session_serve(struct server *s, struct session *c, uint32_t events)
{
	if ((events & EPOLLIN) && c->phase == SESSION_IDLE) {
		if (!take_request(s, c)) {
			session_close(s, c);
			return;
		}
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		session_close(s, c);
		return;
	}
	session_flush(s, c);
}
