/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "policy/flowtext.h"

static const char *
check_octet(char c)
{
	switch (c) {
	case ';':
		return "an expression holds no `;`";
	case '#':
		return "an expression holds no `#`";
	case '\\':
		return "an expression holds no `\\`";
	case '\n':
	case '\r':
		return "an expression is one line";
	}
	if ((c < ' ' && c != '\t') || c == 0x7f)
		return "an expression is printable ASCII";
	return NULL;
}

const char *
flowtext_check(const char *text, size_t *at)
{
	size_t depth = 0, opened = 0, len = strlen(text);
	bool quoted = false;

	*at = 0;
	if (strspn(text, " \t") == len)
		return "an empty expression: to take everything, say so, as "
		       "in \"ip protocol != 0\"";
	if (len > FLOWTEXT_MAX)
		return "an expression of more than 4096 octets";
	for (size_t i = 0; i < len; i++) {
		const char *what = check_octet(text[i]);

		*at = i;
		if (what != NULL)
			return what;
		if (text[i] == '"') {
			quoted = !quoted;
			opened = i;
		}
		if (quoted)
			continue;
		if (text[i] == '{') {
			depth++;
			opened = i;
		}
		if (text[i] == '}' && depth-- == 0)
			return "a `}` without its `{`";
	}
	*at = opened;
	if (quoted)
		return "a quote that is not closed";
	if (depth > 0)
		return "a `{` that is not closed";
	return NULL;
}
