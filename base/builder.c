/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/builder.h"

struct builder
builder_make(void *buf, size_t cap)
{
	return (struct builder){ .buf = buf, .cap = cap };
}

/* Where the next n octets go, or NULL when they do not fit. */
static uint8_t *
reserve(struct builder *b, size_t n)
{
	uint8_t *at;

	if (b->overflow || b->cap - b->len < n) {
		b->overflow = true;
		return NULL;
	}
	at = b->buf + b->len;
	b->len += n;
	return at;
}

static void
write_be(struct builder *b, uint64_t v, size_t n)
{
	uint8_t *at = reserve(b, n);

	if (at == NULL)
		return;
	for (size_t i = n; i-- > 0; v >>= 8)
		at[i] = (uint8_t)v;
}

void
builder_u8(struct builder *b, uint8_t v)
{
	write_be(b, v, 1);
}

void
builder_u16(struct builder *b, uint16_t v)
{
	write_be(b, v, 2);
}

void
builder_u32(struct builder *b, uint32_t v)
{
	write_be(b, v, 4);
}

void
builder_u64(struct builder *b, uint64_t v)
{
	write_be(b, v, 8);
}

void
builder_octets(struct builder *b, const void *octets, size_t n)
{
	uint8_t *at = reserve(b, n);

	if (at != NULL && n != 0)
		memcpy(at, octets, n);
}

void
builder_zeros(struct builder *b, size_t n)
{
	uint8_t *at = reserve(b, n);

	if (at != NULL && n != 0)
		memset(at, 0, n);
}

void
builder_patch_u8(struct builder *b, size_t at, uint8_t v)
{
	if (at >= b->len) {
		b->overflow = true;
		return;
	}
	b->buf[at] = v;
}

void
builder_patch_u16(struct builder *b, size_t at, uint16_t v)
{
	if (at + 1 >= b->len) {
		b->overflow = true;
		return;
	}
	b->buf[at] = (uint8_t)(v >> 8);
	b->buf[at + 1] = (uint8_t)v;
}
