/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of a dropped packet, to whom, and how often. */
#include <criterion/criterion.h>

#include "engine/wire/sighting.h"
#include "test/lib/pair.h"

static const struct pair_options gcm = { .enc = ALGO_AES128_GCM };
static _Atomic bool wanted;

static const uint8_t tcp[] = { 0x46, 0, 0,  44, 0x12, 0x34, 0x40, 0,   64, 6,
			       0,    0, 10, 0,  0,    1,    10,   0,   0,  2,
			       1,    1, 1,  0,  0x9c, 0x40, 0x15, 0x38 };
static const uint8_t esp6[] = {
	0x60, 0, 0, 0, 0, 0, 50, 64, 0xfd, 0x77, 0,    0, 0, 0, 0, 0,
	0,    0, 0, 0, 0, 0, 0,  1,  0xfd, 0x77, 0,    0, 0, 0, 0, 0,
	0,    0, 0, 0, 0, 0, 0,  2,  0xc0, 0xff, 0xee, 1, 0, 0, 0, 9
};

Test(sighting, reads_what_there_is)
{
	struct sighting s;
	char text[IPADDR_TEXT];

	cr_assert(sighting_take(tcp, sizeof(tcp), &s));
	cr_assert_eq(s.protocol, 6);
	cr_assert_eq(s.id, 0x1234);
	cr_assert_eq(s.length, 44);
	cr_assert_eq(s.sport, 40000);
	cr_assert_eq(s.dport, 5432);
	cr_assert_str_eq(ipaddr_format(&s.dst, text), "10.0.0.2");
	cr_assert(sighting_take(esp6, sizeof(esp6), &s));
	cr_assert_eq(s.protocol, 50);
	cr_assert_eq(s.spi, 0xc0ffee01u);
	cr_assert_eq(s.seq, 9u);
	cr_assert_eq(s.length, 40);
	cr_assert_str_eq(ipaddr_format(&s.src, text), "fd77::1");
}

Test(sighting, a_later_fragment_has_no_ports)
{
	uint8_t copy[sizeof(tcp)];
	struct sighting s;

	memcpy(copy, tcp, sizeof(tcp));
	copy[7] = 5;
	cr_assert(sighting_take(copy, sizeof(copy), &s));
	cr_assert(s.later_fragment);
	cr_assert_eq(s.sport, 0);
}

/* Each length from its own heap, so that a sanitizer sees a read too far. */
Test(sighting, any_length)
{
	const uint8_t *from[] = { tcp, esp6 };
	const size_t len[] = { sizeof(tcp), sizeof(esp6) };
	const size_t header[] = { 20, 40 };
	struct sighting s;

	for (int i = 0; i < 2; i++)
		for (size_t n = 0; n < len[i]; n++) {
			uint8_t *copy = malloc(n + 1);

			memcpy(copy, from[i], n);
			cr_assert_eq(sighting_take(copy, n, &s),
				     n >= header[i]);
			cr_assert(s.sport == 0 && s.dport == 0 && s.spi == 0);
			free(copy);
		}
	cr_assert_not(sighting_take((const uint8_t[40]){ 0x44 }, 40, &s));
	cr_assert_not(sighting_take((const uint8_t[40]){ 0x75 }, 40, &s));
}

static void
drop_one(struct pair *p, uint32_t mark)
{
	static uint8_t clear[256], out[512];
	const uint8_t ports[] = { 0x9c, 0x40, 0x15, 0x38, 0, 8, 0, 0 };
	size_t n = pair_packet(clear, sizeof(clear), PAIR_A, PAIR_B, 17, 0,
			       ports, sizeof(ports));
	struct pkt pkt = { .octets = clear,
			   .len = n,
			   .room = sizeof(clear) - n,
			   .whole = n,
			   .mark = mark,
			   .mtu = 1500,
			   .in = 2,
			   .out = 2 };

	cr_assert_eq(pair_out(&p->a, &pkt, out, sizeof(out)).action, PATH_DROP);
}

Test(sighting, told_while_somebody_asks)
{
	struct pair p;

	pair_init(&p, &gcm);
	drop_one(&p, 0x3f0); /* nobody listens, and there is no such SAID */
	cr_assert_eq(p.a.events, 0u);
	p.a.path.packets_wanted = &wanted;
	drop_one(&p, 0x3f0);
	cr_assert_eq(p.a.events, 0u);
	atomic_store(&wanted, true);
	drop_one(&p, 0x3f0);
	cr_assert_eq(p.a.events, 1u);
	cr_assert_eq(p.a.event.kind, PATH_PACKET);
	cr_assert_eq(p.a.event.reason, REASON_unknown_said);
	cr_assert_eq(p.a.event.direction, SA_OUT);
	cr_assert_eq(p.a.event.protocol, 17);
	cr_assert_eq(p.a.event.sport, 40000);
	cr_assert_eq(p.a.event.dport, 5432);
	drop_one(&p, PAIR_PROBE); /* nobody's packet */
	cr_assert_eq(p.a.events, 1u);
	for (int i = 0; i < 1000; i++)
		drop_one(&p, 0x3f0);
	cr_assert_eq(p.a.events, (unsigned)PATH_PACKET_BURST);
	pair_fini(&p);
}
