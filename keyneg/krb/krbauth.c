/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/secret.h"
#include "keyneg/core/der.h"
#include "keyneg/krb/krbauth.h"

enum { USAGE_AP_REQ_AUTH = 11 }; /* RFC 4120 section 7.5.1 */

/* AP-REQ ::= [APPLICATION 14] SEQUENCE { pvno [0], msg-type [1],
 * ap-options [2], ticket [3] Ticket, authenticator [4] EncryptedData } */
bool
krbauth_split(struct cursor der, struct cursor *ticket,
	      struct cursor *authenticator)
{
	struct cursor app, seq;

	return der_take(&der, DER_APPLICATION(14), &app) &&
	       der_take(&app, DER_SEQUENCE, &seq) && der_skip(&seq) &&
	       der_skip(&seq) && der_skip(&seq) &&
	       der_take(&seq, DER_CONTEXT(3), ticket) &&
	       der_take(&seq, DER_CONTEXT(4), authenticator);
}

/* Authenticator ::= [APPLICATION 2] SEQUENCE { vno [0], crealm [1],
 * cname [2], cksum [3] OPTIONAL, cusec [4], ctime [5], ... } */
static bool
read_times(struct cursor c, uint64_t *ctime, uint32_t *cusec)
{
	struct cursor app, seq;
	int64_t v;

	if (!der_take(&c, DER_APPLICATION(2), &app) ||
	    !der_take(&app, DER_SEQUENCE, &seq) || !der_skip(&seq) ||
	    !der_skip(&seq) || !der_skip(&seq))
		return false;
	if (der_is(&seq, DER_CONTEXT(3)) && !der_skip(&seq))
		return false;
	if (!der_take_int(&seq, 4, &v) || v < 0 || v > 999999)
		return false;
	*cusec = (uint32_t)v;
	return der_take_time(&seq, 5, ctime);
}

bool
krbauth_read(krb5_context ctx, const krb5_keyblock *key, struct cursor der,
	     struct krbans *a)
{
	struct cursor seq, in, cipher;
	krb5_enc_data enc = { .enctype = key->enctype };
	uint8_t plain[1024];
	krb5_data out = { .data = (char *)plain, .length = sizeof(plain) };
	int64_t etype;
	bool ok;

	if (!der_take(&der, DER_SEQUENCE, &seq) ||
	    !der_take_int(&seq, 0, &etype) || etype != key->enctype)
		return false;
	if (der_is(&seq, DER_CONTEXT(1)) && !der_skip(&seq))
		return false;
	if (!der_take(&seq, DER_CONTEXT(2), &in) ||
	    !der_take(&in, DER_OCTETS, &cipher) || cipher.left > sizeof(plain))
		return false;
	enc.ciphertext.data = (char *)(uintptr_t)cipher.at;
	enc.ciphertext.length = (unsigned)cipher.left;
	ok = krb5_c_decrypt(ctx, key, USAGE_AP_REQ_AUTH, NULL, &enc, &out) ==
		 0 &&
	     read_times(cursor_make(plain, out.length), &a->ctime, &a->cusec);
	secret_wipe(plain, sizeof(plain));
	return ok;
}
