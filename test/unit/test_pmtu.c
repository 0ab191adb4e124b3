/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets that get larger: what is told to whom, and who is believed. */
#include <criterion/criterion.h>

#include "engine/path/pmtu.h"
#include "engine/wire/icmp.h"
#include "test/lib/pair.h"

static const struct pair_options gcm = { .enc = ALGO_AES128_GCM };
static const uint8_t zeros[2000];

/* 20 + 8 + 8 + text of 1448 - 36 = 1412 -> 1410 of payload, 16 of ICV */
#define INNER_1500 1466u
#define MSS_1500   (INNER_1500 - 40)

static struct path_result
seal(struct pair *p, uint16_t fragment, size_t total, uint32_t mtu,
     uint8_t *out)
{
	static uint8_t clear[2000];
	size_t n = pair_packet(clear, sizeof(clear), PAIR_A, PAIR_B, 99,
			       fragment, zeros, total - 20);
	struct pkt pkt = { .octets = clear,
			   .len = n,
			   .room = sizeof(clear) - n,
			   .whole = n,
			   .mark = PAIR_SAID,
			   .out = 2,
			   .mtu = mtu };

	return pair_out(&p->a, &pkt, out, n + PATH_GROWTH);
}

Test(pmtu, too_big_tells_the_sender)
{
	static uint8_t out[2200];
	struct path_result r;
	struct pair p;

	pair_init(&p, &gcm);
	r = seal(&p, IP_DF, INNER_1500, 1500, out);
	cr_assert_eq(r.action, PATH_REPLACE);
	cr_assert_leq(r.len, 1500u);
	cr_assert_eq(out[6], 0x40); /* DF stays */
	r = seal(&p, IP_DF, INNER_1500 + 1, 1500, out);
	cr_assert_eq(r.reason, REASON_too_big);
	cr_assert_eq(r.tell_mtu, INNER_1500);
	/* without DF the kernel fragments it */
	r = seal(&p, 0, INNER_1500 + 1, 1500, out);
	cr_assert_eq(r.action, PATH_REPLACE);
	cr_assert_gt(r.len, 1500u);
	/* the kernel now remembers 1466 for the peer: sealed packets with DF
	 * above it would be lost, so DF is off, and the id tells them apart */
	for (unsigned i = 3; i < 6; i++) {
		r = seal(&p, IP_DF, 1400, 1500, out);
		cr_assert_eq(r.action, PATH_REPLACE);
		cr_assert_eq(out[6], 0);
		cr_assert_eq(out[5], i);
		cr_assert_eq(csum_of(out, 20), 0);
	}
	/* a device of another size; one that is not known */
	cr_assert_eq(seal(&p, IP_DF, 1400, 1300, out).reason, REASON_too_big);
	cr_assert_eq(seal(&p, IP_DF, 1490, 0, out).reason, REASON_too_big);
	cr_assert_eq(seal(&p, IP_DF, 1990, 9000, out).action, PATH_REPLACE);
	pair_fini(&p);
}

/* TCP header with an MSS of 1460, over these addresses. */
static size_t
make_syn(uint8_t *out, uint8_t flags)
{
	uint8_t tcp[24] = { 1, 2, 3, 4 }, pseudo[12 + 24];
	uint32_t a = PAIR_A, b = PAIR_B;
	uint16_t sum;

	tcp[12] = 0x60;
	tcp[13] = flags;
	memcpy(tcp + 20, "\2\4\5\xb4", 4);
	for (int i = 0; i < 4; i++) {
		pseudo[i] = (uint8_t)(a >> (24 - 8 * i));
		pseudo[4 + i] = (uint8_t)(b >> (24 - 8 * i));
	}
	memcpy(pseudo + 8, "\0\6\0\x18", 4);
	memcpy(pseudo + 12, tcp, 24);
	sum = csum_of(pseudo, sizeof(pseudo));
	tcp[16] = (uint8_t)(sum >> 8);
	tcp[17] = (uint8_t)sum;
	return pair_packet(out, 64, PAIR_A, PAIR_B, IP_TCP, IP_DF, tcp, 24);
}

static bool
tcp_sum_is_good(const uint8_t *packet)
{
	uint8_t pseudo[12 + 24];

	memcpy(pseudo, packet + 12, 8);
	memcpy(pseudo + 8, "\0\6\0\x18", 4);
	memcpy(pseudo + 12, packet + 20, 24);
	return csum_of(pseudo, sizeof(pseudo)) == 0;
}

static unsigned
mss_of(const uint8_t *packet)
{
	return packet[42] << 8 | packet[43];
}

/* The sender's side lowers what leaves, the receiver's what arrives; either
 * may have the smaller MTU. */
Test(pmtu, mss_of_syn)
{
	struct {
		uint8_t flags;
		uint32_t out_mtu, in_mtu, mss;
	} rows[] = {
		{ 0x02, 1500, 1500, MSS_1500 },
		{ 0x12, 1500, 1500, MSS_1500 },
		{ 0x10, 1500, 1500, 1460 },
		{ 0x02, 9000, 9000, 1460 },
		{ 0x02, 9000, 1500, MSS_1500 },
		{ 0x02, 1500, 9000, MSS_1500 },
		{ 0x02, 1400, 1500, MSS_1500 - 100 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t clear[64], sealed[256], opened[256];
		size_t n = make_syn(clear, rows[i].flags);
		struct pkt pkt = { .octets = clear,
				   .len = n,
				   .whole = n,
				   .mark = PAIR_SAID,
				   .out = 2,
				   .mtu = rows[i].out_mtu };
		struct path_result r;
		struct pair p;

		pair_init(&p, &gcm);
		r = pair_out(&p.a, &pkt, sealed, sizeof(sealed));
		cr_assert_eq(r.action, PATH_REPLACE);
		pkt = (struct pkt){ .octets = sealed,
				    .len = r.len,
				    .whole = r.len,
				    .in = 2,
				    .mtu = rows[i].in_mtu };
		r = pair_in(&p.b, &pkt, opened, sizeof(opened));
		cr_assert_eq(r.action, PATH_REPLACE);
		cr_assert_eq(mss_of(opened), rows[i].mss, "row %zu", i);
		cr_assert(tcp_sum_is_good(opened), "row %zu", i);
		pair_fini(&p);
	}
}

/* An ICMP error about a packet with these ids, to host a. */
static struct path_result
hear(struct pair *p, uint32_t in, uint32_t src, uint32_t dst, uint32_t spi,
     uint32_t seq, uint16_t mtu)
{
	uint8_t about[64], icmp[ICMP_ERROR_MAX], out[ICMP_ERROR_MAX];
	uint8_t esp[32] = { 0 };
	struct builder b = builder_make(esp, sizeof(esp));
	struct ip4 ip;
	size_t n;

	builder_u32(&b, spi);
	builder_u32(&b, seq);
	n = pair_packet(about, sizeof(about), src, dst, IP_ESP, IP_DF, esp,
			sizeof(esp));
	cr_assert_eq(ip_parse(about, n, &ip), IP_OK);
	n = icmp_build_needed(icmp, about, &ip, mtu);
	{
		struct pkt pkt = { .octets = icmp,
				   .len = n,
				   .whole = n,
				   .in = in,
				   .mtu = 1500 };

		return pair_in(&p->a, &pkt, out, n);
	}
}

Test(pmtu, who_is_believed)
{
	static uint8_t out[2200];
	struct path_result r;
	struct pair p;
	struct sa *sa;

	pair_init(&p, &gcm);
	sa = store_sa(&p.a.store, p.a.out_slot);
	/* about a packet that was never sent */
	r = hear(&p, 2, PAIR_A, PAIR_B, PAIR_SPI_AB, 1, 1400);
	cr_assert_eq(r.action, PATH_ACCEPT);
	for (int i = 0; i < 5; i++)
		seal(&p, IP_DF, 100, 1500, out);
	/* the wrong SPI, addresses, numbers */
	cr_assert_eq(hear(&p, 2, PAIR_A, PAIR_B, 0x9999, 5, 1400).action,
		     PATH_ACCEPT);
	cr_assert_eq(hear(&p, 2, PAIR_A, PAIR_B, PAIR_SPI_BA, 5, 1400).action,
		     PATH_ACCEPT);
	cr_assert_eq(
	    hear(&p, 2, PAIR_A + 5, PAIR_B, PAIR_SPI_AB, 5, 1400).action,
	    PATH_ACCEPT);
	cr_assert_eq(
	    hear(&p, 2, PAIR_A, PAIR_B + 5, PAIR_SPI_AB, 5, 1400).action,
	    PATH_ACCEPT);
	cr_assert_eq(hear(&p, 2, PAIR_A, PAIR_B, PAIR_SPI_AB, 6, 1400).action,
		     PATH_ACCEPT);
	cr_assert_eq(hear(&p, 2, PAIR_A, PAIR_B, PAIR_SPI_AB, 0, 1400).action,
		     PATH_ACCEPT);
	cr_assert_eq(atomic_load(&sa->path_mtu), 0u);
	/* all right */
	r = hear(&p, 2, PAIR_A, PAIR_B, PAIR_SPI_AB, 5, 1400);
	cr_assert_eq(r.action, PATH_DROP);
	cr_assert_eq(r.reason, REASON_icmp);
	cr_assert_eq(atomic_load(&sa->path_mtu), 1400u);
	cr_assert_not(pmtu_told(sa, PAIR_NOW));
	r = seal(&p, IP_DF, INNER_1500, 1500, out);
	cr_assert_eq(r.reason, REASON_too_big);
	cr_assert_eq(r.tell_mtu, INNER_1500 - 100);
	cr_assert(pmtu_told(sa, PAIR_NOW));
	/* nothing below the floor, whatever is said */
	hear(&p, 2, PAIR_A, PAIR_B, PAIR_SPI_AB, 1, 0);
	cr_assert_eq(atomic_load(&sa->path_mtu), PMTU_FLOOR);
	/* too long ago */
	atomic_store(&sa->seq_next, 200000);
	atomic_store(&sa->path_mtu, 0);
	cr_assert_eq(
	    hear(&p, 2, PAIR_A, PAIR_B, PAIR_SPI_AB, 199999 - 65535, 1400)
		.action,
	    PATH_DROP);
	cr_assert_eq(
	    hear(&p, 2, PAIR_A, PAIR_B, PAIR_SPI_AB, 199999 - 65536, 1400)
		.action,
	    PATH_ACCEPT);
	pair_fini(&p);
}

/* Our own kernel complains about a sealed packet: not the path is narrow, the
 * kernel remembers what we told its sockets. */
Test(pmtu, own_kernel)
{
	static uint8_t out[2200];
	struct path_result r;
	struct pair p;
	struct sa *sa;

	pair_init(&p, &gcm);
	sa = store_sa(&p.a.store, p.a.out_slot);
	seal(&p, IP_DF, 100, 1500, out);
	r = hear(&p, PKT_LOOPBACK, PAIR_A, PAIR_B, PAIR_SPI_AB, 1, 1466);
	cr_assert_eq(r.reason, REASON_icmp);
	cr_assert_eq(atomic_load(&sa->path_mtu), 0u);
	cr_assert(pmtu_told(sa, PAIR_NOW));
	pair_fini(&p);
}
