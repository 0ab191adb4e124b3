/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/fnv.h"

uint32_t
fnv_add(uint32_t h, const void *octets, size_t n)
{
	const uint8_t *at = octets;

	for (size_t i = 0; i < n; i++)
		h = (h ^ at[i]) * 16777619u;
	return h;
}

uint32_t
fnv_add_text(uint32_t h, const char *text)
{
	return fnv_add(h, text, strlen(text));
}

uint32_t
fnv_fold(uint32_t h)
{
	return h ^ h >> 15;
}
