/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/number.h"

static const struct {
	char letter;
	enum number_unit unit;
	uint64_t factor;
} units[] = {
	/* greatest first within a unit */
	{ 'd', NUMBER_SECS, 86400 },
	{ 'h', NUMBER_SECS, 3600 },
	{ 'm', NUMBER_SECS, 60 },
	{ 's', NUMBER_SECS, 1 },
	{ 'T', NUMBER_OCTETS, 1000000000000 },
	{ 'G', NUMBER_OCTETS, 1000000000 },
	{ 'M', NUMBER_OCTETS, 1000000 },
	{ 'k', NUMBER_OCTETS, 1000 },
	{ 'p', NUMBER_PACKETS, 1 },
};
#define N_UNITS (sizeof(units) / sizeof(units[0]))

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

static bool
has_0x(const char *text, size_t len)
{
	return len > 2 && text[0] == '0' && text[1] == 'x';
}

static bool
parse_digits(const char *text, size_t len, unsigned base, uint64_t *out)
{
	uint64_t v = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)digit_value(text[i]);

		if (digit >= base ||
		    __builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)digit, &v))
			return false;
	}
	*out = v;
	return true;
}

bool
number_parse(const char *text, size_t len, uint64_t *out)
{
	if (has_0x(text, len))
		return parse_digits(text + 2, len - 2, 16, out);
	return parse_digits(text, len, 10, out);
}

bool
number_parse_range(const char *text, size_t len, uint64_t *first,
		   uint64_t *last)
{
	const char *dash = memchr(text, '-', len);
	size_t n;

	if (dash == NULL) {
		if (!number_parse(text, len, first))
			return false;
		*last = *first;
		return true;
	}
	n = (size_t)(dash - text);
	return number_parse(text, n, first) &&
	       number_parse(dash + 1, len - n - 1, last) && *first <= *last;
}

bool
number_parse_unit(const char *text, size_t len, enum number_unit *unit,
		  uint64_t *out)
{
	if (len < 2)
		return false;
	for (size_t i = 0; i < N_UNITS; i++) {
		if (text[len - 1] != units[i].letter)
			continue;
		*unit = units[i].unit;
		return parse_digits(text, len - 1, 10, out) &&
		       !__builtin_mul_overflow(*out, units[i].factor, out);
	}
	return false;
}

const char *
number_format(uint64_t v, enum number_unit unit, char out[NUMBER_TEXT])
{
	for (size_t i = 0; i < N_UNITS; i++) {
		if (units[i].unit != unit || v % units[i].factor != 0)
			continue;
		snprintf(out, NUMBER_TEXT, "%" PRIu64 "%c", v / units[i].factor,
			 units[i].letter);
		return out;
	}
	/* Octets that are no multiple of 1000: the language has no such. */
	snprintf(out, NUMBER_TEXT, "%" PRIu64, v);
	return out;
}

bool
number_parse_hex(const char *text, size_t len, uint8_t *out, size_t *n)
{
	size_t octets;

	if (has_0x(text, len)) {
		text += 2;
		len -= 2;
	}
	octets = len / 2;
	if (len == 0 || len % 2 != 0 || octets > *n)
		return false;
	for (size_t i = 0; i < octets; i++) {
		int high = digit_value(text[2 * i]);
		int low = digit_value(text[2 * i + 1]);

		if (high > 15 || low > 15)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	*n = octets;
	return true;
}
