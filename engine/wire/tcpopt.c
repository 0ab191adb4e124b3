/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/builder.h"
#include "base/cursor.h"
#include "engine/wire/csum.h"
#include "engine/wire/tcpopt.h"

enum {
	AT_OFFSET = 12,
	AT_CHECKSUM = 16,
	FLAG_SYN = 0x02,
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_MSS_LEN = 4,
};

/* The checksum is over 16-bit words from the header's start: at an odd place
 * the two octets count the other way round. */
static uint16_t
as_summed(size_t at, uint16_t v)
{
	return at % 2 == 0 ? v : (uint16_t)(v << 8 | v >> 8);
}

static void
replace_mss(uint8_t *tcp, size_t len, size_t at, uint16_t from, uint16_t to,
	    uint16_t sum)
{
	struct builder b = builder_make(tcp, len);

	b.len = len;
	builder_patch_u16(&b, at, to);
	builder_patch_u16(
	    &b, AT_CHECKSUM,
	    csum_adjust(sum, as_summed(at, from), as_summed(at, to)));
}

bool
tcpopt_lower_mss(uint8_t *tcp, size_t len, uint16_t mss)
{
	struct cursor c = cursor_make(tcp, len), options;
	uint8_t offset, flags, kind, n;
	uint16_t sum, old;
	size_t header;

	if (mss < TCPOPT_MSS_MIN)
		mss = TCPOPT_MSS_MIN;
	if (!cursor_skip(&c, AT_OFFSET) || !cursor_u8(&c, &offset) ||
	    !cursor_u8(&c, &flags) || (flags & FLAG_SYN) == 0 ||
	    !cursor_skip(&c, 2) || !cursor_u16(&c, &sum) || !cursor_skip(&c, 2))
		return false;
	header = (size_t)(offset >> 4) * 4;
	if (header < TCPOPT_HEADER_MIN ||
	    !cursor_take(&c, header - TCPOPT_HEADER_MIN, &options))
		return false;
	while (cursor_u8(&options, &kind) && kind != OPTION_END) {
		if (kind == OPTION_NOP)
			continue;
		if (!cursor_u8(&options, &n) || n < 2)
			return false;
		if (kind != OPTION_MSS || n != OPTION_MSS_LEN) {
			if (!cursor_skip(&options, n - 2u))
				return false;
			continue;
		}
		if (!cursor_u16(&options, &old) || old <= mss)
			return false;
		replace_mss(tcp, len, (size_t)(options.at - tcp) - 2, old, mss,
			    sum);
		return true;
	}
	return false;
}
