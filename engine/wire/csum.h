/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * csum: the Internet checksum (RFC 1071) and changes to one (RFC 1624).
 *
 * Pure; any thread.  Sums are of 16-bit words in network order.
 */
#ifndef ENGINE_WIRE_CSUM_H
#define ENGINE_WIRE_CSUM_H

#include <stddef.h>
#include <stdint.h>

/* A sum, not complemented, that goes on with these octets; what came before
 * was of an even length.  Starts at 0. */
uint64_t csum_add(uint64_t sum, const void *octets, size_t len);
/* The checksum that such a sum makes. */
uint16_t csum_finish(uint64_t sum);
/* Of octets whose checksum field is zero; 0 when it is right in its place. */
uint16_t csum_of(const void *octets, size_t len);
/* The checksum after a 16-bit word under it went from `from` to `to`. */
uint16_t csum_adjust(uint16_t sum, uint16_t from, uint16_t to);

#endif
