/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/cursor.h"

struct cursor
cursor_make(const void *octets, size_t len)
{
	return (struct cursor){ .at = octets, .left = len };
}

/* Reads n octets, most significant first. */
static bool
read_be(struct cursor *c, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	if (c->left < n)
		return false;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | c->at[i];
	c->at += n;
	c->left -= n;
	*out = v;
	return true;
}

bool
cursor_u8(struct cursor *c, uint8_t *out)
{
	uint64_t v;

	if (!read_be(c, 1, &v))
		return false;
	*out = (uint8_t)v;
	return true;
}

bool
cursor_u16(struct cursor *c, uint16_t *out)
{
	uint64_t v;

	if (!read_be(c, 2, &v))
		return false;
	*out = (uint16_t)v;
	return true;
}

bool
cursor_u24(struct cursor *c, uint32_t *out)
{
	uint64_t v;

	if (!read_be(c, 3, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

bool
cursor_u32(struct cursor *c, uint32_t *out)
{
	uint64_t v;

	if (!read_be(c, 4, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

bool
cursor_u64(struct cursor *c, uint64_t *out)
{
	return read_be(c, 8, out);
}

bool
cursor_copy(struct cursor *c, void *out, size_t n)
{
	if (c->left < n)
		return false;
	if (n != 0)
		memcpy(out, c->at, n);
	c->at += n;
	c->left -= n;
	return true;
}

bool
cursor_take(struct cursor *c, size_t n, struct cursor *out)
{
	if (c->left < n)
		return false;
	*out = cursor_make(c->at, n);
	c->at += n;
	c->left -= n;
	return true;
}

bool
cursor_skip(struct cursor *c, size_t n)
{
	if (c->left < n)
		return false;
	c->at += n;
	c->left -= n;
	return true;
}
