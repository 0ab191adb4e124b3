/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "keyneg/krb/krbauth.h"
#include "keyneg/krb/krbcred.h"

/* Strongest first; the list ends with 0 for the library. */
static const krb5_enctype aes_types[] = { ENCTYPE_AES256_CTS_HMAC_SHA384_192,
					  ENCTYPE_AES128_CTS_HMAC_SHA256_128,
					  ENCTYPE_AES256_CTS_HMAC_SHA1_96,
					  ENCTYPE_AES128_CTS_HMAC_SHA1_96, 0 };

bool
krbcred_is_aes(krb5_enctype e)
{
	for (size_t i = 0; aes_types[i] != 0; i++)
		if (aes_types[i] == e)
			return true;
	return false;
}

int
krbcred_init(struct krbcred *c)
{
	memset(c, 0, sizeof(*c));
	c->entry = calloc(KRBCRED_MAX, sizeof(*c->entry));
	if (c->entry == NULL)
		return -ENOMEM;
	/* Numbers of an earlier process must not mean anything here. */
	if (secret_random(&c->last_number, sizeof(c->last_number)) != 0)
		return -EIO;
	return -pthread_mutex_init(&c->lock, NULL);
}

krb5_context
krbcred_context(void)
{
	krb5_context ctx;

	if (krb5_init_context(&ctx) != 0)
		return NULL;
	if (krb5_set_default_tgs_enctypes(ctx, aes_types) != 0) {
		krb5_free_context(ctx);
		return NULL;
	}
	return ctx;
}

/* ---- errors ------------------------------------------------------------- */

static enum krbans_status
status_of(krb5_error_code err)
{
	switch (err) {
	case KRB5_KT_NOTFOUND:
	case KRB5_KT_KVNONOTFOUND:
	case KRB5_KT_NAME_TOOLONG:
	case KRB5KRB_AP_ERR_NOKEY:
	case KRB5KRB_AP_ERR_BADKEYVER:
	case KRB5KRB_AP_ERR_NOT_US:
	case KRB5KRB_AP_WRONG_PRINC:
	case ENOENT:
		return KRBANS_NO_KEYTAB;
	case KRB5_KDC_UNREACH:
	case KRB5_REALM_CANT_RESOLVE:
	case KRB5_REALM_UNKNOWN:
		return KRBANS_KDC_UNREACHABLE;
	case KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN:
	case KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN:
		return KRBANS_UNKNOWN;
	case KRB5KDC_ERR_ETYPE_NOSUPP:
	case KRB5_PROG_ETYPE_NOSUPP:
	case KRB5_BAD_ENCTYPE:
	case KRB5_CONFIG_ETYPE_NOSUPP:
	case KRB5_NOPERM_ETYPE:
		return KRBANS_WEAK;
	case KRB5KRB_AP_ERR_SKEW:
	case KRB5_KDCREP_SKEW:
	case KRB5KRB_AP_ERR_TKT_NYV:
		return KRBANS_SKEW;
	case KRB5KRB_AP_ERR_TKT_EXPIRED:
		return KRBANS_EXPIRED;
	case KRB5KRB_AP_ERR_REPEAT:
		return KRBANS_REPLAY;
	default: /* the library's hundreds of codes */
		return KRBANS_REFUSED;
	}
}

void
krbcred_explain(krb5_context ctx, krb5_error_code err, struct krbans *a)
{
	const char *text = krb5_get_error_message(ctx, err);

	a->status = (uint8_t)status_of(err);
	snprintf(a->why, sizeof(a->why), "%s", text);
	krb5_free_error_message(ctx, text);
}

/* ---- the cache ---------------------------------------------------------- */

static bool
is_wanted(const struct krbcred_entry *e, const struct krbreq *r,
	  const char *server)
{
	if (e->creds == NULL || strcmp(e->client, r->local) != 0 ||
	    strcmp(e->server, server) != 0)
		return false;
	if (r->ticket != 0 && server == r->peer)
		return e->number == r->ticket;
	return e->creds->times.endtime > time(NULL) + KRBCRED_SPARE_SECS;
}

/* A copy in the caller's context, or NULL. */
static krb5_creds *
find(struct krbcred *c, krb5_context ctx, const struct krbreq *r,
     const char *server, uint64_t *number)
{
	krb5_creds *copy = NULL;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < KRBCRED_MAX && copy == NULL; i++) {
		struct krbcred_entry *e = &c->entry[i];

		if (!is_wanted(e, r, server))
			continue;
		if (krb5_copy_creds(ctx, e->creds, &copy) != 0)
			break;
		e->used = ++c->clock;
		*number = e->number;
	}
	pthread_mutex_unlock(&c->lock);
	return copy;
}

uint64_t
krbcred_keep(struct krbcred *c, krb5_context ctx, const char *client,
	     const char *server, krb5_creds *creds)
{
	struct krbcred_entry *best = NULL;
	krb5_creds *copy;
	uint64_t number = 0;

	if (krb5_copy_creds(ctx, creds, &copy) != 0)
		return 0;
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < KRBCRED_MAX; i++) {
		struct krbcred_entry *e = &c->entry[i];

		if (e->creds == NULL || (strcmp(e->client, client) == 0 &&
					 strcmp(e->server, server) == 0)) {
			best = e;
			if (e->creds != NULL)
				break;
		} else if (best == NULL ||
			   (best->creds != NULL && e->used < best->used)) {
			best = e;
		}
	}
	if (best->creds != NULL)
		krb5_free_creds(ctx, best->creds);
	snprintf(best->client, sizeof(best->client), "%s", client);
	snprintf(best->server, sizeof(best->server), "%s", server);
	best->creds = copy;
	best->used = ++c->clock;
	best->number = number = ++c->last_number;
	pthread_mutex_unlock(&c->lock);
	return number;
}

static void
drop(struct krbcred *c, krb5_context ctx, const char *client,
     const char *server)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < KRBCRED_MAX; i++) {
		struct krbcred_entry *e = &c->entry[i];

		if (e->creds != NULL && strcmp(e->client, client) == 0 &&
		    strcmp(e->server, server) == 0) {
			krb5_free_creds(ctx, e->creds);
			e->creds = NULL;
		}
	}
	pthread_mutex_unlock(&c->lock);
}

/* ---- AP-REQ ------------------------------------------------------------- */

/*
 * With a time that the peer's clock will take for now.  The time is set in
 * any case: a context that fetched a ticket runs by the KDC's clock since
 * (kdc_timesync), one that found the ticket in the cache does not, and which
 * of them makes the next authenticator is chance.
 */
static krb5_error_code
make_at(krb5_context ctx, krb5_auth_context *ac, krb5_creds *creds,
	int64_t offset_secs, krb5_data *out)
{
	krb5_error_code err;

	err = krb5_set_real_time(
	    ctx, (krb5_timestamp)(time(NULL) + offset_secs), -1);
	if (err == 0)
		err = krb5_mk_req_extended(ctx, ac, AP_OPTS_MUTUAL_REQUIRED,
					   NULL, creds, out);
	(void)krb5_set_real_time(ctx, (krb5_timestamp)time(NULL), -1);
	return err;
}

static void
make(krb5_context ctx, krb5_creds *creds, uint64_t number,
     const struct krbreq *r, struct krbans *a)
{
	krb5_auth_context ac = NULL;
	struct cursor ticket, auth;
	krb5_data out = { 0 };
	krb5_error_code err;

	if (!krbcred_is_aes(creds->keyblock.enctype)) {
		a->status = KRBANS_WEAK;
		return;
	}
	err = krb5_auth_con_init(ctx, &ac);
	if (err == 0)
		err = make_at(ctx, &ac, creds, r->offset_secs, &out);
	if (err != 0) {
		krbcred_explain(ctx, err, a);
	} else if (out.length > sizeof(a->der) ||
		   creds->keyblock.length > sizeof(a->key)) {
		a->status = KRBANS_REFUSED;
		snprintf(a->why, sizeof(a->why),
			 "the ticket is too large for a datagram");
	} else if (!krbauth_split(cursor_make(out.data, out.length), &ticket,
				  &auth) ||
		   !krbauth_read(ctx, &creds->keyblock, auth, a)) {
		a->status = KRBANS_REFUSED;
		snprintf(a->why, sizeof(a->why), "the AP-REQ is not one");
	} else {
		a->status = KRBANS_OK;
		a->etype = creds->keyblock.enctype;
		memcpy(a->key, creds->keyblock.contents,
		       creds->keyblock.length);
		a->ticket = number;
		a->expires_secs = (uint32_t)creds->times.endtime;
		a->der_len = (uint16_t)out.length;
		memcpy(a->der, out.data, out.length);
	}
	krb5_free_data_contents(ctx, &out);
	krb5_auth_con_free(ctx, ac);
}

bool
krbcred_make(struct krbcred *c, krb5_context ctx, const struct krbreq *r,
	     struct krbans *a)
{
	uint64_t number = 0;
	krb5_creds *creds;

	if (r->fresh)
		return false;
	creds = find(c, ctx, r, r->peer, &number);
	if (creds == NULL) {
		a->status = KRBANS_TICKET_GONE;
		return r->ticket != 0;
	}
	make(ctx, creds, number, r, a);
	krb5_free_creds(ctx, creds);
	return true;
}

/* ---- the KDC ------------------------------------------------------------ */

/* Our own ticket-granting ticket, by the keytab. */
static krb5_error_code
fetch_tgt(krb5_context ctx, krb5_keytab keytab, krb5_principal client,
	  krb5_creds **out)
{
	krb5_get_init_creds_opt *opt = NULL;
	krb5_error_code err;

	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return ENOMEM;
	err = krb5_get_init_creds_opt_alloc(ctx, &opt);
	if (err == 0) {
		krb5_get_init_creds_opt_set_etype_list(
		    opt, (krb5_enctype *)(uintptr_t)aes_types, 4);
		krb5_get_init_creds_opt_set_forwardable(opt, 0);
		err = krb5_get_init_creds_keytab(ctx, *out, client, keytab, 0,
						 NULL, opt);
		krb5_get_init_creds_opt_free(ctx, opt);
	}
	if (err != 0) {
		free(*out);
		*out = NULL;
	}
	return err;
}

/* The service ticket, through a credential cache that dies at once. */
static krb5_error_code
fetch_service(krb5_context ctx, krb5_principal client, krb5_principal server,
	      krb5_creds *tgt, krb5_creds **out)
{
	krb5_creds in = { .client = client, .server = server };
	krb5_ccache cc = NULL;
	krb5_error_code err;

	err = krb5_cc_new_unique(ctx, "MEMORY", NULL, &cc);
	if (err != 0)
		return err;
	err = krb5_cc_initialize(ctx, cc, client);
	if (err == 0)
		err = krb5_cc_store_cred(ctx, cc, tgt);
	if (err == 0)
		err = krb5_get_credentials(ctx, 0, cc, &in, out);
	krb5_cc_destroy(ctx, cc);
	return err;
}

static krb5_error_code
fetch(struct krbcred *c, krb5_context ctx, krb5_keytab keytab,
      const struct krbreq *r, const char *tgs, krb5_principal client,
      krb5_principal server, krb5_creds **out)
{
	uint64_t number;
	krb5_creds *tgt = find(c, ctx, r, tgs, &number);
	krb5_error_code err = 0;

	if (tgt != NULL) {
		err = fetch_service(ctx, client, server, tgt, out);
		krb5_free_creds(ctx, tgt);
		/* An answer about the service is final; anything else may
		 * be the old ticket's fault. */
		if (err == 0 || err == KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN ||
		    err == KRB5_KDC_UNREACH)
			return err;
		drop(c, ctx, r->local, tgs);
	}
	err = fetch_tgt(ctx, keytab, client, &tgt);
	if (err != 0)
		return err;
	krbcred_keep(c, ctx, r->local, tgs, tgt);
	err = fetch_service(ctx, client, server, tgt, out);
	krb5_free_creds(ctx, tgt);
	return err;
}

void
krbcred_fetch(struct krbcred *c, krb5_context ctx, krb5_keytab keytab,
	      const struct krbreq *r, struct krbans *a)
{
	char tgs[2 * KRBREQ_PRINCIPAL_MAX];
	krb5_principal client = NULL, server = NULL;
	krb5_creds *creds = NULL;
	krb5_error_code err;

	err = krb5_parse_name(ctx, r->local, &client);
	if (err == 0)
		err = krb5_parse_name(ctx, r->peer, &server);
	if (err == 0) {
		snprintf(tgs, sizeof(tgs), "krbtgt/%.*s@%.*s",
			 (int)client->realm.length, client->realm.data,
			 (int)client->realm.length, client->realm.data);
		err = fetch(c, ctx, keytab, r, tgs, client, server, &creds);
	}
	if (err != 0)
		krbcred_explain(ctx, err, a);
	else
		make(ctx, creds, krbcred_keep(c, ctx, r->local, r->peer, creds),
		     r, a);
	krb5_free_creds(ctx, creds);
	krb5_free_principal(ctx, server);
	krb5_free_principal(ctx, client);
}
