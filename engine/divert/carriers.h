/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * carriers: what in this network namespace still carries a SAID.
 *
 * Sockets (TCP, UDP, raw where the kernel lists them) by their mark, and
 * conntrack's entries by theirs, with the sockets at their ends.  Finds them,
 * counts them, and cuts them: a socket learns ECONNABORTED, an entry is
 * deleted.  For the supervisor, when a SAID is taken away or given to another
 * association, and for the engine's control thread, when another principal
 * comes to speak for a peer: RFC 5660 section 2.1, a latch is broken, never
 * moved.
 *
 * One thread.  Owns two netlink sockets, opened before anything is confined.
 * Each call waits for the kernel's answers, which takes as long as a walk over
 * its tables (a millisecond for some thousand entries).  What has no port yet
 * (UDP, TCP) and ICMP's datagram sockets the kernel lists nowhere: a SAID that
 * nobody is found with may be carried still.  Never touches a
 * listener, nor what waits for a first answer (SYN-SENT): nothing was said
 * there yet.
 */
#ifndef ENGINE_DIVERT_CARRIERS_H
#define ENGINE_DIVERT_CARRIERS_H

#include <stdint.h>

#include "base/ipaddr.h"

struct mnl_socket;

struct carriers {
	struct mnl_socket *diag, *conntrack;
	uint32_t seq;
};

struct carriers_found {
	unsigned sockets;     /* of every state but TIME-WAIT; cut: ended */
	unsigned connections; /* conntrack's entries */
};

/* 0 or -errno; then neither socket is open. */
int carriers_open(struct carriers *c);
void carriers_close(struct carriers *c);

/* How many carry `mark` under `mask`.  0 or -errno. */
int carriers_count(struct carriers *c, uint32_t mark, uint32_t mask,
		   struct carriers_found *found);
/* Does anything?  1, 0 or -errno; asks no further than it has to. */
int carriers_any(struct carriers *c, uint32_t mark, uint32_t mask);
/* Ends what carries it: all, or what is with `peer`.  A socket without a mark
 * at the end of a connection that has it counts too.  -EOPNOTSUPP: this kernel
 * can't end sockets (CONFIG_INET_DIAG_DESTROY); then entries stay, and with
 * them what the rules refuse. */
int carriers_cut(struct carriers *c, uint32_t mark, uint32_t mask,
		 const struct ipaddr *peer, struct carriers_found *found);

#endif
