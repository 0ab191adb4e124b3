/* SPDX-License-Identifier: GPL-2.0-or-later */
/* entropy: entropyd's view of its sources, the pool and the kernel. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cli/entropystat.h"
#include "engine/cli/jsonout.h"

/* Digits are a number, with a point a real, the rest is text. */
static json_t *
to_json(const char *value)
{
	size_t digits = strspn(value, "0123456789");

	if (digits == 0)
		return json_string(value);
	if (value[digits] == '\0')
		return json_integer((json_int_t)strtoull(value, NULL, 10));
	if (value[digits] == '.' && value[digits + 1] != '\0' &&
	    value[digits + 1 + strspn(value + digits + 1, "0123456789")] ==
		'\0')
		return json_real(strtod(value, NULL));
	return json_string(value);
}

static void
print_json(const struct entropystat *s)
{
	jsonout_begin();
	for (unsigned i = 0; i < s->n; i++) {
		const struct entropystat_line *line = &s->lines[i];
		json_t *o = json_object();

		for (unsigned k = 0; k < line->n; k++) {
			const char *key = line->pairs[k].key;
			const char *value = line->pairs[k].value;
			/* A version or a name may look like a number. */
			bool text = strcmp(key, "version") == 0 ||
				    strcmp(key, "name") == 0;

			(void)json_object_set_new(
			    o, key, text ? json_string(value) : to_json(value));
		}
		jsonout_put(line->word, o);
	}
	jsonout_end();
}

static const char *
text_of(const struct entropystat_line *line, const char *key)
{
	const char *value = entropystat_value(line, key);

	return value != NULL ? value : "?";
}

static void
print_source(const struct entropystat_line *line)
{
	uint64_t failures = entropystat_number(line, "failures_repetition") +
			    entropystat_number(line, "failures_proportion") +
			    entropystat_number(line, "failures_lag") +
			    entropystat_number(line, "failures_block");
	uint64_t retry = entropystat_number(line, "retry_secs");
	int error = (int)entropystat_number(line, "error");
	const char *fault = text_of(line, "fault");

	(void)printf("  %-12s %-10s %8s %8s %10s %8" PRIu64 "  ",
		     text_of(line, "name"), text_of(line, "state"),
		     text_of(line, "assessed_bits"),
		     text_of(line, "credit_bits"),
		     text_of(line, "credited_bits"), failures);
	if (strcmp(fault, "none") != 0) {
		(void)printf("%s", fault);
		if (error != 0)
			(void)printf(" (%s)", strerror(error));
		if (retry != 0)
			(void)printf(", again in %" PRIu64 " s", retry);
	} else {
		(void)printf("-");
	}
	(void)printf("\n");
}

static void
print_text(const struct entropystat *s)
{
	const struct entropystat_line *pool = entropystat_line(s, "pool");
	const struct entropystat_line *kernel = entropystat_line(s, "kernel");
	const struct entropystat_line *self = entropystat_line(s, "entropyd");
	const struct entropystat_line *seed = entropystat_line(s, "seed");
	const char *locked = text_of(pool, "locked");
	int error = (int)entropystat_number(kernel, "error");

	(void)printf("entropyd %s: %s, up %s s\n", text_of(self, "version"),
		     entropystat_number(pool, "ready") != 0 ? "ready"
							    : "NOT READY",
		     text_of(self, "up_secs"));
	(void)printf("  %-12s %-10s %8s %8s %10s %8s  %s\n", "source", "state",
		     "assessed", "credit", "bits", "failures", "last fault");
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->lines[i].word, "source") == 0)
			print_source(&s->lines[i]);
	(void)printf("  pool         %s bits credited, %s requests, %s octets "
		     "given out%s\n",
		     text_of(pool, "credited_bits"), text_of(pool, "requests"),
		     text_of(pool, "octets"),
		     strcmp(locked, "0") == 0 ? ", not all memory locked" : "");
	(void)printf("  kernel       %s bits credited",
		     text_of(kernel, "credited_bits"));
	if (entropystat_number(kernel, "credits") != 0)
		(void)printf(", the last %s s ago",
			     text_of(kernel, "last_secs"));
	if (error != 0)
		(void)printf(" (%s)", strerror(error));
	error = (int)entropystat_number(seed, "error");
	(void)printf("\n  seed         %s",
		     entropystat_number(seed, "saved") != 0 ? "saved"
							    : "not saved");
	if (error != 0)
		(void)printf(" (%s)", strerror(error));
	(void)printf("\n");
}

int
cmd_entropy_run(int argc, char **argv, const struct cli *cli)
{
	static struct entropystat s;
	int err;

	if (argc > 1)
		return cli_usage("entropy", "%s: one word too many", argv[1]);
	err = entropystat_read(&s, cli->run_dir);
	if (err != 0) {
		cli_complain("%s/%s: %s", cli->run_dir, ENTROPY_STATUS_SOCKET,
			     strerror(-err));
		return err == -EACCES ? CLI_FORBIDDEN : CLI_UNREACHABLE;
	}
	if (cli->json)
		print_json(&s);
	else
		print_text(&s);
	return CLI_DONE;
}
