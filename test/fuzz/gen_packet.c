/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gen_packet DIR: the corpora of fuzz_packet_in, fuzz_packet_out,
 * fuzz_nlq_msg, fuzz_tcpcut and fuzz_tcpmerge below DIR, built by what the path
 * itself builds with.
 */
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <sys/stat.h>

#include "engine/wire/icmp.h"
#include "test/lib/pair.h"
#include "test/lib/segment.h"

static const char *dir;

static void
put(const char *target, const char *name, const void *octets, size_t len)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, target);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/%s", dir, target, name);
	f = fopen(path, "wb");
	PAIR_CHECK(f != NULL && fwrite(octets, 1, len, f) == len);
	fclose(f);
}

static const uint8_t syn[] = {
	0x12, 0x34, 0, 80, 0, 0, 0, 1,    0, 0, 0, 0, 0x80, 0x02, 0xff, 0xff,
	0,    0,    0, 0,  2, 4, 5, 0xb4, 1, 1, 4, 2, 1,    3,    3,    7,
};
static const uint8_t odd_syn[] = {
	0x12, 0x34, 0, 80, 0, 0, 0, 1, 0, 0, 0,    0, 0x70, 0x12,
	0xff, 0xff, 0, 0,  0, 0, 1, 2, 4, 5, 0xb4, 1, 1,    0,
};
static const uint8_t udp[] = { 0x12, 0x34, 0,   53,  0,   16,  0,   0,
			       'c',  'a',  'n', 'a', 'r', 'y', '!', '!' };
static const uint8_t echo[] = { 8, 0, 0, 0, 0, 1, 0, 1, 'p', 'i', 'n', 'g' };

static void
out_one(const char *name, uint32_t mark, uint8_t room, uint32_t dst,
	uint8_t protocol, uint16_t fragment, const void *payload, size_t len)
{
	uint8_t buf[4096];
	struct builder b = builder_make(buf, sizeof(buf));

	builder_u32(&b, mark);
	builder_u8(&b, room);
	put("fuzz_packet_out", name, buf,
	    b.len + pair_packet(buf + b.len, sizeof(buf) - b.len, PAIR_A, dst,
				protocol, fragment, payload, len));
}

static void
out_all(void)
{
	static const uint8_t big[1480];
	static uint8_t train[3000] = { 1, 2, 0, 80, [12] = 0x50, 0x18, 2 };

	out_one("udp", PAIR_SAID, 32, PAIR_B, IP_UDP, 0, udp, sizeof(udp));
	out_one("udp-no-room", PAIR_SAID, 0, PAIR_B, IP_UDP, 0, udp,
		sizeof(udp));
	out_one("train", PAIR_SAID, 64, PAIR_B, IP_TCP, IP_DF, train,
		sizeof(train));
	out_one("echo", PAIR_SAID, 1, PAIR_B, IP_ICMP, IP_DF, echo,
		sizeof(echo));
	out_one("syn", PAIR_SAID, 32, PAIR_B, IP_TCP, IP_DF, syn, sizeof(syn));
	out_one("odd-syn", PAIR_SAID, 0, PAIR_B, IP_TCP, IP_DF, odd_syn,
		sizeof(odd_syn));
	out_one("too-big", PAIR_SAID, 32, PAIR_B, IP_UDP, IP_DF, big,
		sizeof(big));
	out_one("no-df", PAIR_SAID, 32, PAIR_B, IP_UDP, 0, big, sizeof(big));
	out_one("fragment", PAIR_SAID, 32, PAIR_B, IP_UDP, IP_MF, udp, 8);
	out_one("multicast", PAIR_SAID, 0, 0xe0000001, IP_UDP, 0, udp, 8);
	out_one("probe", PAIR_PROBE, 0, PAIR_B, IP_UDP, 0, udp, 8);
	out_one("unknown-said", 0x200, 0, PAIR_B, IP_UDP, 0, udp, 8);
	out_one("other-peer", PAIR_SAID, 0, PAIR_B + 7, IP_UDP, 0, udp, 8);
	out_one("empty", PAIR_SAID, 0, PAIR_B, 99, 0, udp, 0);
}

static void
in_raw(const char *name, const uint8_t *packet, size_t len)
{
	uint8_t buf[4096] = { 0 };

	memcpy(buf + 1, packet, len);
	put("fuzz_packet_in", name, buf, len + 1);
}

static void
in_inside(const char *name, const void *text, size_t len)
{
	uint8_t buf[4096] = { 1 };

	memcpy(buf + 1, text, len);
	put("fuzz_packet_in", name, buf, len + 1);
}

static void
in_all(void)
{
	uint8_t esp[64] = { 0, 0, 0x10, 0x01, 0, 0, 0, 1 }, packet[2048];
	uint8_t about[64], text[300];
	struct ip4 ip;
	size_t n;

	in_raw("bad-icv", packet,
	       pair_packet(packet, sizeof(packet), PAIR_A, PAIR_B, IP_ESP, 0,
			   esp, 40));
	in_raw("short", packet,
	       pair_packet(packet, sizeof(packet), PAIR_A, PAIR_B, IP_ESP, 0,
			   esp, 12));
	esp[0] = 1;
	in_raw("unknown-spi", packet,
	       pair_packet(packet, sizeof(packet), PAIR_A, PAIR_B, IP_ESP, 0,
			   esp, 40));
	memcpy(esp, "\0\0\0\x7f\0\0\0\1", 8);
	memset(esp + 8, 0x5a, 16);
	in_raw("probe", packet,
	       pair_packet(packet, sizeof(packet), PAIR_A, PAIR_B, IP_ESP, 0,
			   esp, 24));
	/* "fragmentation needed" about what host b sent */
	memcpy(esp, "\0\0\x10\x02\0\0\0\1", 8);
	n = pair_packet(about, sizeof(about), PAIR_B, PAIR_A, IP_ESP, IP_DF,
			esp, 40);
	PAIR_CHECK(ip_parse(about, n, &ip) == IP_OK);
	n = icmp_build_needed(packet, about, &ip, 1400);
	in_raw("needed", packet, n);
	memcpy(text, udp, sizeof(udp));
	memcpy(text + sizeof(udp), "\1\2\2\x11", 4);
	in_inside("udp", text, sizeof(udp) + 4);
	memcpy(text, syn, sizeof(syn));
	memcpy(text + sizeof(syn), "\1\2\2\6", 4);
	in_inside("syn", text, sizeof(syn) + 4);
	in_inside("dummy", "\0\0\0\0\1\2\2\x3b", 8);
	in_inside("bad-padding", "\0\0\0\0\1\1\2\x11", 8);
	in_inside("long-pad", "\0\0\0\0\1\2\xff\x11", 8);
	in_inside("esp-inside", "\0\0\0\0\1\2\2\x32", 8);
	for (unsigned i = 0; i < 254; i++)
		text[i] = (uint8_t)(i + 1);
	text[254] = 254;
	text[255] = 99;
	in_inside("all-padding", text, 256);
}

/* Netlink speaks the host's byte order in its own headers. */
static void
add(struct builder *b, uint16_t type, const void *value, size_t len)
{
	struct nlattr a = { (uint16_t)(sizeof(a) + len), type };

	builder_octets(b, &a, sizeof(a));
	builder_octets(b, value, len);
	builder_zeros(b, NLA_ALIGN(len) - len);
}

static void
nlq_put(const char *name, struct builder *b, uint16_t type)
{
	struct nlmsghdr h = { .nlmsg_len = (uint32_t)b->len,
			      .nlmsg_type = type,
			      .nlmsg_seq = 7 };

	memcpy(b->buf, &h, sizeof(h));
	put("fuzz_nlq_msg", name, b->buf, b->len);
}

static void
nlq_all(void)
{
	uint16_t packet_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET;
	struct nfqnl_msg_packet_hdr hdr = { .packet_id = htonl(42),
					    .hw_protocol = htons(0x800),
					    .hook = 4 };
	uint32_t mark = htonl(PAIR_SAID), dev = htonl(2), cap = htonl(1500);
	uint8_t buf[512], packet[64];
	size_t n = pair_packet(packet, sizeof(packet), PAIR_A, PAIR_B, IP_UDP,
			       0, udp, sizeof(udp));
	struct builder b = builder_make(buf, sizeof(buf));

	builder_zeros(&b, sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg));
	add(&b, NFQA_PACKET_HDR, &hdr, sizeof(hdr));
	nlq_put("no-payload", &b, packet_type);
	add(&b, NFQA_IFINDEX_OUTDEV, &dev, 4);
	add(&b, NFQA_MARK, &mark, 4);
	add(&b, NFQA_PAYLOAD, packet, n);
	nlq_put("packet", &b, packet_type);
	add(&b, NFQA_CAP_LEN, &cap, 4);
	nlq_put("cut", &b, packet_type);
	b = builder_make(buf, sizeof(buf));
	builder_zeros(&b, sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg));
	add(&b, NFQA_MARK, &mark, 4);
	add(&b, NFQA_PAYLOAD, packet, n - 1);
	nlq_put("no-id", &b, packet_type);
	b = builder_make(buf, sizeof(buf));
	builder_zeros(&b, sizeof(struct nlmsghdr));
	builder_octets(&b, &(int32_t){ -2 }, 4);
	builder_octets(&b, &(struct nlmsghdr){ .nlmsg_seq = 42 },
		       sizeof(struct nlmsghdr));
	nlq_put("error", &b, NLMSG_ERROR);
}

static uint8_t data[4000];

static void
cut_one(const char *name, const struct segment *s, size_t len, uint16_t longest)
{
	uint8_t buf[8192];
	struct builder b = builder_make(buf, sizeof(buf));

	builder_u16(&b, longest);
	builder_u8(&b, 40);
	put("fuzz_tcpcut", name, buf,
	    b.len +
		segment_make(buf + b.len, sizeof(buf) - b.len, s, data, len));
}

static void
cut_all(void)
{
	struct segment s = segment_data(0xfffffff0u);

	cut_one("plain", &s, 3000, 1466);
	cut_one("one", &s, 100, 1466);
	cut_one("tiny", &s, 40, 53);
	cut_one("none", &s, 40, 52);
	s.flags |= TCP_FIN | TCP_PSH | TCP_CWR;
	cut_one("flags", &s, 300, 152);
	s.flags |= TCP_URG;
	s.urgent = 150;
	cut_one("urgent", &s, 300, 152);
	s.n_ip_options = 4;
	cut_one("ip-options", &s, 300, 152);
	s = segment_data(1);
	memcpy(s.options, "\23\12\1\1", 4);
	cut_one("signed", &s, 300, 152);
}

/* Three of a kind, `what` done to the second. */
static void
merge_one(const char *name, void (*what)(struct segment *), size_t len)
{
	struct segment s = segment_data(0xffffff80u), t;
	uint8_t buf[8192];
	struct builder b = builder_make(buf, sizeof(buf));

	for (unsigned i = 0; i < 3; i++) {
		size_t n;

		t = s;
		if (i == 1 && what != NULL)
			what(&t);
		n = segment_make(buf + b.len + 2, sizeof(buf) - b.len - 2, &t,
				 data + i, len + i);
		builder_u16(&b, (uint16_t)n);
		b.len += n;
		s.seq += (uint32_t)(len + i);
		s.id++;
	}
	put("fuzz_tcpmerge", name, buf, b.len);
}

static void
push(struct segment *s)
{
	s->flags |= TCP_PSH;
}

static void
mark_ce(struct segment *s)
{
	s->tos = 3;
}

static void
leave_gap(struct segment *s)
{
	s->seq++;
}

static void
merge_all(void)
{
	merge_one("plain", NULL, 500);
	merge_one("odd", NULL, 7);
	merge_one("push", push, 100);
	merge_one("ce", mark_ce, 100);
	merge_one("gap", leave_gap, 100);
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	dir = argv[1];
	out_all();
	cut_all();
	merge_all();
	in_all();
	nlq_all();
	return 0;
}
