/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "engine/path/ahpath.h"

enum ah_rules
ahpath_rules(struct suite_sizes z)
{
	return z.seq_octets == 0 ? AH_RULES_1826 : AH_RULES_4302;
}

unsigned
ahpath_octets(struct suite_sizes z)
{
	return ah_octets(ahpath_rules(z), z.iv_octets, z.icv_octets);
}

bool
ahpath_allows(struct suite_sizes z, const uint8_t *ip, size_t header)
{
	uint8_t cover[AH_IPV4_HEADER_MAX];

	return ah_cover_ipv4(cursor_make(ip, header), ahpath_rules(z), true,
			     cover) == AH_COVER_OK;
}

int
ahpath_sign(struct suite *s, struct suite_sizes z,
	    const struct ahpath_packet *p, uint8_t next, uint32_t spi,
	    uint64_t seq, uint64_t iv_counter)
{
	enum ah_rules rules = ahpath_rules(z);
	unsigned octets = ahpath_octets(z);
	uint8_t cover[AH_IPV4_HEADER_MAX], iv[16];
	uint8_t *header = p->octets + p->header;
	struct builder b = builder_make(header, octets);
	struct suite_piece pieces[3] = {
		{ cover, p->header },
		{ header, octets },
		{ header + octets, p->len - p->header - octets },
	};
	struct suite_scatter what = {
		.seq = seq, .iv = iv, .pieces = pieces, .n_pieces = 3
	};

	if (ah_cover_ipv4(cursor_make(p->octets, p->header), rules, true,
			  cover) != AH_COVER_OK)
		return -EINVAL;
	suite_make_iv(s, iv_counter, iv);
	ah_build(&b, rules, next, spi, (uint32_t)seq, iv, z.iv_octets,
		 z.icv_octets);
	what.icv = header + (rules == AH_RULES_4302 ? 12 : 8) + z.iv_octets;
	return suite_sign(s, &what);
}

int
ahpath_verify(struct suite *s, struct suite_sizes z,
	      const struct ahpath_packet *p, const struct ah *ah, uint64_t seq)
{
	uint8_t cover[AH_IPV4_HEADER_MAX], zeroed[AHPATH_OCTETS_MAX];
	uint8_t *header = p->octets + p->header;
	struct suite_piece pieces[3] = {
		{ cover, p->header },
		{ zeroed, ah->octets },
		{ header + ah->octets, p->len - p->header - ah->octets },
	};
	struct suite_scatter what = {
		.seq = seq,
		.iv = header + ah->data_at,
		.pieces = pieces,
		.n_pieces = 3,
		.icv = header + ah->data_at + z.iv_octets,
	};

	if (ah->octets > sizeof(zeroed))
		return -EIO;
	/* Options that can't be walked can't have been signed. */
	if (ah_cover_ipv4(cursor_make(p->octets, p->header), ahpath_rules(z),
			  false, cover) != AH_COVER_OK)
		return -EBADMSG;
	/* The ICV, but not its padding (RFC 4302 3.4.4). */
	memcpy(zeroed, header, ah->octets);
	memset(zeroed + ah->data_at + z.iv_octets, 0, z.icv_octets);
	return suite_verify(s, &what);
}
