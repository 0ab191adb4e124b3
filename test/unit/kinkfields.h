/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kinkfields: where a KINK message says how long or how many something is. */
#ifndef TEST_UNIT_KINKFIELDS_H
#define TEST_UNIT_KINKFIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keyneg/kink/isakmp.h"

/* Where an offer says how long or how many something is. */
struct field {
	size_t at;
	unsigned octets;
	const char *what;
};

__attribute__((unused)) static unsigned
u16_at(const uint8_t *message, size_t at)
{
	return (unsigned)message[at] << 8 | message[at + 1];
}

/* Those of a proposal with one transform. */
__attribute__((unused)) static unsigned
proposal_fields(const uint8_t *message, size_t at, struct field *out)
{
	size_t t = at + 12, a = t + 8;
	unsigned n = 0;

	out[n++] = (struct field){ at + 2, 2, "proposal" };
	out[n++] = (struct field){ at + 6, 1, "size of an SPI" };
	out[n++] = (struct field){ at + 7, 1, "number of transforms" };
	out[n++] = (struct field){ t + 2, 2, "transform" };
	while (a < t + u16_at(message, t + 2)) {
		bool basic = (message[a] & 0x80) != 0;

		if (!basic)
			out[n++] = (struct field){ a + 2, 2, "attribute" };
		a += basic ? 4 : 4 + u16_at(message, a + 2);
	}
	return n;
}

/* Those of a KINK_ISAKMP that begins there. */
__attribute__((unused)) static unsigned
offer_fields(const uint8_t *message, size_t from, struct field *out)
{
	size_t at = from + 8;
	unsigned n = 0;

	out[n++] = (struct field){ from + 2, 2, "KINK_ISAKMP" };
	for (uint8_t type = message[from + 4]; type != ISAKMP_PAYLOAD_NONE;) {
		out[n++] = (struct field){ at + 2, 2, "payload" };
		if (type == ISAKMP_PAYLOAD_SA)
			n += proposal_fields(message, at + 12, out + n);
		type = message[at];
		at += u16_at(message, at + 2);
	}
	return n;
}

#endif
