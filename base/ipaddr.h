/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipaddr: an IPv4 or IPv6 address or prefix, as text and as octets.
 *
 * Plain values; any thread.  Never resolves names.
 */
#ifndef BASE_IPADDR_H
#define BASE_IPADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ip_family { IP_FAMILY_NONE = 0, IP_FAMILY_4 = 4, IP_FAMILY_6 = 6 };

/* Fixed layout: lives in shared memory and in control messages.  An IPv4
 * address fills octets[0..3], the rest is zero, so memcmp compares. */
struct ipaddr {
	uint8_t octets[16];
	uint8_t family; /* enum ip_family; NONE means any */
	uint8_t prefix; /* 0..32 or 0..128; a host address has all bits */
	uint8_t reserved[2];
};

#define IPADDR_TEXT 50 /* fits any address, its prefix and the final 0 */

/* "any", "10.0.0.1", "fd00::/64".  Bits behind the prefix must be zero.
 * 0, -EINVAL. */
int ipaddr_parse(const char *text, struct ipaddr *out);
/* Shortest form; the prefix only when it is not a host address. */
const char *ipaddr_format(const struct ipaddr *a, char out[IPADDR_TEXT]);
struct ipaddr ipaddr_from_be32(uint32_t be);
/* An IPv4-mapped address (RFC 4291 section 2.5.5.2) becomes the IPv4 one; all
 * others stay as they are. */
void ipaddr_unmap(struct ipaddr *a);
bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b);
bool ipaddr_is_host(const struct ipaddr *a);
/* Does prefix p (or any) hold host address a? */
bool ipaddr_contains(const struct ipaddr *p, const struct ipaddr *a);

#endif
