/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fnv: FNV-1a, 32 bits, for tables whose keys are ours or proven members'.
 *
 * Pure.  No secret in it: whoever chooses the keys chooses the buckets.
 */
#ifndef BASE_FNV_H
#define BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_BEGIN 2166136261u

/* The hash of what h stands for, with these octets behind it. */
uint32_t fnv_add(uint32_t h, const void *octets, size_t n);
uint32_t fnv_add_text(uint32_t h, const char *text);
/* Its low bits, for a table of a power of two of buckets. */
uint32_t fnv_fold(uint32_t h);

#endif
