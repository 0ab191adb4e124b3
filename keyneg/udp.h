/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udp: datagrams with both their addresses.
 *
 * Owns nothing.  One thread a socket.  Never waits.
 */
#ifndef KEYNEG_UDP_H
#define KEYNEG_UDP_H

#include <stddef.h>
#include <sys/types.h>

#include "keyneg/core/exchange.h"

/* A bound, non-blocking socket for every local address of the family
 * (AF_INET, AF_INET6).  `owner`: whose packets they are to be for nft's
 * `meta skuid`.  The descriptor or -errno. */
int udp_open(int family, uint16_t port, uid_t owner);
/* From path->local to path->peer.  0 or -errno. */
int udp_send(int fd, const struct exchange_path *path, const void *octets,
	     size_t n);
/* Octets, or -errno (-EAGAIN: none). */
ssize_t udp_receive(int fd, struct exchange_path *path, void *octets,
		    size_t cap);

#endif
