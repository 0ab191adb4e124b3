/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration's parser over any octets: it says what is wrong, or its
 * normal form reads as the same policy and prints as itself.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/check.h"
#include "policy/dump.h"
#include "policy/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

static char *
dump(const struct policy *p, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	if (f == NULL)
		abort();
	dump_policy(p, f, true);
	fclose(f);
	return text;
}

/* A policy that lacks a statement has no normal form. */
static bool
is_whole(const struct policy *p)
{
	for (size_t i = 0; i < p->n_assocs; i++) {
		const struct policy_assoc *a = &p->assocs[i];

		if (a->said == 0 || a->mode == 0 ||
		    a->at[POLICY_WORD_PEER].line == 0 ||
		    (a->esp_enc == ALGO_NONE && a->ah_auth == ALGO_NONE))
			return false;
	}
	return true;
}

static void
check_again(const struct policy *p)
{
	size_t len, len2;
	char *text = dump(p, &len), *text2;
	struct diag *d = diag_new();
	struct policy *again = parse_text("again", text, len, d);

	if (diag_errors(d) != 0) {
		diag_print(d, stderr);
		abort();
	}
	text2 = dump(again, &len2);
	if (len != len2 || memcmp(text, text2, len) != 0)
		abort();
	free(text);
	free(text2);
	policy_free(again);
	diag_free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	struct diag *d = diag_new();
	struct policy *p = parse_text("fuzz", (const char *)octets, len, d);
	char *printed = NULL;
	size_t n;
	FILE *f = open_memstream(&printed, &n);

	if (d == NULL || p == NULL || f == NULL)
		abort();
	if (diag_errors(d) == 0 && is_whole(p))
		check_again(p);
	check_policy(p, d);
	diag_print(d, f);
	fclose(f);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)printed[i] < ' ' && printed[i] != '\n' &&
		    printed[i] != '\t')
			abort();
	free(printed);
	policy_free(p);
	diag_free(d);
	return 0;
}
