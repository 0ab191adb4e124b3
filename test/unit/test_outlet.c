/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets over a pool that is not ready, with a kernel of the test's own
 * whose generator is not ready either: nobody gets an octet, nobody is told
 * that there are some, and whoever may wait is served when there are.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "entropyd/drbg.h"
#include "entropyd/outlet.h"

static bool kernel_ready;

/* In libc's place. */
ssize_t
getrandom(void *out, size_t n, unsigned flags)
{
	(void)flags;
	if (!kernel_ready) {
		errno = EAGAIN;
		return -1;
	}
	memset(out, 7, n);
	return (ssize_t)n;
}

static const char *const names[OUTLET_KINDS] = { ENTROPY_SOCKET,
						 ENTROPY_EGD_SOCKET,
						 ENTROPY_STATUS_SOCKET };
static char dir[64];
static struct pool *pool;
static struct outlet *outlet;

static size_t
status(void *arg, char *text, size_t size)
{
	(void)arg;
	return (size_t)snprintf(text, size, "status\n");
}

static void
setup(void)
{
	int listeners[OUTLET_KINDS];

	cr_assert_eq(drbg_library(), 0);
	strcpy(dir, "/tmp/test_outlet.XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	for (int i = 0; i < OUTLET_KINDS; i++) {
		listeners[i] = outlet_listen(dir, names[i]);
		cr_assert_geq(listeners[i], 0);
	}
	kernel_ready = false;
	pool = pool_new();
	cr_assert_not_null(pool);
	outlet = outlet_new(listeners, pool, status, NULL);
	cr_assert_not_null(outlet);
}

static void
teardown(void)
{
	char path[128];

	outlet_free(outlet);
	pool_free(pool);
	for (int i = 0; i < OUTLET_KINDS; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

TestSuite(outlet, .init = setup, .fini = teardown, .timeout = 60);

static int
client(enum outlet_kind kind)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", dir, names[kind]);
	cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* What a loop does, until nothing is left to do at once. */
static void
serve(void)
{
	for (int turn = 0; turn < 20; turn++) {
		struct pollfd fds[OUTLET_KINDS + OUTLET_CLIENTS];
		size_t n = outlet_poll(outlet, fds);

		cr_assert_geq(poll(fds, n, 0), 0);
		outlet_serve(outlet, fds, n, clock_now_ms());
	}
}

static void
say(int fd, const char *octets, size_t n)
{
	cr_assert_eq(send(fd, octets, n, MSG_NOSIGNAL), (ssize_t)n);
	serve();
}

/* How many octets there are; the first 4 in `first`. */
static size_t
came(int fd, uint8_t first[4])
{
	uint8_t octets[ENTROPY_REQUEST_MAX] = { 0 };
	ssize_t n = recv(fd, octets, sizeof(octets), MSG_DONTWAIT);

	if (first != NULL)
		memcpy(first, octets, 4);
	return n < 0 ? 0 : (size_t)n;
}

static void
credit(void)
{
	static const uint8_t block[CONDITIONER_OCTETS] = { 1 };

	cr_assert_eq(pool_reseed(pool, block), 0);
	serve();
}

Test(outlet, egd_says_that_there_is_nothing)
{
	int fd = client(OUTLET_EGD);
	uint8_t got[4];

	serve();
	say(fd, "\0", 1);
	cr_assert_eq(came(fd, got), 4);
	cr_assert_eq(memcmp(got, "\0\0\0\0", 4), 0,
		     "bits before there are any");
	say(fd, "\1\40", 2);
	cr_assert_eq(came(fd, got), 1);
	cr_assert_eq(got[0], 0, "octets before there are any");
	credit();
	say(fd, "\0", 1);
	cr_assert_eq(came(fd, got), 4);
	cr_assert_eq(memcmp(got, "\0\0\1\0", 4), 0);
	say(fd, "\1\40", 2);
	cr_assert_eq(came(fd, got), 33);
	cr_assert_eq(got[0], 32);
	close(fd);
}

/* Fewer descriptors than clients: the stalest goes, as where the places are
 * all taken. */
Test(outlet, without_a_descriptor_the_stalest_goes)
{
	int fds[20], spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit limit;
	uint8_t got[4];

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < 20; i++)
		fds[i] = client(OUTLET_EGD);
	/* The outlet has room for ten of them. */
	limit.rlim_cur = (rlim_t)fds[19] + 1 + 10;
	close(spare);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	serve();
	cr_assert_gt(outlet_counts(outlet).evicted, 0);
	cr_assert_leq(outlet_counts(outlet).now, 11);
	for (int i = 0; i < 3; i++)
		serve();
	/* The last ones are in, and are answered. */
	say(fds[19], "\0", 1);
	cr_assert_eq(came(fds[19], got), 4);
	for (int i = 0; i < 20; i++)
		close(fds[i]);
}

/* Read, blocking: as long as it takes; behind it nothing is lost. */
Test(outlet, egd_waits)
{
	int fd = client(OUTLET_EGD), other = client(OUTLET_EGD);
	uint8_t got[4];

	serve();
	say(fd, "\2\40\0", 3);
	cr_assert_eq(came(fd, NULL), 0);
	cr_assert(outlet_waiting(outlet));
	say(other, "\0", 1);
	cr_assert_eq(came(other, NULL), 4, "one who waits keeps another");
	/* What a client writes makes nothing ready. */
	say(other, "\3\377\377\4abcd", 8);
	cr_assert_eq(came(fd, NULL), 0);
	credit();
	cr_assert_eq(came(fd, got), 32 + 4, "the answer and the next one's");
	cr_assert_not(outlet_waiting(outlet));
	close(fd);
	close(other);
}

Test(outlet, pool_waits)
{
	int fd = client(OUTLET_POOL), gone = client(OUTLET_POOL);
	int look = client(OUTLET_STATUS);

	serve();
	say(fd, "\0\40\0\20", 4);
	say(gone, "\0\40", 2);
	cr_assert_eq(came(fd, NULL), 0);
	cr_assert(outlet_waiting(outlet));
	close(gone); /* one who gives up is nobody that waits */
	serve();
	cr_assert_eq(came(look, NULL), 7, "the status waits for the pool");
	close(look);
	/* The kernel's generator is ready: that will do. */
	kernel_ready = true;
	serve();
	cr_assert_eq(came(fd, NULL), 32 + 16);
	cr_assert_not(outlet_waiting(outlet));
	cr_assert_eq(outlet_counts(outlet).now, 1);
	close(fd);
}
