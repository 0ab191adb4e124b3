/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keyneg/core/der.h"

bool
der_is(const struct cursor *c, uint8_t tag)
{
	return c->left != 0 && c->at[0] == tag;
}

/* X.690 8.1.3 and 10.1; two octets of length are more than a datagram has. */
static bool
take_length(struct cursor *c, size_t *out)
{
	uint8_t first, one;
	uint16_t two;

	if (!cursor_u8(c, &first))
		return false;
	if (first < 0x80) {
		*out = first;
		return true;
	}
	if (first == 0x81) {
		if (!cursor_u8(c, &one) || one < 0x80)
			return false;
		*out = one;
		return true;
	}
	if (first != 0x82 || !cursor_u16(c, &two) || two < 0x100)
		return false;
	*out = two;
	return true;
}

static bool
take(struct cursor *c, struct cursor *out)
{
	struct cursor t = *c;
	size_t len;

	if (!cursor_skip(&t, 1) || !take_length(&t, &len) ||
	    !cursor_take(&t, len, out))
		return false;
	*c = t;
	return true;
}

bool
der_take(struct cursor *c, uint8_t tag, struct cursor *out)
{
	return der_is(c, tag) && take(c, out);
}

bool
der_skip(struct cursor *c)
{
	struct cursor ignored;

	return take(c, &ignored);
}

bool
der_take_int(struct cursor *c, uint8_t context, int64_t *out)
{
	struct cursor t = *c, in, v;
	uint64_t sum;
	uint8_t o;

	if (!der_take(&t, DER_CONTEXT(context), &in) ||
	    !der_take(&in, DER_INTEGER, &v) || in.left != 0 || v.left == 0 ||
	    v.left > 8)
		return false;
	sum = v.at[0] & 0x80 ? UINT64_MAX : 0;
	while (cursor_u8(&v, &o))
		sum = sum << 8 | o;
	*out = (int64_t)sum;
	*c = t;
	return true;
}

/* n digits as a number, or -1. */
static int
digits(struct cursor *c, unsigned n)
{
	int v = 0;

	while (n-- > 0) {
		uint8_t o;

		if (!cursor_u8(c, &o) || o < '0' || o > '9')
			return -1;
		v = v * 10 + (o - '0');
	}
	return v;
}

/* Days since 1970-01-01.  Not timegm: that opens the time zone's file, and
 * whoever reads this has no files.  A year begins in March here, so that the
 * leap day is its last. */
static int64_t
days(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;

	return y * 365 + y / 4 - y / 100 + y / 400 + in_year + day - 1 -
	       719468; /* from 0000-03-01 to 1970-01-01 */
}

bool
der_take_time(struct cursor *c, uint8_t context, uint64_t *out)
{
	struct cursor t = *c, in, v;
	int year, month, day, hour, min, sec;

	if (!der_take(&t, DER_CONTEXT(context), &in) ||
	    !der_take(&in, DER_TIME, &v) || in.left != 0 || v.left != 15)
		return false;
	year = digits(&v, 4);
	month = digits(&v, 2);
	day = digits(&v, 2);
	hour = digits(&v, 2);
	min = digits(&v, 2);
	sec = digits(&v, 2);
	if (v.at[0] != 'Z' || year < 1970 || month < 1 || month > 12 ||
	    day < 1 || day > 31 || hour < 0 || hour > 23 || min < 0 ||
	    min > 59 || sec < 0 || sec > 60)
		return false;
	*out = (uint64_t)((days(year, month, day) * 24 + hour) * 3600 +
			  min * 60 + sec);
	*c = t;
	return true;
}
