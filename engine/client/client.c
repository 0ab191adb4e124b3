/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/secret.h"
#include "engine/client/client.h"

static int
fail(struct client *c, int err)
{
	c->broken = true;
	return err;
}

/* By descriptor, for sun_path has no room for a long run-dir. */
static int
connect_in(int fd, const char *run_dir)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int dir, err = 0;

	dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	(void)snprintf(at.sun_path, sizeof(at.sun_path),
		       "/proc/self/fd/%d/" PROTO_SOCKET, dir);
	while (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		if (errno == EINTR)
			continue;
		err = -errno;
		break;
	}
	close(dir);
	return err;
}

/* Waits for the next message, of *len octets, into c->msg. */
static int
receive(struct client *c, int timeout_ms, size_t *len)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	ssize_t n;
	int ready;

	do
		ready = poll(&p, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return fail(c, -errno);
	if (ready == 0)
		return fail(c, -ETIMEDOUT);
	/* A server that closed with something of ours unread gives ECONNRESET
	 * once, and then what it had said before. */
	for (unsigned tries = 0; tries < 2; tries++) {
		do
			n = recv(c->fd, c->msg, PROTO_MESSAGE_MAX, MSG_TRUNC);
		while (n < 0 && errno == EINTR);
		if (n >= 0 || errno != ECONNRESET)
			break;
	}
	if (n < 0)
		return fail(c, -errno);
	if (n == 0)
		return fail(c, -ECONNRESET);
	if (n > (ssize_t)PROTO_MESSAGE_MAX)
		return fail(c, -EBADMSG);
	*len = (size_t)n;
	return 0;
}

static int
greet(struct client *c)
{
	struct proto_hello mine = { .version = PROTO_VERSION };
	struct proto_head head;
	size_t len;
	int err;

	(void)snprintf(mine.software, sizeof(mine.software), "%s",
		       "libnfipsec " NFIPSEC_VERSION);
	err = receive(c, c->timeout_ms, &len);
	if (err < 0)
		return err;
	if (proto_read_head(c->msg, len, &head) < 0 ||
	    head.type != PROTO_HELLO || head.error < 0 ||
	    proto_read(c->msg, len, &proto_shape_hello, PROTO_LENIENT,
		       &c->server) < 0)
		return fail(c, -EBADMSG);
	if (head.error != 0)
		return -head.error;
	return client_do(c, PROTO_HELLO, PROTO_SHAPE(&mine), &mine);
}

int
client_open(struct client *c, const char *run_dir, int timeout_ms)
{
	struct timeval t = {
		.tv_sec = timeout_ms / 1000,
		.tv_usec = timeout_ms % 1000 * 1000,
	};
	int err;

	memset(c, 0, sizeof(*c));
	c->timeout_ms = timeout_ms;
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return fail(c, -errno);
	c->msg = secret_alloc(PROTO_MESSAGE_MAX);
	if (c->msg == NULL)
		return fail(c, -ENOMEM);
	/* A full backlog must not hold a client for ever. */
	if (timeout_ms >= 0)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	err = connect_in(c->fd, run_dir);
	if (err == -EAGAIN)
		err = -ETIMEDOUT;
	if (err < 0)
		return fail(c, err);
	return greet(c);
}

void
client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	secret_free(c->msg, PROTO_MESSAGE_MAX);
	c->msg = NULL;
}

/* One message, and a descriptor with it unless that is -1.  As send(2). */
static ssize_t
pass(const struct client *c, size_t len, int fd)
{
	struct iovec iov = { c->msg, len };
	union {
		struct cmsghdr head;
		char octets[CMSG_SPACE(sizeof(int))];
	} control = { .octets = { 0 } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(int));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
	}
	return sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

int
client_ask(struct client *c, enum proto_type type,
	   const struct proto_shape *shape, const void *record)
{
	return client_ask_fd(c, type, shape, record, -1);
}

int
client_ask_fd(struct client *c, enum proto_type type,
	      const struct proto_shape *shape, const void *record, int fd)
{
	struct proto_head head = {
		.type = (uint16_t)type,
		.serial = ++c->serial,
	};
	size_t len;
	ssize_t n;
	int err;

	c->type = (uint16_t)type;
	c->text[0] = '\0';
	len = proto_build(c->msg, PROTO_MESSAGE_MAX, &head, shape, record);
	if (len == 0)
		return -EINVAL;
	do
		n = pass(c, len, fd);
	while (n < 0 && errno == EINTR);
	err = errno;
	secret_wipe(c->msg, len);
	/* The caller's descriptor, not the connection. */
	if (n < 0 && err == EBADF && fd >= 0)
		return -EBADF;
	if (n < 0)
		return fail(c, err == EAGAIN ? -ETIMEDOUT : -err);
	return 0;
}

/* The last message: its text, if it has one, and its error. */
static int
read_end(struct client *c, size_t len, const struct proto_head *head)
{
	struct proto_text text;

	if (proto_read(c->msg, len, &proto_shape_text, PROTO_LENIENT, &text) <
	    0)
		return fail(c, -EBADMSG);
	memcpy(c->text, text.text, sizeof(c->text));
	/* More than errno has would be no error of ours. */
	if (head->error < 0 || head->error > 4095)
		return fail(c, -EBADMSG);
	return -head->error;
}

int
client_next(struct client *c, const struct proto_shape *shape, void *record)
{
	struct proto_head head;
	size_t len;
	int err;

	for (;;) {
		err = receive(c, c->timeout_ms, &len);
		if (err < 0)
			return err;
		if (proto_read_head(c->msg, len, &head) < 0)
			return fail(c, -EBADMSG);
		if (head.type == PROTO_EVENT)
			continue;
		/* Serial 0, type 0: the request could not even be read. */
		if (!(head.flags & PROTO_FLAG_MORE) &&
		    (head.serial == c->serial || head.serial == 0))
			return read_end(c, len, &head);
		if (head.serial != c->serial || head.type != c->type)
			return fail(c, -EBADMSG);
		if (shape == NULL)
			continue;
		err = proto_read(c->msg, len, shape, PROTO_LENIENT, record);
		secret_wipe(c->msg, len);
		return err < 0 ? fail(c, -EBADMSG) : 1;
	}
}

int
client_do(struct client *c, enum proto_type type,
	  const struct proto_shape *shape, const void *record)
{
	int err = client_ask(c, type, shape, record);

	return err < 0 ? err : client_next(c, NULL, NULL);
}

int
client_event(struct client *c, struct proto_event *event, int timeout_ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	struct proto_head head;
	size_t len;
	int err;

	for (;;) {
		int ready = poll(&p, 1, timeout_ms);

		if (ready == 0)
			return -ETIMEDOUT;
		if (ready < 0)
			return errno == EINTR ? -EINTR : fail(c, -errno);
		err = receive(c, 0, &len);
		if (err < 0)
			return err;
		if (proto_read_head(c->msg, len, &head) < 0)
			return fail(c, -EBADMSG);
		if (head.type != PROTO_EVENT)
			continue;
		if (proto_read(c->msg, len, &proto_shape_event, PROTO_LENIENT,
			       event) < 0)
			return fail(c, -EBADMSG);
		return 0;
	}
}
