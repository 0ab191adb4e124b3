/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "engine/main/engine.h"
#include "engine/main/supervisor.h"

#define DEFAULT_CONF "/etc/nfipsec/nfipsec.conf"

enum { OPT_RUN_DIR = 256, OPT_STATE_DIR, OPT_CHECK, OPT_DEBUG };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char usage[] =
    "usage: nfipsecd [-c FILE] [--run-dir DIR] [--state-dir DIR] [--check]\n"
    "                [--debug]\n"
    "\n"
    "Protects the IP flows that its configuration names with IPsec.  Stays in\n"
    "the foreground and logs to standard error.  SIGHUP reads the "
    "configuration\n"
    "again, SIGUSR2 hands over to the program's new version, SIGTERM stops;\n"
    "flows stay blocked then, until\n"
    "`nfipsec disable --allow-plaintext`.\n"
    "\n"
    "  -c, --config FILE   configuration (" DEFAULT_CONF ")\n"
    "  --run-dir DIR       control socket and lock (" DEFAULT_RUN_DIR ")\n"
    "  --state-dir DIR     counters of manual keys (" DEFAULT_STATE_DIR ")\n"
    "  --check             look at the configuration, change nothing\n"
    "  --debug             log more\n"
    "  -h, --help          this text\n"
    "  -V, --version       the version\n"
    "\n"
    "Manual page: nfipsecd(8), nfipsec.conf(5).\n";

static int
check_only(const char *conf)
{
	struct diag *d;
	struct policy *p = supervisor_read(conf, &d);
	int bad = p == NULL;

	diag_print(d, stderr);
	policy_free(p);
	diag_free(d);
	return bad;
}

/* argv's own memory becomes the process' title. */
static const char *
keep(const char *arg)
{
	char *copy = strdup(arg);

	if (copy == NULL)
		log_fatal("start");
	return copy;
}

int
main(int argc, char **argv)
{
	static struct supervisor_options opt = { .conf = DEFAULT_CONF,
						 .run_dir = DEFAULT_RUN_DIR };
	bool check = false;
	int c;

	proc_title_init(argc, argv);
	if (argc >= 4 && strcmp(argv[1], "--engine") == 0)
		return engine_main(argc, argv);
	while ((c = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			opt.conf = keep(optarg);
			break;
		case OPT_RUN_DIR:
			opt.run_dir = keep(optarg);
			break;
		case OPT_STATE_DIR:
			opt.state_dir = keep(optarg);
			break;
		case OPT_CHECK:
			check = true;
			break;
		case OPT_DEBUG:
			opt.debug = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("nfipsecd " NFIPSEC_VERSION);
			return 0;
		default:
			fputs("Try: nfipsecd --help\n", stderr);
			return 2;
		}
	}
	if (optind != argc) {
		fprintf(stderr,
			"nfipsecd: unexpected argument \"%s\"\n"
			"Try: nfipsecd --help\n",
			argv[optind]);
		return 2;
	}
	if (check)
		return check_only(opt.conf);
	opt.argv = argv;
	return supervisor_run(&opt);
}
