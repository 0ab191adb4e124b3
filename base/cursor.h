/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cursor: a read-only walk over octets that came from outside.
 *
 * Owns nothing: a view of somebody's buffer.  Any thread, each with its own.
 * Never reads past its end and never subtracts a length it was told: every
 * call asks "is there enough left" and returns false, moving nothing, when
 * there is not.  Network byte order (big endian) throughout.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *at;
	size_t left;
};

struct cursor cursor_make(const void *octets, size_t len);
bool cursor_u8(struct cursor *c, uint8_t *out);
bool cursor_u16(struct cursor *c, uint16_t *out);
bool cursor_u32(struct cursor *c, uint32_t *out);
bool cursor_u64(struct cursor *c, uint64_t *out);
/* Copies n octets out. */
bool cursor_copy(struct cursor *c, void *out, size_t n);
/* Splits the next n octets off as a cursor of their own. */
bool cursor_take(struct cursor *c, size_t n, struct cursor *out);
bool cursor_skip(struct cursor *c, size_t n);

#endif
