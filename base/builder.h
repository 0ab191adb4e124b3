/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * builder: writes octets into a caller's buffer, big endian.
 *
 * Owns nothing.  Any thread, each with its own.  Never writes past the
 * capacity: what does not fit sets `overflow`, and stays set, so that a
 * message is built in one go and checked once at its end.
 */
#ifndef BASE_BUILDER_H
#define BASE_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct builder {
	uint8_t *buf;
	size_t cap, len;
	bool overflow;
};

struct builder builder_make(void *buf, size_t cap);
void builder_u8(struct builder *b, uint8_t v);
void builder_u16(struct builder *b, uint16_t v);
void builder_u32(struct builder *b, uint32_t v);
void builder_u64(struct builder *b, uint64_t v);
void builder_octets(struct builder *b, const void *octets, size_t n);
void builder_zeros(struct builder *b, size_t n);
/* Overwrites what already stands at `at`; outside it sets overflow. */
void builder_patch_u8(struct builder *b, size_t at, uint8_t v);
void builder_patch_u16(struct builder *b, size_t at, uint16_t v);

#endif
