/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/proc.h"
#include "engine/crypto/suite.h"
#include "engine/ctl/server.h"
#include "engine/main/handover.h"
#include "engine/main/supervisor.h"
#include "engine/vet/marks.h"
#include "engine/vet/names.h"
#include "engine/vet/vet.h"
#include "policy/check.h"
#include "policy/parse.h"

#define MANUAL_AGAIN_TICKS 10 /* of PERSIST_TICK_MS */
#define KEYING_USER        "_keynegd"
#define RELEASE_TRIES      250
#define RELEASE_STEP_MS    20

struct policy *
supervisor_read(const char *path, struct diag **diag)
{
	struct diag *d = diag_new();
	struct policy *p = d == NULL ? NULL : parse_file(path, d);

	if (p == NULL)
		log_fatalx("no memory for the configuration");
	*diag = d;
	if (check_policy(p, d) == 0 && vet_policy(p, d) == 0) {
		names_resolve(p, d);
		marks_warn(p, d);
		return p;
	}
	policy_free(p);
	return NULL;
}

static void
lock_run_dir(struct supervisor *s)
{
	char path[4096];

	if (mkdir(s->opt->run_dir, 0755) < 0 && errno != EEXIST)
		log_fatal("%s", s->opt->run_dir);
	if (snprintf(path, sizeof(path), "%s/lock", s->opt->run_dir) >=
	    (int)sizeof(path))
		log_fatalx("%s: too long", s->opt->run_dir);
	s->lock_fd =
	    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		log_fatal("%s", path);
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
		log_fatalx("%s: another nfipsecd runs with this run-dir",
			   s->opt->run_dir);
}

/* Two in two network namespaces, told apart by their run-dirs alone, must not
 * count in the same files: another run-dir than the default has a folder of
 * its own, the same one at each start. */
char *
supervisor_state_dir(const struct supervisor_options *opt)
{
	char *run, *dir;

	if (opt->state_dir != NULL)
		return strdup(opt->state_dir);
	run = realpath(opt->run_dir, NULL);
	if (run == NULL)
		run = strdup(opt->run_dir); /* not there yet */
	if (run == NULL)
		return NULL;
	if (strcmp(run, DEFAULT_RUN_DIR) == 0) {
		dir = strdup(DEFAULT_STATE_DIR);
	} else {
		for (char *at = run; (at = strchr(at, '/')) != NULL;)
			*at = '-';
		if (asprintf(&dir, DEFAULT_STATE_DIR "/%s",
			     run[0] == '-' ? run + 1 : run) < 0)
			dir = NULL;
	}
	free(run);
	return dir;
}

static void
choose_state_dir(struct supervisor *s)
{
	s->state_dir = supervisor_state_dir(s->opt);
	if (s->state_dir == NULL)
		log_fatalx("no memory");
	if (s->opt->state_dir == NULL &&
	    strcmp(s->state_dir, DEFAULT_STATE_DIR) != 0 &&
	    mkdir(DEFAULT_STATE_DIR, 0700) < 0 && errno != EEXIST)
		log_fatal(DEFAULT_STATE_DIR);
}

static unsigned
count_workers(const struct policy *p)
{
	long n = (long)p->options.workers;

	if (n == 0)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n < 1)
		n = 1;
	if (n > STORE_WORKERS_MAX) {
		log_warnx("%ld workers asked for, %d started", n,
			  STORE_WORKERS_MAX);
		n = STORE_WORKERS_MAX;
	}
	return (unsigned)n;
}

/* The service manager lets go of refused descriptors a moment after it was
 * asked to; what they hold stays taken until then. */
static bool
wait_for_release(const struct supervisor *s)
{
	static unsigned waited;

	if (!s->refused || waited++ >= RELEASE_TRIES)
		return false;
	(void)usleep(RELEASE_STEP_MS * 1000);
	return true;
}

static void
open_queues(struct supervisor *s)
{
	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		for (unsigned w = 0; w < s->workers; w++) {
			uint16_t number = (uint16_t)STORE_QUEUE_NUMBER(k, w);
			int err;

			do
				err = nlq_sock_open(
				    &s->queues[k][w], number,
				    s->policy->options.queue_length,
				    k == STORE_QUEUE_SEAL_TCP);
			while (err == -EBUSY && wait_for_release(s));
			if (err == -EBUSY)
				log_fatalx("queue %u: taken; another nfipsecd "
					   "in this network namespace?",
					   number);
			if (err < 0)
				log_fatalx("queue %u: %s", number,
					   strerror(-err));
		}
}

uint32_t
supervisor_keying_uid(void)
{
	const struct passwd *pw = getpwnam(KEYING_USER);

	return pw == NULL ? 0 : pw->pw_uid;
}

int
supervisor_rules(struct supervisor *s, const struct policy *p,
		 struct table_why *why)
{
	struct nftgen_params params = { .workers = s->workers };
	uint32_t uid = supervisor_keying_uid();
	int err;

	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		params.first_queue[k] = (uint16_t)STORE_QUEUE_NUMBER(k, 0);
	if (uid != 0) {
		params.keying_uids = &uid;
		params.n_keying_uids = 1;
	}
	do
		err = table_load(s->table, p, &params, why);
	while (err == -EEXIST && wait_for_release(s));
	if (err < 0)
		return err;
	s->store.head->keying_uid = uid;
	switch (table_variant(s->table)) {
	case TABLE_VARIANT_NONE:
		break;
	case TABLE_VARIANT_QUEUE:
		s->store.head->divert = STORE_DIVERT_NFT;
		break;
	case TABLE_VARIANT_XT:
		s->store.head->divert = STORE_DIVERT_XT;
		break;
	}
	return 0;
}

static void
load_tables(struct supervisor *s)
{
	struct table_why why = { "" };
	int err = table_open(&s->table, NULL, &why);

	if (err == 0)
		err = supervisor_rules(s, s->policy, &why);
	if (err < 0)
		log_fatalx("the nftables rules: %s",
			   why.text[0] != '\0' ? why.text : strerror(-err));
	guard_keep(s);
}

/* Reservations; and what manual keys could not be started for. */
static void
on_tick(void *arg)
{
	struct supervisor *s = arg;
	static unsigned ticks;
	static struct notify_pace pace;
	uint64_t now = clock_now_ms();
	int err = persist_tick(s->persist, &s->store, now);

	if (err != s->persist_err && err < 0)
		log_warnx("%s: %s; what is reserved of manual keys' sequence "
			  "numbers is used up, then they stop",
			  s->state_dir, strerror(-err));
	s->persist_err = err;
	if (s->manual_why[0] != '\0' && ++ticks % MANUAL_AGAIN_TICKS == 0) {
		struct manual_report r = { .quiet = true };

		manual_apply(&s->store, s->persist, s->policy, &r);
		proof_manual(s, &r);
	}
	notify_alive(&pace, now);
	(void)entropy_mixes();
	entropy_supply_tick(&s->entropy, now);
	runs_tick(s->runs, now);
	if (!s->stopping) {
		child_watch(s, now);
		instances_tick(s, now);
	}
	evloop_timer_set(s->loop, &s->tick, now + PERSIST_TICK_MS);
}

static void
on_signal(void *arg, int signo)
{
	struct supervisor *s = arg;
	int status;

	switch (signo) {
	case SIGCHLD:
		/* No other child's: those that try nft's texts are waited
		 * for by who made them. */
		if (s->engine != 0 &&
		    waitpid(s->engine, &status, WNOHANG) == s->engine) {
			child_died(s, status);
			s->stopped = s->stopping;
		}
		break;
	case SIGHUP:
		if (!s->stopping)
			requests_reload(s);
		break;
	case SIGUSR2:
		if (!s->stopping)
			handover_begin(s);
		break;
	case SIGTERM:
	case SIGINT:
		s->handing_over = false;
		if (s->stopping)
			break;
		notify_send("STOPPING=1");
		log_info("stopping; the guard table stays");
		s->stopping = true;
		s->stopped = s->engine == 0;
		child_stop(s);
		break;
	}
}

/* Children that try nft's texts have no business with keys. */
void
supervisor_keep_keys(const struct store *store)
{
	(void)madvise(store->head, store->head->size, MADV_DONTFORK);
}

/* All that outlives an engine, without a predecessor. */
static void
make_all(struct supervisor *s)
{
	const struct policy_options *o = &s->policy->options;
	int err = store_create(&s->store, o->max_sa, s->workers);

	if (err < 0)
		log_fatalx("the SA store: %s", strerror(-err));
	s->store.head->queue_length = o->queue_length;
	supervisor_keep_keys(&s->store);
	err = manual_write_policy(&s->store, s->policy);
	if (err < 0)
		log_fatalx("more than %d associations", STORE_ASSOCS_MAX);
	load_tables(s);
	open_queues(s);
}

/* What a predecessor left, or all anew. */
static void
take_or_make(struct supervisor *s)
{
	s->taken_over = handover_take(s);
	if (s->taken_over) {
		sever_taken(s, s->policy);
		sever_note(s);
	} else {
		sever_start(s);
		make_all(s);
		sever_note(s);
		handover_note_policy(s);
	}
	s->store.head->supervisor_started_wall = clock_wall_secs();
	atomic_store(&s->store.head->goes_back_wall, 0);
	if (s->listen_fd < 0)
		s->listen_fd = server_listen(s->opt->run_dir);
	if (s->listen_fd < 0)
		log_fatalx("%s/control.sock: %s", s->opt->run_dir,
			   strerror(-s->listen_fd));
	handover_offer(s);
}

static void
start(struct supervisor *s)
{
	static const int signals[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT,
				       SIGUSR2 };
	struct manual_report r = { 0 };
	int err;

	if (readlink("/proc/self/exe", s->exe, sizeof(s->exe) - 1) < 0)
		log_fatal("/proc/self/exe");
	lock_run_dir(s);
	choose_state_dir(s);
	s->runs = runs_open(s->opt->run_dir);
	if (s->runs == NULL)
		log_fatalx("no memory");
	sever_begin(s);
	sever_range(s); /* before the guard of last time goes */
	guard_first(s);
	err = entropy_use(s->opt->run_dir);
	if (err < 0)
		log_warnx("entropyd's pool is not used: %s", strerror(-err));
	s->loop = evloop_new();
	if (s->loop == NULL)
		log_fatal("epoll");
	err = evloop_signals(s->loop, signals, 5, on_signal, s);
	if (err < 0)
		log_fatalx("signals: %s", strerror(-err));
	err = persist_open(&s->persist, s->state_dir, NULL);
	if (err < 0)
		log_fatalx("%s: %s", s->state_dir,
			   err == -EBUSY ? "another nfipsecd has this "
					   "state-dir: give each its own"
					 : strerror(-err));
	s->workers = count_workers(s->policy);
	take_or_make(s);
	manual_apply(&s->store, s->persist, s->policy, &r);
	proof_manual(s, &r);
	if (r.added != 0 && !persist_is_durable(s->persist))
		log_warnx("%s does not survive a reboot: then the nonces of "
			  "manual keys repeat",
			  s->state_dir);
	s->tick.fn = on_tick;
	s->tick.arg = s;
	on_tick(s); /* reserves before an engine sends */
	guard_watch(s);
	proof_withdraw(s, "the engine is being started");
	if (s->taken_over)
		requests_reload(s); /* from its policy to the file's */
	child_start(s);
}

/* The engine is dead: numbers can be exact. */
static int
finish(struct supervisor *s)
{
	int err = persist_close(s->persist, &s->store);

	if (err < 0)
		log_warnx("%s: %s", s->state_dir, strerror(-err));
	persist_free(s->persist);
	runs_close(s->runs);
	probe_free(s->probe);
	table_close(s->table);
	carriers_close(&s->sever.carriers);
	free(s->sever.closed);
	free(s->instances.idle);
	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		for (unsigned w = 0; w < s->workers; w++)
			nlq_sock_close(&s->queues[k][w]);
	close(s->listen_fd);
	if (s->policy_fd >= 0)
		close(s->policy_fd);
	goback_forget(s);
	store_unmap(&s->store);
	policy_free(s->policy);
	diag_free(s->diag);
	free(s->state_dir);
	evloop_free(s->loop);
	return err < 0;
}

int
supervisor_run(const struct supervisor_options *opt)
{
	struct supervisor s = { .opt = opt,
				.lock_fd = -1,
				.listen_fd = -1,
				.policy_fd = -1,
				.entropy = { .fd = -1 } };
	const char *failed = NULL;
	int err;

	log_init("nfipsecd", opt->debug);
	/* The store's files have sums. */
	if (suite_library_init(&failed) < 0)
		log_fatalx("%s", failed);
	link_init(&s.link, -1);
	s.policy = supervisor_read(opt->conf, &s.diag);
	diag_print(s.diag, stderr);
	if (s.policy == NULL) {
		guard_last(opt, s.diag);
		diag_free(s.diag);
		return 1;
	}
	proc_title("nfipsecd: supervisor");
	start(&s);
	while (!s.stopped) {
		err = evloop_step(s.loop);
		if (err < 0)
			log_fatalx("epoll: %s", strerror(-err));
		if (s.stopped && s.handing_over)
			handover_exec(&s);
	}
	return finish(&s);
}
