/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/vet/vet_child.h"
#include "engine/vet/vet_json.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ADDRESS_SPACE RLIM_INFINITY /* shadow memory takes terabytes */
#else
#define ADDRESS_SPACE (1ul << 30)
#endif

#define CPU_SECS 20 /* over all questions; the parent watches each */

size_t
vet_child_questions(const struct policy *p)
{
	return p->n_defines + p->n_flows;
}

static void
say(int fd, size_t question, enum vet_verdict verdict, int error,
    unsigned column, const char *what)
{
	struct vet_answer a = { .question = (uint32_t)question,
				.verdict = verdict,
				.error = (uint32_t)error,
				.column = column };

	snprintf(a.what, sizeof(a.what), "%s", what);
	if (write(fd, &a, sizeof(a)) != (ssize_t)sizeof(a))
		_exit(1); /* the parent is gone */
}

/* Nothing of the caller's but the pipe and the memory. */
static int
leave_caller(int fd)
{
	struct rlimit none = { 0, 0 }, cpu = { CPU_SECS, CPU_SECS + 1 };
	struct rlimit space = { ADDRESS_SPACE, ADDRESS_SPACE };
	sigset_t all;
	int null;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "vet");
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_AS, &space);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return -errno;
	for (int to = 0; to < 3; to++)
		if (dup2(null, to) < 0)
			return -errno;
	if (fd != 3 && dup2(fd, 3) < 0)
		return -errno;
	if (close_range(4, ~0u, 0) != 0)
		return -errno;
	/* Root needs no user namespace, and users' names stay names. */
	if (unshare(CLONE_NEWNET) == 0 ||
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
		return 0;
	return -errno;
}

/* The define that $name at `c` means; -1 if none. */
static ssize_t
find_define(const struct policy *p, const char *c)
{
	for (size_t i = 0; i < p->n_defines; i++) {
		size_t n = strlen(p->defines[i].name);

		if (strncmp(c, p->defines[i].name, n) == 0 &&
		    strspn(c + n,
			   "abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == 0)
			return (ssize_t)i;
	}
	return -1;
}

/* Marks every define that the text uses, and those that these use. */
static void
mark_used(const struct policy *p, const char *text, bool *used)
{
	for (const char *c = text; (c = strchr(c, '$')) != NULL;) {
		ssize_t i = find_define(p, ++c);

		if (i < 0 || used[i])
			continue;
		used[i] = true;
		mark_used(p, p->defines[i].text, used);
	}
}

#define PLACES_MAX 2 /* hooks that a flow stands in */

struct question {
	const char *text;      /* what columns count in */
	size_t at[PLACES_MAX]; /* where it begins in the script */
	unsigned places, rules;
	char *script;
};

static void
write_chain(FILE *f, const char *hook, struct question *q)
{
	fprintf(f,
		"chain %s { type filter hook %s priority -150; "
		"policy accept; ",
		hook, hook);
	q->at[q->places++] = (size_t)ftell(f);
	fprintf(f, "%s drop; }; ", q->text);
}

/* The script of question n: the defines it needs, then a table with the
 * expression in every hook where its flow will stand.  It is one line: the
 * library tells the column of a fault in a text, but not its line.  Names stay
 * defined between scripts, hence `redefine`. */
static int
make_question(const struct policy *p, size_t n, struct question *q)
{
	bool define = n < p->n_defines, *used;
	const struct policy_flow *flow =
	    define ? NULL : &p->flows[n - p->n_defines];
	size_t size;
	FILE *f = open_memstream(&q->script, &size);

	used = calloc(p->n_defines + 1, sizeof(*used));
	if (used == NULL || f == NULL)
		return -ENOMEM;
	q->text = define ? p->defines[n].text : flow->expression;
	mark_used(p, q->text, used);
	for (size_t i = 0; i < (define ? n : p->n_defines); i++)
		if (used[i])
			fprintf(f, "redefine %s = %s; ", p->defines[i].name,
				p->defines[i].text);
	free(used);
	if (define) {
		fprintf(f, "redefine %s = ", p->defines[n].name);
		q->at[q->places++] = (size_t)ftell(f);
		fprintf(f, "%s; table inet vet { }\n", q->text);
	} else {
		fprintf(f, "table inet vet { ");
		if (flow->inbound) {
			write_chain(f, "prerouting", q);
		} else {
			write_chain(f, "output", q);
			write_chain(f, "forward", q);
		}
		q->rules = q->places;
		fprintf(f, "}\n");
	}
	return fclose(f) == 0 ? 0 : -ENOMEM;
}

/* The library writes "Error: WHAT", the text, and a line of blanks, ~ and ^.
 * The column in q's text; 0 when the fault is elsewhere. */
static unsigned
read_error(const struct question *q, const char *error, char *what, size_t size)
{
	static const char word[] = "Error: ";
	const char *line = strstr(error, word);
	size_t blanks, n;

	if (line == NULL) {
		snprintf(what, size, "nft refuses it");
		return 0;
	}
	line += sizeof(word) - 1;
	n = strcspn(line, "\n");
	snprintf(what, size, "nft: %.*s", (int)n, line);
	while (line[n] == '\n') {
		line += n + 1;
		n = strcspn(line, "\n");
		blanks = strspn(line, " \t~");
		if (blanks >= n || strspn(line, " \t~^") != n)
			continue;
		for (unsigned i = 0; i < q->places; i++)
			if (blanks >= q->at[i] &&
			    blanks - q->at[i] < strlen(q->text))
				return (unsigned)(blanks - q->at[i]) + 1;
		break;
	}
	return 0;
}

static void
ask(struct nft_ctx *nft, const struct policy *p, size_t n, int fd)
{
	struct question q = { 0 };
	char what[240] = "";
	const char *wrong = NULL;
	unsigned column = 0;

	if (make_question(p, n, &q) != 0) {
		say(fd, n, VET_VERDICT_UNABLE, ENOMEM, 0, "out of memory");
		_exit(0);
	}
	if (nft_run_cmd_from_buffer(nft, q.script) != 0) {
		column = read_error(&q, nft_ctx_get_error_buffer(nft), what,
				    sizeof(what));
		wrong = what;
	} else {
		nft_ctx_get_output_buffer(nft);
		if (nft_run_cmd_from_buffer(nft, "list table inet vet") != 0)
			wrong = "nft does not list it again";
		else
			wrong = vet_json_judge(nft_ctx_get_output_buffer(nft),
					       q.rules, what, sizeof(what));
		if (nft_run_cmd_from_buffer(nft, "delete table inet vet") != 0)
			wrong = "nft does not delete it again";
	}
	nft_ctx_get_error_buffer(nft);
	free(q.script);
	if (wrong == NULL)
		say(fd, n, VET_VERDICT_GOOD, 0, 0, "");
	else
		say(fd, n, VET_VERDICT_REFUSED, 0, column, wrong);
}

void
vet_child_run(const struct policy *p, size_t first, int fd)
{
	int err = leave_caller(fd);
	struct nft_ctx *nft;

	fd = err == 0 ? 3 : fd;
	if (err != 0) {
		say(fd, first, VET_VERDICT_UNABLE, -err, 0,
		    "no network namespace of its own");
		_exit(0);
	}
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (nft == NULL || nft_ctx_buffer_output(nft) != 0 ||
	    nft_ctx_buffer_error(nft) != 0) {
		say(fd, first, VET_VERDICT_UNABLE, errno, 0,
		    "libnftables does not start");
		_exit(0);
	}
	nft_ctx_clear_include_paths(nft);
	nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_JSON);
	for (size_t n = first; n < vet_child_questions(p); n++)
		ask(nft, p, n, fd);
	_exit(0);
}
