/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "keyneg/krb/krbauth.h"
#include "keyneg/krb/krbcred.h"
#include "keyneg/krb/krbread.h"

enum {
	KRB_ERR_GENERIC_CODE = 60, /* RFC 4120 section 7.5.9 */
	KRB_CODES = 128,
};

static bool
name_of(krb5_context ctx, krb5_const_principal p,
	char out[KRBREQ_PRINCIPAL_MAX])
{
	char *text = NULL;
	bool fits;

	if (krb5_unparse_name(ctx, p, &text) != 0)
		return false;
	fits = strlen(text) < KRBREQ_PRINCIPAL_MAX;
	if (fits)
		strcpy(out, text);
	krb5_free_unparsed_name(ctx, text);
	return fits;
}

/* ---- what can be said when it fails ------------------------------------- */

/* Clock and expiry errors are worth a checksum (RFC 4430 section 4.2.3): the
 * session key, although the library gives none. */
static void
take_key(krb5_context ctx, krb5_keytab keytab, krb5_ticket *ticket,
	 struct cursor authenticator, struct krbans *a)
{
	const krb5_keyblock *key;

	if (krb5_server_decrypt_ticket_keytab(ctx, keytab, ticket) != 0)
		return;
	key = ticket->enc_part2->session;
	if (!krbcred_is_aes(key->enctype) ||
	    !krbcred_is_aes(ticket->enc_part.enctype) ||
	    key->length > sizeof(a->key) ||
	    !krbauth_read(ctx, key, authenticator, a))
		return;
	a->etype = key->enctype;
	memcpy(a->key, key->contents, key->length);
}

static void
make_error(krb5_context ctx, krb5_error_code err, krb5_principal server,
	   struct krbans *a)
{
	krb5_error e = { .server = server };
	krb5_data out = { 0 };
	krb5_int32 usec;

	e.error = err >= ERROR_TABLE_BASE_krb5 &&
			  err < ERROR_TABLE_BASE_krb5 + KRB_CODES
		      ? (krb5_ui_4)(err - ERROR_TABLE_BASE_krb5)
		      : KRB_ERR_GENERIC_CODE;
	e.ctime = (krb5_timestamp)a->ctime;
	e.cusec = (krb5_int32)a->cusec;
	if (krb5_us_timeofday(ctx, &e.stime, &usec) != 0)
		return;
	e.susec = usec;
	if (krb5_mk_error(ctx, &e, &out) != 0)
		return;
	if (out.length <= sizeof(a->der)) {
		a->der_len = (uint16_t)out.length;
		memcpy(a->der, out.data, out.length);
	}
	krb5_free_data_contents(ctx, &out);
}

static void
refuse(krb5_context ctx, krb5_keytab keytab, const struct krbreq *r,
       krb5_error_code err, struct krbans *a)
{
	struct cursor ticket_der, authenticator;
	krb5_ticket *ticket = NULL;
	krb5_data in;

	krbcred_explain(ctx, err, a);
	/* What is no AP-REQ gets no answer, and neither does a replay. */
	if (a->status == KRBANS_REPLAY ||
	    !krbauth_split(cursor_make(r->der, r->der_len), &ticket_der,
			   &authenticator))
		return;
	in.data = (char *)(uintptr_t)ticket_der.at;
	in.length = (unsigned)ticket_der.left;
	if (krb5_decode_ticket(&in, &ticket) != 0)
		return;
	if (a->status == KRBANS_SKEW || a->status == KRBANS_EXPIRED)
		take_key(ctx, keytab, ticket, authenticator, a);
	make_error(ctx, err, ticket->server, a);
	krb5_free_ticket(ctx, ticket);
}

/* ---- the good case ------------------------------------------------------ */

static void
accept(krb5_context ctx, krb5_auth_context ac, krb5_ticket *ticket,
       struct krbans *a)
{
	krb5_authenticator *auth = NULL;
	krb5_keyblock *key = NULL;
	krb5_data out = { 0 };
	krb5_error_code err;

	/* The ticket's key, never a subkey (RFC 4430 section 7). */
	err = krb5_auth_con_getkey(ctx, ac, &key);
	if (err == 0)
		err = krb5_auth_con_getauthenticator(ctx, ac, &auth);
	if (err == 0)
		err = krb5_mk_rep(ctx, ac, &out);
	if (err != 0) {
		krbcred_explain(ctx, err, a);
	} else if (!krbcred_is_aes(key->enctype) ||
		   !krbcred_is_aes(ticket->enc_part.enctype)) {
		a->status = KRBANS_WEAK;
	} else if (!name_of(ctx, ticket->server, a->local) ||
		   !name_of(ctx, ticket->enc_part2->client, a->peer) ||
		   key->length > sizeof(a->key) ||
		   out.length > sizeof(a->der)) {
		a->status = KRBANS_REFUSED;
		snprintf(a->why, sizeof(a->why), "a name is too long");
	} else {
		a->status = KRBANS_OK;
		a->etype = key->enctype;
		memcpy(a->key, key->contents, key->length);
		a->ctime = (uint32_t)auth->ctime;
		a->cusec = (uint32_t)auth->cusec;
		a->expires_secs = (uint32_t)ticket->enc_part2->times.endtime;
		a->der_len = (uint16_t)out.length;
		memcpy(a->der, out.data, out.length);
	}
	krb5_free_keyblock(ctx, key);
	krb5_free_authenticator(ctx, auth);
	krb5_free_data_contents(ctx, &out);
}

void
krbread_answer(krb5_context ctx, krb5_keytab keytab, const struct krbreq *r,
	       struct krbans *a)
{
	krb5_auth_context ac = NULL;
	krb5_ticket *ticket = NULL;
	krb5_data in = { .data = (char *)(uintptr_t)r->der,
			 .length = r->der_len };
	krb5_flags options = 0;
	krb5_error_code err;

	err = krb5_auth_con_init(ctx, &ac);
	if (err == 0)
		err =
		    krb5_rd_req(ctx, &ac, &in, NULL, keytab, &options, &ticket);
	if (err != 0)
		refuse(ctx, keytab, r, err, a);
	else if ((options & AP_OPTS_MUTUAL_REQUIRED) == 0)
		a->status = KRBANS_NO_MUTUAL;
	else
		accept(ctx, ac, ticket, a);
	krb5_free_ticket(ctx, ticket);
	krb5_auth_con_free(ctx, ac);
}
