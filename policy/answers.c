/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/answers.h"

#include <stdio.h>
#include <string.h>

#include "base/ipaddr.h"
#include "policy/flowtext.h"

#define CLAUSES_MAX 16

/* An expression as matches that all have to hold, each "ip daddr X": words
 * with one blank between them. */
struct clauses {
	char text[FLOWTEXT_MAX + 1];
	char *at[CLAUSES_MAX];
	unsigned n;
	bool whole; /* all of it is in here */
};

static bool
is_one_of(const char *word, const char *const *list)
{
	while (*list != NULL && strcmp(*list, word) != 0)
		list++;
	return *list != NULL;
}

/* What a match begins with. */
static bool
begins_match(const char *word)
{
	static const char *const first[] = {
		"ip",    "ip6",     "tcp",    "udp",   "udplite",
		"sctp",  "dccp",    "icmp",   "th",    "icmpv6",
		"meta",  "ct",      "socket", "fib",   "iif",
		"oif",   "iifname", "skuid",  "skgid", "oifname",
		"ether", "mark",    "esp",    "ah",    NULL,
	};

	return is_one_of(word, first);
}

/* "ip daddr . tcp dport", "ct original ip saddr", "ip protocol tcp" */
static bool
goes_on(const char *word)
{
	static const char *const before[] = {
		".",       "original", "reply", "meta", "protocol", "l4proto",
		"nfproto", "nexthdr",  "==",    "!=",   NULL
	};

	return is_one_of(word, before);
}

/* The same word of a packet that goes the other way. */
static const char *
turned(const char *word)
{
	static const char *const turns[][2] = {
		{ "saddr", "daddr" },
		{ "sport", "dport" },
		{ "iif", "oif" },
		{ "iifname", "oifname" },
	};

	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++)
		for (unsigned side = 0; side < 2; side++)
			if (strcmp(word, turns[i][side]) == 0)
				return turns[i][!side];
	return word;
}

/* One word; what stands in quotes or braces is one.  NULL: no more. */
static const char *
next_word(const char *text, const char **end)
{
	unsigned depth = 0;
	bool quoted = false;

	text += strspn(text, " \t");
	if (*text == '\0')
		return NULL;
	for (*end = text; **end != '\0'; (*end)++) {
		if (**end == '"')
			quoted = !quoted;
		else if (!quoted && **end == '{')
			depth++;
		else if (!quoted && **end == '}' && depth > 0)
			depth--;
		else if (!quoted && depth == 0 && strchr(" \t", **end) != NULL)
			break;
	}
	return text;
}

static void
split(struct clauses *c, const char *expression, bool turn)
{
	char *to = c->text, *const last = c->text + sizeof(c->text);
	const char *end, *word;
	char one[FLOWTEXT_MAX + 1];
	bool joined = true; /* no match begins here */

	c->n = 0;
	c->whole = true;
	while ((word = next_word(expression, &end)) != NULL) {
		size_t len = (size_t)(end - word);
		const char *put = one;

		if (len >= sizeof(one)) {
			c->whole = false;
			return;
		}
		memcpy(one, word, len);
		one[len] = '\0';
		expression = end;
		if (c->n == 0 || (begins_match(one) && !joined)) {
			if (c->n == CLAUSES_MAX) {
				c->whole = false;
				return;
			}
			if (c->n != 0)
				*to++ = '\0';
			c->at[c->n++] = to;
		} else {
			*to++ = ' ';
		}
		joined = goes_on(one);
		if (turn)
			put = turned(one);
		len = strlen(put);
		if ((size_t)(last - to) <= len + 1) {
			c->whole = false;
			return;
		}
		memcpy(to, put, len);
		to += len;
		*to = '\0';
	}
}

/* "ip saddr 10.0.0.0/8" for "ip saddr 10.1.2.3" */
static bool
has_prefix(const char *wide, const char *narrow)
{
	const char *w = strrchr(wide, ' '), *n = strrchr(narrow, ' ');
	struct ipaddr net, address;

	return w != NULL && n != NULL && strstr(wide, "!=") == NULL &&
	       w - wide == n - narrow &&
	       strncmp(wide, narrow, (size_t)(w - wide)) == 0 &&
	       ipaddr_parse(w + 1, &net) == 0 &&
	       ipaddr_parse(n + 1, &address) == 0 &&
	       ipaddr_contains(&net, &address);
}

/* "tcp" of "ip protocol tcp"; NULL: it says no protocol alone. */
static const char *
protocol_of(const char *clause)
{
	static const char *const says[] = { "ip protocol ", "meta l4proto " };

	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
		if (strncmp(clause, says[i], strlen(says[i])) == 0)
			return clause + strlen(says[i]);
	return NULL;
}

/* "tcp dport 80", or "ip protocol tcp", for "tcp" */
static bool
is_of(const char *clause, const char *protocol)
{
	size_t len = strlen(protocol);
	const char *said = protocol_of(clause);

	return (said != NULL && strcmp(said, protocol) == 0) ||
	       (strncmp(clause, protocol, len) == 0 && clause[len] == ' ');
}

/* v4: what the clause stands among is of IPv4. */
static bool
implies(const char *narrow, const char *wide, bool v4)
{
	const char *protocol = protocol_of(wide);

	return strcmp(narrow, wide) == 0 || has_prefix(wide, narrow) ||
	       (protocol != NULL && is_of(narrow, protocol) &&
		(v4 || strncmp(wide, "ip ", 3) != 0));
}

static bool
is_v4(const struct clauses *c)
{
	for (unsigned i = 0; i < c->n; i++)
		if (strncmp(c->at[i], "ip ", 3) == 0)
			return true;
	return false;
}

bool
answers_are_caught(const char *out, const char *in)
{
	static struct clauses answer, caught; /* the parser's one thread */

	split(&answer, out, true);
	split(&caught, in, false);
	if (!caught.whole)
		return false;
	for (unsigned i = 0; i < caught.n; i++) {
		unsigned j = 0;

		while (j < answer.n &&
		       !implies(answer.at[j], caught.at[i], is_v4(&answer)))
			j++;
		if (j == answer.n)
			return false;
	}
	return true;
}

bool
answers_are_numbered(const char *out)
{
	static struct clauses c;

	split(&c, out, false);
	for (unsigned i = 0; i < c.n; i++)
		if (is_of(c.at[i], "tcp"))
			return true;
	return false;
}
