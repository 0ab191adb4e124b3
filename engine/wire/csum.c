/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cursor.h"
#include "engine/wire/csum.h"

static uint16_t
fold(uint64_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t
csum_of(const void *octets, size_t len)
{
	struct cursor c = cursor_make(octets, len);
	uint64_t sum = 0;
	uint32_t u32;
	uint16_t u16;
	uint8_t u8;

	while (cursor_u32(&c, &u32))
		sum += u32;
	if (cursor_u16(&c, &u16))
		sum += u16;
	if (cursor_u8(&c, &u8))
		sum += (uint32_t)u8 << 8;
	return (uint16_t)~fold(sum);
}

uint16_t
csum_adjust(uint16_t sum, uint16_t from, uint16_t to)
{
	/* RFC 1624 equation 3: HC' = ~(~HC + ~m + m') */
	return (uint16_t)~fold((uint64_t)(uint16_t)~sum + (uint16_t)~from + to);
}
