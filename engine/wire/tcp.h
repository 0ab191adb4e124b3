/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp: the TCP header (RFC 9293 3.1), read into a view; its checksum.
 *
 *    0                   1                   2                   3
 *   +-------------------------------+-------------------------------+
 *   |          Source Port          |       Destination Port        |
 *   +-------------------------------+-------------------------------+
 *   |                        Sequence Number                        |
 *   |                    Acknowledgment Number                      |
 *   +-------+-------+---------------+-------------------------------+
 *   |Offset | Rsrvd |C E U A P R S F|            Window             |
 *   +-------+-------+---------------+-------------------------------+
 *   |           Checksum            |         Urgent Pointer        |
 *   +-------------------------------+-------------------------------+
 *   |                    Options (0 to 40 octets)                   |
 *   +---------------------------------------------------------------+
 *
 * Pure; any thread.
 */
#ifndef ENGINE_WIRE_TCP_H
#define ENGINE_WIRE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/wire/ip.h"

#define TCP_HEADER_MIN 20
#define TCP_HEADER_MAX 60
/* Where fields lie that are written. */
#define TCP_AT_SEQ      4
#define TCP_AT_FLAGS    13
#define TCP_AT_CHECKSUM 16
#define TCP_AT_URGENT   18

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

struct tcp {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t header; /* octets, options included */
	uint8_t flags;
	uint16_t window, checksum, urgent;
};

/* False: there is no whole header. */
bool tcp_parse(const uint8_t *octets, size_t len, struct tcp *out);
/* Options that sign the segment as it stands (TCP MD5, RFC 2385; TCP-AO, RFC
 * 5925), or that can't be walked. */
bool tcp_is_signed(const uint8_t *octets, size_t header);
/* The sum of the pseudo-header of a segment of len octets, for csum_finish. */
uint64_t tcp_pseudo_sum(const struct ip4 *ip, size_t len);
/* Overwrites the checksum of a segment that tcp_parse took. */
void tcp_finish(uint8_t *octets, size_t len, const struct ip4 *ip);

#endif
