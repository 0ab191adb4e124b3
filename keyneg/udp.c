/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keyneg/udp.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
		  CMSG_SPACE(sizeof(struct in_pktinfo))];
};

/* A socket's packets are its opener's, by the file system uid. */
static int
open_as(int family, uid_t owner)
{
	uid_t old = (uid_t)setfsuid(owner);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = errno;

	setfsuid(old);
	errno = err;
	return fd;
}

static int
set_up(int fd, int family, uint16_t port)
{
	union address a = { 0 };
	socklen_t n;
	int one = 1;

	if (family == AF_INET) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(port);
		n = sizeof(a.v4);
		if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) !=
		    0)
			return -errno;
	} else {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(port);
		n = sizeof(a.v6);
		if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
			       sizeof(one)) != 0 ||
		    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one,
			       sizeof(one)) != 0)
			return -errno;
	}
	return bind(fd, &a.any, n) != 0 ? -errno : 0;
}

int
udp_open(int family, uint16_t port, uid_t owner)
{
	int fd = open_as(family, owner), ret;

	if (fd < 0)
		return -errno;
	ret = set_up(fd, family, port);
	if (ret == 0)
		return fd;
	close(fd);
	return ret;
}

static void
add_control(struct msghdr *msg, union control *c, int level, int type,
	    const void *value, size_t n)
{
	struct cmsghdr *h;

	msg->msg_control = c->room;
	msg->msg_controllen = CMSG_SPACE(n);
	h = CMSG_FIRSTHDR(msg);
	h->cmsg_level = level;
	h->cmsg_type = type;
	h->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(h), value, n);
}

int
udp_send(int fd, const struct exchange_path *path, const void *octets, size_t n)
{
	union address to = { 0 };
	union control control = { 0 };
	struct in_pktinfo from4 = { 0 };
	struct in6_pktinfo from6 = { 0 };
	struct iovec iov = { (void *)(uintptr_t)octets, n };
	struct msghdr msg = { .msg_name = &to,
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };

	if (path->peer.family == IP_FAMILY_4) {
		to.v4.sin_family = AF_INET;
		to.v4.sin_port = htons(path->peer_port);
		memcpy(&to.v4.sin_addr, path->peer.octets, 4);
		msg.msg_namelen = sizeof(to.v4);
		memcpy(&from4.ipi_spec_dst, path->local.octets, 4);
		add_control(&msg, &control, IPPROTO_IP, IP_PKTINFO, &from4,
			    sizeof(from4));
	} else {
		to.v6.sin6_family = AF_INET6;
		to.v6.sin6_port = htons(path->peer_port);
		memcpy(&to.v6.sin6_addr, path->peer.octets, 16);
		msg.msg_namelen = sizeof(to.v6);
		memcpy(&from6.ipi6_addr, path->local.octets, 16);
		add_control(&msg, &control, IPPROTO_IPV6, IPV6_PKTINFO, &from6,
			    sizeof(from6));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void
put_address(struct ipaddr *a, int family, const void *octets)
{
	memset(a, 0, sizeof(*a));
	a->family = family == AF_INET ? IP_FAMILY_4 : IP_FAMILY_6;
	a->prefix = family == AF_INET ? 32 : 128;
	memcpy(a->octets, octets, family == AF_INET ? 4 : 16);
}

/* The address that it was sent to. */
static bool
take_local(struct msghdr *msg, struct ipaddr *out)
{
	struct in_pktinfo to4;
	struct in6_pktinfo to6;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h != NULL;
	     h = CMSG_NXTHDR(msg, h)) {
		if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
			memcpy(&to4, CMSG_DATA(h), sizeof(to4));
			put_address(out, AF_INET, &to4.ipi_addr);
			return true;
		}
		if (h->cmsg_level == IPPROTO_IPV6 &&
		    h->cmsg_type == IPV6_PKTINFO) {
			memcpy(&to6, CMSG_DATA(h), sizeof(to6));
			put_address(out, AF_INET6, &to6.ipi6_addr);
			return true;
		}
	}
	return false;
}

ssize_t
udp_receive(int fd, struct exchange_path *path, void *octets, size_t cap)
{
	union address from;
	union control control;
	struct iovec iov = { octets, cap };
	struct msghdr msg = { .msg_name = &from,
			      .msg_namelen = sizeof(from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.room,
			      .msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	memset(path, 0, sizeof(*path));
	if (!take_local(&msg, &path->local))
		return -EBADMSG;
	path->local_port = 910;
	if (from.any.sa_family == AF_INET) {
		put_address(&path->peer, AF_INET, &from.v4.sin_addr);
		path->peer_port = ntohs(from.v4.sin_port);
	} else {
		put_address(&path->peer, AF_INET6, &from.v6.sin6_addr);
		path->peer_port = ntohs(from.v6.sin6_port);
	}
	return n;
}
