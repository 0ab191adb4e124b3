/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers from which nothing comes; the clock is the test's. */
#include <criterion/criterion.h>

#include "engine/sa/silence.h"
#include "test/lib/pair.h"

static struct sa sas[3]; /* out and in of one peer, in of another SAID */
static struct silence *silence;

static bool
look(uint64_t now_ms)
{
	bool told = false;

	cr_assert(silence_begin(silence, 3));
	for (uint32_t i = 0; i < 3; i++)
		silence_hear(silence, &sas[i]);
	for (uint32_t i = 0; i < 3; i++)
		told |= silence_judge(silence, i, &sas[i], now_ms);
	return told;
}

static void
use(unsigned sa, uint64_t now_ms)
{
	atomic_store(&sas[sa].last_used_ms, now_ms);
}

static void
init(void)
{
	silence = silence_new(3);
	for (unsigned i = 0; i < 3; i++) {
		sas[i].said = i < 2 ? 0x100 : 0x101;
		sas[i].direction = i == 0 ? SA_OUT : SA_IN;
		sas[i].peer = pair_addr(PAIR_B);
	}
}

static void
fini(void)
{
	silence_free(silence);
}

TestSuite(silence, .init = init, .fini = fini);

Test(silence, told_once_after_ten_seconds)
{
	unsigned told = 0;

	use(1, 1000);
	for (uint64_t t = 1500; t < 60000; t += 1000) {
		use(0, t);
		use(2, t); /* the same peer under another SAID is no answer */
		if (look(t + 500)) {
			cr_assert_eq(told++, 0u);
			cr_assert_eq(t, 11500u);
		}
	}
	cr_assert_eq(told, 1u);
	/* it lives: it may be told of again */
	use(1, 60000);
	cr_assert_not(look(60100));
	for (uint64_t t = 61000; t < 75000; t += 1000) {
		use(0, t);
		told += look(t + 1);
	}
	cr_assert_eq(told, 2u);
}

Test(silence, a_pause_is_no_silence)
{
	use(0, 1000);
	use(1, 1010);
	for (uint64_t t = 2000; t < 3600000; t += 10000)
		cr_assert_not(look(t));
	/* the first packet after it is not answered within the second */
	use(0, 3600000);
	cr_assert_not(look(3600100));
	use(1, 3600200);
	cr_assert_not(look(3700000));
	/* nor is who stopped sending waiting for anything */
	use(0, 3700000);
	for (uint64_t t = 3701000; t < 3800000; t += 1000)
		cr_assert_not(look(t));
}

Test(silence, a_slot_with_another_tenant)
{
	for (uint64_t t = 1000; t < 9000; t += 1000) {
		use(0, t);
		cr_assert_not(look(t));
	}
	atomic_store(&sas[0].generation, 1);
	for (uint64_t t = 9000; t < 19000; t += 1000) {
		use(0, t);
		cr_assert_not(look(t));
	}
	use(0, 19000);
	cr_assert(look(19000));
}
