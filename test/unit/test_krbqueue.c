/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has a thread for asking a KDC: silent realms do not hold up others. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "keyneg/krb/krbqueue.h"

static struct krbqueue q;
static uint32_t id;

static int
put(const char *realm, unsigned n)
{
	struct krbreq r = { .type = KRBREQ_MAKE };
	int ret = 0;

	strcpy(r.local, "kink/a@HOME");
	for (unsigned i = 0; i < n && ret == 0; i++) {
		r.id = ++id;
		snprintf(r.peer, sizeof(r.peer), "kink/p%u@%s", i, realm);
		ret = krbqueue_put(&q, &r);
	}
	return ret;
}

/* All that may be taken, which are as many as was said; how many. */
static unsigned
take(struct krbqueue_job **to, unsigned most)
{
	unsigned n = 0, ready = krbqueue_ready(&q);

	while (n < most && (to[n] = krbqueue_take(&q)) != NULL)
		n++;
	if (n < most)
		cr_assert_eq(n, ready, "%u taken, %u told", n, ready);
	cr_assert(n == most || krbqueue_ready(&q) == 0);
	return n;
}

static void
done(struct krbqueue_job **from, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		krbqueue_done(&q, from[i]);
}

/* The rest, in its turn. */
static void
drain(void)
{
	struct krbqueue_job *j[64];
	unsigned n;

	while ((n = take(j, 64)) != 0)
		done(j, n);
	cr_assert_eq(q.running + q.waiting, 0);
	cr_assert_eq(q.first, NULL);
	cr_assert_eq(q.last, &q.first);
}

Test(krbqueue, a_silent_realm_leaves_threads_to_the_others)
{
	struct krbqueue_job *dead[64], *well[64];

	krbqueue_init(&q);
	cr_assert_eq(put("DEAD", 100), 0);
	cr_assert_eq(take(dead, 64), KRBQUEUE_LANE);
	cr_assert_eq(put("WELL", 20), 0);
	cr_assert_eq(take(well, 64), KRBQUEUE_LANE);
	for (unsigned i = 0; i < KRBQUEUE_LANE; i++)
		cr_assert_str_eq(strchr(well[i]->r.peer, '@'), "@WELL");
	/* in turn, while the dead ones hold theirs */
	done(well, KRBQUEUE_LANE);
	cr_assert_eq(take(well, 64), KRBQUEUE_LANE);
	done(well, KRBQUEUE_LANE);
	cr_assert_eq(take(well, 64), 20 - 2 * KRBQUEUE_LANE);
	done(well, 20 - 2 * KRBQUEUE_LANE);
	cr_assert_eq(q.running, KRBQUEUE_LANE);
	cr_assert_eq(q.waiting, 100 - KRBQUEUE_LANE);
	done(dead, KRBQUEUE_LANE);
	cr_assert_eq(take(dead, 64), KRBQUEUE_LANE);
	done(dead, KRBQUEUE_LANE);
	drain();
}

Test(krbqueue, many_silent_realms)
{
	struct krbqueue_job *dead[64], *well[64];
	char realm[16];

	krbqueue_init(&q);
	for (unsigned i = 0; i < 40; i++) {
		snprintf(realm, sizeof(realm), "DEAD%u", i);
		cr_assert_eq(put(realm, 20), 0);
	}
	/* one each, for there are more than threads in common */
	cr_assert_eq(take(dead, 64), 40);
	cr_assert_eq(put("WELL", 3), 0);
	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(take(well, 64), 1);
		cr_assert_str_eq(strchr(well[0]->r.peer, '@'), "@WELL");
		done(well, 1);
	}
	for (unsigned i = 40; i < 70; i++) {
		snprintf(realm, sizeof(realm), "DEAD%u", i);
		cr_assert_eq(put(realm, 1), 0);
	}
	cr_assert_eq(take(well, 64), KRBQUEUE_MOST - 40);
	cr_assert_eq(q.running, KRBQUEUE_MOST);
	done(dead, 40);
	cr_assert_eq(take(dead, 64), 40);
	cr_assert_eq(q.running, KRBQUEUE_MOST);
	done(dead, 40);
	done(well, KRBQUEUE_MOST - 40);
	drain();
}

/* First come, first served, within a lane; by both realms' names. */
Test(krbqueue, keeps_the_order)
{
	struct krbreq r = { .type = KRBREQ_MAKE,
			    .local = "kink/a@OTHER",
			    .peer = "kink/b@HOME" };
	struct krbqueue_job *j[64];

	krbqueue_init(&q);
	id = 0;
	cr_assert_eq(put("HOME", 12), 0);
	cr_assert_eq(krbqueue_put(&q, &r), 0);
	cr_assert_eq(take(j, 64), KRBQUEUE_LANE + 1);
	for (unsigned i = 0, next = 1; i < KRBQUEUE_LANE + 1; i++)
		if (j[i]->r.id != 0)
			cr_assert_eq(j[i]->r.id, next++);
	done(j, KRBQUEUE_LANE + 1);
	cr_assert_eq(take(j, 64), 4);
	done(j, 4);
	drain();
}

Test(krbqueue, is_bounded)
{
	unsigned n = 0;
	char realm[16];

	krbqueue_init(&q);
	cr_assert_eq(put("DEAD", KRBQUEUE_WAITING), 0);
	cr_assert_eq(put("DEAD", 1), -ENOBUFS);
	cr_assert_eq(put("WELL", 1), 0, "it has none waiting");
	cr_assert_eq(put("WELL", 1), -ENOBUFS);
	do
		snprintf(realm, sizeof(realm), "R%u", n);
	while (put(realm, 1) == 0 && ++n < 10000);
	cr_assert_eq(q.waiting, 2 * KRBQUEUE_WAITING);
	drain();
}
