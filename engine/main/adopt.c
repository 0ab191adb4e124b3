/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/client/proto.h"
#include "engine/main/adopt.h"
#include "engine/main/supervisor.h"
#include "policy/check.h"
#include "policy/parse.h"

#define NAME_MAX_OCTETS 24

/* ---- names ---- */

void
heritage_init(struct heritage *h)
{
	*h = (struct heritage){ .store = -1,
				.control = -1,
				.tables = -1,
				.nft = -1,
				.policy = -1 };
	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		for (unsigned w = 0; w < STORE_WORKERS_MAX; w++)
			h->queues[k][w] = -1;
}

static const char *
queue_name(char name[NAME_MAX_OCTETS], unsigned kind, unsigned worker)
{
	snprintf(name, NAME_MAX_OCTETS, "queue-%u-%u", kind, worker);
	return name;
}

int *
heritage_place(struct heritage *h, const char *name)
{
	char queue[NAME_MAX_OCTETS];

	if (strcmp(name, "store") == 0)
		return &h->store;
	if (strcmp(name, "control") == 0)
		return &h->control;
	if (strcmp(name, "tables") == 0)
		return &h->tables;
	if (strcmp(name, "nft") == 0)
		return &h->nft;
	if (strcmp(name, "policy") == 0)
		return &h->policy;
	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		for (unsigned w = 0; w < STORE_WORKERS_MAX; w++)
			if (strcmp(name, queue_name(queue, k, w)) == 0)
				return &h->queues[k][w];
	return NULL;
}

void
heritage_each(const struct heritage *h,
	      void (*fn)(void *arg, const char *name, int fd), void *arg)
{
	char queue[NAME_MAX_OCTETS];

	if (h->store >= 0)
		fn(arg, "store", h->store);
	if (h->control >= 0)
		fn(arg, "control", h->control);
	if (h->tables >= 0)
		fn(arg, "tables", h->tables);
	if (h->nft >= 0)
		fn(arg, "nft", h->nft);
	if (h->policy >= 0)
		fn(arg, "policy", h->policy);
	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		for (unsigned w = 0; w < STORE_WORKERS_MAX; w++)
			if (h->queues[k][w] >= 0)
				fn(arg, queue_name(queue, k, w),
				   h->queues[k][w]);
}

/* ---- adopting ---- */

static int
refuse(struct table_why *why, const char *text)
{
	snprintf(why->text, sizeof(why->text), "%s", text);
	return -EPROTO;
}

/* Does the store go with what the configuration wants now? */
static int
check_store(const struct supervisor *s, const struct store *store,
	    struct table_why *why)
{
	const struct store_head *h = store->head;
	const struct policy_options *o = &s->policy->options;

	if (h->workers != s->workers)
		return refuse(why, "the number of workers is another");
	if (h->max_sa != o->max_sa)
		return refuse(why, "max-sa is another");
	if (h->queue_length != o->queue_length)
		return refuse(why, "queue-length is another");
	if (h->keying_uid != supervisor_keying_uid())
		return refuse(why, "the key daemon's user is another");
	if (h->said_mask != o->said_mask)
		return refuse(why, "said-mask is another");
	if (h->said_first < o->said_first || h->said_last > o->said_last)
		return refuse(why, "said-range has lost values");
	return 0;
}

static int
check_queues(const struct supervisor *s, const struct heritage *h,
	     struct table_why *why)
{
	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		for (unsigned w = 0; w < s->workers; w++) {
			struct nlq_sock q;
			int err = nlq_sock_adopt(
			    &q, (uint16_t)STORE_QUEUE_NUMBER(k, w),
			    h->queues[k][w]);

			if (err < 0)
				return refuse(why, "a queue's socket is not "
						   "there");
		}
	return 0;
}

static void
adopt_queues(struct supervisor *s, struct heritage *h)
{
	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		for (unsigned w = 0; w < s->workers; w++) {
			(void)nlq_sock_adopt(&s->queues[k][w],
					     (uint16_t)STORE_QUEUE_NUMBER(k, w),
					     h->queues[k][w]);
			h->queues[k][w] = -1;
		}
}

/* The listener, if its name still leads somewhere. */
static void
adopt_listener(struct supervisor *s, struct heritage *h)
{
	char path[4096];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/" PROTO_SOCKET, s->opt->run_dir);
	if (h->control < 0 || lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	s->listen_fd = h->control;
	h->control = -1;
}

/* Manual SAs go on counting. */
static void
adopt_sas(struct supervisor *s)
{
	(void)store_sweep(&s->store);
	for (uint32_t i = 0; i < store_slots(&s->store); i++) {
		struct sa *sa = store_sa(&s->store, i);
		int err;

		if (atomic_load(&sa->state) != SA_LIVE ||
		    !(sa->flags & SA_FLAG_MANUAL))
			continue;
		err = persist_adopt(s->persist, &s->store, i);
		if (err < 0) {
			log_warnx("%s: a manual SA ends: %s", sa->association,
				  strerror(-err));
			(void)store_kill(&s->store, i);
		}
	}
}

/* What the predecessor went by: its text is the configuration's own. */
static struct policy *
read_policy(int fd, struct diag **diag)
{
	struct diag *d = diag_new();
	struct policy *p = NULL;
	struct stat st;
	void *text = MAP_FAILED;

	if (d != NULL && fstat(fd, &st) == 0 && st.st_size > 0 &&
	    st.st_size <= PARSE_OCTETS_MAX)
		text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd,
			    0);
	if (text != MAP_FAILED) {
		p = parse_text("the predecessor's configuration", text,
			       (size_t)st.st_size, d);
		(void)munmap(text, (size_t)st.st_size);
	}
	if (p != NULL && check_policy(p, d) == 0) {
		*diag = d;
		return p;
	}
	policy_free(p);
	diag_free(d);
	return NULL;
}

/* What the store says of associations.  A predecessor that died while it wrote
 * left a mixture: then the policy and the book of SAIDs know better. */
static void
adopt_assocs(struct supervisor *s)
{
	if (store_policy_is_whole(&s->store)) {
		instances_adopt(&s->store, s->policy);
		return;
	}
	log_warnx("the last nfipsecd ended while it wrote its associations "
		  "into the SA store; they are written again");
	instances_recall(s);
	(void)manual_write_policy(&s->store, s->policy);
}

int
adopt(struct supervisor *s, struct heritage *h, struct table_why *why)
{
	struct table_heritage from = { h->tables, h->nft };
	struct table *table = NULL;
	struct policy *was;
	struct diag *diag;
	struct store store;
	int err;

	if (h->store < 0 || h->policy < 0 || h->tables < 0 || h->nft < 0)
		return refuse(why, "it is not complete");
	was = read_policy(h->policy, &diag);
	if (was == NULL)
		return refuse(why, "its configuration can't be read");
	err = store_map(&store, h->store);
	if (err < 0) {
		policy_free(was);
		diag_free(diag);
		return refuse(why, "the SA store is of another version");
	}
	h->store = -1; /* the mapping's */
	supervisor_keep_keys(&store);
	err = check_store(s, &store, why);
	if (err == 0)
		err = check_queues(s, h, why);
	if (err == 0)
		err = table_open(&table, &from, why);
	if (err == 0) {
		h->tables = h->nft = -1;
		err = table_verify(table, why);
	}
	if (err < 0) {
		table_close(table);
		store_unmap(&store);
		policy_free(was);
		diag_free(diag);
		return err;
	}
	policy_free(s->policy);
	diag_free(s->diag);
	s->policy = was;
	s->diag = diag;
	s->policy_fd = h->policy;
	h->policy = -1;
	s->store = store;
	s->table = table;
	adopt_assocs(s);
	adopt_queues(s, h);
	adopt_listener(s, h);
	adopt_sas(s);
	return 0;
}
