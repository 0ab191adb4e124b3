/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables' text, and the way from one to another. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/nftdiff.h"
#include "policy/nftgen.h"
#include "policy/parse.h"

static const uint32_t keyers[] = { 998 };
static const struct nftgen_params good = {
	.workers = 2,
	.first_queue = { 4303, 4319, 4335 },
	.keying_uids = keyers,
	.n_keying_uids = 1,
};

static const char conf[] =
    "association db {\n"
    "	said 0x100\n	local any\n	peer 10.77.0.2\n"
    "	mode transport\n	protect esp aes128-gcm\n"
    "	keying manual {\n"
    "	out spi 0x1001 key 0x000102030405060708090a0b0c0d0e0f10111213\n"
    "	in spi 0x1002 key 0x100102030405060708090a0b0c0d0e0f10111213\n"
    "	}\n}\n"
    "flow out db \"tcp dport 1\"\n"
    "flow out bypass \"tcp dport 2\"\n"
    "flow in db \"tcp sport 1\"\n"
    "flow in discard \"tcp sport 3\"\n"
    "flow out db \"tcp dport 1\"\n";

static struct policy *
parsed(const char *text)
{
	struct diag *d = diag_new();
	struct policy *p = parse_text("test", text, strlen(text), d);

	cr_assert_eq(diag_errors(d), 0);
	diag_free(d);
	return p;
}

static char *
text_of(const struct policy *p, bool guard)
{
	char *text;

	cr_assert_eq((guard ? nftgen_guard : nftgen_main)(p, &good, &text), 0);
	return text;
}

Test(nftgen, refuses_no_workers_and_root_as_keyer)
{
	static const uint32_t root[] = { 998, 0 };
	struct nftgen_params bad = good;
	struct policy *p = parsed(conf);
	char *text;

	bad.workers = 0;
	cr_expect_eq(nftgen_main(p, &bad, &text), -EINVAL);
	bad.workers = 257;
	cr_expect_eq(nftgen_main(p, &bad, &text), -EINVAL);
	bad.workers = 1;
	bad.keying_uids = root;
	bad.n_keying_uids = 2;
	cr_expect_eq(nftgen_guard(p, &bad, &text), -EINVAL);
	cr_expect_null(text);
	policy_free(p);
}

Test(nftgen, every_drop_has_a_counter_with_a_sentence)
{
	struct policy *p = parsed(conf);
	const char *reason;
	unsigned seen = 0;
	bool in;

	p->options.by_default = POLICY_DEFAULT_DISCARD;
	for (int guard = 0; guard < 2; guard++) {
		char *text = text_of(p, guard), *state, *line;

		for (line = strtok_r(text, "\n", &state); line != NULL;
		     line = strtok_r(NULL, "\n", &state)) {
			char *at = strstr(line, "counter name drop-");
			char *drop = strstr(line, " drop");
			size_t len = strlen(line);

			if (*line != '\t' || drop == NULL ||
			    strcspn(line, "#") < len)
				continue;
			if (strcmp(line + len - 5, " drop") == 0 &&
			    strstr(line, "counter name probe-out") == NULL)
				cr_expect_not_null(at, "%s", line);
			if (at == NULL)
				continue;
			at += strlen("counter name ");
			at[strcspn(at, " ")] = '\0';
			cr_expect(nftgen_drop_counter(at, &in, &reason));
			cr_expect_not_null(nftgen_drop_sentence(reason), "%s",
					   at);
			seen++;
		}
		free(text);
	}
	cr_expect_gt(seen, 15);
	cr_expect(!nftgen_drop_counter("flow-out-db-0", &in, &reason));
	cr_expect_null(nftgen_drop_sentence("no-such"));
	policy_free(p);
}

Test(nftgen, equal_flows_share_a_counter_and_others_do_not)
{
	struct policy *p = parsed(conf);
	char a[NFTGEN_COUNTER_MAX], b[NFTGEN_COUNTER_MAX];
	char want[2 * NFTGEN_COUNTER_MAX];
	char *text = text_of(p, false), *at;

	cr_expect_str_eq(nftgen_flow_counter(p, 0, a),
			 nftgen_flow_counter(p, 4, b));
	for (size_t i = 1; i < 4; i++)
		cr_expect_str_neq(a, nftgen_flow_counter(p, i, b));
	snprintf(want, sizeof(want), "\tcounter %s { }", a);
	at = strstr(text, want);
	cr_assert_not_null(at);
	cr_expect_null(strstr(at + 1, want), "declared once");
	free(text);
	policy_free(p);
}

Test(nftgen, clear_key_traffic_comes_in_only_where_keys_are_negotiated)
{
	struct policy *p = parsed(conf);
	char *without = text_of(p, false), *with;

	p->assocs[0].keying = POLICY_KEYING_KERBEROS;
	with = text_of(p, false);
	cr_expect_null(strstr(without, "910"));
	cr_expect_not_null(strstr(with, "udp dport { 468, 910 }"));
	free(with);
	free(without);
	policy_free(p);
}

Test(nftdiff, refuses_what_it_did_not_write)
{
	char *out;

	cr_expect_eq(nftdiff_update("", "", &out), -EPROTO);
	cr_expect_eq(nftdiff_replace("table ip x {\n}\n", &out), -EPROTO);
	cr_expect_eq(nftdiff_replace("table inet x {\n\tchain c {\n", &out),
		     -EPROTO);
	cr_expect_null(out);
}

Test(nftdiff, never_makes_changes_or_deletes_a_base_chain)
{
	static const char none[] = "table inet x {\n}\n";
	static const char base[] =
	    "table inet x {\n\tchain c {\n"
	    "\t\ttype filter hook input priority 0; policy accept;\n\t}\n}\n";
	static const char other[] =
	    "table inet x {\n\tchain c {\n"
	    "\t\ttype filter hook input priority 1; policy accept;\n\t}\n}\n";
	static const char name[] = "table inet y {\n}\n";
	char *out;

	cr_expect_eq(nftdiff_update(none, base, &out), -ENOTSUP);
	cr_expect_eq(nftdiff_update(base, none, &out), -ENOTSUP);
	cr_expect_eq(nftdiff_update(base, other, &out), -ENOTSUP);
	cr_expect_eq(nftdiff_update(none, name, &out), -ENOTSUP);
	cr_expect_eq(nftdiff_update(base, base, &out), 0);
	cr_expect_str_empty(out);
	free(out);
}

Test(nftdiff, same_rules_with_another_define_are_written_anew)
{
	static const char *const a =
	    "redefine p = 1\ntable inet x {\n\tchain c {\n"
	    "\t\ttcp dport $p\n\t}\n\tchain d {\n\t\taccept\n\t}\n}\n";
	static const char *const b =
	    "redefine p = 2\ntable inet x {\n\tchain c {\n"
	    "\t\ttcp dport $p\n\t}\n\tchain d {\n\t\taccept\n\t}\n}\n";
	char *out;

	cr_assert_eq(nftdiff_update(a, b, &out), 0);
	cr_expect_str_eq(out, "redefine p = 2\n"
			      "flush chain inet x c\n"
			      "add rule inet x c tcp dport $p\n");
	free(out);
}
