/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "base/builder.h"
#include "base/cursor.h"

Test(cursor, reads_what_builder_wrote)
{
	uint8_t buf[32], u8, two[2];
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	struct builder b = builder_make(buf, sizeof(buf));
	struct cursor c, part;

	builder_u8(&b, 1);
	builder_u16(&b, 0x0203);
	builder_u32(&b, 0x0708090a);
	builder_u64(&b, 0x0b0c0d0e0f101112);
	builder_octets(&b, "xy", 2);
	builder_patch_u16(&b, 1, 0xabcd);
	cr_assert(!b.overflow);
	c = cursor_make(buf, b.len);
	cr_assert(cursor_u8(&c, &u8) && u8 == 1);
	cr_assert(cursor_u16(&c, &u16) && u16 == 0xabcd);
	cr_assert(cursor_u32(&c, &u32) && u32 == 0x0708090a);
	cr_assert(cursor_u64(&c, &u64) && u64 == 0x0b0c0d0e0f101112);
	cr_assert(cursor_take(&c, 2, &part) && part.left == 2);
	cr_assert(cursor_copy(&part, two, 2) && two[1] == 'y');
	cr_assert_eq(c.left, 0);
}

Test(cursor, refuses_to_read_past_its_end_and_stays)
{
	static const uint8_t three[3] = { 1, 2, 3 };
	struct cursor c = cursor_make(three, 3), part;
	uint8_t out[8];
	uint32_t u32;
	uint64_t u64;

	cr_assert(!cursor_u32(&c, &u32));
	cr_assert(!cursor_u64(&c, &u64));
	cr_assert(!cursor_copy(&c, out, 4));
	cr_assert(!cursor_take(&c, 4, &part));
	cr_assert(!cursor_skip(&c, SIZE_MAX));
	cr_assert_eq(c.left, 3);
	cr_assert_eq(c.at, three);
}

Test(builder, overflow_sticks_and_writes_nothing)
{
	uint8_t buf[4] = { 0 };
	struct builder b = builder_make(buf, 3);

	builder_u32(&b, 0xffffffff);
	cr_assert(b.overflow);
	builder_u8(&b, 1);
	cr_assert(b.overflow);
	cr_assert_eq(b.len, 0);
	cr_assert_eq(buf[3], 0);
}
