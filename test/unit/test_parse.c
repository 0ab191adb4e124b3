/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "policy/parse.h"

static struct policy *
parse(const char *text, struct diag *d)
{
	struct policy *p = parse_text("test", text, strlen(text), d);

	cr_assert(p != NULL);
	if (diag_errors(d) != 0)
		diag_print(d, stderr);
	return p;
}

/* The example of the manual, all words of the language. */
static const char example[] =
    "options {\n"
    "	said-mask 0x3fff ; said-range 0x100-0x3ff\n"
    "	dynamic-said 0x300-0x3ff\n"
    "	workers auto                      # or a number\n"
    "	queue-length 8192\n"
    "	max-sa 65536\n"
    "	udp-encap-port 4500\n"
    "	unknown-spi pass\n"
    "	default allow\n"
    "	park packets 64 seconds 10\n"
    "}\n"
    "association db {\n"
    "	said 0x100\n"
    "	local 10.77.0.1\n"
    "	peer 10.77.0.2\n"
    "	mode transport\n"
    "	protect esp aes128-gcm\n"
    "	encap udp\n"
    "	esn yes\n"
    "	replay-window 1024\n"
    "	tfc-pad 0\n"
    "	dummy rate 0/s\n"
    "	dscp copy ; df copy\n"
    "	keying manual {\n"
    "		out spi 0x1001 key 0x"
    "000102030405060708090a0b0c0d0e0f10111213\n"
    "		in  spi 0x1002 key 0x"
    "f00102030405060708090a0b0c0d0e0f10111213\n"
    "	}\n"
    "	bind user alice, group web\n"
    "}\n"
    "association realm-wide {\n"
    "	said 0x110\n"
    "	peer any\n"
    "	mode transport\n"
    "	protect esp aes256-gcm\n"
    "	lifetime soft 50m 80G hard 60m 100G\n"
    "	keying kerberos { local kink/web1.example.com@EXAMPLE.COM  "
    "peer kink/*@EXAMPLE.COM }\n"
    "}\n"
    "principals {\n"
    "	10.77.0.2  kink/db.example.com@EXAMPLE.COM\n"
    "	hosts                             # /etc/hosts\n"
    "	dns\n"
    "}\n"
    "define web = { 80, 443 }\n"
    "flow out bypass  \"tcp dport 22\"\n"
    "flow out db      \"ip daddr 10.77.0.2 tcp dport 5432\"\n"
    "flow in  db      \"ip saddr 10.77.0.2 tcp sport 5432\"\n"
    "flow in  discard \"ip saddr 10.77.0.66\"\n";

Test(parse, reads_every_word_of_the_example)
{
	struct diag *d = diag_new();
	struct policy *p = parse(example, d);
	const struct policy_assoc *a;

	cr_assert_eq(diag_errors(d), 0);
	cr_assert_eq(p->n_assocs, 2);
	a = policy_assoc_by_name(p, "db");
	cr_assert(a != NULL && a == policy_assoc_by_said(p, 0x100));
	cr_assert(a->encap_udp && a->esn && a->replay_window == 1024);
	cr_assert_eq(a->esp_enc, ALGO_AES128_GCM);
	cr_assert_eq(a->mode, POLICY_MODE_TRANSPORT);
	cr_assert_eq(a->keying, POLICY_KEYING_MANUAL);
	cr_assert_eq(a->out.spi, 0x1001);
	cr_assert_eq(a->out.key_octets, 20);
	cr_assert_eq(a->out.key[19], 0x13);
	cr_assert_eq(a->in.spi, 0x1002);
	cr_assert_eq(a->in.key[0], 0xf0);
	cr_assert_str_eq(a->bind_users[0], "alice");
	cr_assert_str_eq(a->bind_groups[0], "web");
	cr_assert_null(a->bind_groups[1]);
	a = policy_assoc_by_name(p, "realm-wide");
	cr_assert_eq(a->peer.family, IP_FAMILY_NONE);
	cr_assert_eq(a->lifetime.soft_secs, 3000);
	cr_assert_eq(a->lifetime.soft_octets, 80000000000);
	cr_assert_eq(a->lifetime.hard_secs, 3600);
	cr_assert_eq(a->lifetime.hard_octets, 100000000000);
	cr_assert_eq(a->lifetime.hard_packets, 0);
	cr_assert_str_eq(a->peer_principal, "kink/*@EXAMPLE.COM");
	cr_assert_eq(p->n_principals, 3);
	cr_assert_eq(p->principals[2].kind, POLICY_PRINCIPAL_DNS);
	cr_assert_eq(p->n_defines, 1);
	cr_assert_str_eq(p->defines[0].text, "{ 80, 443 }");
	cr_assert_eq(p->n_flows, 4);
	cr_assert_eq(p->flows[0].target, POLICY_TARGET_BYPASS);
	cr_assert_eq(p->flows[1].target, POLICY_TARGET_ASSOC);
	cr_assert_eq(p->flows[1].assoc, 0);
	cr_assert(!p->flows[1].inbound && p->flows[2].inbound);
	cr_assert_str_eq(p->flows[2].expression,
			 "ip saddr 10.77.0.2 tcp sport 5432");
	policy_free(p);
	diag_free(d);
}

Test(parse, a_define_becomes_one_line)
{
	struct diag *d = diag_new();
	struct policy *p = parse("define a = { 80, # http\n"
				 "\t443 } ; define b = \"x # y\"\n",
				 d);

	cr_assert_eq(diag_errors(d), 0);
	cr_assert_eq(p->n_defines, 2);
	cr_assert_str_eq(p->defines[0].text, "{ 80, 443 }");
	cr_assert_str_eq(p->defines[1].text, "\"x # y\"");
	policy_free(p);
	diag_free(d);
}

Test(parse, counts_errors_beyond_the_first_hundred)
{
	struct diag *d = diag_new();
	char text[2 * 250 + 1];
	struct policy *p;

	for (unsigned i = 0; i < 250; i++)
		memcpy(text + 2 * i, "x\n", 2);
	text[500] = '\0';
	p = parse_text("test", text, 500, d);
	cr_assert_eq(diag_errors(d), 250);
	cr_assert(diag_item(d, DIAG_KEPT - 1) != NULL);
	cr_assert(diag_item(d, DIAG_KEPT) == NULL);
	cr_assert_eq(diag_item(d, 99)->line, 100);
	policy_free(p);
	diag_free(d);
}

Test(parse, never_shows_a_key)
{
	static const char *const texts[] = {
		"association a { keying manual { out spi 0x1000 key "
		"0xdeadbeefdeadbeef0011 nonsense } }\n",
		"association a { keying manual { out spi 0x1000 kye "
		"0xdeadbeefdeadbeef0011 } }\n",
		"association a { keying manual { out spi 0x1000 auth-key "
		"0xdeadbeefdeadbeefxy } }\n",
		"association a { keying manual { out 0xdeadbeefdeadbeef } }\n",
		"association a { keying manual { out spi 4096 key deadbeef } "
		"} x\n",
	};

	for (unsigned i = 0; i < 5; i++) {
		struct diag *d = diag_new();
		struct policy *p =
		    parse_text("test", texts[i], strlen(texts[i]), d);
		char *out = NULL;
		size_t len;
		FILE *f = open_memstream(&out, &len);

		cr_assert_gt(diag_errors(d), 0);
		diag_print(d, f);
		fclose(f);
		cr_assert(strstr(out, "^") != NULL);
		cr_assert(strstr(out, "beef") == NULL, "%s", out);
		free(out);
		policy_free(p);
		diag_free(d);
	}
}
