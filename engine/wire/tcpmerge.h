/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcpmerge: segments of one TCP connection that follow each other, made one.
 *
 * What a network device does for the kernel (receive offload), done after the
 * segments were opened, by the kernel's own rule: all of both headers is the
 * same but for lengths, identification, sequence number, checksum and PSH;
 * each begins where the one before ended; one that pushes is the last.  Data
 * and nothing else: no SYN, FIN, RST, URG, CWR, no option of IP.  A change of
 * the ECN field, of a timestamp or of the window ends it.
 *
 *   | IP TCP | payload |  +  | IP TCP | payload |  =  | IP TCP | payload
 * payload |
 *
 * Pure; any thread.  Never looks at a payload: the checksum of the whole is
 * made of theirs, so that one that was wrong makes the whole wrong.
 */
#ifndef ENGINE_WIRE_TCPMERGE_H
#define ENGINE_WIRE_TCPMERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/wire/ip.h"
#include "engine/wire/tcp.h"

/* Octets of what is made.  The kernel copies it into one piece of memory. */
#define TCPMERGE_MAX 30000

struct tcpmerge {
	uint8_t *octets;
	size_t len;     /* of all, so far */
	size_t headers; /* octets of both */
	unsigned parts;
	bool is_whole; /* takes no more */
	struct ip4 ip; /* as it came first */
	struct tcp tcp;
	uint64_t sum; /* of the payload */
};

/* octets: a whole packet as ip_parse takes it, which becomes the whole and
 * has room for TCPMERGE_MAX.  False: it is none to begin with. */
bool tcpmerge_begin(struct tcpmerge *m, uint8_t *octets, size_t len);
/* The next packet.  True: its payload stands behind the others' now. */
bool tcpmerge_add(struct tcpmerge *m, const uint8_t *octets, size_t len);
/* The headers fit the whole now; returns its length. */
size_t tcpmerge_end(struct tcpmerge *m);

#endif
