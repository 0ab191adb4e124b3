/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both stream parsers, request after request as the outlet calls them. */
#include <stdlib.h>
#include <string.h>

#include "entropyd/egd.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

static void
walk(struct egd_request (*parse)(const uint8_t *, size_t),
     const uint8_t *octets, size_t len)
{
	while (len != 0) {
		struct egd_request rq = parse(octets, len);

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
