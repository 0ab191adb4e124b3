/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trains of TCP segments, cut apart; each as the kernel would have cut it. */
#include <criterion/criterion.h>

#include "engine/wire/tcpcut.h"
#include "test/lib/segment.h"

static uint8_t packet[65536 + 64], payload[65536];

/* Cuts `packet` and looks at every segment; returns how many there were. */
static uint32_t
check_cut(const struct segment *as, size_t len, size_t room, size_t longest)
{
	size_t whole = segment_make(packet, sizeof(packet), as, payload, len);
	size_t headers = whole - len, done = 0;
	struct tcpcut_segment s;
	struct tcpcut c;
	struct tcp tcp;
	struct ip4 ip;
	uint32_t n = 0, count;

	cr_assert_eq(ip_parse(packet, whole, &ip), IP_OK);
	cr_assert(tcpcut_begin(&c, packet, &ip, room, longest));
	count = tcpcut_count(&c);
	while (tcpcut_next(&c, &s)) {
		bool last = n == count - 1;

		cr_assert_eq(s.first, n == 0);
		cr_assert_eq(s.last, last);
		cr_assert(s.len == longest || (last && s.len > headers));
		cr_assert_eq(ip_parse(s.octets, s.len, &ip), IP_OK);
		cr_assert_eq(ip.total, s.len);
		cr_assert_eq(csum_of(s.octets, ip.header), 0);
		cr_assert_eq(ip.id, (uint16_t)(as->id + n));
		cr_assert_eq(s.id, ip.id);
		cr_assert(
		    tcp_parse(s.octets + ip.header, s.len - ip.header, &tcp));
		cr_assert(segment_is_summed(s.octets, s.len));
		cr_assert_eq(tcp.seq, as->seq + (uint32_t)done);
		cr_assert_eq(tcp.ack, as->ack);
		cr_assert_eq(tcp.window, as->window);
		cr_assert_eq(tcp.flags & (TCP_FIN | TCP_PSH),
			     last ? as->flags & (TCP_FIN | TCP_PSH) : 0);
		cr_assert_eq(tcp.flags & TCP_CWR,
			     n == 0 ? as->flags & TCP_CWR : 0);
		cr_assert_eq(tcp.flags & (TCP_ACK | TCP_ECE),
			     as->flags & (TCP_ACK | TCP_ECE));
		cr_assert_eq(memcmp(s.octets + ip.header + TCP_HEADER_MIN,
				    as->options, as->n_options),
			     0);
		cr_assert_eq(
		    memcmp(s.octets + headers, payload + done, s.len - headers),
		    0);
		/* a trailer may be written there */
		cr_assert(last ? s.room == room : s.room > 0);
		memset(s.octets + s.len, 0xee, s.room);
		done += s.len - headers;
		n++;
	}
	cr_assert_eq(done, len);
	cr_assert_eq(n, count);
	cr_assert_not(tcpcut_next(&c, &s));
	return n;
}

static void
fill(void)
{
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 13 + i / 247);
}

Test(tcpcut, every_length)
{
	struct segment s = segment_data(1);

	fill();
	s.flags = TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR | TCP_ECE;
	for (size_t len = 1; len < 130; len++)
		for (size_t each = 1; each < 70; each += each < 8 ? 1 : 7)
			cr_assert_eq(check_cut(&s, len, 48, 52 + each),
				     (len + each - 1) / each);
	cr_assert_eq(check_cut(&s, 65000, 64, 1466), 46u);
	cr_assert_eq(check_cut(&s, 65483, 0, 1466), 47u);
	cr_assert_eq(check_cut(&s, 1000, 64, 9000), 1u);
	cr_assert_eq(check_cut(&s, 1414, 64, 1466), 1u);
	cr_assert_eq(check_cut(&s, 1415, 64, 1466), 2u);
}

/* Numbers that wrap; no options; the most options; options of IP. */
Test(tcpcut, headers)
{
	struct segment s = segment_data(0xfffffff0u);

	fill();
	s.id = 0xfffe;
	check_cut(&s, 5000, 64, 1000);
	s.n_options = 0;
	check_cut(&s, 5000, 64, 1000);
	s.n_options = 40;
	memset(s.options, 1, 40);
	check_cut(&s, 5000, 64, 1000);
	s.n_ip_options = 8;
	check_cut(&s, 5000, 64, 1000);
}

/* The urgent pointer counts from each segment's own number. */
Test(tcpcut, urgent)
{
	struct segment as = segment_data(7);
	struct tcpcut_segment s;
	struct tcpcut c;
	struct tcp tcp;
	struct ip4 ip;
	uint16_t want[] = { 150, 50, 0, 0 };
	size_t whole;

	as.flags |= TCP_URG;
	as.urgent = 150;
	as.n_options = 0;
	whole = segment_make(packet, sizeof(packet), &as, payload, 400);
	cr_assert_eq(ip_parse(packet, whole, &ip), IP_OK);
	cr_assert(tcpcut_begin(&c, packet, &ip, 0, 140));
	for (unsigned i = 0; i < 4; i++) {
		cr_assert(tcpcut_next(&c, &s));
		cr_assert(tcp_parse(s.octets + 20, s.len - 20, &tcp));
		cr_assert_eq(tcp.urgent, want[i]);
		cr_assert_eq((tcp.flags & TCP_URG) != 0, want[i] != 0);
	}
}

static bool
begins(const struct segment *as, uint8_t protocol, size_t len, size_t longest)
{
	size_t whole = segment_make(packet, sizeof(packet), as, payload, len);
	static uint8_t before[65536];
	struct tcpcut c;
	struct ip4 ip;
	bool r;

	packet[9] = protocol;
	memcpy(before, packet, whole);
	cr_assert_eq(ip_parse(packet, whole, &ip), IP_OK);
	r = tcpcut_begin(&c, packet, &ip, 0, longest);
	cr_assert_eq(memcmp(before, packet, whole), 0);
	return r;
}

Test(tcpcut, refusals)
{
	struct segment s = segment_data(1);

	cr_assert(begins(&s, IP_TCP, 100, 53));
	cr_assert_not(begins(&s, IP_TCP, 100, 52));
	cr_assert_not(begins(&s, IP_TCP, 100, 0));
	cr_assert_not(begins(&s, IP_UDP, 100, 100));
	cr_assert_not(begins(&s, IP_TCP, 0, 100));
	/* signed as it stands: RFC 2385, RFC 5925 */
	s.n_options = 20;
	memset(s.options, 1, 20);
	memcpy(s.options, "\1\1\23\22", 4);
	cr_assert_not(begins(&s, IP_TCP, 100, 100));
	memcpy(s.options, "\35\20\1\2", 4);
	cr_assert_not(begins(&s, IP_TCP, 100, 100));
	/* behind the list's end it is no option */
	memcpy(s.options, "\0\35\20\1", 4);
	cr_assert(begins(&s, IP_TCP, 100, 100));
	/* options that can't be walked */
	memcpy(s.options, "\3\1\1\1", 4);
	cr_assert_not(begins(&s, IP_TCP, 100, 100));
	memcpy(s.options, "\3\50\1\1", 4);
	cr_assert_not(begins(&s, IP_TCP, 100, 100));
}

/* A header that says it is longer than the packet, or shorter than itself. */
Test(tcpcut, headers_that_lie)
{
	struct segment as = segment_data(1);
	size_t whole = segment_make(packet, sizeof(packet), &as, payload, 20);
	struct tcpcut c;
	struct ip4 ip;

	cr_assert_eq(ip_parse(packet, whole, &ip), IP_OK);
	for (unsigned offset = 0; offset < 16; offset++) {
		packet[32] = (uint8_t)(offset << 4);
		memset(packet + 40, 1, whole - 40);
		/* 32 octets of header and 20 of payload, and no more */
		cr_assert_eq(tcpcut_begin(&c, packet, &ip, 0, 100),
			     offset >= 5 && offset * 4 < whole - 20,
			     "offset %u", offset);
	}
	cr_assert_eq(ip_parse(packet, 20, &ip), IP_TRUNCATED);
	ip.total = 39;
	cr_assert_not(tcpcut_begin(&c, packet, &ip, 0, 100));
}
