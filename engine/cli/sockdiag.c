/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cursor.h"
#include "engine/cli/sockdiag.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#define ROOM 32768 /* the kernel's dumps come in pieces of less */

struct query {
	struct nlmsghdr head;
	struct inet_diag_req_v2 req;
};

static struct ipaddr
address(uint8_t family, const void *octets)
{
	static const uint8_t any[16];
	bool four = family == AF_INET;
	struct ipaddr a = { .family = four ? IP_FAMILY_4 : IP_FAMILY_6,
			    .prefix = four ? 32 : 128 };

	memcpy(a.octets, octets, four ? 4 : 16);
	ipaddr_unmap(&a);
	if (memcmp(a.octets, any, sizeof(any)) == 0)
		memset(&a, 0, sizeof(a));
	return a;
}

/* The mark among the attributes behind a socket's message. */
static void
find_mark(struct cursor c, struct sockdiag *s)
{
	struct nlattr head;
	struct cursor value;

	while (cursor_copy(&c, &head, sizeof(head))) {
		if (head.nla_len < sizeof(head) ||
		    !cursor_take(&c, head.nla_len - sizeof(head), &value))
			return;
		if (head.nla_type == INET_DIAG_MARK)
			s->marked =
			    cursor_copy(&value, &s->mark, sizeof(s->mark));
		(void)cursor_skip(&c, -(size_t)head.nla_len & 3);
	}
}

static void
tell(struct cursor c, uint8_t protocol,
     void (*fn)(void *arg, const struct sockdiag *s), void *arg)
{
	struct inet_diag_msg m;
	struct sockdiag s = { .protocol = protocol };

	if (!cursor_copy(&c, &m, sizeof(m)))
		return;
	s.listens = protocol == IPPROTO_TCP && m.idiag_state == TCP_LISTEN;
	s.uid = m.idiag_uid;
	s.inode = m.idiag_inode;
	s.local = address(m.idiag_family, m.id.idiag_src);
	s.peer = address(m.idiag_family, m.id.idiag_dst);
	s.lport = ntohs(m.id.idiag_sport);
	s.pport = ntohs(m.id.idiag_dport);
	find_mark(c, &s);
	fn(arg, &s);
}

/* Messages of one datagram.  1: there are more; 0: that was the last. */
static int
read_piece(struct cursor c, uint8_t protocol,
	   void (*fn)(void *arg, const struct sockdiag *s), void *arg)
{
	struct nlmsghdr head;
	struct cursor body;
	int err;

	while (cursor_copy(&c, &head, sizeof(head))) {
		if (head.nlmsg_len < sizeof(head) ||
		    !cursor_take(&c, head.nlmsg_len - sizeof(head), &body))
			return -EBADMSG;
		if (head.nlmsg_type == NLMSG_DONE)
			return 0;
		if (head.nlmsg_type == NLMSG_ERROR)
			return cursor_copy(&body, &err, sizeof(err)) && err < 0
				   ? err
				   : -EBADMSG;
		if (head.nlmsg_type == SOCK_DIAG_BY_FAMILY)
			tell(body, protocol, fn, arg);
		(void)cursor_skip(&c, -(size_t)head.nlmsg_len & 3);
	}
	return 1;
}

static int
walk(int fd, uint8_t family, uint8_t protocol,
     void (*fn)(void *arg, const struct sockdiag *s), void *arg)
{
	static uint8_t room[ROOM] __attribute__((aligned(8))); /* one thread */
	struct query q = {
		.head = { .nlmsg_len = sizeof(q),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.req = { .sdiag_family = family,
			 .sdiag_protocol = protocol,
			 .idiag_states = ~0u & ~(1u << TCP_TIME_WAIT) },
	};
	ssize_t n;
	int more = 1;

	if (send(fd, &q, sizeof(q), 0) < 0)
		return -errno;
	while (more == 1) {
		n = recv(fd, room, sizeof(room), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		more =
		    read_piece(cursor_make(room, (size_t)n), protocol, fn, arg);
	}
	return more;
}

int
sockdiag_walk(void (*fn)(void *arg, const struct sockdiag *s), void *arg)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	int fd =
	    socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int err = 0;

	if (fd < 0)
		return -errno;
	for (size_t i = 0; err == 0 && i < 2 * sizeof(protocols); i++)
		err = walk(fd, i % 2 == 0 ? AF_INET : AF_INET6,
			   protocols[i / 2], fn, arg);
	close(fd);
	return err;
}

/* ---- by descriptor ----
 */

/* A host has thousands of these, and they are none of ours. */
bool
sockdiag_may_lack(int pid, int fd)
{
	char path[64], name[32] = "";
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = getxattr(path, "system.sockprotoname", name, sizeof(name) - 1);
	return n > 0 && strncmp(name, "UNIX", 4) != 0 &&
	       strcmp(name, "NETLINK") != 0 && strcmp(name, "PACKET") != 0;
}

static int
option(int fd, int which)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, which, &value, &len) < 0 ? -1 : value;
}

static uint64_t
netns_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	(void)getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len);
	return cookie;
}

static bool
is_of_here(int fd)
{
	static uint64_t here; /* one thread */
	int mine =
	    here != 0 ? -1 : socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (mine >= 0) {
		here = netns_of(mine);
		close(mine);
	}
	return netns_of(fd) == here;
}

/* One end of a socket; nothing of one that has none. */
static void
end_of(int fd, int (*ask)(int fd, struct sockaddr *at, socklen_t *len),
       struct ipaddr *a, uint16_t *port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} at = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(at);

	if (ask(fd, &at.any, &len) < 0)
		return;
	if (at.any.sa_family == AF_INET) {
		*a = address(AF_INET, &at.in.sin_addr);
		*port = ntohs(at.in.sin_port);
	} else if (at.any.sa_family == AF_INET6) {
		*a = address(AF_INET6, &at.in6.sin6_addr);
		*port = ntohs(at.in6.sin6_port);
	}
}

int
sockdiag_look(int fd, struct sockdiag *s)
{
	int domain = option(fd, SO_DOMAIN);
	socklen_t len = sizeof(s->mark);
	struct stat st;

	*s = (struct sockdiag){ 0 };
	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	if (!is_of_here(fd))
		return -EXDEV;
	if (fstat(fd, &st) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_MARK, &s->mark, &len) < 0)
		return -errno;
	s->marked = true;
	s->uid = st.st_uid;
	s->inode = (uint32_t)st.st_ino;
	s->protocol = option(fd, SO_TYPE) == SOCK_RAW
			  ? IPPROTO_RAW
			  : (uint16_t)option(fd, SO_PROTOCOL);
	s->listens = option(fd, SO_ACCEPTCONN) == 1;
	end_of(fd, getsockname, &s->local, &s->lport);
	end_of(fd, getpeername, &s->peer, &s->pport);
	if (s->protocol == IPPROTO_RAW)
		s->lport = s->pport = 0; /* the protocol's number */
	return 0;
}
