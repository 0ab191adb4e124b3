/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test/net/fake_engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPI_BASE    0x10000u
#define HEAD_OCTETS 12 /* SPI, sequence number, protocol and 3 of nothing */
#define PACKET_MAX  65536

static struct fake_engine_config config;
static struct mnl_socket *nl;
static _Atomic bool paused;
static _Atomic uint64_t probes[NFTGEN_QUEUES], packets[NFTGEN_QUEUES];

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static enum nftgen_queue
kind_of(uint16_t queue)
{
	for (int k = 0; k < NFTGEN_QUEUES; k++)
		if (queue >= config.params.first_queue[k] &&
		    queue <
			config.params.first_queue[k] + config.params.workers)
			return (enum nftgen_queue)k;
	fprintf(stderr, "a packet of queue %u\n", queue);
	exit(1);
}

static void
bind_queue(uint16_t queue)
{
	char octets[512];
	struct nlmsghdr *nlh;

	nlh = nfq_nlmsg_put(octets, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		die("bind");
	nlh = nfq_nlmsg_put(octets, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, 0xffff);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		die("copy");
}

/* ---- packets ---- */

static size_t
ip_header(const uint8_t *p, size_t len)
{
	size_t want = len > 0 && p[0] >> 4 == 6 ? sizeof(struct ip6_hdr)
						: sizeof(struct iphdr);

	return len >= want ? want : 0;
}

/* Protocol and length into the header, checksum anew. */
static void
finish_header(uint8_t *p, size_t len, uint8_t protocol)
{
	uint32_t sum = 0;
	uint16_t word;

	if (p[0] >> 4 == 6) {
		word = htons((uint16_t)(len - sizeof(struct ip6_hdr)));
		memcpy(p + 4, &word, 2);
		p[6] = protocol;
		return;
	}
	word = htons((uint16_t)len);
	memcpy(p + 2, &word, 2);
	p[9] = protocol;
	p[10] = p[11] = 0;
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	word = htons((uint16_t)~sum);
	memcpy(p + 10, &word, 2);
}

/* The packet in `out` as what it should leave or arrive as; 0: drop. */
static size_t
seal(const uint8_t *in, size_t len, uint32_t mark, uint8_t *out)
{
	static uint32_t seq;
	size_t head = ip_header(in, len);
	uint32_t words[3] = { htonl(SPI_BASE + mark), htonl(++seq), 0 };

	if (head == 0)
		return 0;
	memcpy(out, in, head);
	memcpy(words + 2, in + (in[0] >> 4 == 6 ? 6 : 9), 1);
	memcpy(out + head, words, HEAD_OCTETS);
	memcpy(out + head + HEAD_OCTETS, in + head, len - head);
	finish_header(out, len + HEAD_OCTETS, IPPROTO_ESP);
	return len + HEAD_OCTETS;
}

/* Sets *mark to the SAID's; *drop: a probe. */
static size_t
unseal(const uint8_t *in, size_t len, uint32_t *mark, uint8_t *out, bool *drop)
{
	size_t head = ip_header(in, len);
	uint32_t spi;

	*drop = false;
	if (head == 0 || len < head + HEAD_OCTETS ||
	    in[in[0] >> 4 == 6 ? 6 : 9] != IPPROTO_ESP)
		return 0;
	memcpy(&spi, in + head, 4);
	spi = ntohl(spi);
	if (spi < 256) {
		*drop = len >= head + 24 &&
			memcmp(in + head + 8, config.token, 16) == 0;
		return 0;
	}
	if (spi < SPI_BASE || spi - SPI_BASE > config.mask)
		return 0;
	*mark = spi - SPI_BASE;
	memcpy(out, in, head);
	memcpy(out + head, in + head + HEAD_OCTETS, len - head - HEAD_OCTETS);
	finish_header(out, len - HEAD_OCTETS, in[head + 8]);
	return len - HEAD_OCTETS;
}

static void
judge(uint16_t queue, uint32_t id, uint32_t mark, const uint8_t *in, size_t len)
{
	static char message[PACKET_MAX + 1024];
	static uint8_t out[PACKET_MAX];
	enum nftgen_queue kind = kind_of(queue);
	int verdict = NF_ACCEPT;
	uint32_t said = mark & config.mask;
	struct nlmsghdr *nlh;
	size_t n = 0;
	bool drop = false;

	packets[kind]++;
	if (len + HEAD_OCTETS > sizeof(out)) {
		drop = true;
	} else if (kind == NFTGEN_QUEUE_DECAP) {
		n = unseal(in, len, &said, out, &drop);
		probes[kind] += drop;
	} else if (said == config.probe) {
		probes[kind]++;
		drop = true;
	} else {
		n = seal(in, len, said, out);
		said = config.done;
		drop = n == 0;
	}
	if (drop)
		verdict = NF_DROP;
	nlh = nfq_nlmsg_put(message, NFQNL_MSG_VERDICT, queue);
	nfq_nlmsg_verdict_put(nlh, (int)id, verdict);
	if (n > 0) {
		nfq_nlmsg_verdict_put_mark(nlh, (mark & ~config.mask) | said);
		nfq_nlmsg_verdict_put_pkt(nlh, out, (uint32_t)n);
	}
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		die("verdict");
}

static int
take_packet(const struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *a[NFQA_MAX + 1] = { 0 };
	const struct nfqnl_msg_packet_hdr *h;
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(nlh);

	if (nfq_nlmsg_parse(nlh, a) < 0 || a[NFQA_PACKET_HDR] == NULL ||
	    a[NFQA_PAYLOAD] == NULL)
		return MNL_CB_OK;
	h = mnl_attr_get_payload(a[NFQA_PACKET_HDR]);
	judge(ntohs(g->res_id), ntohl(h->packet_id),
	      a[NFQA_MARK] ? ntohl(mnl_attr_get_u32(a[NFQA_MARK])) : 0,
	      mnl_attr_get_payload(a[NFQA_PAYLOAD]),
	      mnl_attr_get_payload_len(a[NFQA_PAYLOAD]));
	return MNL_CB_OK;
}

static void *
work(void *arg)
{
	static uint8_t octets[PACKET_MAX + 4096];
	ssize_t n;

	for (;;) {
		if (paused) {
			usleep(1000);
			continue;
		}
		n = mnl_socket_recvfrom(nl, octets, sizeof(octets));
		/* late verdicts (ENOENT) are what flushed queues answer */
		if (n > 0)
			mnl_cb_run(octets, (size_t)n, 0, 0, take_packet, NULL);
	}
	return NULL;
}

void
fake_engine_start(const struct fake_engine_config *c)
{
	struct timeval tick = { .tv_usec = 10000 };
	pthread_t thread;

	config = *c;
	nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (nl == NULL || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) != 0)
		die("netlink");
	setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &tick,
		   sizeof(tick));
	for (int k = 0; k < NFTGEN_QUEUES; k++)
		for (unsigned w = 0; w < c->params.workers; w++)
			bind_queue((uint16_t)(c->params.first_queue[k] + w));
	if (pthread_create(&thread, NULL, work, NULL) != 0)
		die("thread");
}

void
fake_engine_pause(bool pause)
{
	paused = pause;
}

uint64_t
fake_engine_probes(enum nftgen_queue kind)
{
	return probes[kind];
}

uint64_t
fake_engine_packets(enum nftgen_queue kind)
{
	return packets[kind];
}
