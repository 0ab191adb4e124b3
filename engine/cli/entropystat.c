/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cli/entropystat.h"
#include "engine/cli/sockread.h"

int
entropystat_read(struct entropystat *s, const char *run_dir)
{
	char *text;
	size_t len;
	int err;

	err = sockread_all(run_dir, ENTROPY_STATUS_SOCKET, ENTROPY_STATUS_MAX,
			   &text, &len);
	if (err == 0)
		entropystat_parse(s, text, len);
	free(text);
	return err;
}

static void
parse_line(struct entropystat_line *line, char *text)
{
	char *next = text, *word;

	line->word = strsep(&next, " ");
	line->n = 0;
	while ((word = strsep(&next, " ")) != NULL &&
	       line->n < ENTROPYSTAT_PAIRS) {
		char *value = strchr(word, '=');

		if (value == NULL)
			continue;
		*value = '\0';
		line->pairs[line->n++] =
		    (struct entropystat_pair){ word, value + 1 };
	}
}

void
entropystat_parse(struct entropystat *s, const char *text, size_t len)
{
	char *next = s->text, *line;

	if (len > ENTROPY_STATUS_MAX)
		len = ENTROPY_STATUS_MAX;
	memcpy(s->text, text, len);
	s->text[len] = '\0';
	/* It goes to a terminal: nothing but printable ASCII does. */
	for (size_t i = 0; i < len; i++)
		if (s->text[i] != '\n' &&
		    (s->text[i] < ' ' || s->text[i] > '~'))
			s->text[i] = '?';
	s->n = 0;
	while ((line = strsep(&next, "\n")) != NULL && s->n < ENTROPYSTAT_LINES)
		if (line[0] != '\0')
			parse_line(&s->lines[s->n++], line);
}

const struct entropystat_line *
entropystat_line(const struct entropystat *s, const char *word)
{
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->lines[i].word, word) == 0)
			return &s->lines[i];
	return NULL;
}

const char *
entropystat_value(const struct entropystat_line *line, const char *key)
{
	for (unsigned i = 0; line != NULL && i < line->n; i++)
		if (strcmp(line->pairs[i].key, key) == 0)
			return line->pairs[i].value;
	return NULL;
}

uint64_t
entropystat_number(const struct entropystat_line *line, const char *key)
{
	const char *value = entropystat_value(line, key);

	return value != NULL ? strtoull(value, NULL, 10) : 0;
}

/* A name out of the text: letters, digits and dashes need no escapes. */
static const char *
name_of(const struct entropystat_line *line)
{
	const char *name = entropystat_value(line, "name");

	return name != NULL && strpbrk(name, "\"\\") == NULL ? name : "?";
}

static void
print_failures(const struct entropystat_line *line)
{
	static const char prefix[] = "failures_";

	for (unsigned i = 0; i < line->n; i++) {
		const char *key = line->pairs[i].key;

		if (strncmp(key, prefix, sizeof(prefix) - 1) == 0)
			(void)printf("entropyd_health_failures_total{source="
				     "\"%s\",test=\"%s\"} %" PRIu64 "\n",
				     name_of(line), key + sizeof(prefix) - 1,
				     entropystat_number(line, key));
	}
}

static void
print_each(const struct entropystat *s, const char *name, const char *type,
	   const char *help, const char *key)
{
	(void)printf("# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->lines[i].word, "source") == 0)
			(void)printf("%s_total{source=\"%s\"} %" PRIu64 "\n",
				     name, name_of(&s->lines[i]),
				     entropystat_number(&s->lines[i], key));
}

void
entropystat_metrics(const char *run_dir)
{
	static struct entropystat s;

	if (entropystat_read(&s, run_dir) != 0)
		return;
	print_each(&s, "entropyd_source_bits", "counter",
		   "Min-entropy credited to a source, in bits.",
		   "credited_bits");
	(void)printf("# TYPE entropyd_health_failures counter\n"
		     "# HELP entropyd_health_failures Failures of a source's "
		     "health tests.\n");
	for (unsigned i = 0; i < s.n; i++)
		if (strcmp(s.lines[i].word, "source") == 0)
			print_failures(&s.lines[i]);
	print_each(&s, "entropyd_source_stalls", "counter",
		   "Times that a source did not answer.", "stalls");
	(void)printf("# TYPE entropyd_kernel_bits counter\n"
		     "# HELP entropyd_kernel_bits Bits credited to the "
		     "kernel.\n"
		     "entropyd_kernel_bits_total %" PRIu64 "\n",
		     entropystat_number(entropystat_line(&s, "kernel"),
					"credited_bits"));
	(void)printf(
	    "# TYPE entropyd_output_bytes counter\n"
	    "# UNIT entropyd_output_bytes bytes\n"
	    "# HELP entropyd_output_bytes Octets given out by the "
	    "pool.\n"
	    "entropyd_output_bytes_total %" PRIu64 "\n",
	    entropystat_number(entropystat_line(&s, "pool"), "octets"));
}
