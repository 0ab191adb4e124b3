/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "engine/nfq/nlq_msg.h"
#include "engine/nfq/nlq_sock.h"
#include "engine/nfq/nlq_verdict.h"

enum { COPY_RANGE = 0xffff, ANSWER_MS = 2000, ANSWER_OCTETS = 4096 };

/* Everything that the kernel is told about a queue, in one message. */
struct config {
	struct nlmsghdr nl;
	struct nfgenmsg nfg;
	struct nlattr cmd_attr;
	struct nfqnl_msg_config_cmd cmd;
	struct nlattr params_attr;
	struct nfqnl_msg_config_params params;
	uint8_t pad[3];
	struct nlattr maxlen_attr;
	uint32_t maxlen_be;
	struct nlattr mask_attr;
	uint32_t mask_be;
	struct nlattr flags_attr;
	uint32_t flags_be;
} __attribute__((packed));

static void
set_option(int fd, int level, int name, int value)
{
	/* A kernel without it does without it. */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static void
set_options(int fd)
{
	int size = NLQ_SOCK_BUFFER;

	/* FORCE goes past net.core.rmem_max and needs CAP_NET_ADMIN. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		set_option(fd, SOL_SOCKET, SO_RCVBUF, size);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		set_option(fd, SOL_SOCKET, SO_SNDBUF, size);
	/* What does not fit is dropped by the kernel and counted there; an
	 * error here would tell nothing more. */
	set_option(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, 1);
	/* An error quotes the verdict's header, not all of its payload. */
	set_option(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
}

static int
learn_portid(struct nlq_sock *q)
{
	struct sockaddr_nl addr = { 0 };
	socklen_t len = sizeof(addr);

	if (getsockname(q->fd, (struct sockaddr *)&addr, &len) < 0)
		return -errno;
	if (len < sizeof(addr) || addr.nl_family != AF_NETLINK)
		return -EPROTO;
	q->portid = addr.nl_pid;
	return 0;
}

/* A packet that was queued before the answer came, and that no worker will
 * ever see. */
static void
drop_early(struct nlq_sock *q, uint32_t id)
{
	uint8_t buf[NLQ_VERDICT_OCTETS];
	struct nlq_verdict v;

	nlq_verdict_init(&v, buf, sizeof(buf), q->queue);
	nlq_verdict_drop(&v, id);
	(void)nlq_sock_write(q, buf, v.len);
}

static int
wait_answer(struct nlq_sock *q)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	_Alignas(8) uint8_t buf[ANSWER_OCTETS];

	for (;;) {
		struct nlq_msg m;
		int n = poll(&p, 1, ANSWER_MS);
		ssize_t len;

		if (n == 0)
			return -ETIMEDOUT;
		len = n < 0 ? -1 : recv(q->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (len < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			return -errno;
		}
		nlq_msg_parse(buf, (size_t)len, 0, &m);
		switch (m.kind) {
		case NLQ_PACKET:
			drop_early(q, m.id);
			break;
		case NLQ_ERROR:
			return m.error == 0 ? -EPROTO : -m.error;
		case NLQ_DONE:
			return 0;
		case NLQ_IGNORED:
			break;
		case NLQ_BROKEN:
			return -EPROTO;
		}
	}
}

static int
configure(struct nlq_sock *q, uint32_t length, uint32_t flags)
{
	struct config c = {
		.nl = { .nlmsg_len = sizeof(c),
			.nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.nfg = { .nfgen_family = AF_UNSPEC,
			 .version = NFNETLINK_V0,
			 .res_id = htons(q->queue) },
		.cmd_attr = { sizeof(c.cmd_attr) + sizeof(c.cmd),
			      NFQA_CFG_CMD },
		.cmd = { .command = NFQNL_CFG_CMD_BIND, .pf = htons(AF_INET) },
		.params_attr = { sizeof(c.params_attr) + sizeof(c.params),
				 NFQA_CFG_PARAMS },
		.params = { .copy_range = htonl(COPY_RANGE),
			    .copy_mode = NFQNL_COPY_PACKET },
		.maxlen_attr = { sizeof(c.maxlen_attr) + sizeof(c.maxlen_be),
				 NFQA_CFG_QUEUE_MAXLEN },
		.maxlen_be = htonl(length),
		.mask_attr = { sizeof(c.mask_attr) + sizeof(c.mask_be),
			       NFQA_CFG_MASK },
		.mask_be = htonl(flags),
		.flags_attr = { sizeof(c.flags_attr) + sizeof(c.flags_be),
				NFQA_CFG_FLAGS },
		.flags_be = htonl(flags),
	};
	int err = nlq_sock_write(q, &c, sizeof(c));

	return err < 0 ? err : wait_answer(q);
}

int
nlq_sock_open(struct nlq_sock *q, uint16_t number, uint32_t length, bool trains)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int err;

	*q = (struct nlq_sock){ .queue = number };
	q->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_NETFILTER);
	if (q->fd < 0)
		return -errno;
	set_options(q->fd);
	if (bind(q->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		err = -errno;
	else
		err = learn_portid(q);
	if (err == 0)
		err = configure(q, length, trains ? NFQA_CFG_F_GSO : 0);
	/* So the kernel says that the number is another socket's.  (Who may
	 * not bind any hears the same, but he has loaded no rules before.) */
	if (err == -EPERM)
		err = -EBUSY;
	if (err < 0)
		nlq_sock_close(q);
	return err;
}

int
nlq_sock_adopt(struct nlq_sock *q, uint16_t number, int fd)
{
	*q = (struct nlq_sock){ .fd = fd, .queue = number };
	return learn_portid(q);
}

void
nlq_sock_close(struct nlq_sock *q)
{
	if (q->fd >= 0)
		close(q->fd);
	q->fd = -1;
}

int
nlq_sock_read(struct nlq_sock *q, struct mmsghdr *msgs, unsigned n)
{
	int got;

	do
		got = recvmmsg(q->fd, msgs, n, MSG_DONTWAIT, NULL);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? 0 : -errno;
	for (int i = 0; i < got; i++) {
		const struct msghdr *h = &msgs[i].msg_hdr;
		struct sockaddr_nl from;

		if (h->msg_name == NULL || h->msg_namelen < sizeof(from)) {
			msgs[i].msg_len = 0;
			continue;
		}
		memcpy(&from, h->msg_name, sizeof(from));
		/* Port 0 is the kernel, and it sends by unicast. */
		if (from.nl_pid != 0 || from.nl_groups != 0)
			msgs[i].msg_len = 0;
	}
	return got;
}

int
nlq_sock_write(const struct nlq_sock *q, const void *octets, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	do
		n = sendto(q->fd, octets, len, 0,
			   (const struct sockaddr *)&kernel, sizeof(kernel));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}
