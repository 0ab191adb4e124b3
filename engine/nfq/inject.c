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
		if (sent < 0 && errno == EAGAIN && !j->waited) {
			j->waited = true;
			if (wait_room(j))
				continue;
			errno = EAGAIN;
		}
		refuse(j, sent < 0 ? errno : EIO);
		at++;
	}
	j->n = 0;
}

/* What waits has the mark and type of service of before. */
static bool
set_socket(struct inject *j, uint32_t mark, uint8_t tos)
{
	int err = 0;

	if (mark == j->mark && tos == j->tos)
		return true;
	send_all(j);
	if (mark != j->mark)
		err = set_int(j->fd, SOL_SOCKET, SO_MARK, (int)mark);
	if (err == 0)
		j->mark = mark;
	if (err == 0 && tos != j->tos)
		err = set_int(j->fd, IPPROTO_IP, IP_TOS, tos);
	if (err == 0)
		j->tos = tos;
	else
		refuse(j, -err);
	return err == 0;
}

void
inject_add(struct inject *j, const uint8_t *octets, size_t len, uint32_t mark,
	   uint32_t ifindex)
{
	struct in_pktinfo info = { .ipi_ifindex = (int)ifindex };
	struct cmsghdr c = { .cmsg_len = CMSG_LEN(sizeof(info)),
			     .cmsg_level = IPPROTO_IP,
			     .cmsg_type = IP_PKTINFO };
	uint8_t *control;

	if (len < IP_HEADER_MIN || octets[0] >> 4 != 4) {
		refuse(j, EAFNOSUPPORT);
		return;
	}
	if (!set_socket(j, mark, octets[AT_TOS]))
		return;
	if (j->n == INJECT_BATCH)
		send_all(j);
	control = j->control[j->n].octets;
	memcpy(&info.ipi_spec_dst, octets + AT_SOURCE, 4);
	memcpy(control, &c, sizeof(c));
	memcpy(control + CMSG_LEN(0), &info, sizeof(info));
	j->to[j->n] = (struct sockaddr_in){ .sin_family = AF_INET };
	memcpy(&j->to[j->n].sin_addr, octets + AT_DESTINATION, 4);
	j->iov[j->n] = (struct iovec){ (void *)(uintptr_t)octets, len };
	j->msgs[j->n].msg_hdr = (struct msghdr){
		.msg_name = &j->to[j->n],
		.msg_namelen = sizeof(j->to[j->n]),
		.msg_iov = &j->iov[j->n],
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = INJECT_CONTROL,
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
	j->waited = false;
	return refused;
}
