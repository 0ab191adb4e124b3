/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/keyview.h"
#include "engine/cli/peerstat.h"
#include "engine/cli/sockread.h"

/* ---- lines ----------------------------------------------------------------
 */

struct line {
	const char *word;
	struct {
		const char *key, *value;
	} pair[KEYVIEW_LINE_PAIRS];
	unsigned n;
};

static void
parse(struct line *line, char *text)
{
	char *next = text, *word;

	/* It goes to a terminal. */
	for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
		n = proto_text_step(text, left);
		if (n == 0)
			*text = '?', n = 1;
	}
	line->word = strsep(&next, "\t");
	line->n = 0;
	while ((word = strsep(&next, "\t")) != NULL &&
	       line->n < KEYVIEW_LINE_PAIRS) {
		char *value = strchr(word, '=');

		if (value == NULL)
			continue;
		*value = '\0';
		line->pair[line->n].key = word;
		line->pair[line->n++].value = value + 1;
	}
}

static const char *
value_of(const struct line *line, const char *key)
{
	for (unsigned i = 0; i < line->n; i++)
		if (strcmp(line->pair[i].key, key) == 0)
			return line->pair[i].value;
	return "";
}

static int64_t
number_of(const struct line *line, const char *key)
{
	const char *value = value_of(line, key);

	return value[0] == '\0' ? -1 : strtoll(value, NULL, 10);
}

static uint64_t
count_of(const struct line *line, const char *key)
{
	return strtoull(value_of(line, key), NULL, 10);
}

#define COPY(to, line, key)                                                    \
	(void)snprintf((to), sizeof(to), "%s", value_of((line), (key)))

static int
add_peer(struct peerstat *s, const struct line *line)
{
	struct peerstat_peer *p;

	/* Doubles whenever n is a power of two. */
	if ((s->n & (s->n - 1)) == 0) {
		p = reallocarray(s->peers, s->n == 0 ? 1 : 2 * s->n,
				 sizeof(*p));
		if (p == NULL)
			return -ENOMEM;
		s->peers = p;
	}
	p = &s->peers[s->n++];
	COPY(p->association, line, "association");
	COPY(p->local, line, "local");
	COPY(p->peer, line, "peer");
	COPY(p->principal, line, "principal");
	COPY(p->method, line, "method");
	COPY(p->state, line, "state");
	COPY(p->role, line, "role");
	COPY(p->algorithms, line, "algorithms");
	COPY(p->forward_secrecy, line, "forward_secrecy");
	COPY(p->why, line, "why");
	p->said = (uint32_t)count_of(line, "said");
	p->spi_in = (uint32_t)count_of(line, "spi_in");
	p->spi_out = (uint32_t)count_of(line, "spi_out");
	p->age_secs = number_of(line, "age_secs");
	p->rekey_secs = number_of(line, "rekey_secs");
	p->expires_secs = number_of(line, "expires_secs");
	p->heard_secs = number_of(line, "heard_secs");
	p->why_secs = number_of(line, "why_secs");
	p->exchanges = count_of(line, "exchanges");
	p->failures = count_of(line, "failures");
	return 0;
}

static void
add_count(struct peerstat *s, const struct line *line, bool exchange)
{
	struct peerstat_count *c = &s->counts[s->n_counts];

	if (s->n_counts == sizeof(s->counts) / sizeof(s->counts[0]))
		return;
	c->exchange = exchange;
	COPY(c->method, line, "method");
	COPY(c->what, line, exchange ? "result" : "event");
	c->count = count_of(line, "count");
	/* They become labels, whose quotes would end them. */
	if (strpbrk(c->method, "\"\\") == NULL &&
	    strpbrk(c->what, "\"\\") == NULL)
		s->n_counts++;
}

/* True: this was the last line. */
static bool
add_line(struct peerstat *s, const struct line *line, int *err)
{
	if (strcmp(line->word, "peer") == 0)
		*err = add_peer(s, line);
	else if (strcmp(line->word, "exchanges") == 0)
		add_count(s, line, true);
	else if (strcmp(line->word, "messages") == 0)
		add_count(s, line, false);
	else if (strcmp(line->word, "keynegd") == 0)
		s->engine = count_of(line, "engine") != 0;
	else if (strcmp(line->word, "end") == 0)
		s->complete = count_of(line, "complete") != 0;
	return strcmp(line->word, "end") == 0;
}

/* What people look for first: by association, then by address. */
static int
by_name(const void *a, const void *b)
{
	const struct peerstat_peer *x = a, *y = b;
	int order = strcmp(x->association, y->association);

	return order != 0 ? order : strcmp(x->peer, y->peer);
}

int
peerstat_read(struct peerstat *s, const char *run_dir)
{
	char *text, *next, *at;
	bool ended = false;
	struct line line;
	size_t len;
	int err;

	memset(s, 0, sizeof(*s));
	err = sockread_all(run_dir, KEYVIEW_SOCKET, KEYVIEW_MAX, &text, &len);
	next = text;
	while (err == 0 && !ended && (at = strsep(&next, "\n")) != NULL) {
		parse(&line, at);
		ended = add_line(s, &line, &err);
	}
	free(text);
	if (err == 0 && !ended)
		err = -EPROTO;
	if (s->n > 1)
		qsort(s->peers, s->n, sizeof(*s->peers), by_name);
	return err;
}

void
peerstat_free(struct peerstat *s)
{
	free(s->peers);
	memset(s, 0, sizeof(*s));
}

/* ---- metrics --------------------------------------------------------------
 */

static void
print_counts(const struct peerstat *s, bool exchange, const char *name,
	     const char *label, const char *help)
{
	(void)printf("# TYPE %s counter\n# HELP %s %s\n", name, name, help);
	for (size_t i = 0; i < s->n_counts; i++)
		if (s->counts[i].exchange == exchange)
			(void)printf(
			    "%s_total{method=\"%s\",%s=\"%s\"} %" PRIu64 "\n",
			    name, s->counts[i].method, label, s->counts[i].what,
			    s->counts[i].count);
}

void
peerstat_metrics(const char *run_dir)
{
	static const char *const states[] = { "up", "negotiating", "failed",
					      "refused", "idle" };
	struct peerstat s;

	if (peerstat_read(&s, run_dir) == 0) {
		(void)printf("# TYPE keynegd_peers gauge\n"
			     "# HELP keynegd_peers Peers of keynegd, by "
			     "state.\n");
		for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
			size_t n = 0;

			for (size_t p = 0; p < s.n; p++)
				n += strcmp(s.peers[p].state, states[i]) == 0;
			(void)printf("keynegd_peers{state=\"%s\"} %zu\n",
				     states[i], n);
		}
		print_counts(&s, true, "keynegd_exchanges", "result",
			     "Exchanges, by how they ended.");
		print_counts(&s, false, "keynegd_messages", "event",
			     "Messages, by what became of them.");
	}
	peerstat_free(&s);
}
