/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table: owns the nftables tables of this network namespace.
 *
 * The main table, inet nfipsec, belongs to one netlink socket (nft's `owner`
 * flag): others can neither change nor flush it, and it disappears when the
 * last descriptor of that socket is closed.  The guard table belongs to nobody
 * and stays; it is put back when others touch it.
 *
 * The supervisor's, one thread.  Calls block for as long as the kernel takes
 * for a transaction (milliseconds).  Each text is tried first in a forked
 * child, since the library can crash; so a caller must be able to see SIGCHLD
 * of a child it does not know.  Base chains are never deleted while the table
 * is loaded: that would flush every queue of the namespace.
 *
 *	table_open(&t, NULL, why)       no change of anything yet
 *	table_load(t, policy, params, why)
 *	... poll table_watch_fd -> table_watch_handle
 *	table_reload(t, policy2, why)   differences only
 *	table_close(t)                  main table gone, guard stays
 */
#ifndef ENGINE_DIVERT_TABLE_H
#define ENGINE_DIVERT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/nftgen.h"
#include "policy/policy.h"

/* Why something failed, for people: one or more lines, no newline at the
 * end.  Filled on every error below. */
struct table_why {
	char text[2048];
};
void table_why_set(struct table_why *why, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

enum table_variant {
	TABLE_VARIANT_NONE,  /* not loaded */
	TABLE_VARIANT_QUEUE, /* nft's queue statement */
	TABLE_VARIANT_XT,    /* the xt NFQUEUE target */
};

struct table;

/* Two descriptors, see table_hand_over. */
struct table_heritage {
	int state;  /* a memfd */
	int socket; /* the owner of the main table */
};

/* A netlink socket and nothing else; or what a predecessor has handed over:
 * the tables as they are, still loaded, and the guard made whole.  The two
 * descriptors are the table's then; on an error they stay the caller's.
 * -errno; -EPROTO: the predecessor's state is not understood. */
int table_open(struct table **out, const struct table_heritage *from,
	       struct table_why *why);

/* For tests: this form of queue rule and no other. */
void table_prefer(struct table *t, enum table_variant v);

/*
 * Sysctls, main table with its queue rules, guard table.  Until the queue
 * rules are there, what should be queued is dropped.  On an error nothing is
 * loaded but perhaps the guard, and the sysctls are as before.
 *   -EEXIST   another process owns a main table in this namespace
 *   -EROFS    a sysctl has the wrong value and can't be written
 *   -EOPNOTSUPP  the kernel has neither form of queue rule
 *   -EINVAL   nft refuses the text, or died of it
 * `params` is copied; show_queues and settles are ignored.
 */
int table_load(struct table *t, const struct policy *p,
	       const struct nftgen_params *params, struct table_why *why);

/* From the policy loaded to this one, in one transaction a table; counters of
 * what stays go on.  -ENOTSUP: said-mask differs (needs a restart).  On an
 * error the main table is as before. */
int table_reload(struct table *t, const struct policy *p,
		 struct table_why *why);
/* Would table_reload be accepted?  Changes nothing.  *plan, if not NULL, gets
 * the nft commands that it would run (free it). */
int table_try(struct table *t, const struct policy *p, char **plan,
	      struct table_why *why);

/* The guard's text as it is loaded; NULL: none is. */
const char *table_guard_text(const struct table *t);

/* What the loaded rules were made with. */
const struct nftgen_params *table_params(const struct table *t);
enum table_variant table_variant(const struct table *t);

/* What others do to the guard table.  Poll for reading, then handle: puts the
 * guard back if it was touched.  1: it was and is whole again; 0: nothing;
 * -errno: it could not be put back (try again in a moment). */
int table_watch_fd(const struct table *t);
int table_watch_handle(struct table *t, struct table_why *why);

/* Every counter of both tables; `guard` says of which.  Names: nftgen.h. */
typedef void table_count_fn(void *arg, bool guard, const char *name,
			    uint64_t packets, uint64_t octets);
int table_counts(struct table *t, table_count_fn *each, void *arg);
/* One counter of the main table; -ENOENT. */
int table_count(struct table *t, const char *name, uint64_t *packets);
/* Are the start-up's own test packets traced?  Off at first. */
int table_trace(struct table *t, bool on);
/* Are the flow rules in the kernel the loaded policy's, each in its place, and
 * is a queue rule in every queue chain?  0; -EBADMSG and why. */
int table_verify(struct table *t, struct table_why *why);

/* `disable --allow-plaintext`: both tables are deleted, sysctls restored. */
int table_disable(struct table *t, struct table_why *why);
/* Main table gone, sysctls restored, guard stays.  NULL is fine. */
void table_close(struct table *t);

/*
 * What a successor needs to go on with the tables: two descriptors that stay
 * the table's, close-on-exec.  The first goes on telling the truth through
 * reloads, so a copy may be given away at the start.  Who leaves the tables to
 * a successor calls table_leave instead of table_close: the main table lives
 * while somebody holds a copy of the socket, the sysctls stay.
 */
int table_hand_over(struct table *t, struct table_heritage *out,
		    struct table_why *why);
void table_leave(struct table *t);

#endif
