/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/keyview.h"
#include "keyneg/viewout.h"

static int
place(const char *run_dir, struct sockaddr_un *at)
{
	int n;

	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(at->sun_path, sizeof(at->sun_path), "%s/%s", run_dir,
		     KEYVIEW_SOCKET);
	return n < 0 || (size_t)n >= sizeof(at->sun_path) ? -ENAMETOOLONG : 0;
}

int
viewout_listen(const char *run_dir)
{
	struct sockaddr_un at;
	int fd, err = place(run_dir, &at);
	mode_t mask;

	if (err != 0)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 ||
	    errno == EAGAIN)
		err = -EADDRINUSE;
	else if (unlink(at.sun_path) != 0 && errno != ENOENT)
		err = -errno;
	else if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
		 listen(fd, 16) != 0)
		err = -errno;
	umask(mask);
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

void
viewout_remove(const char *run_dir, int fd)
{
	struct sockaddr_un at;

	if (fd < 0 || place(run_dir, &at) != 0)
		return;
	(void)unlink(at.sun_path);
	close(fd);
}

void
viewout_init(struct viewout *v)
{
	*v = (struct viewout){ .listener = -1, .reader = -1 };
}

void
viewout_set_listener(struct viewout *v, int fd)
{
	if (v->listener >= 0)
		close(v->listener);
	v->listener = fd;
}

struct pollfd
viewout_poll(const struct viewout *v)
{
	return v->reader >= 0
		   ? (struct pollfd){ .fd = v->reader, .events = POLLOUT }
		   : (struct pollfd){ .fd = v->listener, .events = POLLIN };
}

int64_t
viewout_wait(const struct viewout *v, uint64_t now_ms)
{
	if (v->reader < 0)
		return -1;
	return now_ms >= v->deadline_ms ? 0
					: (int64_t)(v->deadline_ms - now_ms);
}

static void
leave(struct viewout *v)
{
	close(v->reader);
	free(v->text);
	v->reader = -1;
	v->text = NULL;
	v->len = v->at = 0;
}

static void
greet(struct viewout *v, uint64_t now_ms, viewout_print *print, void *ctx)
{
	FILE *out;

	v->reader =
	    accept4(v->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (v->reader < 0)
		return;
	v->deadline_ms = now_ms + KEYVIEW_SECONDS * 1000;
	out = open_memstream(&v->text, &v->len);
	if (out == NULL) {
		leave(v);
		return;
	}
	print(ctx, out);
	if (fclose(out) != 0)
		v->len = 0; /* no memory: better nothing than a part */
	if (v->len > KEYVIEW_MAX)
		v->len = KEYVIEW_MAX;
}

void
viewout_run(struct viewout *v, uint64_t now_ms, bool ready,
	    viewout_print *print, void *ctx)
{
	ssize_t n;

	if (v->reader < 0 && ready)
		greet(v, now_ms, print, ctx);
	if (v->reader < 0)
		return;
	while (v->at < v->len) {
		n = send(v->reader, v->text + v->at, v->len - v->at,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN && now_ms < v->deadline_ms)
			return;
		if (n <= 0)
			break;
		v->at += (size_t)n;
	}
	leave(v);
}
