/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * egd: the wire format of the Entropy Gathering Daemon, and of our own pool
 * socket, as pure parsers.
 *
 * Both are streams of requests.  Nothing here reads, writes or keeps; any
 * thread.  Never believes a length before it is within its limit.
 *
 * EGD (as existing clients speak it; all numbers big endian):
 *   0x00                          -> bits in the pool (4)
 *   0x01 | n (1)                  -> k (1) | k octets, k <= n, at once
 *   0x02 | n (1)                  -> n octets, when there are so many
 *   0x03 | bits (2) | n (1) | n octets    (no answer; mixed, not credited)
 *   0x04                          -> n (1) | the process id in decimal
 * Pool socket:
 *   n (2), 1..4096                -> n octets
 */
#ifndef ENTROPYD_EGD_H
#define ENTROPYD_EGD_H

#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"

#define EGD_REQUEST_MAX (4 + 255) /* octets of the longest request */
#define EGD_POOL_MAX                                                           \
	ENTROPY_REQUEST_MAX /* octets of the pool socket's answer */

enum egd_op {
	EGD_MORE, /* the request is not complete */
	EGD_BAD,  /* it can't become one: close */
	EGD_BITS,
	EGD_TRY,   /* read n, at once */
	EGD_READ,  /* read n, when ready */
	EGD_WRITE, /* n octets at `octets` */
	EGD_PID,
};

struct egd_request {
	enum egd_op op;
	size_t taken; /* octets of input that it is made of */
	size_t n;
	const uint8_t *octets; /* into the input */
};

/* The first request of what came so far. */
struct egd_request egd_parse(const uint8_t *input, size_t len);
struct egd_request egd_parse_pool(const uint8_t *input, size_t len);

#endif
