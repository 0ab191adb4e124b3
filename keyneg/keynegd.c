/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keynegd: keys for nfipsec's associations, negotiated by Kerberos (KINK,
 * RFC 4430).  See keynegd(8).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/proc.h"
#include "keyneg/keychild.h"
#include "keyneg/keyparent.h"

static const char usage[] =
    "usage: keynegd [-c FILE] [--run-dir DIR] [--state-dir DIR] "
    "[--keytab FILE]\n"
    "               [--check] [--debug] [--help] [--version]\n";

static const char help[] =
    "Negotiates the keys of nfipsec's associations by Kerberos.\n"
    "\n"
    "  -c FILE          configuration (/etc/nfipsec/nfipsec.conf)\n"
    "  --run-dir DIR    where nfipsecd's control socket is (/run/nfipsec)\n"
    "  --state-dir DIR  where the replay cache is (/var/lib/keynegd)\n"
    "  --keytab FILE    keys of our principals (Kerberos' default keytab)\n"
    "  --check          reads the configuration, says what is wrong, ends\n"
    "  --debug          logs every move of every exchange\n"
    "  --help, --version\n"
    "\n"
    "It stays in the foreground.  SIGHUP reads the configuration again.\n";

int
main(int argc, char **argv)
{
	enum { RUN_DIR = 256, STATE_DIR, KEYTAB, CHECK, DEBUG, HELP, VERSION };
	static const struct option options[] = {
		{ "run-dir", required_argument, NULL, RUN_DIR },
		{ "state-dir", required_argument, NULL, STATE_DIR },
		{ "keytab", required_argument, NULL, KEYTAB },
		{ "check", no_argument, NULL, CHECK },
		{ "debug", no_argument, NULL, DEBUG },
		{ "help", no_argument, NULL, HELP },
		{ "version", no_argument, NULL, VERSION },
		{ NULL, 0, NULL, 0 },
	};
	struct keyparent_options o = { .conf = "/etc/nfipsec/nfipsec.conf",
				       .run_dir = "/run/nfipsec",
				       .state_dir = "/var/lib/keynegd" };
	bool check = false;
	int c;

	proc_title_init(argc, argv);
	c = keychild_main(argc, argv);
	if (c >= 0)
		return c;
	while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1)
		switch (c) {
		case 'c':
			o.conf = optarg;
			break;
		case RUN_DIR:
			o.run_dir = optarg;
			break;
		case STATE_DIR:
			o.state_dir = optarg;
			break;
		case KEYTAB:
			o.keytab = optarg;
			break;
		case CHECK:
			check = true;
			break;
		case DEBUG:
			setenv("KEYNEGD_DEBUG", "1", 1);
			break;
		case HELP:
			printf("%s\n%s", usage, help);
			return 0;
		case VERSION:
			printf("keynegd %s\n", NFIPSEC_VERSION);
			return 0;
		default:
			fputs("Try: keynegd --help\n", stderr);
			return 2;
		}
	if (optind != argc) {
		fprintf(stderr,
			"keynegd: unexpected argument \"%s\"\n"
			"Try: keynegd --help\n",
			argv[optind]);
		return 2;
	}
	log_init("keynegd", getenv("KEYNEGD_DEBUG") != NULL);
	if (check)
		return keyparent_check(o.conf);
	proc_title("keynegd: parent");
	return keyparent_run(&o);
}
