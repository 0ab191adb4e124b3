/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a reload does to SAs that are there. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/main/manual.h"
#include "policy/parse.h"

#define HEAD                                                                   \
	"association db {\n\tsaid 0x100\n\tlocal any\n\tpeer any\n"            \
	"\tmode transport\n\tprotect "
#define KERBEROS "\n\tkeying kerberos { local kink/a@X  peer kink/b@X }\n}\n"

static struct diag *diag;

static struct policy *
parse(const char *protect, const char *keying)
{
	char text[1024];
	struct policy *p;

	snprintf(text, sizeof(text), HEAD "%s%s", protect, keying);
	diag = diag_new();
	p = parse_text("test", text, strlen(text), diag);
	if (p == NULL || p->n_assocs != 1)
		diag_print(diag, stderr);
	cr_assert(p != NULL && p->n_assocs == 1);
	return p;
}

/* An SA as a key daemon would install it under `protect esp aes128-gcm`. */
static uint32_t
negotiated(struct store *s)
{
	uint32_t slot;
	struct sa *sa;

	cr_assert_eq(store_create(s, 8, 1), 0);
	cr_assert_eq(store_claim(s, 0, &slot), 0);
	sa = store_sa(s, slot);
	sa->direction = SA_OUT;
	sa->protocol = SA_ESP;
	sa->mode = SA_TRANSPORT;
	sa->said = 0x100;
	sa->enc = ALGO_AES128_GCM;
	sa->local =
	    (struct ipaddr){ .family = 4, .prefix = 32, .octets = { 1 } };
	sa->peer =
	    (struct ipaddr){ .family = 4, .prefix = 32, .octets = { 2 } };
	strcpy(sa->association, "db");
	store_publish(s, slot);
	return slot;
}

/* Does it live on when the policy changes to this? */
static bool
stays(const char *protect, const char *keying)
{
	struct policy *was = parse("esp aes128-gcm", KERBEROS);
	struct policy *is = parse(protect, keying);
	struct manual_report r = { .quiet = true };
	char dir[] = "/tmp/test_manual.XXXXXX";
	struct persist *persist;
	struct store s;
	uint32_t slot = negotiated(&s);
	bool live;

	cr_assert(mkdtemp(dir) != NULL);
	cr_assert_eq(manual_write_policy(&s, is), 0);
	(void)manual_revoke(&s, was, is);
	/* Without a disk manual keys would be tried in vain. */
	if (is->assocs[0].keying != POLICY_KEYING_MANUAL) {
		cr_assert_eq(persist_open(&persist, dir, NULL), 0);
		manual_apply(&s, persist, is, &r);
		persist_free(persist);
	}
	live = atomic_load(&store_sa(&s, slot)->state) == SA_LIVE;
	store_unmap(&s);
	(void)rmdir(dir);
	policy_free(was);
	policy_free(is);
	return live;
}

Test(manual, negotiated_sas_go_with_what_they_were_negotiated_for)
{
	cr_assert(stays("esp aes128-gcm", KERBEROS));
	cr_assert_not(stays("esp aes256-gcm", KERBEROS));
	/* AH around it is now part of what was asked for */
	cr_assert_not(stays("ah hmac-sha256 esp aes128-gcm", KERBEROS));
	cr_assert_not(stays("esp aes128-gcm",
			    "\n\tkeying kerberos { local kink/a@X  "
			    "peer kink/c@X }\n}\n"));
	cr_assert_not(stays("esp aes128-gcm",
			    "\n\tkeying kerberos { local kink/d@X  "
			    "peer kink/b@X }\n}\n"));
	cr_assert_not(stays("esp aes128-gcm",
			    "\n\tkeying manual {\n"
			    "\tout spi 0x1001 key "
			    "0x000102030405060708090a0b0c0d0e0f10111213\n"
			    "\tin spi 0x1002 key "
			    "0x100102030405060708090a0b0c0d0e0f10111213\n"
			    "\t}\n}\n"));
}
