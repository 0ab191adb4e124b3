/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ah: the Authentication Header, of 2005 and of 1995, and what it covers.
 *
 *   RFC 4302                              RFC 1826
 *    0       8       16              31    0       8       16              31
 *   +-------+-------+----------------+    +-------+-------+----------------+
 *   | next  | len   | reserved, 0    |    | next  | len   | reserved, 0    |
 *   +-------+-------+----------------+    +-------+-------+----------------+
 *   | SPI                            |    | SPI                            |
 *   +--------------------------------+    +--------------------------------+
 *   | sequence number, low 32 bits   |    | authentication data ...        |
 *   +--------------------------------+    +--------------------------------+
 *   | IV (GMAC), ICV, ICV padding... |
 *   +--------------------------------+
 *   len: all 32-bit words less 2          len: words of the data alone
 *
 * Pure functions over octets; any thread.  Never keys, never an ICV: those are
 * engine/crypto's.
 */
#ifndef ENGINE_WIRE_AH_H
#define ENGINE_WIRE_AH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/cursor.h"

#define AH_PROTOCOL        51
#define AH_IPV4_HEADER_MAX 60 /* octets, options included */

enum ah_rules { AH_RULES_4302, AH_RULES_1826 };

/* A view of a header; dies with the octets. */
struct ah {
	uint8_t next;     /* protocol of what follows */
	uint32_t spi;     /* host order */
	uint32_t seq;     /* as on the wire; 0 by RFC 1826 */
	unsigned octets;  /* of the whole header */
	unsigned data_at; /* offset of IV, ICV */
};

/* Octets of the header for an IV and an ICV of these lengths, padded to 32
 * bits (RFC 4302 2.6; nothing to pad by RFC 1826). */
unsigned ah_octets(enum ah_rules rules, unsigned iv_octets,
		   unsigned icv_octets);

/* The SPI, which stands in the same place in both and says which it is.
 * False: fewer octets than a header has. */
bool ah_peek_spi(struct cursor c, uint32_t *spi);

/* False: cut short, or a length field that is not exactly what an SA with this
 * IV and ICV sends (RFC 4302 2.2). */
bool ah_parse(struct cursor c, enum ah_rules rules, unsigned iv_octets,
	      unsigned icv_octets, struct ah *out);

/* Header with its IV; ICV and padding are zeros.  seq is not written by RFC
 * 1826. */
void ah_build(struct builder *b, enum ah_rules rules, uint8_t next,
	      uint32_t spi, uint32_t seq, const uint8_t *iv, unsigned iv_octets,
	      unsigned icv_octets);

/*
 * An IPv4 header as it goes under the ICV: what may change on the way is zero
 * (RFC 4302 3.3.3.1.1 and its appendix A1; RFC 1826 4: TTL and checksum
 * alone).  outbound: the destination of a source route that is not used up is
 * its last address, where the packet will be when it is verified.
 * header: exactly the header, options included.  Writes header.left octets.
 *
 * AH_COVER_MALFORMED: no IPv4 header, or an option past its end.
 * AH_COVER_CHANGES: by RFC 1826, outbound, an option that routers rewrite in a
 * way that nobody can foresee; it would never verify.
 */
enum ah_cover { AH_COVER_OK, AH_COVER_MALFORMED, AH_COVER_CHANGES };
enum ah_cover ah_cover_ipv4(struct cursor header, enum ah_rules rules,
			    bool outbound, uint8_t out[AH_IPV4_HEADER_MAX]);

#endif
