/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcpopt: the maximum segment size that a SYN offers (RFC 9293 3.7.1).
 *
 * Pure; any thread.  Never raises it, never adds the option: without one the
 * sender keeps to 536.
 */
#ifndef ENGINE_WIRE_TCPOPT_H
#define ENGINE_WIRE_TCPOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCPOPT_HEADER_MIN  20
#define TCPOPT_MSS_MIN     64  /* never offered less, whatever an MTU says */
#define TCPOPT_MSS_DEFAULT 536 /* what a SYN without the option offers */

/* A whole TCP segment; its checksum stays right.  True when it was changed. */
bool tcpopt_lower_mss(uint8_t *tcp, size_t len, uint16_t mss);
/* What a SYN offers.  False: no SYN, or it can't be walked. */
bool tcpopt_read_mss(const uint8_t *tcp, size_t len, uint16_t *mss);

#endif
