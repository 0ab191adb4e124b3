/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * isakmp: the IKEv1 Quick Mode payloads that KINK carries, read
 * (RFC 2408 section 3, RFC 2407 section 4, RFC 4430 section 5).
 *
 * Owns nothing: a view of the caller's octets.  Any thread.  Never judges
 * whether an offer is acceptable; that is transform's.
 *
 * generic header:  next (1) 0 (1) length (2)
 * SA (1):          DOI (4) = 1, situation (4) = 1, proposals
 * proposal (2):    number, protocol, SPI size, transforms, SPI, transforms
 * transform (3):   number, id, 0 (2), attributes
 * attribute:       1|type (2) value (2)   or   0|type (2) length (2) value
 * KE (4), nonce (10): octets
 * ID (5):          type, protocol, port (2), address data
 * notify (11):     DOI (4), protocol, SPI size, type (2), SPI, data
 * delete (12):     DOI (4), protocol, SPI size, count (2), SPIs
 */
#ifndef KEYNEG_KINK_ISAKMP_H
#define KEYNEG_KINK_ISAKMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/ipaddr.h"

enum isakmp_payload {
	ISAKMP_PAYLOAD_NONE = 0,
	ISAKMP_PAYLOAD_SA = 1,
	ISAKMP_PAYLOAD_PROPOSAL = 2,
	ISAKMP_PAYLOAD_TRANSFORM = 3,
	ISAKMP_PAYLOAD_KE = 4,
	ISAKMP_PAYLOAD_ID = 5,
	ISAKMP_PAYLOAD_NONCE = 10,
	ISAKMP_PAYLOAD_NOTIFY = 11,
	ISAKMP_PAYLOAD_DELETE = 12,
};

enum isakmp_notify_type {
	ISAKMP_NOTIFY_OK = 0, /* none: not on the wire */
	ISAKMP_NOTIFY_INVALID_PAYLOAD_TYPE = 1,
	ISAKMP_NOTIFY_INVALID_SPI = 11,
	ISAKMP_NOTIFY_ATTRIBUTES_NOT_SUPPORTED = 13,
	ISAKMP_NOTIFY_NO_PROPOSAL_CHOSEN = 14,
	ISAKMP_NOTIFY_PAYLOAD_MALFORMED = 16,
	ISAKMP_NOTIFY_INVALID_ID_INFORMATION = 18,
	ISAKMP_NOTIFY_AUTHENTICATION_FAILED = 24,
	/* Status, private use: the name of the association, a hint. */
	ISAKMP_NOTIFY_ASSOCIATION = 33153,
};

enum isakmp_protocol { ISAKMP_PROTOCOL_AH = 2, ISAKMP_PROTOCOL_ESP = 3 };

enum {
	ISAKMP_MAX_PROPOSALS = 8,
	ISAKMP_MAX_TRANSFORMS = 8,
	ISAKMP_MAX_NOTIFIES = 4,
	ISAKMP_MAX_SPIS = 16,
	ISAKMP_NONCE_MIN = 8, /* RFC 2409 section 5 */
	ISAKMP_NONCE_MAX = 256,
};

/* What the attributes of a transform say; 0 is "not said". */
struct isakmp_attrs {
	uint64_t life_secs, life_kb;
	uint16_t group, encap, auth, key_bits, esn;
};

struct isakmp_transform {
	uint8_t number, id;
	bool unknown; /* an attribute or value that we do not know */
	struct isakmp_attrs attrs;
};

struct isakmp_proposal {
	uint8_t number, protocol;
	uint32_t spi; /* 0 unless the SPI has 4 octets */
	unsigned transforms;
	struct isakmp_transform transform[ISAKMP_MAX_TRANSFORMS];
};

struct isakmp_notify {
	uint16_t type;
	uint8_t protocol;
	struct cursor spi, data;
};

/* One SA operation: the payloads of one KINK_ISAKMP. */
struct isakmp_op {
	bool has_sa, has_ids;
	unsigned proposals, notifies, spis;
	struct isakmp_proposal proposal[ISAKMP_MAX_PROPOSALS];
	struct cursor nonce, ke; /* empty: none */
	struct ipaddr idci, idcr;
	uint8_t id_protocol[2];
	uint16_t id_port[2];
	struct isakmp_notify notify[ISAKMP_MAX_NOTIFIES];
	uint8_t delete_protocol;
	uint32_t spi[ISAKMP_MAX_SPIS]; /* to be deleted */
};

/* What went wrong and, for INVALID_PAYLOAD_TYPE, the type. */
struct isakmp_fault {
	enum isakmp_notify_type type;
	uint8_t payload;
	const char *why;
};

/* Walks the payloads, the first of type `next`.  False with *fault. */
bool isakmp_parse(struct cursor c, uint8_t next, struct isakmp_op *out,
		  struct isakmp_fault *fault);
const char *isakmp_notify_name(uint16_t type);
/* 0 - 16383 are errors (RFC 4430 section 5.5). */
bool isakmp_notify_is_error(uint16_t type);

#endif
