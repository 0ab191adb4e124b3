/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * number: the numbers of the configuration, read and written.
 *
 * Pure; any thread.  Texts are not NUL terminated.  Never wraps: what does
 * not fit into the type is refused.
 */
#ifndef POLICY_NUMBER_H
#define POLICY_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBER_TEXT 24 /* any number, its unit, the final 0 */

/* Decimal or 0x hexadecimal, all of the text. */
bool number_parse(const char *text, size_t len, uint64_t *out);
/* "A-B" with A <= B, or one number. */
bool number_parse_range(const char *text, size_t len, uint64_t *first,
			uint64_t *last);

enum number_unit {
	NUMBER_SECS,    /* s m h d */
	NUMBER_OCTETS,  /* k M G T: powers of 1000 */
	NUMBER_PACKETS, /* p */
};
/* A decimal number with one of those units behind it. */
bool number_parse_unit(const char *text, size_t len, enum number_unit *unit,
		       uint64_t *out);
/* The greatest unit that says it exactly. */
const char *number_format(uint64_t v, enum number_unit unit,
			  char out[NUMBER_TEXT]);

/* Hexadecimal digits, "0x" before them or not, an even number of them.
 * *n holds the capacity and becomes the octets written. */
bool number_parse_hex(const char *text, size_t len, uint8_t *out, size_t *n);

#endif
