/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/cli/cmd_check.h"
#include "engine/vet/marks.h"
#include "engine/vet/names.h"
#include "engine/vet/vet.h"
#include "policy/check.h"
#include "policy/dump.h"
#include "policy/parse.h"

/* All errors at once: nft is asked about the flows whatever else is wrong. */
static struct policy *
load(const char *file, struct diag *d)
{
	struct policy *p = parse_file(file, d);

	if (p != NULL) {
		(void)check_policy(p, d);
		names_resolve(p, d);
		if (vet_policy(p, d) == 0 && diag_errors(d) == 0)
			marks_warn(p, d);
	}
	return p;
}

static json_t *
item_json(const struct diag_item *item)
{
	json_t *o = json_pack("{s:s, s:s}", "severity",
			      item->warning ? "warning" : "error", "message",
			      item->what);

	if (o != NULL && item->file != NULL) {
		json_object_set_new(o, "file", json_string(item->file));
		json_object_set_new(o, "line", json_integer(item->line));
		json_object_set_new(o, "column", json_integer(item->column));
	}
	return json_pack("{s:o}", "diagnostic", o);
}

static void
print_json(const char *file, const struct policy *p, const struct diag *d)
{
	json_t *list = json_array(), *top;
	const struct diag_item *item;

	json_array_append_new(list, json_pack("{s:{s:s, s:i}}", "metainfo",
					      "version", NFIPSEC_VERSION,
					      "json_schema_version", 1));
	for (size_t i = 0; (item = diag_item(d, i)) != NULL; i++)
		json_array_append_new(list, item_json(item));
	json_array_append_new(
	    list, json_pack("{s:{s:s, s:b, s:I, s:I, s:I, s:I}}", "check",
			    "file", file, "good", diag_errors(d) == 0, "errors",
			    (json_int_t)diag_errors(d), "warnings",
			    (json_int_t)diag_warnings(d), "associations",
			    (json_int_t)p->n_assocs, "flows",
			    (json_int_t)p->n_flows));
	top = json_pack("{s:o}", "nfipsec", list);
	json_dumpf(top, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(top);
}

static void
print_text(const char *file, const struct policy *p, const struct diag *d)
{
	size_t errors = diag_errors(d);

	diag_print(d, stderr);
	if (errors != 0)
		fprintf(stderr, "%s: %zu error%s\n", file, errors,
			errors == 1 ? "" : "s");
	else
		printf("%s: good: %zu association%s, %zu flow%s\n", file,
		       p->n_assocs, p->n_assocs == 1 ? "" : "s", p->n_flows,
		       p->n_flows == 1 ? "" : "s");
}

/* What is wrong goes to stderr; with -j it is in the one object on stdout. */
int
cmd_check_run(int argc, char **argv, const struct cli *cli)
{
	const char *file = argc == 2 ? argv[1] : CMD_CHECK_FILE;
	struct policy *p;
	struct diag *d;
	int status;

	if (argc > 2)
		return cli_usage("check", "one file at a time");
	d = diag_new();
	p = d == NULL ? NULL : load(file, d);
	if (p == NULL) {
		cli_complain("out of memory");
		diag_free(d);
		return CLI_FAILED;
	}
	if (cli->json)
		print_json(file, p, d);
	else
		print_text(file, p, d);
	status = diag_errors(d) == 0 ? CLI_DONE : CLI_FAILED;
	policy_free(p);
	diag_free(d);
	return status;
}

int
cmd_check_export(const char *file, const struct cli *cli)
{
	struct diag *d;
	struct policy *p;
	int status = CLI_FAILED;

	if (cli->show_keys && geteuid() != 0) {
		cli_complain("keys are for root");
		return CLI_FORBIDDEN;
	}
	d = diag_new();
	p = d == NULL ? NULL : parse_file(file, d);
	if (p == NULL) {
		cli_complain("out of memory");
	} else if (check_policy(p, d) != 0) {
		diag_print(d, stderr);
	} else {
		dump_policy(p, stdout, cli->show_keys);
		status = CLI_DONE;
	}
	policy_free(p);
	diag_free(d);
	return status;
}
