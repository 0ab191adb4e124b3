/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keynegd's tickets: as many as there is room for, whatever is asked. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keyneg/krb/krbcred.h"

static krb5_context ctx;
static struct krbcred cache;
static uint8_t key[32];

static void
start(void)
{
	/* No realm is needed, nor a profile. */
	setenv("KRB5_CONFIG", "/dev/null", 1);
	ctx = krbcred_context();
	cr_assert_neq(ctx, NULL);
	cr_assert_eq(krbcred_init(&cache), 0);
}

static krb5_creds
ticket(krb5_enctype type, time_t ends)
{
	static krb5_principal who;

	cr_assert_eq(krb5_parse_name(ctx, "who@R", &who), 0);
	return (krb5_creds){ .client = who,
			     .server = who,
			     .keyblock = { .enctype = type,
					   .length = sizeof(key),
					   .contents = key },
			     .times = { .endtime = (krb5_timestamp)ends } };
}

static unsigned
kept(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < KRBCRED_MAX; i++)
		n += cache.entry[i].creds != NULL;
	return n;
}

static bool
has(const char *server)
{
	for (size_t i = 0; i < KRBCRED_MAX; i++)
		if (cache.entry[i].creds != NULL &&
		    strcmp(cache.entry[i].server, server) == 0)
			return true;
	return false;
}

Test(krbcred, never_holds_more_than_it_has_room_for, .init = start)
{
	krb5_creds t =
	    ticket(ENCTYPE_AES256_CTS_HMAC_SHA1_96, time(NULL) + 36000);
	char name[40];

	for (int i = 0; i < 3 * KRBCRED_MAX; i++) {
		snprintf(name, sizeof(name), "kink/h%d.test@R", i);
		cr_assert_neq(krbcred_keep(&cache, ctx, "me@R", name, &t), 0);
		/* One that is renewed again and again stays. */
		cr_assert_neq(krbcred_keep(&cache, ctx, "me@R", "busy@R", &t),
			      0);
	}
	cr_assert_eq(kept(), KRBCRED_MAX);
	cr_assert(has(name));
	cr_assert(has("busy@R"));
	cr_assert(!has("kink/h0.test@R"));
}

Test(krbcred, a_ticket_about_to_end_is_not_used, .init = start)
{
	krb5_creds t = ticket(ENCTYPE_AES256_CTS_HMAC_SHA1_96,
			      time(NULL) + KRBCRED_SPARE_SECS / 2);
	struct krbreq r = { .type = KRBREQ_MAKE,
			    .local = "me@R",
			    .peer = "you@R" };
	struct krbans a = { 0 };

	cr_assert_neq(krbcred_keep(&cache, ctx, "me@R", "you@R", &t), 0);
	/* False: it has to be fetched. */
	cr_assert(!krbcred_make(&cache, ctx, &r, &a));
	/* A retransmission has no choice, and is told when it is gone. */
	r.ticket = 1;
	cr_assert(krbcred_make(&cache, ctx, &r, &a));
	cr_assert_eq(a.status, KRBANS_TICKET_GONE);
}

Test(krbcred, a_session_key_that_is_not_aes_is_none, .init = start)
{
	krb5_creds t = ticket(ENCTYPE_ARCFOUR_HMAC, time(NULL) + 36000);
	struct krbreq r = { .type = KRBREQ_MAKE,
			    .local = "me@R",
			    .peer = "you@R" };
	struct krbans a = { 0 };

	cr_assert_neq(krbcred_keep(&cache, ctx, "me@R", "you@R", &t), 0);
	cr_assert(krbcred_make(&cache, ctx, &r, &a));
	cr_assert_eq(a.status, KRBANS_WEAK);
}
