/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/notify.h"
#include "base/secret.h"
#include "engine/main/adopt.h"
#include "engine/main/handover.h"
#include "engine/main/supervisor.h"
#include "policy/dump.h"

#define VARIABLE     "NFIPSECD_HERITAGE" /* NAME=NUMBER:... */
#define LISTEN_FIRST 3                   /* SD_LISTEN_FDS_START */
#define CHECK_SECS   20 /* less than the service manager's patience */

typedef void each_fn(void *arg, const char *name, int fd);

/* ---- taking ---- */

static void
take_one(struct heritage *h, const char *name, int fd)
{
	int *at = heritage_place(h, name);

	if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return;
	if (at == NULL || *at >= 0) {
		log_warnx("descriptor %d, \"%s\": not ours", fd, name);
		close(fd);
		return;
	}
	*at = fd;
	h->any = true;
}

/* "store=7:control=9" */
static void
take_numbers(struct heritage *h, char *text)
{
	char *save = NULL;

	for (char *word = strtok_r(text, ":", &save); word != NULL;
	     word = strtok_r(NULL, ":", &save)) {
		char *number = strchr(word, '=');

		if (number == NULL)
			continue;
		*number++ = '\0';
		take_one(h, word, atoi(number));
	}
}

/* sd_listen_fds(3): descriptors from 3 on, their names in the same order. */
static void
take_listened(struct heritage *h, const char *count, char *names)
{
	char *save = NULL, *name = strtok_r(names, ":", &save);

	for (int n = 0; n < atoi(count); n++) {
		take_one(h, name == NULL ? "" : name, LISTEN_FIRST + n);
		if (name != NULL)
			name = strtok_r(NULL, ":", &save);
	}
}

static void
take_environment(struct heritage *h)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES"), *own = getenv(VARIABLE);
	char *copy;

	if (own != NULL) {
		copy = strdup(own);
		if (copy != NULL)
			take_numbers(h, copy);
		free(copy);
	} else if (pid != NULL && count != NULL && names != NULL &&
		   atoi(pid) == (int)getpid()) {
		copy = strdup(names);
		if (copy != NULL)
			take_listened(h, count, copy);
		free(copy);
	}
	unsetenv(VARIABLE);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

/* The manager's copies would keep the old table, queues and keys alive. */
static void
remove_one(void *arg, const char *name, int fd)
{
	notify_send("FDSTOREREMOVE=1\nFDNAME=%s", name);
}

static void
close_one(void *arg, const char *name, int fd)
{
	close(fd);
}

bool
handover_take(struct supervisor *s)
{
	struct table_why why = { "" };
	struct heritage h, all;
	int err;

	heritage_init(&h);
	take_environment(&h);
	if (!h.any)
		return false;
	all = h;
	err = adopt(s, &h, &why);
	if (err == 0) {
		/* Queues of more workers, a listener whose name is gone. */
		heritage_each(&h, remove_one, NULL);
		heritage_each(&h, close_one, NULL);
		log_info("taken over: tables, queues and SAs go on");
		return true;
	}
	log_warnx("what the last nfipsecd left is not taken over: %s; a new "
		  "start, the guard table holds",
		  why.text[0] != '\0' ? why.text : strerror(-err));
	/* Some of it adopt has closed already. */
	heritage_each(&all, remove_one, NULL);
	heritage_each(&h, close_one, NULL);
	s->refused = true;
	return false;
}

/* ---- giving ---- */

/* The policy as text that names no file: keys stand in it. */
static char *
policy_text(const struct policy *p, size_t *len)
{
	struct policy plain = *p;
	char *text = NULL;
	FILE *out = NULL;

	plain.assocs = calloc(p->n_assocs + 1, sizeof(*plain.assocs));
	if (plain.assocs != NULL)
		out = open_memstream(&text, len);
	if (out != NULL) {
		for (size_t i = 0; i < p->n_assocs; i++) {
			struct policy_assoc *a = &plain.assocs[i];

			*a = p->assocs[i];
			a->out.key_file = a->in.key_file = NULL;
			a->out.auth_key_file = a->in.auth_key_file = NULL;
			a->out.ah_key_file = a->in.ah_key_file = NULL;
		}
		dump_policy(&plain, out, true);
		if (fclose(out) != 0) {
			free(text);
			text = NULL;
		}
		secret_wipe(plain.assocs, p->n_assocs * sizeof(*plain.assocs));
	}
	free(plain.assocs);
	return text;
}

void
handover_note_policy(struct supervisor *s)
{
	size_t len = 0;
	char *text = policy_text(s->policy, &len);
	ssize_t n = -1;

	if (s->policy_fd < 0)
		s->policy_fd = memfd_create("nfipsec-policy", MFD_CLOEXEC);
	if (s->policy_fd >= 0 && ftruncate(s->policy_fd, 0) == 0 &&
	    text != NULL)
		n = pwrite(s->policy_fd, text, len, 0);
	if (n < 0 || (size_t)n != len) {
		log_warnx("a successor will have to begin anew: %s",
			  strerror(errno));
		if (s->policy_fd >= 0 && ftruncate(s->policy_fd, 0) < 0)
			log_warn("ftruncate");
	}
	if (text != NULL)
		secret_wipe(text, len);
	free(text);
}

/* What s has, as a heritage. */
static int
gather(struct supervisor *s, struct heritage *h)
{
	struct table_heritage table;
	struct table_why why = { "" };
	int err;

	heritage_init(h);
	err = table_hand_over(s->table, &table, &why);
	if (err < 0) {
		log_warnx("%s", why.text);
		return err;
	}
	h->store = s->store.fd;
	h->control = s->listen_fd;
	h->tables = table.state;
	h->nft = table.socket;
	h->policy = s->policy_fd;
	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		for (unsigned w = 0; w < s->workers; w++)
			h->queues[k][w] = s->queues[k][w].fd;
	return 0;
}

static void
offer_one(void *arg, const char *name, int fd)
{
	notify_send_fd(fd, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
}

void
handover_offer(struct supervisor *s)
{
	struct heritage h;

	if (getenv("NOTIFY_SOCKET") != NULL && gather(s, &h) == 0)
		heritage_each(&h, offer_one, NULL);
}

/* Would the program, maybe another one by now, start with this
 * configuration?  It answers on our standard error. */
static bool
ask_program(const struct supervisor *s)
{
	char name[] = "nfipsecd", check[] = "--check", option[] = "-c";
	char *conf = strdup(s->opt->conf);
	char *argv[] = { name, check, option, conf, NULL };
	int status = 0;
	sigset_t none;
	pid_t pid = conf == NULL ? -1 : fork();

	if (pid == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		(void)unsetenv("NOTIFY_SOCKET");
		(void)alarm(CHECK_SECS);
		(void)execv(s->exe, argv);
		_exit(127);
	}
	free(conf);
	if (pid < 0)
		return false;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void
handover_begin(struct supervisor *s)
{
	if (s->disabled) {
		log_warnx("disabled: there is nothing to hand over");
		return;
	}
	if (s->goback.policy != NULL) {
		log_warnx("a reload waits to be confirmed: not now");
		return;
	}
	if (!ask_program(s)) {
		log_warnx("%s would not start; this one goes on", s->exe);
		return;
	}
	log_info("handing over to %s", s->exe);
	notify_send("STATUS=handing over");
	s->stopping = s->handing_over = true;
	s->stopped = s->engine == 0;
	child_stop(s);
}

struct environment {
	char text[4096];
	size_t len;
};

static void
write_number(void *arg, const char *name, int fd)
{
	struct environment *e = arg;
	int n = snprintf(e->text + e->len, sizeof(e->text) - e->len, "%s%s=%d",
			 e->len == 0 ? "" : ":", name, fd);

	if (n > 0 && (size_t)n < sizeof(e->text) - e->len)
		e->len += (size_t)n;
}

static void
keep_open(void *arg, const char *name, int fd)
{
	(void)fcntl(fd, F_SETFD, *(const int *)arg);
}

void
handover_exec(struct supervisor *s)
{
	struct environment e = { .len = 0 };
	struct heritage h;
	int over = 0, not_over = FD_CLOEXEC;

	if (gather(s, &h) == 0) {
		heritage_each(&h, write_number, &e);
		heritage_each(&h, keep_open, &over);
		if (setenv(VARIABLE, e.text, 1) == 0)
			(void)execv(s->exe, s->opt->argv);
		log_warn("%s", s->exe);
		(void)unsetenv(VARIABLE);
		heritage_each(&h, keep_open, &not_over);
	}
	s->stopping = s->stopped = s->handing_over = false;
	child_start(s);
}
