/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockdiag: the sockets of this network namespace, from the kernel.
 *
 * TCP and UDP, IPv4 and IPv6, over NETLINK_SOCK_DIAG, which tells marks to root
 * alone.  It does not list what has no port yet, nor MPTCP, nor everywhere raw
 * sockets: whoever holds a descriptor of one asks that.  One thread; blocks
 * until the kernel has told them all.
 */
#ifndef ENGINE_CLI_SOCKDIAG_H
#define ENGINE_CLI_SOCKDIAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ipaddr.h"

struct sockdiag {
	uint16_t protocol; /* IPPROTO_TCP, ...; IPPROTO_RAW for all raw ones */
	bool listens;
	bool marked; /* the kernel told the mark */
	uint32_t mark, uid;
	uint32_t inode;            /* 0: no process holds it (any more) */
	struct ipaddr local, peer; /* family NONE: any */
	uint16_t lport, pport;
};

/* Calls fn for each.  0 or -errno. */
int sockdiag_walk(void (*fn)(void *arg, const struct sockdiag *s), void *arg);
/* May /proc/PID/fd/FD be one that the walk did not tell of? */
bool sockdiag_may_lack(int pid, int fd);
/* The same of a descriptor; the mark always.  0; -EAFNOSUPPORT: no socket of
 * IPv4 or IPv6; -EXDEV: of another network namespace; -errno. */
int sockdiag_look(int fd, struct sockdiag *s);

#endif
