/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opened packets in a row, each behind two octets of its length.  What is
 * merged has the payloads of its parts and no others, in order; its checksum
 * is right if and only if all of theirs were.
 */
#include "base/cursor.h"
#include "engine/wire/tcpmerge.h"
#include "test/lib/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

static uint8_t whole[TCPMERGE_MAX], payload[TCPMERGE_MAX];
static struct tcpmerge m;
static size_t n_payload;
static bool summed;

static void
note(const uint8_t *packet, size_t len)
{
	size_t headers = 20u + (size_t)(packet[32] >> 4) * 4;

	memcpy(payload + n_payload, packet + headers, len - headers);
	n_payload += len - headers;
	summed = summed && segment_is_summed(packet, len);
}

static void
finish(void)
{
	size_t n = tcpmerge_end(&m);
	struct ip4 ip;

	PAIR_CHECK(n <= TCPMERGE_MAX && n == m.headers + n_payload);
	PAIR_CHECK(memcmp(whole + m.headers, payload, n_payload) == 0);
	PAIR_CHECK(ip_parse(whole, n, &ip) == IP_OK && ip.total == n);
	/* One alone stays as it came.  Two wrong sums may make a right one. */
	if (summed)
		PAIR_CHECK(segment_is_summed(whole, n));
	if (m.parts > 1)
		PAIR_CHECK(csum_of(whole, 20) == 0);
	m.parts = 0;
}

static void
take(const uint8_t *octets, size_t len)
{
	struct ip4 ip;

	if (m.parts != 0) {
		size_t before = m.len;

		if (tcpmerge_add(&m, octets, len)) {
			PAIR_CHECK(ip_parse(octets, len, &ip) == IP_OK);
			note(octets, ip.total);
			return;
		}
		PAIR_CHECK(m.len == before);
		finish();
	}
	if (len > sizeof(whole))
		return;
	memcpy(whole, octets, len);
	n_payload = 0;
	summed = true;
	if (tcpmerge_begin(&m, whole, len))
		note(whole, m.len);
	else
		m.parts = 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	struct cursor c = cursor_make(octets, len), packet;
	uint16_t n;

	m.parts = 0;
	while (cursor_u16(&c, &n) && cursor_take(&c, n, &packet)) {
		uint8_t *copy = malloc(packet.left + 1u);

		memcpy(copy, packet.at, packet.left);
		take(copy, packet.left);
		free(copy);
	}
	if (m.parts != 0)
		finish();
	return 0;
}
