/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow vetting without nft itself: the rules of an expression's text, and the
 * judge of nft's JSON.  What passes the first cannot leave its place in a
 * rule; what passes the second holds a match.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/vet/vet_json.h"
#include "policy/flowtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

static void
check_text(const char *text, size_t len)
{
	size_t at, depth = 0;
	bool quoted = false;

	if (flowtext_check(text, &at) != NULL) {
		if (at > len)
			abort();
		return;
	}
	if (len == 0 || strpbrk(text, ";#\n\r\\") != NULL)
		abort();
	for (; *text != '\0'; text++) {
		if (*text == '"')
			quoted = !quoted;
		else if (!quoted && *text == '{')
			depth++;
		else if (!quoted && *text == '}' && depth-- == 0)
			abort();
	}
	if (quoted || depth != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	char *text = malloc(len + 1), what[80];
	const char *wrong;

	if (text == NULL)
		abort();
	if (len != 0)
		memcpy(text, octets, len);
	text[len] = '\0';
	check_text(text, strlen(text));
	wrong = vet_json_judge(text, 2, what, sizeof(what));
	if (wrong == NULL && strstr(text, "match") == NULL &&
	    strchr(text, '\\') == NULL)
		abort();
	free(text);
	return 0;
}
