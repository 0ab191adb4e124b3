/* SPDX-License-Identifier: GPL-2.0-or-later */
/* krb_forge KEYTAB CLIENT SERVER rc4|aes mutual|none: an AP-REQ of a member
 * of the realm, in hexadecimal, as it would be made by other software than
 * ours: with a session key of the type asked for. */
#include <krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static krb5_context ctx;

static void
must(krb5_error_code err, const char *what)
{
	if (err == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, krb5_get_error_message(ctx, err));
	exit(1);
}

int
main(int argc, char **argv)
{
	krb5_enctype types[] = { ENCTYPE_ARCFOUR_HMAC, 0 };
	krb5_creds tgt, in = { 0 }, *creds;
	krb5_auth_context ac = NULL;
	krb5_keytab keytab;
	krb5_ccache cc;
	krb5_data out;
	krb5_flags flags;

	if (argc != 6)
		return 2;
	flags = strcmp(argv[5], "mutual") == 0 ? AP_OPTS_MUTUAL_REQUIRED : 0;
	must(krb5_init_context(&ctx), "context");
	if (strcmp(argv[4], "rc4") == 0)
		must(krb5_set_default_tgs_enctypes(ctx, types), "types");
	must(krb5_kt_resolve(ctx, argv[1], &keytab), argv[1]);
	must(krb5_parse_name(ctx, argv[2], &in.client), argv[2]);
	must(krb5_parse_name(ctx, argv[3], &in.server), argv[3]);
	must(krb5_get_init_creds_keytab(ctx, &tgt, in.client, keytab, 0, NULL,
					NULL),
	     "the ticket-granting ticket");
	must(krb5_cc_new_unique(ctx, "MEMORY", NULL, &cc), "cache");
	must(krb5_cc_initialize(ctx, cc, in.client), "cache");
	must(krb5_cc_store_cred(ctx, cc, &tgt), "cache");
	must(krb5_get_credentials(ctx, 0, cc, &in, &creds), "the ticket");
	must(krb5_mk_req_extended(ctx, &ac, flags, NULL, creds, &out),
	     "the AP-REQ");
	for (unsigned i = 0; i < out.length; i++)
		printf("%02x", (unsigned char)out.data[i]);
	printf(" %d\n", creds->keyblock.enctype);

	krb5_free_data_contents(ctx, &out);
	krb5_auth_con_free(ctx, ac);
	krb5_free_creds(ctx, creds);
	krb5_free_cred_contents(ctx, &tgt);
	krb5_free_principal(ctx, in.client);
	krb5_free_principal(ctx, in.server);
	krb5_cc_destroy(ctx, cc);
	krb5_kt_close(ctx, keytab);
	krb5_free_context(ctx);
	return 0;
}
