/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/notify.h"

#define ALIVE_MS 5000

/* fd -1: none goes along. */
static void __attribute__((format(printf, 2, 0)))
send_text(int pass, const char *fmt, va_list ap)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	char text[512];
	struct iovec iov = { .iov_base = text };
	struct msghdr m = { .msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1 };
	int n, fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(to.sun_path))
		return;
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		return;
	iov.iov_len = n > (int)sizeof(text) - 1 ? sizeof(text) - 1 : (size_t)n;
	strcpy(to.sun_path, path);
	m.msg_namelen =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		to.sun_path[0] = '\0'; /* the abstract namespace */
	if (pass >= 0) {
		memcpy(CMSG_DATA(&control.head), &pass, sizeof(pass));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendmsg(fd, &m, MSG_NOSIGNAL | (pass < 0 ? MSG_DONTWAIT : 0));
	close(fd);
}

void
notify_send(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	send_text(-1, fmt, ap);
	va_end(ap);
}

void
notify_send_fd(int fd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	send_text(fd, fmt, ap);
	va_end(ap);
}

void
notify_alive(struct notify_pace *pace, uint64_t now_ms)
{
	uint64_t every = notify_watchdog_ms();

	if (every == 0 || every > ALIVE_MS)
		every = ALIVE_MS;
	if (pace->told && now_ms - pace->told_ms < every)
		return;
	*pace = (struct notify_pace){ .told = true, .told_ms = now_ms };
	notify_send("WATCHDOG=1");
}

uint64_t
notify_watchdog_ms(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	unsigned long long usecs = text != NULL ? strtoull(text, NULL, 10) : 0;

	return usecs == ULLONG_MAX ? 0 : usecs / 3000;
}
