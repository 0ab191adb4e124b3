/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What arrives in a seal queue: four octets of mark (network order), one of
 * room behind the packet, then the packet.  What is sealed is opened by the
 * peer and must be what it was, but for a SYN's MSS.  Then the same packet as
 * a train: all of its payload goes, in segments that fit, or none.
 */
#include "base/cursor.h"
#include "engine/wire/tcp.h"
#include "test/lib/pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

static struct pair pair;
static bool ready;

static void
start(void)
{
	static const struct pair_options gcm = { .enc = ALGO_AES128_GCM };

	pair_init(&pair, &gcm);
	ready = true;
}

static void
reset(void)
{
	struct sa *sa = store_sa(&pair.b.store, pair.b.in_slot);
	_Atomic uint64_t *words = store_replay(&pair.b.store, sa);

	for (uint32_t i = 0; i < sa->replay_words; i++)
		atomic_store(&words[i], 0);
	atomic_store(&sa->replay_edge, 0);
	sa = store_sa(&pair.a.store, pair.a.out_slot);
	atomic_store(&sa->seq_next, 1);
	atomic_store(&sa->told_ms, 0);
}

static bool
is_syn(const uint8_t *packet, const struct ip4 *ip)
{
	return ip->protocol == IP_TCP && ip->total >= ip->header + 20 &&
	       (packet[ip->header + 13] & 2) != 0;
}

/* The peer opens it again, unless what was inside is nothing it accepts. */
static void
check_sealed(uint8_t *sealed, size_t len, const uint8_t *packet)
{
	struct pkt pkt = {
		.octets = sealed, .len = len, .whole = len, .in = 2, .mtu = 1500
	};
	uint8_t *opened = malloc(len);
	struct path_result r;
	struct ip4 ip;

	PAIR_CHECK(ip_parse(packet, 65535, &ip) == IP_OK);
	r = pair_in(&pair.b, &pkt, opened, len);
	if (r.action == PATH_DROP) {
		PAIR_CHECK(r.reason == REASON_inner ||
			   r.reason == REASON_dummy);
		free(opened);
		return;
	}
	PAIR_CHECK(r.action == PATH_REPLACE && r.len == ip.total);
	if (!is_syn(packet, &ip))
		PAIR_CHECK(memcmp(opened + ip.header, packet + ip.header,
				  (size_t)ip.total - ip.header) == 0);
	/* all of the header but the checksum, which stood as it liked */
	PAIR_CHECK(memcmp(opened, packet, 10) == 0);
	PAIR_CHECK(memcmp(opened + 12, packet + 12, ip.header - 12u) == 0);
	free(opened);
}

static uint8_t segment[65536 + PATH_GROWTH];

static uint8_t *
place(void *arg, size_t octets)
{
	PAIR_CHECK(octets <= sizeof(segment));
	return segment;
}

/* The peer opens each of them, to TCP that goes on where the last one ended. */
static void
take(void *arg, size_t len, uint32_t mark)
{
	struct pkt pkt = { .octets = segment,
			   .len = len,
			   .whole = len,
			   .in = 2,
			   .mtu = 1500 };
	static uint8_t opened[65536];
	size_t *payload = arg;
	struct path_result r;
	struct tcp tcp;

	PAIR_CHECK(len <= 1500 && (mark & PAIR_MASK) == PAIR_DONE);
	r = pair_in(&pair.b, &pkt, opened, sizeof(opened));
	PAIR_CHECK(r.action == PATH_REPLACE);
	PAIR_CHECK(tcp_parse(opened + (opened[0] & 15) * 4,
			     r.len - (opened[0] & 15u) * 4, &tcp));
	*payload += r.len - (opened[0] & 15u) * 4 - tcp.header;
}

/* The same packet, as one that nobody has cut yet. */
static void
check_train(uint32_t mark, uint8_t room, const uint8_t *octets, size_t n)
{
	uint8_t *packet = malloc(n + room + 1);
	size_t payload = 0;
	struct path_sink sink = { place, take, &payload };
	struct pkt pkt = { .octets = packet,
			   .len = n,
			   .room = room,
			   .whole = n,
			   .mark = mark,
			   .out = 2,
			   .mtu = 1500,
			   .is_train = true };
	struct path_result r;
	struct tcp tcp;
	struct ip4 ip;

	memcpy(packet, octets, n);
	path_begin(&pair.a.path, PAIR_NOW);
	path_out_train(&pair.a.path, STORE_QUEUE_SEAL_TCP, &pkt, PAIR_NOW,
		       &sink, &r);
	path_end(&pair.a.path);
	if (r.action == PATH_SENT) {
		PAIR_CHECK(ip_parse(octets, n, &ip) == IP_OK);
		PAIR_CHECK(tcp_parse(octets + ip.header,
				     (size_t)ip.total - ip.header, &tcp));
		PAIR_CHECK(payload ==
			   (size_t)ip.total - ip.header - tcp.header);
	} else {
		PAIR_CHECK(r.action != PATH_ACCEPT &&
			   r.action != PATH_REPLACE && payload == 0);
	}
	free(packet);
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	struct cursor c = cursor_make(octets, len);
	uint8_t room, *packet, *dst;
	struct path_result r;
	uint32_t mark;
	size_t n;

	if (!cursor_u32(&c, &mark) || !cursor_u8(&c, &room) || c.left > 60000)
		return 0;
	if (!ready)
		start();
	reset();
	n = c.left;
	packet = malloc(n + room + 1);
	dst = malloc(n + PATH_GROWTH);
	memcpy(packet, c.at, n);
	{
		struct pkt pkt = { .octets = packet,
				   .len = n,
				   .room = room,
				   .whole = n,
				   .mark = mark,
				   .out = 2,
				   .mtu = 1500 };

		r = pair_out(&pair.a, &pkt, dst, n + PATH_GROWTH);
	}
	PAIR_CHECK(r.action != PATH_ACCEPT); /* never as it was */
	if (r.action == PATH_DROP) {
		PAIR_CHECK(r.reason < REASON_COUNT);
		PAIR_CHECK((r.tell_mtu != 0) == (r.reason == REASON_too_big &&
						 (packet[6] & 0x40) != 0));
	} else {
		PAIR_CHECK(r.mark == ((mark & ~PAIR_MASK) | PAIR_DONE));
		PAIR_CHECK(r.len <= n + PATH_GROWTH);
		check_sealed(dst, r.len, c.at);
	}
	free(dst);
	free(packet);
	check_train(mark, room, c.at, n);
	return 0;
}
