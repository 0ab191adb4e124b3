/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcpcut: a TCP packet longer than the path takes, cut into segments.
 *
 * What a network device does for the kernel (segmentation offload), done
 * before the segments are sealed.  Pure; any thread.  Works where the packet
 * lies: each segment's headers are written in front of its payload, over the
 * end of the one before, which is not needed any more.
 *
 *   | IP TCP | payload 0 | payload 1 | payload 2 |
 *   '------ segment 0 ---'
 *             | IP  TCP  | payload 1 |             and then 1,
 *                         | IP  TCP  | payload 2 | and then 2
 *
 * Sequence number and IP identification count on; FIN and PSH stay with the
 * last segment, CWR with the first (RFC 3168 6.1.2), URG with those before
 * the urgent pointer; options are everybody's.  Never cuts what its options
 * sign, never touches a payload.
 */
#ifndef ENGINE_WIRE_TCPCUT_H
#define ENGINE_WIRE_TCPCUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/wire/ip.h"
#include "engine/wire/tcp.h"

/* Behind each segment as many octets may be written to, or what is left. */
#define TCPCUT_ROOM 32

struct tcpcut_segment {
	uint8_t *octets;
	size_t len;  /* IP header and all */
	size_t room; /* octets behind them that may be written to */
	uint16_t id;
	bool first, last;
};

struct tcpcut {
	struct ip4 ip;
	struct tcp tcp;
	uint8_t *octets;
	size_t room;    /* behind the whole packet */
	size_t headers; /* octets of both */
	size_t at;      /* of the next payload */
	size_t each;    /* octets of payload */
	uint8_t head[IP_HEADER_MAX + TCP_HEADER_MAX];
	uint8_t saved[TCPCUT_ROOM]; /* what stood behind the last segment */
	size_t n_saved;
};

/* octets: a packet as ip_parse took it, and `room` more.  The longest segment
 * becomes `longest` octets, IP header and all.  False: no TCP, signed, no
 * payload, or no place for a single octet of it; nothing was changed. */
bool tcpcut_begin(struct tcpcut *c, uint8_t *octets, const struct ip4 *ip,
		  size_t room, size_t longest);
/* How many segments. */
uint32_t tcpcut_count(const struct tcpcut *c);
/* The next one; it stands until the next call.  False: that was all. */
bool tcpcut_next(struct tcpcut *c, struct tcpcut_segment *out);

#endif
