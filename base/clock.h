/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock: the only place that asks for the time.
 *
 * State machines take the time as a parameter; only main loops call this.
 * Any thread.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_now_ms(void);     /* CLOCK_BOOTTIME, milliseconds */
uint64_t clock_wall_secs(void);  /* CLOCK_REALTIME, seconds since 1970 */
uint64_t clock_wall_ms(void);    /* the same in milliseconds */
/* RFC 3339 in UTC, "2026-01-31T12:00:00Z"; out holds 21 octets. */
void clock_rfc3339(uint64_t wall_secs, char out[21]);

#endif
