/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * divert_driver -p CONFIG [NEXT]: prints the text of both tables, or what
 * leads from one configuration to the next.  No kernel needed.
 *
 * divert_driver [-e] [-v queue|xt] CONFIG: the tables without nfipsecd.
 *
 * Loads the tables of CONFIG, with -e and a fake engine behind them, and obeys
 *lines on stdin, one answer a line on stdout ("ok ...", "error TEXT" or several
 *lines and then "ok"):
 *
 *	reload FILE | try FILE    another configuration; what it would do
 *	counts                    NAME PACKETS, guard's with a prefix "guard/"
 *	verify | variant | disable
 *	probe                     the start-up's proof; warnings before the ok
 *	pause | go                the fake engine
 *	packets                   what it has seen, by queue kind
 *	hand-over                 execs itself with the table inherited
 *	quit
 *
 * It puts the guard back when others touch it, and says so on stderr.  Key
 * negotiation's user is $DIVERT_KEYING_UID if that is set.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/divert/probe.h"
#include "engine/divert/table.h"
#include "engine/sa/store.h"
#include "policy/nftdiff.h"
#include "policy/parse.h"
#include "policy/said.h"
#include "test/net/fake_engine.h"

static const uint8_t token[PROBE_TOKEN_OCTETS] = "divert-driver's";
static struct table *table;
static struct policy *policy;
static struct table_why why;
static uint64_t probes_before[NFTGEN_QUEUES];
static uint32_t uid;
static struct nftgen_params params = {
	.first_queue = {
		STORE_QUEUE_NUMBER(STORE_QUEUE_SEAL_TCP, 0),
		STORE_QUEUE_NUMBER(STORE_QUEUE_SEAL, 0),
		STORE_QUEUE_NUMBER(STORE_QUEUE_DECAP, 0),
	},
};

static void
one_line(char *s)
{
	for (; *s != '\0'; s++)
		if (*s == '\n')
			*s = '|';
}

static void
answer(int r)
{
	if (r == 0) {
		puts("ok");
	} else {
		one_line(why.text);
		printf("error %s: %s\n", strerror(-r), why.text);
	}
	fflush(stdout);
}

static struct policy *
read_policy(const char *path)
{
	struct diag *d = diag_new();
	struct policy *p = parse_file(path, d);

	if (p == NULL || diag_errors(d) != 0) {
		diag_print(d, stderr);
		exit(1);
	}
	diag_free(d);
	return p;
}

static void
print_count(void *arg, bool guard, const char *name, uint64_t packets,
	    uint64_t octets)
{
	printf("%s%s %llu\n", guard ? "guard/" : "", name,
	       (unsigned long long)packets);
}

static bool
seen(void *arg, enum nftgen_queue kind)
{
	return fake_engine_probes(kind) > probes_before[kind];
}

static int
prove(void)
{
	struct table_why warning = { "" };
	struct probe *pr;
	int r;

	for (int k = 0; k < NFTGEN_QUEUES; k++)
		probes_before[k] = fake_engine_probes((enum nftgen_queue)k);
	r = probe_start(&pr, table, policy, token, seen, NULL);
	if (r != 0)
		return r;
	while ((r = probe_step(pr, clock_now_ms(), &why, &warning)) == -EAGAIN)
		usleep(20000);
	probe_free(pr);
	if (warning.text[0] != '\0')
		puts(warning.text);
	return r;
}

/* What answers with one word or number. */
static int
obey_simple(const char *line)
{
	if (strcmp(line, "verify") == 0)
		return table_verify(table, &why);
	if (strcmp(line, "disable") == 0)
		return table_disable(table, &why);
	if (strcmp(line, "probe") == 0)
		return prove();
	if (strcmp(line, "variant") == 0)
		puts(table_variant(table) == TABLE_VARIANT_XT ? "xt NFQUEUE"
							      : "nft queue");
	else if (strcmp(line, "pause") == 0 || strcmp(line, "go") == 0)
		fake_engine_pause(line[0] == 'p');
	else if (strcmp(line, "packets") == 0)
		for (int k = 0; k < NFTGEN_QUEUES; k++)
			printf("%d %llu\n", k,
			       (unsigned long long)fake_engine_packets(
				   (enum nftgen_queue)k));
	else
		return -EINVAL;
	return 0;
}

static int
obey(char *line, char **argv)
{
	char *arg = strchr(line, ' '), *plan = NULL, numbers[32];
	struct table_heritage h;
	int r;

	if (arg != NULL)
		*arg++ = '\0';
	if (strcmp(line, "reload") == 0 || strcmp(line, "try") == 0) {
		struct policy *p = read_policy(arg);

		if (strcmp(line, "try") == 0)
			r = table_try(table, p, &plan, &why);
		else
			r = table_reload(table, p, &why);
		if (plan != NULL)
			fputs(plan, stdout);
		free(plan);
		if (r == 0 && line[0] == 'r') {
			policy_free(policy);
			policy = p;
		} else {
			policy_free(p);
		}
		return r;
	}
	if (strcmp(line, "counts") == 0)
		return table_counts(table, print_count, NULL);
	if (strcmp(line, "hand-over") == 0) {
		r = table_hand_over(table, &h, &why);
		if (r != 0)
			return r;
		snprintf(numbers, sizeof(numbers), "%d %d", dup(h.state),
			 dup(h.socket));
		setenv("DIVERT_INHERITED", numbers, 1);
		execv("/proc/self/exe", argv);
		return -errno;
	}
	if (strcmp(line, "quit") == 0) {
		table_close(table);
		exit(0);
	}
	return obey_simple(line);
}

static void
run(char **argv)
{
	static char line[4096];
	size_t len = 0;
	char *nl;
	ssize_t n;
	int r;

	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = STDIN_FILENO, .events = POLLIN },
			{ .fd = table_watch_fd(table), .events = POLLIN },
		};

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents != 0) {
			r = table_watch_handle(table, &why);
			if (r != 0)
				fprintf(stderr, "guard: %s\n",
					r > 0 ? "restored" : why.text);
		}
		if (fds[0].revents == 0)
			continue;
		n = read(STDIN_FILENO, line + len, sizeof(line) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		line[len] = '\0';
		while ((nl = strchr(line, '\n')) != NULL) {
			*nl = '\0';
			answer(obey(line, argv));
			len -= (size_t)(nl + 1 - line);
			memmove(line, nl + 1, len + 1);
		}
	}
}

/* -p */
static int
print_texts(const char *next)
{
	static int (*const fill[])(const struct policy *,
				   const struct nftgen_params *,
				   char **) = { nftgen_main, nftgen_guard };
	struct policy *p = next != NULL ? read_policy(next) : NULL;
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		char *text = NULL, *other = NULL, *plan = NULL;

		params.show_queues = p == NULL;
		r = fill[i](policy, &params, &text);
		if (r == 0 && p == NULL) {
			fputs(text, stdout);
		} else if (r == 0) {
			r = fill[i](p, &params, &other);
			if (r == 0)
				r = nftdiff_update(text, other, &plan);
			if (r == 0)
				fputs(plan, stdout);
		}
		free(text);
		free(other);
		free(plan);
	}
	policy_free(p);
	if (r != 0)
		fprintf(stderr, "%s\n", strerror(-r));
	return r != 0;
}

static void
start_engine(void)
{
	const struct policy_options *o = &policy->options;
	struct fake_engine_config c = {
		.params = params,
		.mask = o->said_mask,
		.done = said_to_mark(o, said_done(o)),
		.probe = said_to_mark(o, said_probe(o)),
	};

	memcpy(c.token, token, sizeof(c.token));
	fake_engine_start(&c);
}

int
main(int argc, char **argv)
{
	const char *inherited = getenv("DIVERT_INHERITED");
	const char *keying = getenv("DIVERT_KEYING_UID");
	enum table_variant variant = TABLE_VARIANT_NONE;
	struct table_heritage from = { -1, -1 };
	bool engine = false, print = false;
	int r, option;

	while ((option = getopt(argc, argv, "epv:")) != -1) {
		if (option == 'e')
			engine = true;
		else if (option == 'p')
			print = true;
		else if (option == 'v')
			variant = strcmp(optarg, "xt") == 0
				      ? TABLE_VARIANT_XT
				      : TABLE_VARIANT_QUEUE;
		else
			return 2;
	}
	policy = read_policy(argv[optind]);
	if (keying != NULL) {
		uid = (uint32_t)atoi(keying);
		params.keying_uids = &uid;
		params.n_keying_uids = 1;
	}
	params.workers =
	    policy->options.workers != 0 ? policy->options.workers : 1;
	if (print)
		return print_texts(argv[optind + 1]);
	if (inherited != NULL)
		sscanf(inherited, "%d %d", &from.state, &from.socket);
	r = table_open(&table, inherited != NULL ? &from : NULL, &why);
	if (r == 0 && inherited == NULL) {
		table_prefer(table, variant);
		r = table_load(table, policy, &params, &why);
	}
	if (r == 0 && engine)
		start_engine();
	answer(r);
	if (r != 0)
		return 1;
	run(argv);
	table_close(table);
	return 0;
}
