/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ip: the IPv4 header (RFC 791), read into a view and written back.
 *
 *    0                   1                   2                   3
 *   +-------+-------+---------------+-------------------------------+
 *   |Version|  IHL  |      TOS      |          Total Length         |
 *   +-------+-------+---------------+-----+-------------------------+
 *   |        Identification         |Flags|     Fragment Offset     |
 *   +---------------+---------------+-----+-------------------------+
 *   |      TTL      |    Protocol   |        Header Checksum        |
 *   +---------------+---------------+-------------------------------+
 *   |                        Source Address                         |
 *   |                      Destination Address                      |
 *   |                    Options (0 to 40 octets)                   |
 *   +---------------------------------------------------------------+
 *
 * Pure; any thread.  Never verifies the header's checksum: the kernel did
 * before it queued the packet.
 */
#ifndef ENGINE_WIRE_IP_H
#define ENGINE_WIRE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ipaddr.h"

#define IP_HEADER_MIN 20
#define IP_HEADER_MAX 60
#define IP_TOTAL_MAX  65535
#define IP_DF         0x4000u
#define IP_MF         0x2000u
#define IP_OFFSET     0x1fffu

enum ip_protocol {
	IP_ICMP = 1,
	IP_TCP = 6,
	IP_UDP = 17,
	IP_ESP = 50,
	IP_AH = 51,
	IP_NONE = 59, /* dummy packets, RFC 4303 2.6 */
};

struct ip4 {
	uint8_t header; /* octets, options included */
	uint8_t protocol;
	uint16_t total; /* octets, header and payload */
	uint16_t id;
	uint16_t fragment; /* IP_DF, IP_MF, offset */
	struct ipaddr src, dst;
};

enum ip_answer {
	IP_OK,
	IP_TRUNCATED, /* shorter than the header says */
	IP_MALFORMED,
	IP_VERSION_6,
};

/* The octets may go on behind the packet: total says where it ends. */
enum ip_answer ip_parse(const uint8_t *octets, size_t len, struct ip4 *out);
bool ip_is_fragment(const struct ip4 *ip);
/* 224/4, 240/4 (limited broadcast among them), 0/8: no address of a peer. */
bool ip_is_group(const struct ipaddr *a);
/* Options that change where the packet goes (loose and strict source route),
 * or that can't be walked. */
bool ip_is_routed(const uint8_t *octets, const struct ip4 *ip);
/* Overwrites the header's length, protocol, identification and fragment word
 * by those of `ip`, and makes the checksum right. */
void ip_finish(uint8_t *octets, const struct ip4 *ip);

#endif
