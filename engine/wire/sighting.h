/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sighting: what tells a packet from others, for whoever watched it come.
 *
 * nft's trace shows the same values of the packet that it saw go into the
 * queue.  Pure; any thread.  Knows IPv4 and IPv6 without extension headers;
 * what it can't read stays 0.
 */
#ifndef ENGINE_WIRE_SIGHTING_H
#define ENGINE_WIRE_SIGHTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ipaddr.h"

struct sighting {
	struct ipaddr src, dst;
	uint8_t protocol;
	uint16_t length;       /* octets, the IP header's too */
	uint16_t id;           /* IPv4's identification */
	bool later_fragment;   /* then nothing of what follows is known */
	uint16_t sport, dport; /* TCP, UDP */
	uint8_t type, code;    /* ICMP, ICMPv6 */
	uint32_t spi, seq;     /* ESP, AH */
};

/* False: not even addresses. */
bool sighting_take(const uint8_t *octets, size_t len, struct sighting *out);

#endif
