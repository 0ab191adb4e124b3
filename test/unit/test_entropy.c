/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reserve against a pool of the test's own, which answers, lies, keeps
 * silent and dies on command, in the same thread: what waited would wait for
 * ever, and the alarm ends it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/secret.h"

static char dir[] = "/tmp/test_entropy.XXXXXX";
static int listener = -1, client = -1;

static void
listen_at(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", dir,
		 ENTROPY_SOCKET);
	unlink(at.sun_path);
	listener =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	cr_assert_eq(listen(listener, 4), 0);
}

static void
begin(void)
{
	alarm(60);
	cr_assert_not_null(mkdtemp(dir));
}

static void
end(void)
{
	char path[200];

	entropy_leave();
	snprintf(path, sizeof(path), "%s/%s", dir, ENTROPY_SOCKET);
	unlink(path);
	rmdir(dir);
}

static void
take_client(void)
{
	client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	cr_assert_geq(client, 0);
}

/* The request that must be there; -1: none. */
static int
requested(void)
{
	uint8_t octets[2];

	if (recv(client, octets, 2, MSG_DONTWAIT) != 2)
		return -1;
	return octets[0] << 8 | octets[1];
}

/* n octets, counted from `first`. */
static void
give(size_t n, unsigned first)
{
	uint8_t octets[ENTROPY_REQUEST_MAX];

	for (size_t i = 0; i < n; i++)
		octets[i] = (uint8_t)(first + i);
	cr_assert_eq(send(client, octets, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Connected, filled, and seen to be so. */
static void
begin_filled(void)
{
	begin();
	listen_at();
	cr_assert_eq(entropy_use(dir), 0);
	take_client();
	cr_assert_eq(requested(), ENTROPY_REQUEST_MAX);
	give(ENTROPY_REQUEST_MAX, 0);
	cr_assert(entropy_mixes());
}

/* entropy_mix on zeros shows the reserve. */
static size_t
draw(uint8_t *out, size_t n)
{
	memset(out, 0, n);
	return entropy_mix(out, n);
}

Test(entropy, without_a_pool_the_kernel_alone, .init = begin, .fini = end)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	cr_assert_str_eq(entropy_sources(), "kernel");
	cr_assert_eq(draw(a, 32), 0);
	cr_assert_eq(entropy_use(dir), 0); /* nobody there */
	entropy_settle(10000);             /* not waited for */
	cr_assert_str_eq(entropy_sources(), "kernel");
	cr_assert_eq(secret_random(a, 32), 0);
	cr_assert_eq(secret_random(b, 32), 0);
	cr_assert_neq(memcmp(a, b, 32), 0);
}

Test(entropy, a_path_too_long_is_refused, .init = begin, .fini = end)
{
	char path[200];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	cr_assert_eq(entropy_use(path), -ENAMETOOLONG);
}

Test(entropy, no_octet_is_given_twice, .init = begin_filled, .fini = end)
{
	bool seen[ENTROPY_REQUEST_MAX / 2] = { false };
	uint8_t out[2];

	/* Pairs (i, i + 1) stand for their place: 16 times each first octet,
	 * and with an even first one only. */
	for (unsigned i = 0; i < 1024; i++) {
		cr_assert_eq(draw(out, 2), 2);
		cr_assert_eq((uint8_t)(out[0] + 1), out[1]);
		cr_assert_eq(out[0] % 2, 0);
		for (unsigned k = out[0] / 2;; k += 128) {
			cr_assert_lt(k, ENTROPY_REQUEST_MAX / 2);
			if (!seen[k]) {
				seen[k] = true;
				break;
			}
		}
	}
	cr_assert_str_eq(entropy_sources(), "kernel and entropyd");
}

Test(entropy, fills_up_below_half, .init = begin_filled, .fini = end)
{
	uint8_t out[ENTROPY_REQUEST_MAX];

	cr_assert_eq(draw(out, 2000), 2000);
	cr_assert_not(entropy_mixes() && requested() >= 0);
	cr_assert_eq(draw(out, 100), 100);
	(void)entropy_mixes();
	cr_assert_eq(requested(), 2100);
	give(1000, 0); /* in pieces */
	(void)entropy_mixes();
	give(1100, 0);
	cr_assert_eq(draw(out, 1996), 1996);
	cr_assert_eq(draw(out, 2100), 2100);
}

Test(entropy, more_than_there_is_is_not_waited_for, .init = begin_filled,
     .fini = end)
{
	uint8_t out[2 * ENTROPY_REQUEST_MAX];

	cr_assert_eq(draw(out, sizeof(out)), ENTROPY_REQUEST_MAX);
	cr_assert_eq(out[ENTROPY_REQUEST_MAX], 0);
	cr_assert_eq(draw(out, 32), 0);
	/* The kernel's part is always there. */
	cr_assert_eq(secret_random(out, 64), 0);
	cr_assert_neq(memcmp(out, out + 32, 32), 0);
}

Test(entropy, a_silent_pool_holds_nobody_up, .init = begin, .fini = end)
{
	uint8_t out[32];

	listen_at(); /* a stopped entropyd: the kernel accepts for it */
	cr_assert_eq(entropy_use(dir), 0);
	entropy_settle(50);
	cr_assert_eq(secret_random(out, 32), 0);
	cr_assert_str_eq(entropy_sources(), "kernel");
	/* It goes on: all is well. */
	take_client();
	cr_assert_eq(requested(), ENTROPY_REQUEST_MAX);
	give(ENTROPY_REQUEST_MAX, 0);
	cr_assert_str_eq(entropy_sources(), "kernel and entropyd");
}

Test(entropy, one_that_falls_silent_is_not_named, .init = begin_filled,
     .fini = end)
{
	uint8_t out[ENTROPY_REQUEST_MAX];

	cr_assert_eq(draw(out, 4000), 4000);
	(void)entropy_mixes(); /* asks, and nobody answers */
	cr_assert_eq(requested(), 4000);
	usleep(1100 * 1000);
	cr_assert_str_eq(entropy_sources(), "kernel");
	give(4000, 0);
	cr_assert_str_eq(entropy_sources(), "kernel and entropyd");
}

Test(entropy, a_full_backlog_holds_nobody_up, .init = begin, .fini = end)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	listen_at();
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", dir,
		 ENTROPY_SOCKET);
	do
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	while (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	cr_assert_eq(entropy_use(dir), 0);
	entropy_settle(10000);
	cr_assert_str_eq(entropy_sources(), "kernel");
}

/* All that a pool can do is not to help. */
Test(entropy, a_pool_of_zeros_or_echoes_decides_nothing, .init = begin,
     .fini = end)
{
	static const uint8_t zeros[ENTROPY_REQUEST_MAX];
	uint8_t a[64] = { 0 }, b[64] = { 0 };

	listen_at();
	cr_assert_eq(entropy_use(dir), 0);
	take_client();
	cr_assert_eq(send(client, zeros, sizeof(zeros), 0), sizeof(zeros));
	cr_assert(entropy_mixes());
	cr_assert_eq(secret_random(a, 64), 0);
	cr_assert_eq(secret_random(b, 64), 0);
	cr_assert_neq(memcmp(a, zeros, 64), 0);
	cr_assert_neq(memcmp(a, b, 64), 0);
}

Test(entropy, secret_random_draws_from_it, .init = begin_filled, .fini = end)
{
	uint8_t out[3000];

	cr_assert_eq(secret_random(out, sizeof(out)), 0);
	(void)entropy_mixes();
	cr_assert_eq(requested(), sizeof(out));
}

Test(entropy, what_nobody_asked_for_ends_it, .init = begin_filled, .fini = end)
{
	uint8_t out[32];

	give(1, 7);
	cr_assert_not(entropy_mixes());
	cr_assert_eq(draw(out, 32), 0);
	cr_assert(recv(client, out, 1, MSG_DONTWAIT) == 0 ||
		      errno == ECONNRESET,
		  "still connected");
}

Test(entropy, its_end_is_seen_when_nobody_draws, .init = begin_filled,
     .fini = end)
{
	close(client);
	cr_assert_str_eq(entropy_sources(), "kernel");
}

Test(entropy, a_new_one_is_found, .init = begin_filled, .fini = end)
{
	uint8_t out[32];
	uint64_t until = clock_now_ms() + 30000;

	close(client);
	close(listener);
	cr_assert_not(entropy_mixes());
	cr_assert_eq(draw(out, 32), 0);
	listen_at();
	while (!entropy_mixes() && clock_now_ms() < until) {
		client = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		if (client >= 0)
			give(ENTROPY_REQUEST_MAX, 0);
		usleep(10000);
	}
	cr_assert_str_eq(entropy_sources(), "kernel and entropyd");
}

Test(entropy, a_forked_child_has_none_of_it, .init = begin_filled, .fini = end)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		uint8_t out[32];

		if (draw(out, 32) != 0 ||
		    strcmp(entropy_sources(), "kernel") != 0 ||
		    secret_random(out, 32) != 0)
			_exit(1);
		/* It may have one of its own. */
		_exit(entropy_use(dir) != 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_assert(entropy_mixes());
}

Test(entropy, a_confined_process_is_supplied, .init = begin, .fini = end)
{
	struct entropy_supply s;
	uint8_t out[32];
	int fd = entropy_supply_open(&s, dir);

	/* Not there yet; a second later it is. */
	cr_assert_geq(fd, 0);
	cr_assert_eq(entropy_use_supply(fd), 0);
	cr_assert_not(entropy_mixes());
	listen_at();
	entropy_supply_tick(&s, s.tried_ms + 999);
	cr_assert(s.wanted, "too early");
	entropy_supply_tick(&s, s.tried_ms + 1000);
	cr_assert_not(s.wanted);
	take_client();
	(void)entropy_mixes();
	cr_assert_eq(requested(), ENTROPY_REQUEST_MAX);
	give(ENTROPY_REQUEST_MAX, 0);
	cr_assert_str_eq(entropy_sources(), "kernel and entropyd");
	/* It dies: the supplied one asks for another. */
	close(client);
	cr_assert_not(entropy_mixes());
	entropy_supply_tick(&s, s.tried_ms + 1000);
	take_client();
	(void)entropy_mixes();
	cr_assert_eq(requested(), ENTROPY_REQUEST_MAX);
	give(ENTROPY_REQUEST_MAX, 0);
	cr_assert_eq(draw(out, 32), 32);
	entropy_supply_close(&s);
	cr_assert(entropy_mixes());
}
