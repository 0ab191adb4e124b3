/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * krbmsg: the two Kerberos messages that an initiator gets back through KINK,
 * AP-REP and KRB-ERROR, read (RFC 4120 sections 5.5.2 and 5.9.1).
 *
 * Owns nothing.  Any thread.  Never believes a KRB-ERROR: the caller decides
 * by the checksum around it.
 */
#ifndef KEYNEG_KINK_KRBMSG_H
#define KEYNEG_KINK_KRBMSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "keyneg/kink/enctype.h"

enum krbmsg_code { /* RFC 4120 section 7.5.9, those we act on */
		   KRBMSG_TKT_EXPIRED = 32,
		   KRBMSG_REPEAT = 34,
		   KRBMSG_NOT_US = 35,
		   KRBMSG_SKEW = 37,
		   KRBMSG_MODIFIED = 41,
		   KRBMSG_BADKEYVER = 44,
		   KRBMSG_NOKEY = 45,
};

struct krbmsg_error {
	int64_t code;
	bool has_ctime;
	uint64_t ctime, stime; /* seconds since 1970 */
};

/* The authenticator's time that a decrypted AP-REP echoes.  -EBADMSG when it
 * is no AP-REP or not under this key, -EPERM for another key type. */
int krbmsg_read_ap_rep(struct cursor der, const struct enctype_key *k,
		       uint64_t *ctime, uint32_t *cusec);
bool krbmsg_read_error(struct cursor der, struct krbmsg_error *out);
/* May another ticket help: expired, or under a key the peer no longer has? */
bool krbmsg_wants_ticket(int64_t code);
/* What it means and what to do about it. */
const char *krbmsg_explain(int64_t code);

#endif
