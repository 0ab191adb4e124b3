/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pkt: one packet on its way through the engine, a view of a queue's buffer.
 *
 * Owns nothing; dies with its batch.  One thread, the worker that read it.
 * The octets are the worker's own copy of the packet: the path may write to
 * them and, for a trailer, to the `room` octets behind them.
 */
#ifndef ENGINE_PATH_PKT_H
#define ENGINE_PATH_PKT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PKT_LOOPBACK 1u /* the ifindex of lo, in every namespace */

struct pkt {
	uint8_t *octets; /* from the IP header on */
	size_t len;      /* octets that the kernel handed over */
	size_t room;     /* writable octets behind them */
	size_t whole;    /* octets of the packet in the kernel; > len when
			    the copy was cut */
	uint32_t mark;
	uint32_t in, out; /* ifindex; 0: none */
	uint32_t mtu;     /* of the device it leaves by (out) or came by
			     (in); 0: unknown, taken as 1500 */
	bool is_train;    /* segments that nobody has cut yet */
	bool unsummed;    /* its TCP checksum is not finished */
};

#endif
