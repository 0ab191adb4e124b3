/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Quick Mode payloads of one operation.  What is read is built again and
 * must read the same. */
#include <stdlib.h>
#include <string.h>

#include "keyneg/kink/isakmp.h"
#include "keyneg/kink/qmbuild.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

static void
same_offer(const struct isakmp_op *a, const struct isakmp_op *b)
{
	if (a->proposals != b->proposals)
		abort();
	for (unsigned i = 0; i < a->proposals; i++) {
		const struct isakmp_proposal *p = &a->proposal[i],
					     *q = &b->proposal[i];

		if (p->spi != q->spi || p->protocol != q->protocol ||
		    p->transforms != q->transforms)
			abort();
		for (unsigned t = 0; t < p->transforms; t++)
			if (p->transform[t].id != q->transform[t].id ||
			    memcmp(&p->transform[t].attrs,
				   &q->transform[t].attrs,
				   sizeof(p->transform[t].attrs)) != 0)
				abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	static uint8_t buf[65536];
	struct builder b = builder_make(buf, sizeof(buf));
	struct isakmp_op op, again;
	struct isakmp_fault fault;
	struct cursor c = cursor_make(octets, len);
	struct qmbuild q;
	uint8_t next;

	if (!cursor_u8(&c, &next) || !cursor_skip(&c, 3))
		return 0;
	if (!isakmp_parse(c, next, &op, &fault)) {
		if (fault.type == ISAKMP_NOTIFY_OK || fault.why == NULL)
			abort();
		return 0;
	}
	if (!op.has_sa)
		return 0;
	q = qmbuild_make(&b);
	qmbuild_sa(&q, op.proposal, op.proposals);
	if (b.overflow || !isakmp_parse(cursor_make(buf + 4, b.len - 4), buf[0],
					&again, &fault))
		abort();
	same_offer(&op, &again);
	return 0;
}
