/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qmbuild: writes the Quick Mode payloads that isakmp reads, into a KINK
 * message's open ISAKMP payload (RFC 2408 section 3, RFC 2407 section 4).
 *
 * Owns nothing but its place in the caller's builder.  Any thread.  Never
 * allocates; what does not fit shows in the builder's overflow.
 */
#ifndef KEYNEG_KINK_QMBUILD_H
#define KEYNEG_KINK_QMBUILD_H

#include "base/builder.h"
#include "base/ipaddr.h"
#include "keyneg/kink/isakmp.h"

struct qmbuild {
	struct builder *b;
	size_t last_next; /* offset of the next-payload octet to patch */
};

/* Writes the 4 octets that open a KINK_ISAKMP value: inner next, 0x10, 0. */
struct qmbuild qmbuild_make(struct builder *b);
/* Proposals as in struct isakmp_proposal; a transform's `unknown` is not
 * looked at.  Life attributes come first, a duration in 4 octets when it
 * fits, else 8. */
void qmbuild_sa(struct qmbuild *q, const struct isakmp_proposal *p,
		unsigned proposals);
void qmbuild_nonce(struct qmbuild *q, const void *octets, size_t n);
void qmbuild_ke(struct qmbuild *q, const void *octets, size_t n);
/* A host address or a prefix; any protocol, any port. */
void qmbuild_id(struct qmbuild *q, const struct ipaddr *a);
/* spi 0: none. */
void qmbuild_notify(struct qmbuild *q, uint16_t type, uint8_t protocol,
		    uint32_t spi, const void *data, size_t n);
void qmbuild_delete(struct qmbuild *q, uint8_t protocol, const uint32_t *spi,
		    unsigned n);

#endif
