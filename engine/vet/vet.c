/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/vet/vet.h"
#include "engine/vet/vet_child.h"

enum outcome {
	OUTCOME_ANSWER,
	OUTCOME_LATE, /* no answer within VET_LIMIT_MS */
	OUTCOME_GONE, /* the child ended instead */
};

/* What our own rules refused on this line needs no second opinion. */
static bool
is_refused_already(const struct diag *d, const struct policy_place *at)
{
	const struct diag_item *item;

	for (size_t i = 0; (item = diag_item(d, i)) != NULL; i++)
		if (!item->warning && item->file != NULL &&
		    item->line == at->line && strcmp(item->file, at->file) == 0)
			return true;
	return false;
}

static void
report(const struct policy *p, size_t n, unsigned column, const char *what,
       struct diag *d)
{
	bool define = n < p->n_defines;
	const struct policy_flow *f = &p->flows[define ? 0 : n - p->n_defines];
	const char *text = define ? p->defines[n].text : f->expression;
	struct policy_place at =
	    define ? p->defines[n].text_at : f->expression_at;

	/* A define was made one line: its columns hold for the first. */
	if (column > 1 && column <= strlen(text))
		at.column += column - 1;
	if (!is_refused_already(d, &at))
		diag_error(d, &at, "%s", what);
}

/* An answer to question n; what the child wrote is not trusted. */
static enum outcome
read_answer(int fd, size_t n, struct vet_answer *a)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t got;
	int ready;

	do
		ready = poll(&pfd, 1, VET_LIMIT_MS);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return OUTCOME_LATE;
	do
		got = read(fd, a, sizeof(*a));
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(*a) || a->question != n ||
	    a->verdict < VET_VERDICT_GOOD || a->verdict > VET_VERDICT_UNABLE)
		return OUTCOME_GONE;
	a->what[sizeof(a->what) - 1] = '\0';
	return OUTCOME_ANSWER;
}

static int
start_child(const struct policy *p, size_t first, pid_t *pid)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -errno;
	fflush(NULL); /* or the child's copy is written twice */
	*pid = fork();
	if (*pid < 0) {
		int err = -errno;

		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (*pid == 0)
		vet_child_run(p, first, fds[1]);
	close(fds[1]);
	return fds[0];
}

/* How it ended, for people.  The child is gone after this. */
static void
end_child(pid_t pid, char *how, size_t size)
{
	int status = 0;
	pid_t got;

	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got == pid && WIFSIGNALED(status))
		snprintf(how, size, "nft dies of this (%s)",
			 strsignal(WTERMSIG(status)));
	else
		snprintf(how, size, "nft ends without an answer to this");
}

/* One child from question *n on, until it or the questions end.  1: *n was
 * fatal to it; 0; -errno: nft can't be asked. */
static int
run_child(const struct policy *p, size_t *n, struct diag *d)
{
	enum outcome outcome = OUTCOME_ANSWER;
	struct vet_answer a;
	char how[120];
	pid_t pid = -1;
	int fd, err = 0;

	fd = start_child(p, *n, &pid);
	if (fd < 0) {
		diag_error(d, NULL, "nft can't be asked about flows: %s",
			   strerror(-fd));
		return fd;
	}
	for (; *n < vet_child_questions(p) && err == 0; ++*n) {
		outcome = read_answer(fd, *n, &a);
		if (outcome != OUTCOME_ANSWER)
			break;
		if (a.verdict == VET_VERDICT_REFUSED)
			report(p, *n, a.column, a.what, d);
		if (a.verdict == VET_VERDICT_UNABLE) {
			err = a.error == 0 ? -EIO : -(int)a.error;
			diag_error(d, NULL,
				   "nft can't be asked about flows: "
				   "%s: %s",
				   a.what, strerror(-err));
		}
	}
	close(fd);
	if (outcome == OUTCOME_LATE)
		kill(pid, SIGKILL);
	end_child(pid, how, sizeof(how));
	if (err != 0 || outcome == OUTCOME_ANSWER)
		return err;
	if (outcome == OUTCOME_LATE)
		snprintf(how, sizeof(how), "nft gives no answer within %d s",
			 VET_LIMIT_MS / 1000);
	report(p, *n, 0, how, d);
	return 1;
}

int
vet_policy(const struct policy *p, struct diag *d)
{
	size_t errors = diag_errors(d), n = 0;
	unsigned deaths = 0;
	int err;

	while (n < vet_child_questions(p)) {
		err = run_child(p, &n, d);
		if (err < 0)
			return err;
		if (err == 0)
			break;
		n++;
		if (++deaths == VET_DEATHS_MAX && n < vet_child_questions(p)) {
			diag_error(d, NULL,
				   "nft failed %u times: what "
				   "follows is not asked about",
				   deaths);
			break;
		}
	}
	return diag_errors(d) == errors ? 0 : -EINVAL;
}
