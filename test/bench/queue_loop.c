/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue_loop QUEUE accept|rewrite batch|single: the least that a program
 * behind NFQUEUE can do, as the measure for what ours does.
 *
 *   accept   a verdict without payload
 *   rewrite  a verdict with a copy of the payload
 *   batch    recvmmsg, and the verdicts of a batch in one sendmsg
 *   single   one packet a system call, each way
 *
 * Prints "ready" when it listens; runs until SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BATCH = 64, PACKET_MAX = 2048, VERDICT_MAX = PACKET_MAX + 64 };

static uint8_t in[BATCH][PACKET_MAX + 256];
static uint8_t out[BATCH * VERDICT_MAX];

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* Writes a netlink attribute at `at`; returns its padded length. */
static size_t
put_attr(uint8_t *at, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + len),
		.nla_type = type };

	memcpy(at, &a, sizeof(a));
	memcpy(at + NLA_HDRLEN, data, len);
	return NLA_ALIGN(NLA_HDRLEN + len);
}

static size_t
put_head(uint8_t *at, uint16_t queue, uint16_t type)
{
	struct nlmsghdr h = { .nlmsg_type =
		(uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type),
		.nlmsg_flags = NLM_F_REQUEST };
	struct nfgenmsg g = { .nfgen_family = AF_UNSPEC,
		.version = NFNETLINK_V0, .res_id = htons(queue) };

	memcpy(at, &h, sizeof(h));
	memcpy(at + NLMSG_HDRLEN, &g, sizeof(g));
	return NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(g));
}

static void
end_message(uint8_t *at, size_t len)
{
	uint32_t n = (uint32_t)len;

	memcpy(at, &n, sizeof(n));
}

static void
configure(int fd, uint16_t queue)
{
	struct nfqnl_msg_config_cmd bind_cmd = { .command = NFQNL_CFG_CMD_BIND,
		.pf = htons(AF_INET) };
	struct nfqnl_msg_config_params params = {
		.copy_range = htonl(0xffff), .copy_mode = NFQNL_COPY_PACKET };
	uint32_t length = htonl(8192);
	uint8_t buf[256];
	size_t n;

	n = put_head(buf, queue, NFQNL_MSG_CONFIG);
	n += put_attr(buf + n, NFQA_CFG_CMD, &bind_cmd, sizeof(bind_cmd));
	end_message(buf, n);
	if (send(fd, buf, n, 0) < 0)
		die("bind");
	n = put_head(buf, queue, NFQNL_MSG_CONFIG);
	n += put_attr(buf + n, NFQA_CFG_PARAMS, &params, sizeof(params));
	n += put_attr(buf + n, NFQA_CFG_QUEUE_MAXLEN, &length, sizeof(length));
	end_message(buf, n);
	if (send(fd, buf, n, 0) < 0)
		die("parameters");
}

/* One received message to one verdict at `at`; returns its length. */
static size_t
answer(const uint8_t *msg, size_t len, uint16_t queue, bool rewrite,
    uint8_t *at)
{
	struct nfqnl_msg_verdict_hdr v = { .verdict = htonl(NF_ACCEPT) };
	size_t pos = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg)), n;
	const uint8_t *payload = NULL;
	size_t payload_len = 0;
	struct nlattr a;

	while (pos + NLA_HDRLEN <= len) {
		memcpy(&a, msg + pos, sizeof(a));
		if (a.nla_len < NLA_HDRLEN || pos + a.nla_len > len)
			break;
		if (a.nla_type == NFQA_PACKET_HDR)
			memcpy(&v.id, msg + pos + NLA_HDRLEN, sizeof(v.id));
		if (a.nla_type == NFQA_PAYLOAD) {
			payload = msg + pos + NLA_HDRLEN;
			payload_len = a.nla_len - (size_t)NLA_HDRLEN;
		}
		pos += NLA_ALIGN(a.nla_len);
	}
	n = put_head(at, queue, NFQNL_MSG_VERDICT);
	n += put_attr(at + n, NFQA_VERDICT_HDR, &v, sizeof(v));
	if (rewrite && payload != NULL && payload_len <= PACKET_MAX)
		n += put_attr(at + n, NFQA_PAYLOAD, payload, payload_len);
	end_message(at, n);
	return n;
}

int
main(int argc, char **argv)
{
	static struct mmsghdr messages[BATCH];
	static struct iovec iov[BATCH];
	int buffer = 8 << 20, one = 1, fd;
	bool rewrite, single;
	uint16_t queue;

	if (argc != 4)
		return 2;
	queue = (uint16_t)atoi(argv[1]);
	rewrite = strcmp(argv[2], "rewrite") == 0;
	single = strcmp(argv[3], "single") == 0;
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof(one));
	configure(fd, queue);
	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ in[i], sizeof(in[i]) };
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		size_t n = 0;
		int got = recvmmsg(fd, messages, single ? 1 : BATCH,
		    MSG_WAITFORONE, NULL);

		if (got < 0 && errno != EINTR)
			die("recvmmsg");
		for (int i = 0; i < got; i++) {
			struct nlmsghdr h;

			memcpy(&h, in[i], sizeof(h));
			if (h.nlmsg_type ==
			    (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
				n += answer(in[i], messages[i].msg_len, queue,
				    rewrite, out + n);
		}
		if (n != 0 && send(fd, out, n, 0) < 0)
			perror("verdict");
	}
}
