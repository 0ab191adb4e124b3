/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/divert/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/divert/guardwatch.h"
#include "engine/divert/heirloom.h"
#include "engine/divert/nftctx.h"
#include "engine/divert/queuerule.h"
#include "engine/divert/sysctls.h"
#include "engine/divert/tabledump.h"
#include "policy/nftdiff.h"
#include "policy/said.h"

/* A policy's two texts. */
struct texts {
	char *main, *guard;
};

struct table {
	struct nftctx nft;
	int state; /* a memfd for a successor; -1: not asked for */
	struct guardwatch watch;
	bool touched; /* the guard, and not whole again yet */
	struct sysctls sysctls;
	struct nftgen_params params;
	uint32_t *uids; /* params.keying_uids' own copy */
	uint32_t said_mask;
	struct texts loaded; /* NULL: nothing */
	enum table_variant variant, wanted;
};

static void renew_state(struct table *t);

void
table_why_set(struct table_why *why, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	n = strlen(why->text);
	while (n > 0 && why->text[n - 1] == '\n')
		why->text[--n] = '\0';
}

static void
free_texts(struct texts *t)
{
	free(t->main);
	free(t->guard);
	*t = (struct texts){ 0 };
}

static int
make_texts(const struct policy *p, const struct nftgen_params *params,
	   struct texts *t, struct table_why *why)
{
	int r;

	*t = (struct texts){ 0 };
	r = nftgen_main(p, params, &t->main);
	if (r == 0)
		r = nftgen_guard(p, params, &t->guard);
	if (r != 0) {
		table_why_set(why, "no text for the tables: %s", strerror(-r));
		free_texts(t);
	}
	return r;
}

static int
replace_guard(struct table *t, const char *guard, struct table_why *why)
{
	char *text, *anew;
	int r = nftdiff_replace(guard, &text);

	if (r != 0) {
		table_why_set(why, "guard: %s", strerror(-r));
		return r;
	}
	r = nftctx_run(&t->nft, text, why);
	free(text);
	if (r == 0)
		return 0;
	/* Somebody made chains or sets of other types under our names: then
	 * the table goes and comes in one transaction, queues flushed. */
	if (asprintf(&anew,
		     "add table inet " NFTGEN_GUARD "\n"
		     "delete table inet " NFTGEN_GUARD "\n%s",
		     guard) < 0)
		return -ENOMEM;
	r = nftctx_run(&t->nft, anew, why);
	free(anew);
	return r;
}

/* Takes over what a predecessor left. */
static int
adopt(struct table *t, int state)
{
	struct heirloom h;
	int r = heirloom_read(state, &h, &t->uids, &t->loaded.main,
			      &t->loaded.guard);

	if (r != 0)
		return r;
	t->variant = (enum table_variant)h.variant;
	t->said_mask = h.said_mask;
	for (int i = 0; i < SYSCTLS; i++)
		t->sysctls.before[i] = h.sysctls[i];
	t->params.workers = h.workers;
	for (int i = 0; i < NFTGEN_QUEUES; i++)
		t->params.first_queue[i] = (uint16_t)h.first_queue[i];
	t->params.keying_uids = t->uids;
	t->params.n_keying_uids = h.n_uids;
	t->params.settles = !sysctls_accept_is_others(&t->sysctls);
	return 0;
}

static int
open_watch(struct table *t, struct table_why *why)
{
	int r = guardwatch_open(&t->watch);

	if (r != 0)
		table_why_set(why, "nftables' events: %s", strerror(-r));
	/* Nobody has watched the guard in between. */
	else if (t->loaded.guard != NULL)
		r = replace_guard(t, t->loaded.guard, why);
	return r;
}

int
table_open(struct table **out, const struct table_heritage *from,
	   struct table_why *why)
{
	struct table *t = calloc(1, sizeof(*t));
	int owner = -1, r = 0;

	*out = NULL;
	if (t == NULL)
		return -ENOMEM;
	t->nft.fd = t->watch.fd = t->state = -1;
	sysctls_init(&t->sysctls);
	if (from != NULL) {
		r = adopt(t, from->state);
		if (r != 0)
			table_why_set(why, "a predecessor's tables: %s",
				      strerror(-r));
		else
			owner = fcntl(from->socket, F_DUPFD_CLOEXEC, 0);
		if (r == 0 && owner < 0)
			r = -errno;
	}
	if (r == 0)
		r = nftctx_open(&t->nft, owner, why);
	if (r == 0)
		r = open_watch(t, why);
	/* A predecessor that stopped has set them back. */
	if (r == 0 && from != NULL)
		r = sysctls_set(&t->sysctls, why);
	if (r != 0) {
		table_leave(t);
		return r;
	}
	if (from != NULL) {
		t->state = from->state;
		close(from->socket);
	}
	*out = t;
	return 0;
}

void
table_prefer(struct table *t, enum table_variant v)
{
	t->wanted = v;
}

static int
copy_params(struct table *t, const struct nftgen_params *params)
{
	size_t n = params->n_keying_uids;
	uint32_t *uids = calloc(n + 1, sizeof(*uids));

	if (uids == NULL)
		return -ENOMEM;
	if (n > 0)
		memcpy(uids, params->keying_uids, n * sizeof(*uids));
	free(t->uids);
	t->uids = uids;
	t->params = *params;
	t->params.settles = !sysctls_accept_is_others(&t->sysctls);
	t->params.keying_uids = uids;
	t->params.show_queues = false;
	return 0;
}

/* ---- loading ---- */

/* Is there a main table already? */
static int
verify_free(struct table_why *why)
{
	uint32_t owner;
	int r = tabledump_owner(NFTGEN_MAIN, &owner);

	if (r == -ENOENT)
		return 0;
	if (r != 0) {
		table_why_set(why, "asking for table inet " NFTGEN_MAIN ": %s",
			      strerror(-r));
		return r;
	}
	if (owner != 0)
		table_why_set(
		    why,
		    "table inet " NFTGEN_MAIN " belongs to "
		    "another process (netlink port %u): one nfipsecd a network "
		    "namespace",
		    owner);
	else
		table_why_set(why, "there is a table inet " NFTGEN_MAIN
				   " that nfipsecd did not make: `nft delete "
				   "table inet " NFTGEN_MAIN "` removes it");
	return -EEXIST;
}

static void
delete_main(struct table *t)
{
	struct table_why ignored;

	nftctx_run_trusted(&t->nft, "delete table inet " NFTGEN_MAIN "\n",
			   &ignored);
	t->variant = TABLE_VARIANT_NONE;
}

int
table_load(struct table *t, const struct policy *p,
	   const struct nftgen_params *params, struct table_why *why)
{
	struct texts texts;
	int r;

	if (t->loaded.main != NULL) {
		table_why_set(why, "the tables are loaded already");
		return -EALREADY;
	}
	r = copy_params(t, params);
	if (r == 0)
		r = make_texts(p, &t->params, &texts, why);
	if (r != 0)
		return r;
	r = verify_free(why);
	if (r == 0)
		r = sysctls_set(&t->sysctls, why);
	if (r != 0)
		goto out;
	/* The guard first: from here on nothing leaves that must not. */
	r = replace_guard(t, texts.guard, why);
	if (r == 0)
		r = nftctx_run(&t->nft, texts.main, why);
	if (r == 0) {
		r = queuerule_add(&t->nft, &t->params, t->wanted, &t->variant,
				  why);
		if (r != 0)
			delete_main(t);
	}
	if (r != 0) {
		sysctls_restore(&t->sysctls);
		goto out;
	}
	t->loaded = texts;
	t->said_mask = p->options.said_mask;
	renew_state(t);
	return 0;
out:
	free_texts(&texts);
	return r;
}

/* ---- reloading ---- */

/* The commands that lead from what is loaded to `texts`. */
static int
plan_reload(struct table *t, const struct policy *p, const struct texts *texts,
	    char **plan, struct table_why *why)
{
	char *main = NULL, *guard = NULL;
	int r;

	*plan = NULL;
	if (p->options.said_mask != t->said_mask) {
		table_why_set(why,
			      "said-mask can't change while nfipsecd runs");
		return -ENOTSUP;
	}
	r = nftdiff_update(t->loaded.main, texts->main, &main);
	if (r == 0)
		r = nftdiff_update(t->loaded.guard, texts->guard, &guard);
	if (r != 0)
		table_why_set(why, "the tables can't be changed in place: %s",
			      strerror(-r));
	else if (asprintf(plan, "%s%s", main, guard) < 0)
		r = -ENOMEM;
	free(main);
	free(guard);
	return r;
}

int
table_try(struct table *t, const struct policy *p, char **plan,
	  struct table_why *why)
{
	struct texts texts;
	char *commands;
	int r;

	if (plan != NULL)
		*plan = NULL;
	if (t->loaded.main == NULL)
		return -ENOENT;
	r = make_texts(p, &t->params, &texts, why);
	if (r != 0)
		return r;
	r = plan_reload(t, p, &texts, &commands, why);
	if (r == 0) {
		r = nftctx_try(&t->nft, commands, why);
		if (r == 0 && plan != NULL)
			*plan = commands;
		else
			free(commands);
	}
	free_texts(&texts);
	return r;
}

int
table_reload(struct table *t, const struct policy *p, struct table_why *why)
{
	struct texts texts;
	struct table_why ignored;
	char *commands;
	int r;

	if (t->loaded.main == NULL)
		return -ENOENT;
	r = make_texts(p, &t->params, &texts, why);
	if (r != 0)
		return r;
	r = plan_reload(t, p, &texts, &commands, why);
	if (r == 0) {
		r = nftctx_run(&t->nft, commands, why);
		/* The guard may just have been touched. */
		if (r == -ENOENT &&
		    replace_guard(t, t->loaded.guard, &ignored) == 0)
			r = nftctx_run(&t->nft, commands, why);
		free(commands);
	}
	if (r != 0) {
		free_texts(&texts);
		return r;
	}
	free_texts(&t->loaded);
	t->loaded = texts;
	renew_state(t);
	return 0;
}

/* ---- looking ---- */

const char *
table_guard_text(const struct table *t)
{
	return t->loaded.guard;
}

const struct nftgen_params *
table_params(const struct table *t)
{
	return &t->params;
}

enum table_variant
table_variant(const struct table *t)
{
	return t->variant;
}

int
table_watch_fd(const struct table *t)
{
	return t->watch.fd;
}

int
table_watch_handle(struct table *t, struct table_why *why)
{
	int r;

	if (guardwatch_read(&t->watch, nftctx_portid(&t->nft)))
		t->touched = true;
	if (t->loaded.guard == NULL || !t->touched)
		return 0;
	r = replace_guard(t, t->loaded.guard, why);
	t->touched = r != 0;
	return r == 0 ? 1 : r;
}

int
table_counts(struct table *t, table_count_fn *each, void *arg)
{
	int r = tabledump_counters(NFTGEN_MAIN, false, each, arg);
	int g = tabledump_counters(NFTGEN_GUARD, true, each, arg);

	return r != 0 ? r : g;
}

struct wanted_count {
	const char *name;
	uint64_t packets;
	bool found;
};

static void
take_wanted(void *arg, bool guard, const char *name, uint64_t packets,
	    uint64_t octets)
{
	struct wanted_count *w = arg;

	if (strcmp(name, w->name) == 0) {
		w->packets = packets;
		w->found = true;
	}
}

int
table_count(struct table *t, const char *name, uint64_t *packets)
{
	struct wanted_count w = { .name = name };
	int r = tabledump_counters(NFTGEN_MAIN, false, take_wanted, &w);

	*packets = w.packets;
	return r != 0 ? r : w.found ? 0 : -ENOENT;
}

int
table_trace(struct table *t, bool on)
{
	struct table_why why = { "" };

	return nftctx_run_trusted(
	    &t->nft,
	    on ? "add rule inet " NFTGEN_MAIN " traced meta nftrace set 1"
	       : "flush chain inet " NFTGEN_MAIN " traced",
	    &why);
}

int
table_verify(struct table *t, struct table_why *why)
{
	if (t->loaded.main == NULL) {
		table_why_set(why, "nothing is loaded");
		return -EBADMSG;
	}
	return tabledump_verify(t->loaded.main, &t->params, why);
}

/* ---- ending ---- */

int
table_disable(struct table *t, struct table_why *why)
{
	/* `add` first: a table that is not there can't be deleted. */
	int r = nftctx_run_trusted(&t->nft,
				   "add table inet " NFTGEN_GUARD "\n"
				   "delete table inet " NFTGEN_GUARD "\n",
				   why);

	if (r != 0)
		return r;
	if (t->loaded.main != NULL)
		delete_main(t);
	free_texts(&t->loaded);
	renew_state(t);
	sysctls_restore(&t->sysctls);
	return 0;
}

void
table_leave(struct table *t)
{
	if (t == NULL)
		return;
	guardwatch_close(&t->watch);
	nftctx_close(&t->nft);
	if (t->state >= 0)
		close(t->state);
	free_texts(&t->loaded);
	free(t->uids);
	free(t);
}

void
table_close(struct table *t)
{
	if (t != NULL)
		sysctls_restore(&t->sysctls);
	table_leave(t);
}

/* What is loaded, for a successor. */
static int
keep_state(struct table *t)
{
	struct heirloom h = {
		.magic = HEIRLOOM_MAGIC,
		.layout = HEIRLOOM_LAYOUT,
		.variant = t->variant,
		.said_mask = t->said_mask,
		.workers = t->params.workers,
		.n_uids = (uint32_t)t->params.n_keying_uids,
	};

	if (t->loaded.main == NULL)
		return ftruncate(t->state, 0) != 0 ? -errno : 0;
	for (int i = 0; i < SYSCTLS; i++)
		h.sysctls[i] = t->sysctls.before[i];
	for (int i = 0; i < NFTGEN_QUEUES; i++)
		h.first_queue[i] = t->params.first_queue[i];
	h.main_octets = (uint32_t)strlen(t->loaded.main);
	h.guard_octets = (uint32_t)strlen(t->loaded.guard);
	return heirloom_write(&h, t->uids, t->loaded.main, t->loaded.guard,
			      &t->state);
}

/* Behind each change.  A successor that finds no state begins anew. */
static void
renew_state(struct table *t)
{
	int r = t->state < 0 ? 0 : keep_state(t);

	if (r != 0)
		log_warnx("what a successor would need of the tables: %s",
			  strerror(-r));
}

int
table_hand_over(struct table *t, struct table_heritage *out,
		struct table_why *why)
{
	int r = t->loaded.main == NULL ? -ENOENT : keep_state(t);

	if (r != 0)
		table_why_set(why, "handing the tables over: %s", strerror(-r));
	*out = (struct table_heritage){ t->state, t->nft.fd };
	return r;
}
