/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/entropy.h"
#include "entropyd/options.h"

const char options_help[] =
    "Usage: entropyd [OPTION]...\n"
    "Collects noise, tests it, and gives it to the kernel and to programs.\n"
    "\n"
    "  -c FILE               configuration (default " OPTIONS_CONFIG ")\n"
    "  --run-dir DIR         sockets (default " ENTROPY_RUN_DIR ")\n"
    "  --state-dir DIR       the saved seed (default /var/lib/nfipsec)\n"
    "  --hwrng PATH          hardware generator (default /dev/hwrng)\n"
    "  --stream NAME=PATH[,BITS]\n"
    "                        one more source, BITS credited per octet\n"
    "                        (default 0); at most four\n"
    "  --no-kernel           give the kernel nothing\n"
    "  --once                256 credited bits for the kernel, then end\n"
    "  --stdout OCTETS       write so many octets of output, then end\n"
    "  --raw SOURCE SAMPLES  write raw samples of hwrng, jitter or cpu, one\n"
    "                        octet each, then end\n"
    "  --status              show what the running entropyd does\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 usage, 3 no entropyd answers.\n";

enum {
	OPT_RUN_DIR = 256,
	OPT_STATE_DIR,
	OPT_HWRNG,
	OPT_STREAM,
	OPT_NO_KERNEL,
	OPT_ONCE,
	OPT_STDOUT,
	OPT_RAW,
	OPT_STATUS,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "hwrng", required_argument, NULL, OPT_HWRNG },
	{ "stream", required_argument, NULL, OPT_STREAM },
	{ "no-kernel", no_argument, NULL, OPT_NO_KERNEL },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "stdout", required_argument, NULL, OPT_STDOUT },
	{ "raw", required_argument, NULL, OPT_RAW },
	{ "status", no_argument, NULL, OPT_STATUS },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int
complain(const char *what, const char *text)
{
	fprintf(stderr, "entropyd: %s: %s (try --help)\n", what, text);
	return -EINVAL;
}

static int
parse_count(const char *what, const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' ||
	    *out == 0)
		return complain(what, text);
	return 0;
}

static int
add_stream(struct options *o, char *spec)
{
	struct source *s = &o->streams[o->n_streams];

	if (o->n_streams == OPTIONS_STREAMS_MAX)
		return complain("--stream", "too many");
	if (noise_stream(s, spec) != 0)
		return complain("--stream", spec);
	for (size_t i = 0; i < o->n_streams; i++)
		if (strcmp(o->streams[i].name, s->name) == 0)
			return complain("--stream: name twice", s->name);
	if (strcmp(s->name, "hwrng") == 0 || strcmp(s->name, "jitter") == 0 ||
	    strcmp(s->name, "cpu") == 0 || strcmp(s->name, "seed") == 0)
		return complain("--stream: the name is taken", s->name);
	o->n_streams++;
	return 0;
}

static int
set_mode(struct options *o, enum options_mode mode)
{
	if (o->mode != OPTIONS_DAEMON)
		return complain("options", "these exclude each other");
	o->mode = mode;
	return 0;
}

/* Handles the value of one option; --raw takes a second word. */
static int
parse_one(struct options *o, int opt, int argc, char **argv)
{
	switch (opt) {
	case 'c':
		o->config = optarg;
		return 0;
	case OPT_RUN_DIR:
		o->run_dir = optarg;
		return 0;
	case OPT_STATE_DIR:
		o->state_dir = optarg;
		return 0;
	case OPT_HWRNG:
		o->hwrng = optarg;
		return 0;
	case OPT_STREAM:
		return add_stream(o, optarg);
	case OPT_NO_KERNEL:
		o->no_kernel = true;
		return 0;
	case OPT_ONCE:
		return set_mode(o, OPTIONS_ONCE);
	case OPT_STDOUT:
		if (parse_count("--stdout", optarg, &o->stdout_octets) != 0)
			return -EINVAL;
		return set_mode(o, OPTIONS_STDOUT);
	case OPT_RAW:
		o->raw_source = optarg;
		if (optind >= argc)
			return complain("--raw", "SOURCE and SAMPLES");
		if (parse_count("--raw", argv[optind++], &o->raw_samples) != 0)
			return -EINVAL;
		return set_mode(o, OPTIONS_RAW);
	case OPT_STATUS:
		return set_mode(o, OPTIONS_SHOW_STATUS);
	case 'h':
		o->mode = OPTIONS_HELP;
		return 0;
	case 'V':
		o->mode = OPTIONS_VERSION;
		return 0;
	}
	fprintf(stderr, "entropyd: try --help\n");
	return -EINVAL;
}

int
options_parse(struct options *o, int argc, char **argv)
{
	int opt;

	*o = (struct options){
		.run_dir = ENTROPY_RUN_DIR,
		.state_dir = "/var/lib/nfipsec",
	};
	while ((opt = getopt_long(argc, argv, "+c:hV", long_options, NULL)) !=
	       -1) {
		if (parse_one(o, opt, argc, argv) != 0)
			return -EINVAL;
		if (o->mode == OPTIONS_HELP || o->mode == OPTIONS_VERSION)
			return 0;
	}
	if (optind != argc)
		return complain("unexpected", argv[optind]);
	return 0;
}
