/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nlq_sock: the netlink socket of one NFQUEUE.
 *
 * Ownership of a queue is by netlink port, so the supervisor opens and binds
 * (nlq_sock_open), keeps the socket, and each engine adopts the inherited
 * descriptor (nlq_sock_adopt): what waits in the kernel's queue survives.  One
 * thread a socket.  Never sets fail-open.
 */
#ifndef ENGINE_NFQ_NLQ_SOCK_H
#define ENGINE_NFQ_NLQ_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NLQ_SOCK_BUFFER (8 << 20) /* octets, each way */

struct nlq_sock {
	int fd;
	uint32_t portid;
	uint16_t queue;
};

/* Binds queue `number`, whole packets, `length` of them at most in the kernel.
 * trains: segments that the kernel has not cut yet come as one packet; for
 * TCP alone, since borders of datagrams are lost.  The descriptor is
 * close-on-exec and non-blocking.  0; -EBUSY: somebody else
 * has the queue, or this process may have none; other -errno. */
int nlq_sock_open(struct nlq_sock *q, uint16_t number, uint32_t length,
		  bool trains);
/* An inherited descriptor, bound to queue `number` by whoever opened it.
 * -EBADF, -EPROTO: no netlink socket. */
int nlq_sock_adopt(struct nlq_sock *q, uint16_t number, int fd);
void nlq_sock_close(struct nlq_sock *q);

/* Up to n messages without waiting.  Number read, 0: nothing there, -errno.
 * Those that do not come from the kernel get length 0. */
int nlq_sock_read(struct nlq_sock *q, struct mmsghdr *msgs, unsigned n);
/* One write(2) of netlink messages.  0 or -errno. */
int nlq_sock_write(const struct nlq_sock *q, const void *octets, size_t len);

#endif
