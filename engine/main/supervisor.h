/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervisor: the process that holds what must outlive an engine.
 *
 * Owns the SA store, the queues' sockets, the nftables tables, the control
 * listener, the persistent counters, the lock on the run directory, and the
 * engine process.  One thread, one loop.  Never parses a packet, never reads
 * an octet from a client.
 *
 *   supervisor.c  start, loop, signals, stop
 *   child.c       the engine process: start, death, back-off
 *   proof.c       the start-up's proof, readiness, what status says
 *   guard.c       the guard table around starts that fail
 *   requests.c    what the engine asks for on behalf of clients
 *   reply.c       and is told for them; tallies.c: what the rules counted
 *   sever.c       SAIDs that a reload takes away, and (saidbook.c) a stop
 *   fence.c       what was queued before SAIDs were given on
 *   instances.c   SAIDs of user principals
 *   goback.c      a reload that nobody confirms
 *   handover.c    to a successor, adopt.c: from a predecessor
 */
#ifndef ENGINE_MAIN_SUPERVISOR_H
#define ENGINE_MAIN_SUPERVISOR_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/entropy.h"
#include "base/evloop.h"
#include "engine/divert/carriers.h"
#include "engine/divert/probe.h"
#include "engine/divert/table.h"
#include "engine/main/link.h"
#include "engine/main/manual.h"
#include "engine/main/runs.h"
#include "engine/main/saidbook.h"
#include "engine/nfq/nlq_sock.h"
#include "engine/sa/persist.h"
#include "engine/sa/store.h"
#include "policy/diag.h"
#include "policy/policy.h"

#define DEFAULT_RUN_DIR   "/run/nfipsec"
#define DEFAULT_STATE_DIR "/var/lib/nfipsec"

struct supervisor_options {
	const char *conf, *run_dir;
	const char *state_dir; /* NULL: by run_dir, see nfipsecd(8) */
	bool debug;
	char **argv; /* as the program was started */
};

/* The configuration before, while a reload waits to be confirmed. */
struct goback {
	struct policy *policy; /* NULL: nothing waits */
	struct diag *diag;
	bool wanted; /* the next policy that retires is to be kept */
	uint64_t at_ms;
	struct evloop_timer timer;
};

/* SAIDs that were an association's and are nobody's now. */
struct sever {
	struct carriers carriers;
	struct saidbook_line *closed; /* oldest first */
	size_t n;
};

/* Since when an instance has no SA. */
#define INSTANCES_GRACE_MS 10000
struct instances_idle {
	uint32_t said;
	uint64_t since_ms;
};
struct instances {
	struct instances_idle *idle;
	size_t n;
	bool unapplied; /* some are over, and stand in the rules yet */
	bool told;      /* of that */
	uint64_t looked_ms;
};

struct supervisor {
	const struct supervisor_options *opt;
	char *state_dir;
	struct evloop *loop;
	bool stopping, stopped;
	bool handing_over; /* the program follows the engine's end */
	bool taken_over;   /* what a predecessor had */
	bool refused;      /* a predecessor's descriptors, just now */
	char exe[4096];    /* the program's file */
	int policy_fd;     /* the policy as text, for a successor; -1 */
	int lock_fd, listen_fd;

	struct policy *policy;
	struct diag *diag; /* the places in policy live as long as this */
	struct store store;
	struct persist *persist;
	struct runs *runs;
	struct table *table;
	struct sever sever;
	struct instances instances;
	struct nlq_sock queues[STORE_QUEUE_KINDS][STORE_WORKERS_MAX];
	unsigned workers;
	bool disabled; /* the tables were taken away on request */

	pid_t engine; /* 0: none */
	struct link link;
	bool link_writing;
	struct entropy_supply
	    entropy; /* the engine's connections to the pool */
	uint64_t engine_started_ms;
	unsigned deaths; /* quick ones in a row */
	uint64_t watched_ms;
	bool silent; /* a worker was, at the last look */

	struct probe *probe;
	uint64_t probe_before[STORE_QUEUE_KINDS];
	bool told_ready;                 /* the service manager */
	char last_why[STORE_TEXT_MAX];   /* of the last proof that failed */
	char manual_why[STORE_TEXT_MAX]; /* "": all manual SAs are there */
	int persist_err;                 /* last one logged */

	struct goback goback;
	struct evloop_timer tick, restart, proof, guard, kill;
};

/* Runs until SIGTERM; the exit status. */
int supervisor_run(const struct supervisor_options *opt);
/* Reads and checks a configuration; NULL: it said what is wrong on stderr.
 * Warnings are said there, too. */
struct policy *supervisor_read(const char *path, struct diag **diag);
/* Loads both tables for the policy, at start and behind `disable`; errors as
 * table_load's. */
int supervisor_rules(struct supervisor *s, const struct policy *p,
		     struct table_why *why);

/* The user whose packets pass; 0: there is none. */
uint32_t supervisor_keying_uid(void);
/* Free it.  NULL: no memory. */
char *supervisor_state_dir(const struct supervisor_options *opt);

/* guard.c: loads the policy's guard if there is none; stores what is loaded
 * for a start that fails; such a start: loads what was stored, and says in one
 * line what is wrong and what holds. */
void guard_first(struct supervisor *s);
/* Before a start ends: that of last time is loaded if none is there.  For the
 * end of the line that says why. */
const char *guard_hold(const struct supervisor *s);
void guard_keep(struct supervisor *s);
/* From now on others' changes of it are undone, at a pace. */
void guard_watch(struct supervisor *s);
void guard_last(const struct supervisor_options *opt, const struct diag *d);
/* A mapped store stays out of forked children. */
void supervisor_keep_keys(const struct store *store);

/* child.c: starts the engine; a death starts it again. */
void child_start(struct supervisor *s);
void child_died(struct supervisor *s, int status);
/* Now and then: does every worker still come round? */
void child_watch(struct supervisor *s, uint64_t now_ms);
void child_stop(struct supervisor *s);
/* What the engine says or takes over its link makes no sense (err of link.h):
 * nobody could be answered any more, so another engine takes its place. */
void child_broken(struct supervisor *s, int err);

/* sever.c: at the start.  begin reads whose SAIDs were before.  range, before
 * the guard of last time goes, ends the program where sockets or programs have
 * one that is none any more; start, where sockets carry one that is another's
 * now.  Both cut what conntrack has under such. */
void sever_begin(struct supervisor *s);
void sever_range(struct supervisor *s);
void sever_start(struct supervisor *s);
/* What the policy that runs now means is for the next start to know. */
void sever_note(struct supervisor *s);
/* a's SAID is nobody's from now on. */
void sever_close(struct supervisor *s, const struct policy_assoc *a);
/* Those that p's associations have are not closed. */
void sever_taken(struct supervisor *s, const struct policy *p);
/* May p's associations have their SAIDs?  -EADDRINUSE: sockets carry
 * one that was another's. */
int sever_check(struct supervisor *s, const struct policy *p,
		struct table_why *why);
/* Just before the rules of p: no connection goes on under a SAID that another
 * association gets, and what these rules mark with it meets no SA of the
 * former one. */
void sever_moved(struct supervisor *s, const struct policy *p);
/* Does a SAID of both have two names? */
bool sever_moves(const struct policy *was, const struct policy *is);
/* After the rules of `is` are there: ends what is under SAIDs that `was` has
 * and neither `is` has nor `back` (what may still come again; or NULL), and
 * says so, a line each. */
void sever_run(struct supervisor *s, const struct policy *was,
	       const struct policy *is, const struct policy *back, FILE *out);

/* instances.c: the instance of an association for a principal, made if there is
 * none.  0 with *is; -errno and why. */
int instances_get(struct supervisor *s, const struct proto_instance *wanted,
		  struct proto_instance *is, struct table_why *why);
/* Now and then: those that are over are taken back. */
void instances_tick(struct supervisor *s, uint64_t now_ms);
/* What a predecessor's store knows of, into the policy. */
void instances_adopt(const struct store *store, struct policy *p);
/* All that there were since the boot; who is not wanted any more is over soon. */
void instances_recall(struct supervisor *s);

/* proof.c */
void proof_begin(struct supervisor *s);
/* Not ready, because; supersedes what was said before. */
void proof_withdraw(struct supervisor *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Says what the policy's manual keys came to. */
void proof_manual(struct supervisor *s, const struct manual_report *r);

/* requests.c */
void requests_read(void *supervisor);
/* SIGHUP: as LINK_RELOAD, its text to the log. */
void requests_reload(struct supervisor *s);
/* p takes the running policy's place, in tables and store.  0; -errno and
 * why: nothing has changed. */
int requests_apply(struct supervisor *s, struct policy *p, struct diag *d,
		   FILE *out, struct table_why *why);

/* goback.c: the running policy is over; it is kept or freed. */
void goback_retire(struct supervisor *s);
/* A reload is done: says when it goes back, if it does; secs 0: as before. */
void goback_arm(struct supervisor *s, uint32_t secs, FILE *out);
/* What runs may stay. */
void goback_forget(struct supervisor *s);

#endif
