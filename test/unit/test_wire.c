/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Octets and views: checksums, TCP options, ICMP errors, MTU arithmetic. */
#include <criterion/criterion.h>

#include "engine/path/pmtu.h"
#include "engine/wire/csum.h"
#include "engine/wire/esp.h"
#include "engine/wire/frag.h"
#include "engine/wire/icmp.h"
#include "engine/wire/tcpopt.h"
#include "test/lib/pair.h"

static uint16_t
be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* RFC 1071 3: the sum of its example is ddf2. */
Test(wire, csum_known)
{
	static const uint8_t example[] = { 0x00, 0x01, 0xf2, 0x03,
					   0xf4, 0xf5, 0xf6, 0xf7 };
	static const uint8_t odd[] = { 0xff, 0x01, 0x80 };

	cr_assert_eq(csum_of(example, 8), (uint16_t)~0xddf2);
	cr_assert_eq(csum_of(odd, 3), (uint16_t) ~(0x7f02));
	cr_assert_eq(csum_of(example, 0), 0xffff);
}

/* Whatever the registers it is made in: each length, from odd addresses, and
 * the greatest sums. */
Test(wire, csum_is_the_sum_of_words)
{
	static uint8_t buf[65535];

	srandom(1624);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = random() % 4 == 0 ? (uint8_t)random() : 0xff;
	for (size_t len = 0; len < sizeof(buf); len += len < 700 ? 1 : 6007)
		for (size_t at = 0; at < 3 && at + len <= sizeof(buf); at++) {
			uint64_t sum = 0xfffe;

			for (size_t i = 0; i < len; i++)
				sum += i % 2 == 0 ? (uint64_t)buf[at + i] << 8
						  : buf[at + i];
			cr_assert_eq(csum_finish(csum_add(0xfffe, buf + at,
							  len)),
				     csum_finish(sum), "%zu at %zu", len, at);
		}
}

Test(wire, csum_adjust_is_like_a_new_sum)
{
	uint8_t buf[40];

	srandom(1071);
	for (int n = 0; n < 20000; n++) {
		size_t at = (size_t)(random() % 19) * 2 + 2;
		uint16_t from, to = (uint16_t)random(), sum;

		for (size_t i = 2; i < sizeof(buf); i++)
			buf[i] = (uint8_t)random();
		buf[0] = buf[1] = 0;
		sum = csum_of(buf, sizeof(buf));
		from = be16(buf + at);
		buf[at] = (uint8_t)(to >> 8);
		buf[at + 1] = (uint8_t)to;
		cr_assert_eq(csum_adjust(sum, from, to),
			     csum_of(buf, sizeof(buf)));
	}
}

/* A TCP header with these options; its checksum is right over itself. */
static size_t
make_tcp(uint8_t *tcp, uint8_t flags, const uint8_t *options, size_t len)
{
	uint16_t sum;

	memset(tcp, 0, 64);
	tcp[1] = 80;
	tcp[12] = (uint8_t)((20 + len) / 4 << 4);
	tcp[13] = flags;
	memcpy(tcp + 20, options, len);
	sum = csum_of(tcp, 20 + len);
	tcp[16] = (uint8_t)(sum >> 8);
	tcp[17] = (uint8_t)sum;
	return 20 + len;
}

Test(wire, tcpopt_mss)
{
	struct {
		uint8_t flags;
		uint8_t options[12];
		bool changed;
		size_t at;
	} rows[] = {
		{ 0x02, { 2, 4, 0x05, 0xb4, 1, 1, 4, 2 }, true, 22 },
		{ 0x12, { 1, 2, 4, 0x05, 0xb4, 1, 4, 2 }, true, 23 },
		{ 0x12, { 1, 1, 2, 4, 0x05, 0xb4, 4, 2 }, true, 24 },
		{ 0x02, { 8, 8, 2, 4, 9, 9, 9, 9, 2, 4, 5, 0xb5 }, true, 30 },
		/* no SYN */
		{ 0x10, { 2, 4, 0x05, 0xb4, 1, 1, 4, 2 }, false, 0 },
		/* small enough already */
		{ 0x02, { 2, 4, 0x05, 0x92, 1, 1, 4, 2 }, false, 0 },
		{ 0x02, { 2, 4, 0x02, 0x18, 1, 1, 4, 2 }, false, 0 },
		/* behind the end of the list */
		{ 0x02, { 0, 2, 4, 0x05, 0xb4, 0, 0, 0 }, false, 0 },
		/* lengths that lie */
		{ 0x02, { 2, 3, 0x05, 0xb4, 1, 1, 4, 2 }, false, 0 },
		{ 0x02, { 8, 0, 2, 4, 5, 0xb4, 1, 1 }, false, 0 },
		{ 0x02, { 8, 1, 2, 4, 5, 0xb4, 1, 1 }, false, 0 },
		{ 0x02, { 8, 40, 2, 4, 5, 0xb4, 1, 1 }, false, 0 },
		{ 0x02, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2 }, false, 0 },
		{ 0x02, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 5 }, false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t tcp[64], before[64];
		size_t len = make_tcp(tcp, rows[i].flags, rows[i].options, 12);

		memcpy(before, tcp, 64);
		cr_assert_eq(tcpopt_lower_mss(tcp, len, 1426), rows[i].changed,
			     "row %zu", i);
		cr_assert_eq(csum_of(tcp, len), 0, "row %zu", i);
		if (rows[i].changed)
			cr_assert_eq(be16(tcp + rows[i].at), 1426);
		else
			cr_assert_eq(memcmp(tcp, before, 64), 0);
		/* cut anywhere: nothing is read or changed behind the end */
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *copy = malloc(cut + 1);

			memcpy(copy, before, cut);
			tcpopt_lower_mss(copy, cut, 1426);
			if (cut < 32)
				cr_assert_eq(memcmp(copy, before, cut), 0);
			free(copy);
		}
	}
}

Test(wire, tcpopt_header_length_lies)
{
	static const uint8_t mss[] = { 2, 4, 5, 0xb4 };
	uint8_t tcp[64];

	for (unsigned words = 0; words < 16; words++) {
		size_t len = make_tcp(tcp, 2, mss, 4);

		tcp[12] = (uint8_t)(words << 4);
		cr_assert_eq(tcpopt_lower_mss(tcp, len, 1000), words == 6,
			     "%u words", words);
	}
	/* never below what can still carry something */
	cr_assert(tcpopt_lower_mss(tcp, make_tcp(tcp, 2, mss, 4), 0));
	cr_assert_eq(be16(tcp + 22), TCPOPT_MSS_MIN);
}

Test(wire, icmp_round_trip)
{
	uint8_t esp[64] = { 0, 0, 0x10, 1, 0, 0, 0, 9 };
	uint8_t about[128], out[ICMP_ERROR_MAX];
	struct icmp_error e;
	struct ipaddr a = pair_addr(PAIR_A), b = pair_addr(PAIR_B);
	struct ip4 ip;
	size_t n, all;

	for (size_t i = 8; i < sizeof(esp); i++)
		esp[i] = (uint8_t)i;
	n = pair_packet(about, sizeof(about), PAIR_A, PAIR_B, IP_ESP, IP_DF,
			esp, sizeof(esp));
	cr_assert_eq(ip_parse(about, n, &ip), IP_OK);
	all = icmp_build_needed(out, about, &ip, 1400);
	cr_assert_eq(all, 28 + n);
	cr_assert_eq(memcmp(out + 16, a.octets, 4), 0);
	cr_assert(icmp_parse_error(out + 20, all - 20, &e));
	cr_assert(e.fragmentation_needed);
	cr_assert_eq(e.mtu, 1400);
	cr_assert(ipaddr_equal(&e.src, &a));
	cr_assert(ipaddr_equal(&e.dst, &b));
	cr_assert_eq(e.protocol, IP_ESP);
	cr_assert_eq(e.word[0], 0x1001u);
	cr_assert_eq(e.word[1], 9u);
	cr_assert(e.has_third);
	/* one octet wrong anywhere */
	for (size_t at = 20; at < all; at++) {
		out[at] ^= 0x10;
		cr_assert_not(icmp_parse_error(out + 20, all - 20, &e));
		out[at] ^= 0x10;
	}
	/* cut anywhere: either refused, or the checksum says so */
	for (size_t cut = 0; cut < all - 20; cut++)
		cr_assert_not(icmp_parse_error(out + 20, cut, &e));
	/* a long packet is quoted in part */
	{
		static uint8_t big[1500];
		static const uint8_t payload[1400];

		n = pair_packet(big, sizeof(big), PAIR_A, PAIR_B, IP_UDP, 0,
				payload, sizeof(payload));
		cr_assert_eq(ip_parse(big, n, &ip), IP_OK);
		all = icmp_build_needed(out, big, &ip, 576);
		cr_assert_eq(all, ICMP_ERROR_MAX);
		cr_assert(icmp_parse_error(out + 20, all - 20, &e));
	}
}

Test(wire, esp_text_and_trailer)
{
	static const unsigned blocks[] = { 1, 4, 8, 16 };
	uint8_t text[128];

	for (size_t i = 0; i < 4; i++)
		for (size_t payload = 0; payload < 64; payload++) {
			size_t len = esp_text_len(payload, blocks[i]), got;
			unsigned a = blocks[i] < 4 ? 4 : blocks[i];
			uint8_t next;

			cr_assert_eq(len % a, 0u);
			cr_assert_geq(len, payload + 2);
			cr_assert_lt(len, payload + 2 + a);
			cr_assert_leq(len - payload, ESP_TRAILER_MAX);
			memset(text, 0xaa, sizeof(text));
			esp_build_trailer(text + payload, payload, len, 17);
			cr_assert_eq(text[len], 0xaa);
			cr_assert_eq(esp_trim(text, len, false, &got, &next),
				     ESP_OK);
			cr_assert_eq(got, payload);
			cr_assert_eq(next, 17);
		}
	cr_assert_eq(esp_trim(text, 1, false, &(size_t){ 0 }, &(uint8_t){ 0 }),
		     ESP_TRUNCATED);
	cr_assert_eq(esp_trim(text, 0, false, &(size_t){ 0 }, &(uint8_t){ 0 }),
		     ESP_TRUNCATED);
}

/* pmtu_inner is the largest that fits, for every MTU and suite. */
Test(wire, pmtu_inner_is_the_largest)
{
	struct {
		enum algo enc, auth;
	} suites[] = {
		{ ALGO_AES128_GCM, ALGO_NONE },
		{ ALGO_AES128_CBC, ALGO_HMAC_SHA256 },
		{ ALGO_NULL, ALGO_HMAC_SHA512 },
	};

	for (size_t i = 0; i < 3; i++) {
		struct pmtu_cost c = { .esp = suite_sizes(suites[i].enc,
							  suites[i].auth) };

		for (uint32_t mtu = 100; mtu <= 1600; mtu++) {
			uint32_t inner = pmtu_inner(c, 20, mtu);

			cr_assert_leq(pmtu_sealed(c, 20, inner - 20), mtu);
			cr_assert_gt(pmtu_sealed(c, 20, inner + 1 - 20), mtu);
		}
		cr_assert_eq(pmtu_inner(c, 20, 0), 20u);
	}
}

Test(wire, pmtu_believes_little)
{
	static struct sa sa;
	const uint64_t t = 50000;

	cr_assert_eq(pmtu_effective(&sa, 1500, t), 1500u);
	cr_assert_eq(pmtu_effective(&sa, 0, t), PMTU_DEFAULT);
	cr_assert_not(pmtu_learn(&sa, 1500, 1500, t));
	cr_assert_not(pmtu_learn(&sa, 65535, 1500, t));
	cr_assert(pmtu_learn(&sa, 1400, 1500, t));
	cr_assert_not(pmtu_learn(&sa, 1450, 1500, t)); /* up: never */
	cr_assert_eq(pmtu_effective(&sa, 1500, t), 1400u);
	cr_assert_eq(pmtu_effective(&sa, 1300, t), 1300u);
	cr_assert(pmtu_learn(&sa, 68, 1500, t));
	cr_assert_eq(pmtu_effective(&sa, 1500, t), PMTU_FLOOR);
	cr_assert_not(pmtu_learn(&sa, 0, 1500, t));
	cr_assert_eq(pmtu_effective(&sa, 1500, t + PMTU_AGE_MS - 1),
		     PMTU_FLOOR);
	cr_assert_eq(pmtu_effective(&sa, 1500, t + PMTU_AGE_MS), 1500u);
	cr_assert_not(pmtu_told(&sa, t));
	pmtu_tell(&sa, t);
	cr_assert(pmtu_told(&sa, t + PMTU_TOLD_MS - 1));
	cr_assert_not(pmtu_told(&sa, t + PMTU_TOLD_MS));
}

/* Fragments come to the packet again, each within the MTU (RFC 791). */
Test(wire, frag_cuts_and_adds_up)
{
	static uint8_t packet[5000], got[5000];
	uint32_t mtus[] = { 28, 29, 36, 576, 1500, 4019 };
	struct ip4 ip;
	struct frag f;

	for (size_t m = 0; m < sizeof(mtus) / sizeof(mtus[0]); m++) {
		size_t len = pair_packet(packet, sizeof(packet), PAIR_A, PAIR_B,
					 50, 0, got, 4000),
		       seen = 0;
		bool last = false;

		for (size_t i = 0; i < 4000; i++)
			packet[20 + i] = (uint8_t)(i * 7 + i / 256);
		cr_assert(frag_begin(&f, packet, len, mtus[m]));
		while (frag_next(&f)) {
			cr_assert_not(last);
			cr_assert_leq(f.len, mtus[m]);
			cr_assert_eq(ip_parse(f.octets, f.len, &ip), IP_OK);
			cr_assert_eq(csum_of(f.octets, 20), 0);
			cr_assert_eq(ip.id, 0x1234);
			cr_assert_eq((ip.fragment & IP_OFFSET) * 8u, seen);
			last = (ip.fragment & IP_MF) == 0;
			for (size_t i = 20; i < f.len; i++, seen++)
				cr_assert_eq(f.octets[i],
					     (uint8_t)(seen * 7 + seen / 256));
		}
		cr_assert(last);
		cr_assert_eq(seen, 4000u);
	}
}

Test(wire, frag_refuses)
{
	uint8_t packet[100];
	static const uint8_t payload[60];
	size_t len =
	    pair_packet(packet, 100, PAIR_A, PAIR_B, 50, IP_DF, payload, 60);
	struct frag f;

	cr_assert_not(frag_begin(&f, packet, len, 48));
	len = pair_packet(packet, 100, PAIR_A, PAIR_B, 50, IP_MF, payload, 60);
	cr_assert_not(frag_begin(&f, packet, len, 48));
	len = pair_packet(packet, 100, PAIR_A, PAIR_B, 50, 0, payload, 60);
	cr_assert_not(frag_begin(&f, packet, len, 27));
	packet[0] = 0x46;
	cr_assert_not(frag_begin(&f, packet, len, 48));
}
