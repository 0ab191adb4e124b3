/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "policy/said.h"

static const struct policy_options usual = {
	.said_mask = 0x3fff,
	.said_first = 0x100,
	.said_last = 0x3ff,
	.dynamic_first = 0x300,
	.dynamic_last = 0x3ff,
};

Test(said, a_mask_is_one_run_of_bits)
{
	cr_assert(said_mask_good(0x3fff));
	cr_assert(said_mask_good(0x3));
	cr_assert(said_mask_good(0xffffffff));
	cr_assert(said_mask_good(0xff000000));
	cr_assert(said_mask_good(0x0003fff0));
	cr_assert(!said_mask_good(0));
	cr_assert(!said_mask_good(1));
	cr_assert(!said_mask_good(0x80000000));
	cr_assert(!said_mask_good(0x3ffd));
	cr_assert(!said_mask_good(0x80000001));
}

Test(said, marks_carry_saids_in_the_bits_of_the_mask)
{
	struct policy_options o = usual;

	cr_assert_eq(said_to_mark(&o, 0x100), 0x100);
	cr_assert_eq(said_from_mark(&o, 0xabcd0100), 0x100);
	cr_assert_eq(said_done(&o), 0x3fff);
	cr_assert_eq(said_probe(&o), 0x3ffe);
	o.said_mask = 0x00fff000;
	cr_assert_eq(said_to_mark(&o, 0x100), 0x100000);
	cr_assert_eq(said_from_mark(&o, 0xff100fff), 0x100);
	cr_assert_eq(said_done(&o), 0xfff);
	o.said_mask = 0xffffffff;
	cr_assert_eq(said_done(&o), 0xffffffff);
	cr_assert_eq(said_from_mark(&o, 0xdeadbeef), 0xdeadbeef);
}

Test(said, the_range_ends_where_it_says)
{
	cr_assert(!said_in_range(&usual, 0xff));
	cr_assert(said_in_range(&usual, 0x100));
	cr_assert(said_in_range(&usual, 0x3ff));
	cr_assert(!said_in_range(&usual, 0x400));
	cr_assert(!said_is_dynamic(&usual, 0x2ff));
	cr_assert(said_is_dynamic(&usual, 0x300));
}

Test(said, meets_is_what_trying_every_said_finds)
{
	static const uint32_t masks[] = { 0xffffffff, 0,     0xff,
					  0x100,      0x3ff, 0xc000,
					  0x4200,     0x2aa, 0xffff };
	struct policy_options o = usual;

	for (unsigned shifted = 0; shifted < 2; shifted++) {
		o.said_mask = shifted != 0 ? 0x3fff0 : 0x3fff;
		for (unsigned m = 0; m < 9; m++)
			for (uint32_t v = 0; v < 0x5000; v += 7) {
				uint32_t got = 0, want = 0;
				uint32_t ours = masks[m] & o.said_mask;

				for (uint32_t s = 0x100; s <= 0x3ff; s++)
					if (ours != 0 && want == 0 &&
					    (said_to_mark(&o, s) & ours) ==
						(v & ours))
						want = s;
				cr_assert_eq(said_meets(&o, v, masks[m], &got),
					     want != 0);
				if (want != 0)
					cr_assert_eq(got, want);
			}
	}
}
