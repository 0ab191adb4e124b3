/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A datagram from the network: header, outer chain, and, standing in for a
 * decrypted one, every payload chain read as an inner one too. */
#include <stdlib.h>

#include "keyneg/kink/isakmp.h"
#include "keyneg/kink/kinkmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

static void
operations(const struct kinkbody *body)
{
	struct isakmp_fault fault;
	struct isakmp_op op;

	for (unsigned i = 0; i < body->isakmp_count; i++)
		if (!isakmp_parse(body->isakmp[i], body->isakmp_next[i], &op,
				  &fault) &&
		    fault.type == ISAKMP_NOTIFY_OK)
			abort(); /* refused without a reason */
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	static uint8_t copy[65536];
	struct kinkbody body;
	struct kinkmsg msg;

	if (kinkmsg_parse(cursor_make(octets, len), &msg) != KINK_ERROR_OK)
		return 0;
	if (msg.whole.left > len || msg.whole.left != KINKMSG_HEADER_LEN +
							  msg.payloads.left +
							  msg.cksum.left)
		abort();
	if (kinkmsg_signed_octets(&msg, copy, sizeof(copy)) !=
	    msg.whole.left - msg.cksum.left)
		abort();
	if (kinkmsg_parse_body(msg.payloads, msg.next, &body) == KINK_ERROR_OK)
		operations(&body);
	if (kinkmsg_parse_inner(msg.payloads, &body) == KINK_ERROR_OK)
		operations(&body);
	return 0;
}
