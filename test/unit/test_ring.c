/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>

#include "base/ring.h"

Test(ring, refuses_when_full)
{
	struct ring r;
	uint32_t v;

	cr_assert_eq(ring_init(&r, sizeof(v), 3), -EINVAL);
	cr_assert_eq(ring_init(&r, sizeof(v), 4), 0);
	for (int lap = 0; lap < 5; lap++) {
		cr_assert_not(ring_get(&r, &v));
		for (uint32_t i = 0; i < 4; i++)
			cr_assert(ring_put(&r, &i));
		v = 9;
		cr_assert_not(ring_put(&r, &v));
		for (uint32_t i = 0; i < 4; i++) {
			cr_assert(ring_get(&r, &v));
			cr_assert_eq(v, i);
		}
	}
	cr_assert_eq(atomic_load(&r.refused), 5u);
	ring_fini(&r);
}

#define MANY 200000u

static void *
put_many(void *arg)
{
	struct ring *r = arg;

	for (uint64_t i = 0; i < MANY;)
		i += ring_put(r, &(uint64_t[2]){ i, ~i });
	return NULL;
}

Test(ring, keeps_order_between_threads)
{
	struct ring r;
	pthread_t thread;
	uint64_t v[2];

	cr_assert_eq(ring_init(&r, sizeof(v), 64), 0);
	pthread_create(&thread, NULL, put_many, &r);
	for (uint64_t i = 0; i < MANY;) {
		if (!ring_get(&r, v))
			continue;
		cr_assert_eq(v[0], i);
		cr_assert_eq(v[1], ~i);
		i++;
	}
	pthread_join(thread, NULL);
	ring_fini(&r);
}
