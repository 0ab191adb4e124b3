/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device's queue of reads, with the test as the pool: nobody blocks it,
 * nobody gets another one's octets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "entropyd/readq.h"

static char dir[64];
static struct sockaddr_un at;
static int listener = -1, pool = -1; /* the pool's ends */
static struct readq *q;
static uint64_t now;

/* One read, and how it ended. */
struct reader {
	struct reader *next;
	struct readq_read rd;
	bool over;
	int err;
	size_t n;
	uint8_t octets[READQ_OCTETS_MAX];
};

static struct reader *readers;

static void
note(struct readq_read *rd, int err, const uint8_t *octets, size_t n)
{
	struct reader *r = rd->arg;

	cr_assert_not(r->over);
	r->over = true;
	r->err = err;
	r->n = n;
	if (n != 0)
		memcpy(r->octets, octets, n);
}

static struct reader *
reader(size_t size, bool nowait, uid_t uid)
{
	struct reader *r = calloc(1, sizeof(*r));

	cr_assert_not_null(r);
	r->rd = (struct readq_read){ .done = note,
				     .arg = r,
				     .uid = uid,
				     .size = size,
				     .nowait = nowait };
	r->next = readers;
	readers = r;
	readq_add(q, &r->rd, now);
	return r;
}

static void
pool_listens(int backlog)
{
	listener =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert_geq(listener, 0);
	(void)unlink(at.sun_path);
	cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	cr_assert_eq(listen(listener, backlog), 0);
}

static void
pool_accepts(void)
{
	pool = accept(listener, NULL, NULL);
	cr_assert_geq(pool, 0);
}

/* The length of the one request that has come; 0: none. */
static size_t
asked(void)
{
	uint8_t octets[8];
	ssize_t n = recv(pool, octets, sizeof(octets), MSG_DONTWAIT);

	if (n < 0)
		return 0;
	cr_assert_eq(n, 2);
	return (size_t)octets[0] << 8 | octets[1];
}

static void
answer(int octet, size_t n)
{
	uint8_t octets[ENTROPY_REQUEST_MAX];

	memset(octets, octet, n);
	cr_assert_eq(send(pool, octets, n, MSG_NOSIGNAL), (ssize_t)n);
	readq_serve(q, now);
}

/* Connected, and the pool has said that it is ready. */
static void
make_ready(void)
{
	readq_watch(q, true);
	readq_serve(q, now);
	pool_accepts();
	cr_assert_eq(asked(), 1);
	answer(0xff, 1);
	cr_assert(readq_ready(q, now));
}

static void
setup(void)
{
	strcpy(dir, "/tmp/test_readq.XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", dir,
		 ENTROPY_SOCKET);
	now = clock_now_ms();
	q = readq_new(dir);
	cr_assert_not_null(q);
}

static void
teardown(void)
{
	readq_free(q);
	for (struct reader *r = readers, *next; r != NULL; r = next) {
		next = r->next;
		free(r);
	}
	(void)unlink(at.sun_path);
	(void)rmdir(dir);
}

TestSuite(readq, .init = setup, .fini = teardown, .timeout = 20);

Test(readq, without_a_pool_nobody_waits)
{
	cr_assert_eq(reader(16, false, 0)->err, EIO);
	cr_assert_eq(reader(16, true, 0)->err, EAGAIN);
	cr_assert_not(readq_ready(q, now));
}

Test(readq, a_pool_that_is_not_ready)
{
	struct reader *waits, *hasty;

	pool_listens(8);
	waits = reader(16, false, 0);
	pool_accepts();
	cr_assert_eq(asked(), 1);
	cr_assert_not(waits->over);
	cr_assert_not(readq_ready(q, now));
	hasty = reader(16, true, 0);
	cr_assert_eq(hasty->err, EAGAIN);
	/* However long it takes. */
	now += 3600 * 1000;
	readq_serve(q, now);
	cr_assert_not(waits->over);
	cr_assert_eq(asked(), 0, "asked for more than whether it is ready");
	answer(0xff, 1);
	cr_assert(readq_ready(q, now));
	cr_assert_eq(asked(), 16);
	answer(0x11, 16);
	cr_assert(waits->over && waits->err == 0 && waits->n == 16);
	cr_assert_eq(waits->octets[0], 0x11, "it got the octet of nobody");
}

/* Many who wait keep nobody: not the queue, not somebody who may not wait,
 * not one who gives up. */
Test(readq, many_wait)
{
	struct reader *many[READQ_MAX];

	pool_listens(8);
	for (unsigned i = 0; i < READQ_MAX; i++)
		many[i] = reader(32, false, 1000 + i / READQ_PER_USER);
	cr_assert_eq(reader(32, false, 0)->err, EBUSY);
	readq_cancel(q, &many[7]->rd);
	cr_assert_eq(many[7]->err, EINTR);
	pool_accepts();
	cr_assert_eq(asked(), 1);
	answer(0xff, 1);
	for (unsigned i = 0; i < READQ_MAX; i++) {
		if (i == 7)
			continue;
		cr_assert_eq(asked(), 32);
		answer((int)(i & 0x7f), 32);
		cr_assert(many[i]->over && many[i]->n == 32);
		cr_assert_eq(many[i]->octets[31], i & 0x7f);
	}
	cr_assert_eq(asked(), 0);
}

Test(readq, one_user_does_not_take_all)
{
	struct reader *other;

	pool_listens(8);
	for (unsigned i = 0; i < READQ_PER_USER; i++)
		cr_assert_not(reader(32, false, 1000)->over);
	cr_assert_eq(reader(32, false, 1000)->err, EBUSY);
	other = reader(32, false, 1001);
	cr_assert_not(other->over);
	for (unsigned i = 0; i < READQ_PER_USER + 1; i++)
		cr_assert_not(reader(32, false, 0)->over);
}

Test(readq, a_long_read_lets_others_pass)
{
	struct reader *large, *small;

	pool_listens(8);
	make_ready();
	large = reader(READQ_OCTETS_MAX, false, 0);
	small = reader(32, false, 0);
	cr_assert_eq(asked(), ENTROPY_REQUEST_MAX);
	answer(1, ENTROPY_REQUEST_MAX);
	cr_assert_eq(asked(), 32);
	answer(2, 32);
	cr_assert(small->over && small->octets[0] == 2);
	for (size_t have = ENTROPY_REQUEST_MAX; have < READQ_OCTETS_MAX;
	     have += ENTROPY_REQUEST_MAX) {
		cr_assert_not(large->over);
		cr_assert_eq(asked(), ENTROPY_REQUEST_MAX);
		answer(1, ENTROPY_REQUEST_MAX);
	}
	cr_assert(large->over && large->n == READQ_OCTETS_MAX);
	cr_assert_eq(large->octets[READQ_OCTETS_MAX - 1], 1);
	cr_assert_eq(asked(), 0, "octets are fetched ahead");
}

Test(readq, octets_of_one_who_left_are_nobodys)
{
	struct reader *left, *next;

	pool_listens(8);
	make_ready();
	left = reader(64, false, 0);
	next = reader(64, false, 0);
	cr_assert_eq(asked(), 64);
	answer(1, 16);
	readq_cancel(q, &left->rd);
	cr_assert(left->err == 0 && left->n == 16); /* what had come */
	answer(1, 48);
	cr_assert_not(next->over);
	cr_assert_eq(asked(), 64);
	answer(2, 64);
	cr_assert(next->over && next->n == 64);
	cr_assert_eq(next->octets[0], 2);
}

Test(readq, the_pool_goes_and_another_comes)
{
	struct reader *r, *none;

	pool_listens(8);
	make_ready();
	r = reader(64, false, 0);
	cr_assert_eq(asked(), 64);
	answer(1, 10);
	close(pool); /* the listener is there still: connected again */
	readq_serve(q, now);
	cr_assert_not(r->over);
	pool_accepts();
	cr_assert_eq(asked(), 1);
	answer(0xff, 1);
	cr_assert_eq(asked(), 54);
	answer(2, 54);
	cr_assert(r->over && r->n == 64);
	cr_assert(r->octets[9] == 1 && r->octets[10] == 2);
	none = reader(64, false, 0);
	cr_assert_not(none->over);
	close(listener);
	close(pool);
	readq_serve(q, now);
	cr_assert_eq(none->err, EIO);
	cr_assert_not(readq_ready(q, now));
}

/* Accepting is the pool's work: one that stands still has a full backlog,
 * where connect(2) waits. */
Test(readq, a_pool_that_stands_still)
{
	struct reader *r;
	int fd;

	pool_listens(0);
	do {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	} while (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	cr_assert_eq(errno, EAGAIN);
	r = reader(16, false, 0); /* returns */
	cr_assert_not(r->over);
	cr_assert_eq(reader(16, true, 0)->err, EAGAIN);
	cr_assert_leq(readq_wake_ms(q), now + 1000);
	for (int n = 0; accept(listener, NULL, NULL) >= 0; n++)
		cr_assert_lt(n, 10);
	now += 1000;
	readq_serve(q, now);
	pool_accepts();
	cr_assert_eq(asked(), 1);
	answer(0xff, 1);
	cr_assert_eq(asked(), 16);
	answer(3, 16);
	cr_assert(r->over && r->n == 16);
}

Test(readq, a_ready_pool_that_stops)
{
	struct reader *waits, *hasty;

	pool_listens(8);
	make_ready();
	waits = reader(16, false, 0);
	hasty = reader(16, true, 0);
	cr_assert_not(hasty->over);
	now += READQ_NOWAIT_MS;
	cr_assert_leq(readq_wake_ms(q), now);
	readq_serve(q, now);
	cr_assert_eq(hasty->err, EAGAIN);
	cr_assert_not(waits->over);
	now += 2000;
	cr_assert_not(readq_ready(q, now));
	cr_assert_eq(asked(), 16);
	answer(4, 16);
	cr_assert(waits->over && waits->n == 16);
	cr_assert(readq_ready(q, now));
}

/* Octets that nobody asked for were made before anybody did. */
Test(readq, unasked_octets_end_the_connection)
{
	pool_listens(8);
	make_ready();
	answer(5, 16);
	cr_assert_not(readq_ready(q, now));
}

/* Whoever closes at once makes nobody turn in circles. */
Test(readq, a_pool_that_hangs_up)
{
	int connects = 0;

	pool_listens(8);
	cr_assert_not(reader(16, false, 0)->over);
	for (int turn = 0; turn < 1000; turn++) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0)
			connects++;
		close(fd);
		readq_serve(q, now);
		now += 1; /* a second in all */
	}
	cr_assert(connects >= 2 && connects <= 10);
}
