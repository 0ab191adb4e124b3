/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cursor.h"
#include "entropyd/egd.h"

static struct egd_request
only(enum egd_op op, size_t taken)
{
	return (struct egd_request){ .op = op, .taken = taken };
}

static struct egd_request
parse_write(struct cursor c, size_t len)
{
	struct cursor octets;
	uint16_t bits; /* claimed by the client; nothing is credited */
	uint8_t n;

	if (!cursor_u16(&c, &bits) || !cursor_u8(&c, &n) ||
	    !cursor_take(&c, n, &octets))
		return only(EGD_MORE, 0);
	return (struct egd_request){ .op = EGD_WRITE,
				     .taken = len - c.left,
				     .n = n,
				     .octets = octets.at };
}

struct egd_request
egd_parse(const uint8_t *input, size_t len)
{
	struct cursor c = cursor_make(input, len);
	uint8_t command, n;

	if (!cursor_u8(&c, &command))
		return only(EGD_MORE, 0);
	switch (command) {
	case 0:
		return only(EGD_BITS, 1);
	case 1:
	case 2:
		if (!cursor_u8(&c, &n))
			return only(EGD_MORE, 0);
		return (struct egd_request){ .op = command == 1 ? EGD_TRY
								: EGD_READ,
					     .taken = 2,
					     .n = n };
	case 3:
		return parse_write(c, len);
	case 4:
		return only(EGD_PID, 1);
	default:
		return only(EGD_BAD, 0);
	}
}

struct egd_request
egd_parse_pool(const uint8_t *input, size_t len)
{
	struct cursor c = cursor_make(input, len);
	uint16_t n;

	if (!cursor_u16(&c, &n))
		return only(EGD_MORE, 0);
	if (n == 0 || n > EGD_POOL_MAX)
		return only(EGD_BAD, 0);
	return (struct egd_request){ .op = EGD_READ, .taken = 2, .n = n };
}
