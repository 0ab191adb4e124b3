/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * divert_driver CONFIG [queue|xt]: the tables alone, without an engine.
 *
 * Loads the tables of CONFIG and obeys lines on stdin, one answer a line on
 * stdout ("ok ...", "error TEXT" or several lines and then "ok"):
 *
 *	reload FILE | try FILE    another configuration; what it would do
 *	counts                    NAME PACKETS, guard's with a prefix "guard/"
 *	verify | variant | disable
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

#include "engine/divert/table.h"
#include "engine/sa/store.h"
#include "policy/parse.h"

static struct table *table;
static struct table_why why;
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

static int
obey(char *line, char **argv)
{
	char *arg = strchr(line, ' '), *plan = NULL, number[16];
	int r, fd;

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
		policy_free(p);
		return r;
	}
	if (strcmp(line, "counts") == 0)
		return table_counts(table, print_count, NULL);
	if (strcmp(line, "verify") == 0)
		return table_verify(table, &why);
	if (strcmp(line, "disable") == 0)
		return table_disable(table, &why);
	if (strcmp(line, "variant") == 0) {
		puts(table_variant_name(table_variant(table)));
		return 0;
	}
	if (strcmp(line, "hand-over") == 0) {
		r = table_hand_over(table, &fd, &why);
		if (r != 0)
			return r;
		snprintf(number, sizeof(number), "%d", fd);
		setenv("DIVERT_INHERITED", number, 1);
		execv("/proc/self/exe", argv);
		return -errno;
	}
	if (strcmp(line, "quit") == 0) {
		table_close(table);
		exit(0);
	}
	return -EINVAL;
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

int
main(int argc, char **argv)
{
	const char *inherited = getenv("DIVERT_INHERITED");
	const char *keying = getenv("DIVERT_KEYING_UID");
	struct policy *p = read_policy(argv[1]);
	int r;

	if (keying != NULL) {
		uid = (uint32_t)atoi(keying);
		params.keying_uids = &uid;
		params.n_keying_uids = 1;
	}
	params.workers = p->options.workers != 0 ? p->options.workers : 1;
	r = table_open(&table, inherited != NULL ? atoi(inherited) : -1, &why);
	if (r == 0 && inherited == NULL) {
		if (argc > 2)
			table_prefer(table, strcmp(argv[2], "xt") == 0 ?
			    TABLE_VARIANT_XT : TABLE_VARIANT_QUEUE);
		r = table_load(table, p, &params, &why);
	}
	policy_free(p);
	answer(r);
	if (r != 0)
		return 1;
	run(argv);
	table_close(table);
	return 0;
}
