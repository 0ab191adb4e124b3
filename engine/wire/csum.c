/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <string.h>

#include "engine/wire/csum.h"

static uint16_t
fold(uint64_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Adds with the carry coming in again at the low end. */
static uint64_t
add_around(uint64_t sum, uint64_t v)
{
	sum += v;
	return sum + (sum < v);
}

#if defined(__x86_64__)
typedef uint64_t words __attribute__((vector_size(32)));

enum { WIDE = 2 * sizeof(words) };

/* Of len octets, whole WIDEs, with wide registers: the halves of the words are
 * added apart, so that no sum of fewer than 2^32 of them has a carry. */
__attribute__((target("avx2"))) static uint64_t
sum_wide(const uint8_t *at, size_t len)
{
	words v, w, low = { 0 }, high = { 0 };

	for (; len > 0; len -= WIDE, at += WIDE) {
		memcpy(&v, at, sizeof(v));
		memcpy(&w, at + sizeof(v), sizeof(w));
		low += (v & UINT32_MAX) + (w & UINT32_MAX);
		high += (v >> 32) + (w >> 32);
	}
	low += high;
	return (uint64_t)fold(low[0]) + fold(low[1]) + fold(low[2]) +
	       fold(low[3]);
}
#endif

uint64_t
csum_add(uint64_t sum, const void *octets, size_t len)
{
	const uint8_t *at = octets;
	uint64_t v[4], a = 0, b = 0;

#if defined(__x86_64__)
	if (len >= WIDE && __builtin_cpu_supports("avx2")) {
		a = sum_wide(at, len / WIDE * WIDE);
		at += len / WIDE * WIDE;
		len %= WIDE;
	}
#endif

	/* The sum of words in either byte order is the other's, swapped (RFC
	 * 1071 2 B): the longest words, as they lie in memory. */
	for (; len >= sizeof(v); len -= sizeof(v), at += sizeof(v)) {
		memcpy(v, at, sizeof(v));
		a = add_around(a, v[0]);
		b = add_around(b, v[1]);
		a = add_around(a, v[2]);
		b = add_around(b, v[3]);
	}
	memset(v, 0, sizeof(v));
	memcpy(v, at, len);
	for (unsigned i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		a = add_around(a, v[i]);
	return sum + ntohs(fold(add_around(a, b)));
}

uint16_t
csum_finish(uint64_t sum)
{
	return (uint16_t)~fold(sum);
}

uint16_t
csum_of(const void *octets, size_t len)
{
	return csum_finish(csum_add(0, octets, len));
}

uint16_t
csum_adjust(uint16_t sum, uint16_t from, uint16_t to)
{
	/* RFC 1624 equation 3: HC' = ~(~HC + ~m + m') */
	return (uint16_t)~fold((uint64_t)(uint16_t)~sum + (uint16_t)~from + to);
}
