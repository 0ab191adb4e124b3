/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "base/secret.h"
#include "keyneg/core/der.h"
#include "keyneg/kink/krbmsg.h"

enum { PVNO = 5, MSG_AP_REP = 15, MSG_KRB_ERROR = 30, PLAIN_MAX = 1024 };

/* [APPLICATION n] SEQUENCE { pvno [0], msg-type [1], ... */
static bool
open_message(struct cursor der, uint8_t number, struct cursor *out)
{
	struct cursor app;
	int64_t v;

	return der_take(&der, DER_APPLICATION(number), &app) &&
	       der_take(&app, DER_SEQUENCE, out) && app.left == 0 &&
	       der_take_int(out, 0, &v) && v == PVNO &&
	       der_take_int(out, 1, &v) && v == number;
}

/* EncryptedData { etype [0], kvno [1] OPTIONAL, cipher [2] } */
static bool
take_encrypted(struct cursor *c, uint8_t context, int64_t *etype,
	       struct cursor *cipher)
{
	struct cursor field, seq, in;

	if (!der_take(c, DER_CONTEXT(context), &field) ||
	    !der_take(&field, DER_SEQUENCE, &seq) || field.left != 0 ||
	    !der_take_int(&seq, 0, etype))
		return false;
	if (der_is(&seq, DER_CONTEXT(1)) && !der_skip(&seq))
		return false;
	return der_take(&seq, DER_CONTEXT(2), &in) &&
	       der_take(&in, DER_OCTETS, cipher) && in.left == 0;
}

/* EncAPRepPart { ctime [0], cusec [1], subkey [2] and seq-number [3] which
 * KINK ignores } */
static bool
read_enc_part(struct cursor c, uint64_t *ctime, uint32_t *cusec)
{
	struct cursor app, seq;
	int64_t v;

	if (!der_take(&c, DER_APPLICATION(27), &app) ||
	    !der_take(&app, DER_SEQUENCE, &seq) ||
	    !der_take_time(&seq, 0, ctime) || !der_take_int(&seq, 1, &v) ||
	    v < 0 || v > 999999)
		return false;
	*cusec = (uint32_t)v;
	return true;
}

int
krbmsg_read_ap_rep(struct cursor der, const struct enctype_key *k,
		   uint64_t *ctime, uint32_t *cusec)
{
	uint8_t plain[PLAIN_MAX];
	struct cursor seq, cipher;
	int64_t etype;
	int n;
	bool ok;

	if (!open_message(der, MSG_AP_REP, &seq) ||
	    !take_encrypted(&seq, 2, &etype, &cipher))
		return -EBADMSG;
	if (etype != k->etype)
		return -EPERM;
	n = enctype_decrypt(k, ENCTYPE_USAGE_AP_REP, cipher.at, cipher.left,
			    plain, sizeof(plain));
	if (n < 0)
		return n == -EMSGSIZE ? -EBADMSG : n;
	ok = read_enc_part(cursor_make(plain, (size_t)n), ctime, cusec);
	secret_wipe(plain, sizeof(plain));
	return ok ? 0 : -EBADMSG;
}

bool
krbmsg_read_error(struct cursor der, struct krbmsg_error *out)
{
	struct cursor seq;
	int64_t v;

	*out = (struct krbmsg_error){ 0 };
	if (!open_message(der, MSG_KRB_ERROR, &seq))
		return false;
	if (der_is(&seq, DER_CONTEXT(2))) {
		if (!der_take_time(&seq, 2, &out->ctime))
			return false;
		out->has_ctime = true;
	}
	if (der_is(&seq, DER_CONTEXT(3)) && !der_take_int(&seq, 3, &v))
		return false;
	return der_take_time(&seq, 4, &out->stime) &&
	       der_take_int(&seq, 5, &v) && der_take_int(&seq, 6, &out->code);
}

bool
krbmsg_wants_ticket(int64_t code)
{
	return code == KRBMSG_TKT_EXPIRED || code == KRBMSG_MODIFIED ||
	       code == KRBMSG_BADKEYVER || code == KRBMSG_NOKEY;
}

const char *
krbmsg_explain(int64_t code)
{
	switch (code) {
	case KRBMSG_TKT_EXPIRED:
		return "our ticket has expired by the peer's clock: set the "
		       "time on both hosts";
	case KRBMSG_REPEAT:
		return "the peer has seen this authenticator before";
	case KRBMSG_NOT_US:
		return "the ticket is not for the peer: the principal that "
		       "`principals` has here is not in its keytab";
	case KRBMSG_SKEW:
		return "the clocks differ by more than Kerberos allows: set "
		       "the time on both hosts";
	case KRBMSG_MODIFIED:
	case KRBMSG_BADKEYVER:
		return "the peer cannot decrypt the ticket: its keytab is "
		       "older than the KDC's key, renew it";
	case KRBMSG_NOKEY:
		return "the peer has no key for this principal in its keytab: "
		       "put it there";
	default: /* the peer's number, not our enum */
		return "the peer's Kerberos refuses the ticket: see the log "
		       "there";
	}
}
