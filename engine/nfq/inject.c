/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "engine/nfq/inject.h"
#include "engine/wire/ip.h"

enum { AT_TOS = 1, AT_SOURCE = 12, AT_DESTINATION = 16 };

static int
set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno
								      : 0;
}

int
inject_init(struct inject *j)
{
	int err;

	memset(j, 0, sizeof(*j));
	/* IPPROTO_RAW: sends whole packets (IP_HDRINCL), receives none. */
	j->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       IPPROTO_RAW);
	if (j->fd < 0)
		return -errno;
	if (set_int(j->fd, SOL_SOCKET, SO_SNDBUFFORCE, INJECT_BUFFER) < 0)
		(void)set_int(j->fd, SOL_SOCKET, SO_SNDBUF, INJECT_BUFFER);
	err = set_int(j->fd, IPPROTO_IP, IP_NODEFRAG, 1);
	/* The kernel remembers the MTU of packets inside, see pmtu.h. */
	if (err == 0)
		err = set_int(j->fd, IPPROTO_IP, IP_MTU_DISCOVER,
			      IP_PMTUDISC_PROBE);
	if (err < 0)
		inject_fini(j);
	return err;
}

void
inject_fini(struct inject *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

static void
refuse(struct inject *j, int error)
{
	j->refused++;
	j->error = error;
}

/* Is there room again before the time is over? */
static bool
wait_room(struct inject *j)
{
	struct pollfd p = { .fd = j->fd, .events = POLLOUT };

	return poll(&p, 1, INJECT_WAIT_MS) > 0;
}

static void
send_all(struct inject *j)
{
	bool waited = false;
	unsigned at = 0;

	while (at < j->n) {
		int sent =
		    sendmmsg(j->fd, j->msgs + at, j->n - at, MSG_DONTWAIT);

		if (sent > 0) {
			at += (unsigned)sent;
			continue;
		}
		if (sent < 0 && errno == EINTR)
			continue;
		/* Once: whoever waits in the queues waits, too. */
		if (sent < 0 && errno == EAGAIN && !waited) {
			waited = true;
			if (wait_room(j))
				continue;
			errno = EAGAIN;
		}
		refuse(j, sent < 0 ? errno : EIO);
		at++;
	}
	j->n = 0;
}

/* A control message behind `*len` octets of them. */
static void
put_control(uint8_t *control, size_t *len, int level, int type,
	    const void *value, size_t octets)
{
	struct cmsghdr c = { .cmsg_len = CMSG_LEN(octets),
			     .cmsg_level = level,
			     .cmsg_type = type };

	memcpy(control + *len, &c, sizeof(c));
	memcpy(control + *len + CMSG_LEN(0), value, octets);
	*len += CMSG_SPACE(octets);
}

void
inject_add(struct inject *j, const uint8_t *octets, size_t len, uint32_t mark,
	   uint32_t ifindex)
{
	struct in_pktinfo info = { .ipi_ifindex = (int)ifindex };
	struct msghdr *h;
	size_t control = 0;
	uint8_t *c;
	int tos;

	if (j->n == INJECT_BATCH)
		send_all(j);
	h = &j->msgs[j->n].msg_hdr;
	c = j->control[j->n].octets;
	put_control(c, &control, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	if (len < IP_HEADER_MIN || octets[0] >> 4 != 4) {
		refuse(j, EAFNOSUPPORT);
		return;
	}
	memcpy(&info.ipi_spec_dst, octets + AT_SOURCE, 4);
	put_control(c, &control, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	tos = octets[AT_TOS];
	if (tos != 0)
		put_control(c, &control, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	j->to[j->n] = (struct sockaddr_in){ .sin_family = AF_INET };
	memcpy(&j->to[j->n].sin_addr, octets + AT_DESTINATION, 4);
	j->iov[j->n] = (struct iovec){ (void *)(uintptr_t)octets, len };
	*h = (struct msghdr){
		.msg_name = &j->to[j->n],
		.msg_namelen = sizeof(j->to[j->n]),
		.msg_iov = &j->iov[j->n],
		.msg_iovlen = 1,
		.msg_control = c,
		.msg_controllen = control,
	};
	j->n++;
}

unsigned
inject_flush(struct inject *j)
{
	unsigned refused;

	send_all(j);
	refused = j->refused;
	j->refused = 0;
	return refused;
}
