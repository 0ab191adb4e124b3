/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinkmsg: the KINK message (RFC 4430 section 4): header, payload chain,
 * place of the checksum.
 *
 * Owns nothing: a parsed message is a view of the datagram.  Any thread.
 * Never looks into Kerberos or ISAKMP octets, never verifies a checksum,
 * never allocates.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------+-------+-------+-------------------------------+
 * |     type      |   1   |   0   |   length, checksum included   |
 * +---------------+-------+-------+-------------------------------+
 * |                            DOI = 1                            |
 * +---------------------------------------------------------------+
 * |                              XID                              |
 * +---------------+-+-------------+-------------------------------+
 * | next payload  |A|      0      |        checksum length        |
 * +---------------+-+-------------+-------------------------------+
 * |  payloads, each on a 4-octet border, then the checksum        |
 *
 * +---------------+---------------+-------------------------------+
 * | next payload  |       0       |  length, padding not included |
 * +---------------+---------------+-------------------------------+
 */
#ifndef KEYNEG_KINK_KINKMSG_H
#define KEYNEG_KINK_KINKMSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/cursor.h"

#define KINKMSG_PORT         910
#define KINKMSG_HEADER_LEN   16
#define KINKMSG_MAX_LEN      16384 /* ours; the field could say 65535 */
#define KINKMSG_MAX_ISAKMP   4     /* SA operations a message may carry */
#define KINKMSG_MAX_PAYLOADS 16

enum kink_type {
	KINK_TYPE_CREATE = 1,
	KINK_TYPE_DELETE = 2,
	KINK_TYPE_REPLY = 3,
	KINK_TYPE_GETTGT = 4,
	KINK_TYPE_ACK = 5,
	KINK_TYPE_STATUS = 6,
};

enum kink_payload {
	KINK_PAYLOAD_DONE = 0,
	KINK_PAYLOAD_AP_REQ = 1,
	KINK_PAYLOAD_AP_REP = 2,
	KINK_PAYLOAD_KRB_ERROR = 3,
	KINK_PAYLOAD_TGT_REQ = 4,
	KINK_PAYLOAD_TGT_REP = 5,
	KINK_PAYLOAD_ISAKMP = 6,
	KINK_PAYLOAD_ENCRYPT = 7,
	KINK_PAYLOAD_ERROR = 8,
};

/* Section 4.2.8; what the parsers here return, OK being 0. */
enum kink_error {
	KINK_ERROR_OK = 0,
	KINK_ERROR_PROTOERR = 1,
	KINK_ERROR_INVDOI = 2,
	KINK_ERROR_INVMAJ = 3,
	KINK_ERROR_INTERR = 5,
	KINK_ERROR_BADQMVERS = 6,
	KINK_ERROR_U2UDENIED = 7,
};

struct kinkmsg {
	uint8_t type;
	bool ackreq;
	uint32_t xid;
	uint8_t next;        /* type of the first payload */
	struct cursor whole; /* header to end of checksum */
	struct cursor payloads;
	struct cursor cksum; /* empty: unauthenticated */
};

/* Payloads of one chain, outer or inside ENCRYPT.  A payload that is there
 * has its bit in `seen` (1 << type); what must come once comes once. */
struct kinkbody {
	uint32_t seen;
	uint32_t epoch;          /* of AP_REQ or AP_REP */
	struct cursor ap;        /* DER of AP_REQ or AP_REP */
	struct cursor krb_error; /* DER */
	struct cursor tgt;       /* TGT_REQ's name or TGT_REP's DER ticket */
	struct cursor encrypted;
	uint32_t error;                           /* ERROR's code */
	struct cursor isakmp[KINKMSG_MAX_ISAKMP]; /* after the header */
	uint8_t isakmp_next[KINKMSG_MAX_ISAKMP];  /* first inner type */
	unsigned isakmp_count;
};

/* Reads the header of a datagram; octets behind `length` are ignored
 * (section 4 allows them).  enum kink_error; on INVMAJ and INVDOI the type
 * and XID are filled in, for the answer. */
enum kink_error kinkmsg_parse(struct cursor datagram, struct kinkmsg *out);
/* Walks a chain that begins with type `next`.  Unknown payload types,
 * payloads behind ENCRYPT, and a second one of what comes once are PROTOERR;
 * an ISAKMP version other than 1.0 is BADQMVERS. */
enum kink_error kinkmsg_parse_body(struct cursor chain, uint8_t next,
				   struct kinkbody *out);
/* The plaintext of ENCRYPT: inner next, 3 reserved octets, payloads, and
 * whatever padding the encryption type left (section 4.2.7). */
enum kink_error kinkmsg_parse_inner(struct cursor plain, struct kinkbody *out);
const char *kinkmsg_type_name(uint8_t type);
const char *kinkmsg_error_name(uint32_t error);

/* ---- building ----------------------------------------------------------- */

/* Writes into one buffer, payload after payload; `last_next` is where the
 * type of the following payload will stand. */
struct kinkmsg_build {
	struct builder b;
	size_t base;      /* where alignment counts from */
	size_t last_next; /* offset of the next-payload octet to patch */
	size_t open;      /* offset of the payload being written */
};

struct kinkmsg_build kinkmsg_build_make(void *buf, size_t cap, uint8_t type,
					uint32_t xid, bool ackreq);
/* A chain without a header, for ENCRYPT's plaintext. */
struct kinkmsg_build kinkmsg_build_inner(void *buf, size_t cap);
/* Aligns, links, and writes a payload header; then add octets with the
 * builder `m->b`, then end. */
void kinkmsg_begin(struct kinkmsg_build *m, uint8_t payload);
void kinkmsg_end(struct kinkmsg_build *m);
/* AP_REQ or AP_REP: epoch and DER. */
void kinkmsg_put_ap(struct kinkmsg_build *m, uint8_t payload, uint32_t epoch,
		    const void *der, size_t len);
void kinkmsg_put_error(struct kinkmsg_build *m, uint32_t error);
/* Any payload whose value is these octets. */
void kinkmsg_put(struct kinkmsg_build *m, uint8_t payload, const void *octets,
		 size_t len);
/* Pads to the border of the checksum and writes the length without it: the
 * octets to be signed.  False when something did not fit. */
bool kinkmsg_finish(struct kinkmsg_build *m);
/* Appends the checksum and corrects both length fields. */
bool kinkmsg_sign(struct kinkmsg_build *m, const void *cksum, size_t len);
/* Copies the message without its checksum, fields as they were when it was
 * made.  Octets written, 0 when it does not fit. */
size_t kinkmsg_signed_octets(const struct kinkmsg *m, void *out, size_t cap);

#endif
