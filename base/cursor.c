/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <endian.h>
#include <string.h>

#include "base/cursor.h"

struct cursor
cursor_make(const void *octets, size_t len)
{
	return (struct cursor){ .at = octets, .left = len };
}

/* Copies n octets, a constant: the compiler makes a single load of it.  On the
 * packet path these are called a few dozen times a packet. */
static inline bool
take_octets(struct cursor *c, void *out, size_t n)
{
	if (c->left < n)
		return false;
	memcpy(out, c->at, n);
	c->at += n;
	c->left -= n;
	return true;
}

bool
cursor_u8(struct cursor *c, uint8_t *out)
{
	return take_octets(c, out, 1);
}

bool
cursor_u16(struct cursor *c, uint16_t *out)
{
	uint16_t v;

	if (!take_octets(c, &v, sizeof(v)))
		return false;
	*out = be16toh(v);
	return true;
}

bool
cursor_u32(struct cursor *c, uint32_t *out)
{
	uint32_t v;

	if (!take_octets(c, &v, sizeof(v)))
		return false;
	*out = be32toh(v);
	return true;
}

bool
cursor_u64(struct cursor *c, uint64_t *out)
{
	uint64_t v;

	if (!take_octets(c, &v, sizeof(v)))
		return false;
	*out = be64toh(v);
	return true;
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
