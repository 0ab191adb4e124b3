/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nlq_msg: one netlink message of a queue, read into a view.
 *
 * Pure; any thread.  Never trusts a length in it.  The kernel puts one message
 * into a datagram.
 *
 *   +-----------+-----------+-----+-----+-----+-------------+
 *   | nlmsghdr  | nfgenmsg  | TLV | TLV | ... | NFQA_PAYLOAD |   packet
 *   +-----------+-----------+-----+-----+-----+-------------+
 *   | nlmsghdr  | errno     | nlmsghdr of what it is about   |   error
 *   +-----------+-----------+-------------------------------+
 */
#ifndef ENGINE_NFQ_NLQ_MSG_H
#define ENGINE_NFQ_NLQ_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "engine/path/pkt.h"

enum nlq_kind {
	NLQ_IGNORED, /* nothing to do: other types */
	NLQ_BROKEN,  /* makes no sense, and so no packet id is known */
	NLQ_PACKET,
	NLQ_ERROR,
	NLQ_DONE, /* the kernel did what a message asked for */
};

struct nlq_msg {
	enum nlq_kind kind;
	uint32_t id;    /* PACKET; of the verdict it is about, ERROR and DONE */
	int error;      /* ERROR: a positive errno */
	struct pkt pkt; /* PACKET; its mtu is not set; len 0 when the payload
			   is missing or cut */
};

/* `octets` holds a datagram of len octets and behind it `room` octets that
 * may be written to. */
void nlq_msg_parse(uint8_t *octets, size_t len, size_t room,
		   struct nlq_msg *out);

#endif
