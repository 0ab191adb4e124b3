/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A datagram of a queue's netlink socket. */
#include <stdlib.h>
#include <string.h>

#include "engine/nfq/nlq_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

#define ROOM 16u

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	uint8_t *buf = malloc(len + ROOM);
	struct nlq_msg m;

	memcpy(buf, octets, len);
	nlq_msg_parse(buf, len, ROOM, &m);
	switch (m.kind) {
	case NLQ_IGNORED:
	case NLQ_BROKEN:
	case NLQ_DONE:
		break;
	case NLQ_ERROR:
		if (m.error < 0)
			abort();
		break;
	case NLQ_PACKET:
		if (m.pkt.len == 0) {
			/* must not be taken for a whole packet */
			if (m.pkt.whole == 0)
				abort();
			break;
		}
		if (m.pkt.octets < buf ||
		    (size_t)(m.pkt.octets - buf) + m.pkt.len > len ||
		    (size_t)(m.pkt.octets - buf) + m.pkt.len + m.pkt.room >
			len + ROOM ||
		    m.pkt.whole < m.pkt.len)
			abort();
		/* all of it may be written to */
		memset(m.pkt.octets, 0, m.pkt.len + m.pkt.room);
		break;
	}
	free(buf);
	return 0;
}
