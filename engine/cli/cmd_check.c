/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/cli/cmd_check.h"
#include "engine/vet/marks.h"
#include "engine/vet/vet.h"
#include "policy/check.h"
#include "policy/dump.h"
#include "policy/parse.h"

enum exit_status {
	EXIT_GOOD = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_FORBIDDEN = 4
};

static const char check_help[] =
    "usage: nfipsec [-j] check [FILE]\n"
    "\n"
    "Reads FILE (" CMD_CHECK_FILE ") and what it includes, and says\n"
    "everything that is wrong with it.  nft checks the flows in a network\n"
    "namespace of its own.  Needs no daemon, and no root but for reading\n"
    "the files.  Exit status: 0 good, 1 refused.\n";

static const char export_help[] =
    "usage: nfipsec export conf [--show-keys] [FILE]\n"
    "\n"
    "Prints FILE (" CMD_CHECK_FILE ") and what it includes in normal\n"
    "form.  Keys are printed as (hidden), unless root asks to show them.\n";

/* Warnings but no errors let the flows be asked about as well. */
static struct policy *
load(const char *file, struct diag *d)
{
	struct policy *p = parse_file(file, d);

	if (p != NULL && check_policy(p, d) == 0 && vet_policy(p, d) == 0)
		marks_warn(p, d);
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

/* One FILE at most; NULL after a usage error. */
static const char *
file_argument(int argc, char **argv, const char *help)
{
	if (argc - optind > 1) {
		fputs(help, stderr);
		return NULL;
	}
	return optind < argc ? argv[optind] : CMD_CHECK_FILE;
}

int
cmd_check_run(int argc, char **argv, bool json)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	struct diag *d;
	struct policy *p;
	const char *file;
	int c, status;

	optind = 0; /* this is not the first getopt of the process */
	while ((c = getopt_long(argc, argv, "hj", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(check_help, stdout);
			return EXIT_GOOD;
		}
		if (c != 'j') {
			fputs(check_help, stderr);
			return EXIT_USAGE;
		}
		json = true;
	}
	file = file_argument(argc, argv, check_help);
	if (file == NULL)
		return EXIT_USAGE;
	d = diag_new();
	p = d == NULL ? NULL : load(file, d);
	if (p == NULL) {
		fputs("nfipsec: out of memory\n", stderr);
		diag_free(d);
		return EXIT_REFUSED;
	}
	if (json)
		print_json(file, p, d);
	else
		print_text(file, p, d);
	status = diag_errors(d) == 0 ? EXIT_GOOD : EXIT_REFUSED;
	policy_free(p);
	diag_free(d);
	return status;
}

static int
export_file(const char *file, bool show_keys)
{
	struct diag *d = diag_new();
	struct policy *p = d == NULL ? NULL : parse_file(file, d);
	int status = EXIT_REFUSED;

	if (p == NULL) {
		fputs("nfipsec: out of memory\n", stderr);
	} else if (check_policy(p, d) != 0) {
		diag_print(d, stderr);
	} else {
		dump_policy(p, stdout, show_keys);
		status = fflush(stdout) == 0 && !ferror(stdout) ? EXIT_GOOD
								: EXIT_REFUSED;
	}
	policy_free(p);
	diag_free(d);
	return status;
}

int
cmd_check_export(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "show-keys", no_argument, NULL, 'k' },
		{ 0 },
	};
	bool show_keys = false;
	const char *file;
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(export_help, stdout);
			return EXIT_GOOD;
		}
		if (c != 'k') {
			fputs(export_help, stderr);
			return EXIT_USAGE;
		}
		show_keys = true;
	}
	file = file_argument(argc, argv, export_help);
	if (file == NULL)
		return EXIT_USAGE;
	if (show_keys && geteuid() != 0) {
		fputs("nfipsec: --show-keys is for root\n", stderr);
		return EXIT_FORBIDDEN;
	}
	return export_file(file, show_keys);
}
