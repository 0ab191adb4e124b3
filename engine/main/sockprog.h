/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockprog: the programs that mark the sockets of a cgroup.
 *
 * BPF by hand, through bpf(2): a few instructions each, no map, no library.
 * They stay with the cgroup when this process ends, and go when it goes.
 * Supervisor only; never touches a cgroup that it was not given.
 */
#ifndef ENGINE_MAIN_SOCKPROG_H
#define ENGINE_MAIN_SOCKPROG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ipaddr.h"

struct sockprog {
	uint32_t mask, mark; /* said-mask; the SAID within it */
	bool others_clear;   /* what goes outside peer is not marked */
	struct ipaddr peer;  /* address, prefix, any */
};

/* Every socket made in the cgroup from now on carries the mark; MPTCP's are
 * refused (EPERM), and no packet of the cgroup goes to an IPv4 peer with no
 * bit of said-mask, but over lo.  With
 * others_clear (and a peer that is not any), a socket that connects elsewhere
 * loses it; one that sends without being connected loses it at the first
 * datagram to elsewhere, which is refused (EPERM), and can't send to the peer
 * any more.  0 or -errno. */
int sockprog_attach(int cgroup_fd, const struct sockprog *what);

#endif
