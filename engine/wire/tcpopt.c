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

/* Of a SYN; its checksum, and where in it the option's value stands, 0 when
 * there is none.  False: no SYN, or it can't be walked. */
static bool
find_mss(const uint8_t *tcp, size_t len, size_t *at, uint16_t *mss,
	 uint16_t *sum)
{
	struct cursor c = cursor_make(tcp, len), options;
	uint8_t offset, flags, kind, n;
	size_t header;

	*at = 0;
	if (!cursor_skip(&c, AT_OFFSET) || !cursor_u8(&c, &offset) ||
	    !cursor_u8(&c, &flags) || (flags & FLAG_SYN) == 0 ||
	    !cursor_skip(&c, 2) || !cursor_u16(&c, sum) || !cursor_skip(&c, 2))
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
		if (!cursor_u16(&options, mss))
			return false;
		*at = (size_t)(options.at - tcp) - 2;
		return true;
	}
	return true;
}

bool
tcpopt_lower_mss(uint8_t *tcp, size_t len, uint16_t mss)
{
	uint16_t sum, old;
	size_t at;

	if (mss < TCPOPT_MSS_MIN)
		mss = TCPOPT_MSS_MIN;
	if (!find_mss(tcp, len, &at, &old, &sum) || at == 0 || old <= mss)
		return false;
	replace_mss(tcp, len, at, old, mss, sum);
	return true;
}

bool
tcpopt_read_mss(const uint8_t *tcp, size_t len, uint16_t *mss)
{
	uint16_t sum;
	size_t at;

	if (!find_mss(tcp, len, &at, mss, &sum))
		return false;
	if (at == 0)
		*mss = TCPOPT_MSS_DEFAULT;
	return true;
}
