/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both stream parsers, request after request as the outlet calls them; and
 * each request once more, cut off at every octet as a stream may cut it: it
 * is incomplete until it is whole, and what follows does not change it.  None
 * is still incomplete where the outlet's buffer is full.
 */
#include <stdlib.h>
#include <string.h>

#include "entropyd/egd.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

typedef struct egd_request parser(const uint8_t *, size_t);

/* The first n octets, in memory of their own: the sanitizer sees a step past
 * them. */
static struct egd_request
parse_cut(parser *parse, const uint8_t *octets, size_t n)
{
	uint8_t *own = malloc(n + (n == 0));
	struct egd_request rq;

	if (own == NULL)
		abort();
	memcpy(own, octets, n);
	rq = parse(own, n);
	rq.octets = NULL;
	free(own);
	return rq;
}

static void
cut(parser *parse, const uint8_t *octets, const struct egd_request *rq)
{
	struct egd_request whole = parse_cut(parse, octets, rq->taken);

	for (size_t n = 0; n < rq->taken; n++)
		if (parse_cut(parse, octets, n).op != EGD_MORE)
			abort();
	if (whole.op != rq->op || whole.taken != rq->taken || whole.n != rq->n)
		abort();
}

static void
walk(parser *parse, const uint8_t *octets, size_t len)
{
	while (len != 0) {
		struct egd_request rq = parse(octets, len);

		if (rq.op == EGD_MORE && len >= EGD_REQUEST_MAX)
			abort();
		if (rq.op == EGD_MORE || rq.op == EGD_BAD)
			return;
		/* It makes progress, within what it was given. */
		if (rq.taken == 0 || rq.taken > len ||
		    rq.taken > EGD_REQUEST_MAX || rq.n > EGD_POOL_MAX)
			abort();
		if (rq.op == EGD_WRITE &&
		    (rq.octets < octets ||
		     rq.octets + rq.n != octets + rq.taken))
			abort();
		cut(parse, octets, &rq);
		octets += rq.taken;
		len -= rq.taken;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	walk(egd_parse, octets, len);
	walk(egd_parse_pool, octets, len);
	return 0;
}
