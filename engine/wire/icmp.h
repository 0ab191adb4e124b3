/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * icmp: ICMP errors (RFC 792, 1191), as they quote our packets and as we send
 * one of them to a local sender.
 *
 *   +---------------+---------------+-------------------------------+
 *   |     Type      |     Code      |           Checksum            |
 *   +---------------+---------------+-------------------------------+
 *   |             unused            |         next-hop MTU          |
 *   +-------------------------------+-------------------------------+
 *   |       IP header of the packet it is about, 8 octets or more   |
 *   +---------------------------------------------------------------+
 *
 * Pure; any thread.
 */
#ifndef ENGINE_WIRE_ICMP_H
#define ENGINE_WIRE_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/wire/ip.h"

/* Header, ICMP, a quoted header and more of it (RFC 1812 4.3.2.3). */
#define ICMP_ERROR_MAX 576

struct icmp_error {
	bool fragmentation_needed;
	uint16_t mtu;           /* as said; 0 by routers before RFC 1191 */
	struct ipaddr src, dst; /* of the packet it quotes */
	uint8_t protocol;
	uint32_t word[3]; /* what followed its IP header, 8 octets at least */
	bool has_third;   /* word[2] was there too */
};

/* An ICMP message, behind its IP header.  False: not an error, its checksum
 * is wrong, or it quotes too little. */
bool icmp_parse_error(const uint8_t *octets, size_t len,
		      struct icmp_error *out);
/* A whole IPv4 packet, "fragmentation needed" about `about` (a packet that
 * ip_parse accepted), to its source; the kernel fills in the source address
 * (0), identification and header checksum.  Returns its octets, at most
 * ICMP_ERROR_MAX. */
size_t icmp_build_needed(uint8_t *out, const uint8_t *about,
			 const struct ip4 *ip, uint16_t mtu);
/* The same with "communication administratively prohibited" (RFC 1812
 * 5.2.7.1, RFC 4301 5.1): senders see EHOSTUNREACH at once. */
size_t icmp_build_prohibited(uint8_t *out, const uint8_t *about,
			     const struct ip4 *ip);

#endif
