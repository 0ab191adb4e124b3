/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockdiag: the sockets of this network namespace, from the kernel.
 *
 * TCP and UDP, IPv4 and IPv6, over NETLINK_SOCK_DIAG.  One thread; blocks
 * until the kernel has told them all.  Marks are told to root alone.
 */
#ifndef ENGINE_CLI_SOCKDIAG_H
#define ENGINE_CLI_SOCKDIAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ipaddr.h"

struct sockdiag {
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	bool listens;
	bool marked; /* the kernel told the mark */
	uint32_t mark, uid;
	uint32_t inode;            /* 0: no process holds it (any more) */
	struct ipaddr local, peer; /* family NONE: any */
	uint16_t lport, pport;
};

/* Calls fn for each.  0 or -errno. */
int sockdiag_walk(void (*fn)(void *arg, const struct sockdiag *s), void *arg);

#endif
