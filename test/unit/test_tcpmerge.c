/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segments made one, and what must not be; connections that end here. */
#include <criterion/criterion.h>

#include "engine/path/locals.h"
#include "engine/wire/tcpcut.h"
#include "engine/wire/tcpmerge.h"
#include "test/lib/segment.h"

static uint8_t whole[TCPMERGE_MAX], payload[65536], part[65536];
static const struct segment data = SEGMENT_DATA(0xffffff80u);

static void
fill(void)
{
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 13 + i / 247);
}

static bool
begin(struct tcpmerge *m, const struct segment *s, size_t len)
{
	size_t n = segment_make(part, sizeof(part), s, payload, len);

	memcpy(whole, part, n < sizeof(whole) ? n : sizeof(whole));
	return tcpmerge_begin(m, whole, n);
}

/* With `from` octets of payload before it. */
static bool
add(struct tcpmerge *m, const struct segment *s, size_t from, size_t len)
{
	struct segment next = *s;
	size_t n;

	next.seq = data.seq + (uint32_t)from;
	n = segment_make(part, sizeof(part), &next, payload + from, len);
	return tcpmerge_add(m, part, n);
}

/* All lengths, odd ones too: the whole is the packet that a sender of all of
 * it would have made. */
Test(tcpmerge, like_one_that_was_sent_so)
{
	static uint8_t want[TCPMERGE_MAX];
	struct segment s = data;

	fill();
	for (size_t a = 1; a < 12; a++)
		for (size_t b = 1; b < 9; b++)
			for (size_t c = 1; c < 7; c++) {
				struct tcpmerge m;
				size_t n;

				cr_assert(begin(&m, &data, a));
				s.id = (uint16_t)(a + b);
				cr_assert(add(&m, &s, a, b));
				cr_assert(add(&m, &s, a + b, c));
				cr_assert_eq(m.parts, 3u);
				n = tcpmerge_end(&m);
				cr_assert_eq(n, 52 + a + b + c);
				cr_assert_eq(n, segment_make(want, sizeof(want),
							     &data, payload,
							     a + b + c));
				cr_assert(segment_is_summed(whole, n));
				cr_assert_eq(memcmp(whole, want, n), 0,
					     "%zu %zu %zu", a, b, c);
			}
}

/* What was cut comes together again, up to the most. */
Test(tcpmerge, undoes_tcpcut)
{
	static uint8_t packet[65536], want[65536];
	struct segment s = data;
	struct tcpcut_segment one;
	struct tcpcut c;
	struct tcpmerge m;
	struct ip4 ip;
	size_t n, len;

	fill();
	s.flags |= TCP_PSH;
	len = segment_make(packet, sizeof(packet), &s, payload, 29000);
	memcpy(want, packet, len);
	cr_assert_eq(ip_parse(packet, len, &ip), IP_OK);
	cr_assert(tcpcut_begin(&c, packet, &ip, 0, 1453));
	cr_assert(tcpcut_next(&c, &one));
	memcpy(whole, one.octets, one.len);
	cr_assert(tcpmerge_begin(&m, whole, one.len));
	while (tcpcut_next(&c, &one))
		cr_assert(tcpmerge_add(&m, one.octets, one.len));
	cr_assert(m.is_whole);
	n = tcpmerge_end(&m);
	cr_assert_eq(n, len);
	cr_assert_eq(memcmp(whole, want, n), 0);
	/* one that ends exactly at the limit, and one octet more */
	cr_assert(begin(&m, &data, 1000));
	for (size_t at = 1000; at < 28000; at += 1000)
		cr_assert(add(&m, &data, at, 1000));
	cr_assert_not(add(&m, &data, 28000, TCPMERGE_MAX - 28052 + 1));
	cr_assert(add(&m, &data, 28000, TCPMERGE_MAX - 28052));
	cr_assert_eq(tcpmerge_end(&m), TCPMERGE_MAX);
	cr_assert(segment_is_summed(whole, TCPMERGE_MAX));
	cr_assert_not(begin(&m, &data, TCPMERGE_MAX - 51));
}

/* Who sums wrong is found out as before: the whole is wrong, too. */
Test(tcpmerge, wrong_sums_stay_wrong)
{
	struct tcpmerge m;

	fill();
	for (unsigned bad = 0; bad < 3; bad++) {
		for (unsigned i = 0; i < 3; i++) {
			struct segment s = data;
			size_t n;

			s.seq += 101 * i;
			n = segment_make(part, sizeof(part), &s,
					 payload + 101 * i, 101);
			part[60] ^= i == bad ? 0x40 : 0;
			if (i == 0) {
				memcpy(whole, part, n);
				cr_assert(tcpmerge_begin(&m, whole, n));
			} else {
				cr_assert(tcpmerge_add(&m, part, n));
			}
		}
		cr_assert_not(segment_is_summed(whole, tcpmerge_end(&m)));
	}
}

enum { FIELDS = 14 };

/* The same segment but for one thing. */
static struct segment
differ(unsigned field)
{
	struct segment s = data;

	switch (field) {
	case 0:
		s.src++;
		break;
	case 1:
		s.dst++;
		break;
	case 2:
		s.sport++;
		break;
	case 3:
		s.dport++;
		break;
	case 4:
		s.ack++;
		break;
	case 5:
		s.window++;
		break;
	case 6:
		s.tos = 3; /* congestion experienced */
		break;
	case 7:
		s.ttl--;
		break;
	case 8:
		s.fragment = 0;
		break;
	case 9:
		s.options[7]++; /* a later timestamp */
		break;
	case 10:
		s.n_options = 0;
		break;
	case 11:
		s.n_options = 16;
		break;
	case 12:
		s.flags |= TCP_ECE;
		break;
	case 13:
		s.n_ip_options = 4;
		break;
	}
	return s;
}

Test(tcpmerge, differences)
{
	static const uint8_t flags[] = { TCP_FIN, TCP_SYN, TCP_RST, TCP_URG,
					 TCP_CWR };
	struct tcpmerge m;
	struct segment s;

	fill();
	for (unsigned i = 0; i < FIELDS; i++) {
		s = differ(i);
		cr_assert(begin(&m, &data, 100));
		cr_assert_not(add(&m, &s, 100, 100), "field %u", i);
		/* and it went on as if that had not been */
		cr_assert(add(&m, &data, 100, 100));
		cr_assert_eq(tcpmerge_end(&m), 252u);
		cr_assert(segment_is_summed(whole, 252));
	}
	for (unsigned i = 0; i < sizeof(flags); i++) {
		s = data;
		s.flags |= flags[i];
		cr_assert_not(begin(&m, &s, 100));
		cr_assert(begin(&m, &data, 100));
		cr_assert_not(add(&m, &s, 100, 100));
	}
	s = data;
	s.flags = 0;
	cr_assert_not(begin(&m, &s, 100));
	s = data;
	s.fragment = IP_MF;
	cr_assert_not(begin(&m, &s, 100));
	s = differ(13);
	cr_assert_not(begin(&m, &s, 100));
	/* no data */
	cr_assert_not(begin(&m, &data, 0));
	cr_assert(begin(&m, &data, 100));
	cr_assert_not(add(&m, &data, 100, 0));
}

Test(tcpmerge, order)
{
	struct segment push = data;
	struct tcpmerge m;

	fill();
	push.flags |= TCP_PSH;
	cr_assert(begin(&m, &data, 100));
	cr_assert_not(add(&m, &data, 101, 100)); /* a gap */
	cr_assert_not(add(&m, &data, 99, 100));  /* an overlap */
	cr_assert_not(add(&m, &data, 0, 100));   /* again */
	/* one that pushes is the last */
	cr_assert(add(&m, &push, 100, 50));
	cr_assert_not(add(&m, &data, 150, 100));
	cr_assert_eq(tcpmerge_end(&m), 202u);
	cr_assert_eq(whole[33], TCP_ACK | TCP_PSH);
	cr_assert(begin(&m, &push, 100));
	cr_assert_not(add(&m, &data, 100, 100));
	/* one alone stays as it came */
	cr_assert_eq(tcpmerge_end(&m), 152u);
}

/* Whatever is cut off is no part. */
Test(tcpmerge, cut_off)
{
	struct tcpmerge m;
	size_t n;

	fill();
	cr_assert(begin(&m, &data, 100));
	n = segment_make(part, sizeof(part), &data, payload, 100);
	for (size_t i = 0; i < n; i++) {
		uint8_t *copy = malloc(i + 1);
		struct tcpmerge other;

		memcpy(copy, part, i);
		cr_assert_not(tcpmerge_begin(&other, copy, i));
		cr_assert_not(tcpmerge_add(&m, copy, i));
		free(copy);
	}
}

Test(tcpmerge, locals)
{
	struct ip4 out = { .src = pair_addr(PAIR_A), .dst = pair_addr(PAIR_B) };
	struct ip4 in = { .src = pair_addr(PAIR_B), .dst = pair_addr(PAIR_A) };
	struct tcp mine = { .sport = 1000, .dport = 80 };
	struct tcp theirs = { .sport = 80, .dport = 1000 };
	struct store s;

	cr_assert_eq(store_create(&s, 4, 1), 0);
	cr_assert_not(locals_has(s.head, &in, &theirs));
	locals_see(s.head, &out, &mine, true);
	cr_assert(locals_has(s.head, &in, &theirs));
	/* not another one, nor the way back */
	cr_assert_not(locals_has(s.head, &out, &theirs));
	cr_assert_not(locals_has(s.head, &in, &mine));
	theirs.sport++;
	cr_assert_not(locals_has(s.head, &in, &theirs));
	theirs.sport--;
	theirs.dport++;
	cr_assert_not(locals_has(s.head, &in, &theirs));
	theirs.dport--;
	/* the same ports, forwarded now */
	locals_see(s.head, &out, &mine, false);
	cr_assert_not(locals_has(s.head, &in, &theirs));
	/* one that displaces others comes back */
	locals_see(s.head, &out, &mine, true);
	for (unsigned i = 0; i < 60000; i++) {
		struct tcp t = { .sport = (uint16_t)i, .dport = 443 };

		locals_see(s.head, &out, &t, true);
	}
	locals_see(s.head, &out, &mine, true);
	cr_assert(locals_has(s.head, &in, &theirs));
	store_unmap(&s);
}
