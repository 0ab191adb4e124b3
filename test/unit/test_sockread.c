/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon that tells, tells too much, or isn't there. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/cli/sockread.h"

static char dir[] = "/tmp/sockread.XXXXXX";
static int listener;

/* In pieces of 1000, so that the reader has to gather. */
static void *
tell(void *octets)
{
	size_t left = *(const size_t *)octets, n;
	static const char piece[1000] = { [0] = 'a', [999] = 'z' };
	int fd = accept(listener, NULL, NULL);

	for (; left > 0; left -= n) {
		n = left < sizeof(piece) ? left : sizeof(piece);
		if (send(fd, piece, n, MSG_NOSIGNAL) != (ssize_t)n)
			break;
	}
	(void)close(fd);
	return NULL;
}

static void
listen_at(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", dir, name);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	cr_assert_eq(listen(listener, 1), 0);
}

static void
take_down(const char *name)
{
	char path[128];

	(void)close(listener);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)unlink(path);
	(void)rmdir(dir);
}

static int
ask(size_t octets, size_t max, char **text, size_t *len)
{
	pthread_t teller;
	int err;

	cr_assert_eq(pthread_create(&teller, NULL, tell, &octets), 0);
	err = sockread_all(dir, "status", max, text, len);
	(void)pthread_join(teller, NULL);
	return err;
}

Test(sockread, to_the_end)
{
	char *text;
	size_t len;

	listen_at("status");
	cr_assert_eq(ask(0, 100, &text, &len), 0);
	cr_assert_eq(len, 0u);
	cr_assert_str_eq(text, "");
	free(text);
	cr_assert_eq(ask(50000, 50000, &text, &len), 0);
	cr_assert_eq(len, 50000u);
	cr_assert_eq(text[49000], 'a');
	cr_assert_eq(text[49999], 'z');
	cr_assert_eq(text[50000], '\0');
	free(text);
	take_down("status");
}

Test(sockread, no_more_than_that)
{
	char *text;
	size_t len;

	listen_at("status");
	cr_assert_eq(ask(50001, 50000, &text, &len), -EMSGSIZE);
	cr_assert_null(text);
	take_down("status");
}

Test(sockread, nobody_there)
{
	char long_name[200], *text;
	size_t len;

	listen_at("status");
	cr_assert_eq(sockread_all(dir, "other", 100, &text, &len), -ENOENT);
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	cr_assert_eq(sockread_all(dir, long_name, 100, &text, &len),
		     -ENAMETOOLONG);
	take_down("status");
	cr_assert_null(text);
}
