/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A train of TCP segments: two octets of the longest segment's length, one of
 * room behind the packet, then the packet.  Cut, with something written into
 * the room behind each segment, it has the payload that it had, each segment
 * is summed, none too long; and tcpmerge, where it takes them, finds the same
 * payload.
 */
#include "base/cursor.h"
#include "engine/wire/tcpcut.h"
#include "engine/wire/tcpmerge.h"
#include "test/lib/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

static uint8_t merged[TCPMERGE_MAX];

static void
check_merged(struct tcpmerge *m, const uint8_t *payload)
{
	size_t n = tcpmerge_end(m);

	PAIR_CHECK(segment_is_summed(merged, n));
	PAIR_CHECK(memcmp(merged + m->headers, payload, n - m->headers) == 0);
}

static void
check_cut(struct tcpcut *c, const uint8_t *payload, size_t len, size_t longest)
{
	uint32_t n = 0, count = tcpcut_count(c);
	struct tcpcut_segment s;
	struct tcpmerge m = { 0 };
	size_t done = 0, from = 0;

	while (tcpcut_next(c, &s)) {
		size_t data = s.len - c->headers;

		PAIR_CHECK(s.len > c->headers && s.len <= longest);
		PAIR_CHECK(segment_is_summed(s.octets, s.len));
		PAIR_CHECK(done + data <= len);
		PAIR_CHECK(
		    memcmp(s.octets + c->headers, payload + done, data) == 0);
		if (m.parts == 0 || !tcpmerge_add(&m, s.octets, s.len)) {
			if (m.parts != 0)
				check_merged(&m, payload + from);
			m.parts = 0;
			from = done;
			if (s.len <= sizeof(merged)) {
				memcpy(merged, s.octets, s.len);
				if (!tcpmerge_begin(&m, merged, s.len))
					m.parts = 0;
			}
		}
		memset(s.octets + s.len, 0xee, s.room);
		done += data;
		n++;
	}
	if (m.parts != 0)
		check_merged(&m, payload + from);
	PAIR_CHECK(done == len && n == count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	struct cursor c = cursor_make(octets, len);
	uint8_t *packet, *payload, room;
	uint16_t longest;
	struct tcpcut cut;
	struct ip4 ip;

	if (!cursor_u16(&c, &longest) || !cursor_u8(&c, &room) ||
	    ip_parse(c.at, c.left, &ip) != IP_OK)
		return 0;
	packet = malloc((size_t)ip.total + room);
	memcpy(packet, c.at, ip.total);
	if (tcpcut_begin(&cut, packet, &ip, room, longest)) {
		size_t n = ip.total - cut.headers;

		payload = malloc(n);
		memcpy(payload, packet + cut.headers, n);
		check_cut(&cut, payload, n, longest);
		free(payload);
	} else {
		PAIR_CHECK(memcmp(packet, c.at, ip.total) == 0);
	}
	free(packet);
	return 0;
}
