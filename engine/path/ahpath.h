/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ahpath: the Authentication Header put before a payload and verified, IPv4.
 *
 * RFC 4302 3.3.3 and 3.4.4, RFC 1826 4.  Worker threads, through out.c and
 * in.c, which decide whether and why; nothing here looks at an SA's state.
 */
#ifndef ENGINE_PATH_AHPATH_H
#define ENGINE_PATH_AHPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/crypto/suite.h"
#include "engine/wire/ah.h"

/* The longest header: fixed part, ICV of HMAC-SHA2-512. */
#define AHPATH_OCTETS_MAX (12 + 32)

/* Which of the two headers an SA with these sizes has. */
enum ah_rules ahpath_rules(struct suite_sizes z);
/* Octets of its header. */
unsigned ahpath_octets(struct suite_sizes z);

/* Could a packet with this IP header be signed?  Not with options that are
 * malformed, nor, by RFC 1826, with such as routers rewrite. */
bool ahpath_allows(struct suite_sizes z, const uint8_t *ip, size_t header);

/* A packet with room for the header behind its IP header, which stands as it
 * will be sent (RFC 1826 covers its flags). */
struct ahpath_packet {
	uint8_t *octets;
	size_t header; /* octets of the IP header */
	size_t len;    /* of the whole packet, AH included */
};

/* Writes the header.  0, -EINVAL when ahpath_allows says no, -EIO. */
int ahpath_sign(struct suite *s, struct suite_sizes z,
		const struct ahpath_packet *p, uint8_t next, uint32_t spi,
		uint64_t seq, uint64_t iv_counter);
/* ah: what ah_parse found behind the IP header.  0, -EBADMSG, -EIO. */
int ahpath_verify(struct suite *s, struct suite_sizes z,
		  const struct ahpath_packet *p, const struct ah *ah,
		  uint64_t seq);

#endif
