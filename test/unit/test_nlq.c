/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink in and out: messages of a queue, verdicts on what they brought. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/nfq/nlq_msg.h"
#include "engine/nfq/nlq_sock.h"
#include "engine/nfq/nlq_verdict.h"

#define PACKET_TYPE (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET)

static uint8_t buf[512];
static size_t len;

static void
begin(void)
{
	memset(buf, 0, sizeof(buf));
	len = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg);
}

static void
add(uint16_t type, const void *value, size_t n)
{
	struct nlattr a = { (uint16_t)(sizeof(a) + n), type };

	memcpy(buf + len, &a, sizeof(a));
	memcpy(buf + len + sizeof(a), value, n);
	len += NLA_ALIGN(sizeof(a) + n);
}

static void
add_u32(uint16_t type, uint32_t v)
{
	v = htonl(v);
	add(type, &v, 4);
}

static void
add_header(uint32_t id)
{
	struct nfqnl_msg_packet_hdr h = { .packet_id = htonl(id) };

	add(NFQA_PACKET_HDR, &h, sizeof(h));
}

static void
end(uint16_t type)
{
	struct nlmsghdr h = { .nlmsg_len = (uint32_t)len, .nlmsg_type = type };

	memcpy(buf, &h, sizeof(h));
}

Test(nlq, msg_packet)
{
	struct nlq_msg m;

	begin();
	add_header(42);
	add_u32(NFQA_MARK, 0xab000100);
	add_u32(NFQA_IFINDEX_INDEV, 3);
	add_u32(NFQA_IFINDEX_OUTDEV, 4);
	add(999, "of a later kernel", 17);
	add(NFQA_PAYLOAD | NLA_F_NET_BYTEORDER, "abcdefg", 7);
	end(PACKET_TYPE);
	nlq_msg_parse(buf, len, 100, &m);
	cr_assert_eq(m.kind, NLQ_PACKET);
	cr_assert_eq(m.id, 42u);
	cr_assert_eq(m.pkt.mark, 0xab000100u);
	cr_assert_eq(m.pkt.in, 3u);
	cr_assert_eq(m.pkt.out, 4u);
	cr_assert_eq(m.pkt.len, 7u);
	cr_assert_eq(m.pkt.whole, 7u);
	cr_assert_eq(m.pkt.room, 101u); /* one octet of padding more */
	cr_assert_eq(memcmp(m.pkt.octets, "abcdefg", 7), 0);
	/* what stands behind the payload is not to be written over */
	add_u32(NFQA_CAP_LEN, 1500);
	end(PACKET_TYPE);
	nlq_msg_parse(buf, len, 100, &m);
	cr_assert_eq(m.pkt.room, 0u);
	cr_assert_eq(m.pkt.whole, 1500u);
}

/* Whatever is cut off: no id, or an id and no packet that looks whole. */
Test(nlq, msg_cut)
{
	size_t full;

	begin();
	add_header(42);
	add(NFQA_PAYLOAD, "abcdefgh", 8);
	end(PACKET_TYPE);
	full = len;
	for (size_t n = 0; n < full; n++) {
		uint8_t *copy = malloc(n + 1);
		struct nlq_msg m;

		memcpy(copy, buf, n);
		nlq_msg_parse(copy, n, 0, &m);
		if (m.kind == NLQ_PACKET) {
			cr_assert_eq(m.id, 42u);
			cr_assert(m.pkt.len == 0 && m.pkt.whole > 0);
		} else {
			cr_assert_eq(m.kind, NLQ_BROKEN);
		}
		free(copy);
	}
}

Test(nlq, msg_lengths_that_lie)
{
	struct nlq_msg m;
	size_t at;

	for (unsigned n = 0; n < 64; n++) {
		begin();
		add_header(42);
		at = len;
		add(NFQA_PAYLOAD, "abcdefgh", 8);
		end(PACKET_TYPE);
		buf[at] = (uint8_t)n; /* nla_len, little or big endian */
		buf[at + 1] = 0;
		nlq_msg_parse(buf, len, 0, &m);
		cr_assert_eq(m.kind, NLQ_PACKET);
		cr_assert_leq(m.pkt.len, 8u, "nla_len %u", n);
		/* the message's own */
		begin();
		add_header(42);
		add(NFQA_PAYLOAD, "abcdefgh", 8);
		end(PACKET_TYPE);
		buf[0] = (uint8_t)n;
		nlq_msg_parse(buf, len, 0, &m);
		cr_assert_leq(m.pkt.len, 8u);
	}
}

Test(nlq, msg_error)
{
	struct nlmsghdr about = { .nlmsg_seq = 77 };
	int32_t code = -ENOENT;
	struct nlq_msg m;

	begin();
	len = sizeof(struct nlmsghdr);
	memcpy(buf + len, &code, 4);
	memcpy(buf + len + 4, &about, sizeof(about));
	len += 4 + sizeof(about);
	end(NLMSG_ERROR);
	nlq_msg_parse(buf, len, 0, &m);
	cr_assert_eq(m.kind, NLQ_ERROR);
	cr_assert_eq(m.error, ENOENT);
	cr_assert_eq(m.id, 77u);
	code = 0;
	memcpy(buf + sizeof(struct nlmsghdr), &code, 4);
	nlq_msg_parse(buf, len, 0, &m);
	cr_assert_eq(m.kind, NLQ_DONE);
	nlq_msg_parse(buf, len - 1, 0, &m);
	cr_assert_eq(m.kind, NLQ_BROKEN);
	end(NLMSG_DONE);
	nlq_msg_parse(buf, len, 0, &m);
	cr_assert_eq(m.kind, NLQ_IGNORED);
}

/* Three kinds of verdict in one buffer, as the kernel reads them. */
Test(nlq, verdicts)
{
	uint8_t out[512];
	struct nlq_verdict v;
	const uint8_t *msg;
	uint32_t id, word;
	size_t at = 0, cap, n;
	uint8_t *place;

	memset(out, 0xee, sizeof(out));
	nlq_verdict_init(&v, out, sizeof(out), 4335);
	nlq_verdict_drop(&v, 1);
	nlq_verdict_accept(&v, 2);
	place = nlq_verdict_open(&v, &cap);
	cr_assert_gt(cap, 300u);
	memcpy(place, "sealed!", 7);
	nlq_verdict_replace(&v, 3, 0x3fff, 7);
	cr_assert_eq(v.count, 3u);
	cr_assert_eq(v.len % 4, 0u);

	n = nlq_verdict_next(&v, &at, &msg, &id);
	cr_assert_eq(n, 32u);
	cr_assert_eq(id, 1u);
	cr_assert_eq(memcmp(msg + 18, "\x10\xef", 2), 0); /* queue */
	memcpy(&word, msg + 24, 4);
	cr_assert_eq(ntohl(word), NF_DROP);
	n = nlq_verdict_next(&v, &at, &msg, &id);
	cr_assert_eq(id, 2u);
	memcpy(&word, msg + 24, 4);
	cr_assert_eq(ntohl(word), NF_ACCEPT);
	memcpy(&word, msg + 28, 4);
	cr_assert_eq(ntohl(word), 2u);
	n = nlq_verdict_next(&v, &at, &msg, &id);
	cr_assert_eq(id, 3u);
	cr_assert_eq(n, 32 + 8 + 4 + 7u);
	memcpy(&word, msg + 36, 4);
	cr_assert_eq(ntohl(word), 0x3fffu);
	cr_assert_eq(memcmp(msg + 44, "sealed!\0", 8), 0);
	cr_assert_eq(nlq_verdict_next(&v, &at, &msg, &id), 0u);
	cr_assert_eq(out[v.len], 0xee);
}

/* Asked about: the answer is the news, and no error names a packet. */
Test(nlq, verdicts_of_another_engine)
{
	uint8_t out[128];
	struct nlmsghdr h;
	struct nlq_verdict v;
	uint32_t word;

	nlq_verdict_init(&v, out, sizeof(out), 4303);
	nlq_verdict_drop_asked(&v, 9);
	memcpy(&h, out, sizeof(h));
	cr_assert_eq(h.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	cr_assert_eq(h.nlmsg_seq, 0u);
	memcpy(&word, out + 28, 4);
	cr_assert_eq(ntohl(word), 9u);
	nlq_verdict_reset(&v);
	nlq_verdict_drop_upto(&v, 9);
	memcpy(&h, out, sizeof(h));
	cr_assert_eq(h.nlmsg_type,
		     NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT_BATCH);
	cr_assert_eq(h.nlmsg_flags, NLM_F_REQUEST);
	cr_assert_eq(h.nlmsg_seq, 0u);
	cr_assert_eq(v.count, 0u);
}

Test(nlq, verdicts_stay_in_their_buffer)
{
	for (size_t size = 0; size < 300; size++) {
		uint8_t *out = malloc(size + 1);
		struct nlq_verdict v;
		size_t cap;

		nlq_verdict_init(&v, out, size, 1);
		while (nlq_verdict_fits(&v, 0)) {
			uint8_t *place = nlq_verdict_open(&v, &cap);

			memset(place, 0, cap);
			nlq_verdict_replace(&v, 1, 1, cap);
		}
		cr_assert_leq(v.len, size);
		nlq_verdict_open(&v, &cap);
		cr_assert_eq(cap, 0u);
		free(out);
	}
}

/* Another process may write to our port; it is not the kernel. */
Test(nlq, sock_hears_the_kernel_alone)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK }, from;
	int other = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	uint8_t got[512];
	struct iovec iov = { got, sizeof(got) };
	struct mmsghdr msg = { .msg_hdr = { .msg_name = &from,
					    .msg_namelen = sizeof(from),
					    .msg_iov = &iov,
					    .msg_iovlen = 1 } };
	struct nlq_sock q;

	if (fd < 0 || other < 0)
		cr_skip_test("no netlink between processes here");
	cr_assert_eq(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	cr_assert_eq(nlq_sock_adopt(&q, 4303, fd), 0);
	cr_assert_neq(q.portid, 0u);
	cr_assert_eq(nlq_sock_read(&q, &msg, 1), 0);
	begin();
	add_header(42);
	end(PACKET_TYPE);
	any.nl_pid = q.portid;
	cr_assert_eq(
	    sendto(other, buf, len, 0, (struct sockaddr *)&any, sizeof(any)),
	    (ssize_t)len);
	cr_assert_eq(nlq_sock_read(&q, &msg, 1), 1);
	cr_assert_eq(msg.msg_len, 0u);
	/* nor is every descriptor a netlink socket */
	cr_assert_neq(nlq_sock_adopt(&q, 4303, STDIN_FILENO), 0);
	close(other);
	close(fd);
}
