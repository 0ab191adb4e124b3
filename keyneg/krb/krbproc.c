/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <krb5.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/privs.h"
#include "base/secret.h"
#include "keyneg/core/krbreq.h"
#include "keyneg/krb/krbconfine.h"
#include "keyneg/krb/krbcred.h"
#include "keyneg/krb/krbproc.h"
#include "keyneg/krb/krbread.h"

/* A fetch that waits for a thread. */
struct job {
	struct job *next;
	struct krbreq r;
};

static struct {
	int fd;
	krb5_keytab keytab; /* in memory; the library locks it */
	struct krbcred cache;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *first, **last;
	unsigned waiting, threads, idle;
} proc = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .wake = PTHREAD_COND_INITIALIZER,
	   .last = &proc.first };

static void
send_answer(struct krbans *a)
{
	/* One record a call: threads do not mix.  A full socket means that
	 * nobody waits for this answer. */
	if (send(proc.fd, a, krbans_size(a), MSG_NOSIGNAL) < 0 &&
	    errno != EAGAIN)
		log_warn("an answer was lost");
	secret_wipe(a->key, sizeof(a->key));
}

static void
begin_answer(const struct krbreq *r, struct krbans *a)
{
	memset(a, 0, offsetof(struct krbans, der));
	a->type = r->type;
	a->id = r->id;
}

/* ---- threads that may wait for a KDC ------------------------------------ */

static struct job *
next_job(void)
{
	struct job *j;

	pthread_mutex_lock(&proc.lock);
	proc.idle++;
	while (proc.first == NULL)
		pthread_cond_wait(&proc.wake, &proc.lock);
	proc.idle--;
	j = proc.first;
	proc.first = j->next;
	if (proc.first == NULL)
		proc.last = &proc.first;
	proc.waiting--;
	pthread_mutex_unlock(&proc.lock);
	return j;
}

static void *
fetcher(void *arg)
{
	krb5_context ctx = krbcred_context();
	struct krbans *a = malloc(sizeof(*a));

	(void)arg;
	if (ctx == NULL || a == NULL)
		log_fatalx("no memory for a thread");
	for (;;) {
		struct job *j = next_job();

		begin_answer(&j->r, a);
		if (clock_now_ms() > j->r.deadline_ms)
			a->status = KRBANS_LATE;
		else if (!krbcred_make(&proc.cache, ctx, &j->r, a))
			krbcred_fetch(&proc.cache, ctx, proc.keytab, &j->r, a);
		send_answer(a);
		free(j);
	}
	return NULL;
}

static void
enqueue(const struct krbreq *r, struct krbans *a)
{
	struct job *j = calloc(1, sizeof(*j));
	pthread_t t;
	bool more;

	if (j == NULL || proc.waiting >= KRBPROC_WAITING) {
		free(j);
		a->status = KRBANS_LATE;
		send_answer(a);
		return;
	}
	memcpy(&j->r, r, offsetof(struct krbreq, der));
	pthread_mutex_lock(&proc.lock);
	*proc.last = j;
	proc.last = &j->next;
	proc.waiting++;
	more = proc.waiting > proc.idle && proc.threads < KRBPROC_THREADS;
	if (more)
		proc.threads++;
	pthread_cond_signal(&proc.wake);
	pthread_mutex_unlock(&proc.lock);
	if (more && (errno = pthread_create(&t, NULL, fetcher, NULL)) != 0)
		log_fatal("a thread");
	if (more)
		pthread_detach(t);
}

/* ---- the thread that reads ---------------------------------------------- */

static void
serve(krb5_context ctx, const struct krbreq *r, struct krbans *a)
{
	begin_answer(r, a);
	if (clock_now_ms() > r->deadline_ms)
		a->status = KRBANS_LATE;
	else if (r->type == KRBREQ_READ)
		krbread_answer(ctx, proc.keytab, r, a);
	else if (!krbcred_make(&proc.cache, ctx, r, a)) {
		begin_answer(r, a);
		enqueue(r, a);
		return;
	}
	send_answer(a);
}

/* The keytab's keys, AES alone, into memory: the file can then be out of
 * reach. */
static int
load_keytab(krb5_context ctx, const char *name)
{
	krb5_keytab from = NULL;
	krb5_keytab_entry e;
	krb5_kt_cursor at;
	krb5_error_code err;
	int n = 0;

	err = name == NULL ? krb5_kt_default(ctx, &from)
			   : krb5_kt_resolve(ctx, name, &from);
	if (err == 0)
		err = krb5_kt_resolve(ctx, "MEMORY:keynegd", &proc.keytab);
	if (err == 0)
		err = krb5_kt_start_seq_get(ctx, from, &at);
	if (err == 0) {
		while (krb5_kt_next_entry(ctx, from, &e, &at) == 0) {
			if (krbcred_is_aes(e.key.enctype) &&
			    krb5_kt_add_entry(ctx, proc.keytab, &e) == 0)
				n++;
			krb5_kt_free_entry(ctx, &e);
		}
		krb5_kt_end_seq_get(ctx, from, &at);
	}
	if (err != 0) {
		const char *text = krb5_get_error_message(ctx, err);

		/* Not the end: who answers nobody can still say why. */
		log_warnx("keytab %s: %s", name == NULL ? "" : name, text);
		krb5_free_error_message(ctx, text);
	} else if (n == 0) {
		log_warnx("keytab %s holds no AES key",
			  name == NULL ? "" : name);
	}
	if (from != NULL)
		krb5_kt_close(ctx, from);
	return n;
}

int
krbproc_run(const struct krbproc_config *config)
{
	static struct krbreq r;
	static struct krbans a;
	char rcache[4096];
	krb5_context ctx;
	int n, ret;

	proc.fd = config->fd;
	snprintf(rcache, sizeof(rcache), "file2:%s", config->rcache);
	setenv("KRB5RCACHENAME", rcache, 1);
	ctx = krbcred_context();
	if (ctx == NULL || krbcred_init(&proc.cache) != 0)
		log_fatalx("Kerberos cannot start: is krb5.conf good?");
	n = load_keytab(ctx, config->keytab);
	if (proc.keytab == NULL)
		log_fatalx("no memory for the keytab");
	ret = privs_become(config->user);
	if (ret != 0) {
		errno = -ret;
		log_fatal("cannot become %s", config->user);
	}
	ret = krbconfine();
	if (ret != 0) {
		errno = -ret;
		log_fatal("cannot confine itself");
	}
	log_info("%d keys of AES types in the keytab", n);
	for (;;) {
		ssize_t got = recv(proc.fd, &r, sizeof(r), 0);

		if (got == 0)
			return 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			log_fatal("the network process");
		if (!krbreq_check(&r, (size_t)got))
			log_fatalx("the network process does not make sense");
		serve(ctx, &r, &a);
	}
}
