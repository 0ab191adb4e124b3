/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/notify.h"

/* A service manager's socket in the abstract namespace, which leaves no
 * file; NOTIFY_SOCKET names it. */
static int
manager(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char name[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int n = snprintf(name, sizeof(name), "@nfipsec-notify.%d", getpid());

	cr_assert_geq(fd, 0);
	memcpy(at.sun_path + 1, name + 1, (size_t)n - 1);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				      (size_t)n)),
		     0);
	cr_assert_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

/* The next message, "" when there is none. */
static const char *
heard(int fd)
{
	static char text[1024];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

Test(notify, says_what_it_is_told)
{
	int fd = manager();

	notify_send("READY=1\nSTATUS=%d of %s", 2, "three");
	cr_assert_str_eq(heard(fd), "READY=1\nSTATUS=2 of three");
	cr_assert_str_eq(heard(fd), "");
	close(fd);
}

Test(notify, nobody_listens)
{
	int fd = manager();

	close(fd);
	notify_send("READY=1");
	cr_assert_eq(setenv("NOTIFY_SOCKET", "vsock:2:1234", 1), 0);
	notify_send("READY=1");
	cr_assert_eq(unsetenv("NOTIFY_SOCKET"), 0);
	notify_send("READY=1");
}

/* A manager that does not read: the message is lost, nobody waits. */
Test(notify, nobody_reads, .timeout = 60)
{
	int fd = manager(), small = 1;

	cr_assert_eq(
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	for (int i = 0; i < 2000; i++)
		notify_send("STATUS=%0400d", i);
	cr_assert_str_neq(heard(fd), "");
	close(fd);
}

Test(notify, watchdog_is_fed_with_measure)
{
	struct notify_pace pace = { 0 };
	int fd = manager(), fed = 0;

	notify_alive(&pace, 0); /* also when the clock begins */
	cr_assert_str_eq(heard(fd), "WATCHDOG=1");
	for (uint64_t ms = 1; ms <= 60000; ms++) {
		notify_alive(&pace, ms);
		if (strcmp(heard(fd), "WATCHDOG=1") == 0)
			fed++;
	}
	cr_assert_eq(fed, 12);
	close(fd);
}
