/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inject: whole IPv4 packets that the engine made, sent beside the queues.
 *
 * Owns a raw socket and what waits for it: packets of one mark and one type of
 * service, which are the socket's.  As control messages they were allocated
 * and freed by the kernel for each packet, for it has room for 36 octets.  One
 * thread.  Packets leave in the order in which they were added, many in one
 * system call.  A packet's mark, source and device are those that it is given,
 * so that the routing rules that chose the way of the packet inside choose it
 * again; its next hop is what the routes over that device say.  It passes
 * OUTPUT and POSTROUTING as its own, without conntrack (the mark DONE) and
 * without the defragmentation that conntrack brings.  The path MTU that the
 * kernel remembers is not looked at, the device's MTU is: what is longer is
 * refused.
 *
 * Never waits longer than INJECT_WAIT_MS for room; then the rest is refused.
 * Never changes an octet: the kernel fills in an identification of 0, so AH
 * must not cover one.
 */
#ifndef ENGINE_NFQ_INJECT_H
#define ENGINE_NFQ_INJECT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define INJECT_BATCH   64
#define INJECT_WAIT_MS 20
#define INJECT_BUFFER  (4 << 20) /* octets on their way to the devices */

#define INJECT_CONTROL CMSG_SPACE(sizeof(struct in_pktinfo))

struct inject {
	int fd;
	unsigned n;       /* they wait */
	bool waited;      /* for room, since the last flush */
	unsigned refused; /* since the last flush */
	int error;        /* why the last of them was, a positive errno */
	uint32_t mark;    /* the socket's */
	uint8_t tos;      /* the socket's */
	struct mmsghdr msgs[INJECT_BATCH];
	struct iovec iov[INJECT_BATCH];
	struct sockaddr_in to[INJECT_BATCH];
	union {
		struct cmsghdr align;
		uint8_t octets[INJECT_CONTROL];
	} control[INJECT_BATCH];
};

/* 0 or -errno.  Needs CAP_NET_RAW, and CAP_NET_ADMIN for the marks. */
int inject_init(struct inject *j);
void inject_fini(struct inject *j);
/* The octets stay where they are until inject_flush, which this calls when
 * the batch is full.  mark: all 32 bits; ifindex 0: any device. */
void inject_add(struct inject *j, const uint8_t *octets, size_t len,
		uint32_t mark, uint32_t ifindex);
/* Sends what waits.  How many were refused since inject_flush last said so;
 * `error` says why. */
unsigned inject_flush(struct inject *j);

#endif
