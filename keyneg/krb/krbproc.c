/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <krb5.h>
#include <poll.h>
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
#include "keyneg/krb/krbqueue.h"
#include "keyneg/krb/krbread.h"

static struct {
	int fd;
	krb5_keytab keytab; /* in memory; the library locks it */
	struct krbcred cache;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct krbqueue queue;
	unsigned threads, idle;
} proc = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .wake = PTHREAD_COND_INITIALIZER };

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

/* The last one is done, if there was one: the next. */
static struct krbqueue_job *
next_job(struct krbqueue_job *last)
{
	struct krbqueue_job *j;

	pthread_mutex_lock(&proc.lock);
	if (last != NULL)
		krbqueue_done(&proc.queue, last);
	proc.idle++;
	while ((j = krbqueue_take(&proc.queue)) == NULL)
		pthread_cond_wait(&proc.wake, &proc.lock);
	proc.idle--;
	pthread_mutex_unlock(&proc.lock);
	return j;
}

static void *
fetcher(void *arg)
{
	krb5_context ctx = krbcred_context();
	struct krbans *a = malloc(sizeof(*a));
	struct krbqueue_job *j = NULL;

	(void)arg;
	if (ctx == NULL || a == NULL)
		log_fatalx("no memory for a thread");
	for (;;) {
		j = next_job(j);
		begin_answer(&j->r, a);
		if (clock_now_ms() > j->r.deadline_ms)
			a->status = KRBANS_LATE;
		else if (!krbcred_make(&proc.cache, ctx, &j->r, a))
			krbcred_fetch(&proc.cache, ctx, proc.keytab, &j->r, a);
		send_answer(a);
	}
	return NULL;
}

static void
enqueue(const struct krbreq *r, struct krbans *a)
{
	bool more = false;
	pthread_t t;
	int ret;

	pthread_mutex_lock(&proc.lock);
	ret = krbqueue_put(&proc.queue, r);
	if (ret == 0) {
		more = krbqueue_ready(&proc.queue) > proc.idle &&
		       proc.threads < KRBQUEUE_MOST;
		proc.threads += more;
		pthread_cond_signal(&proc.wake);
	}
	pthread_mutex_unlock(&proc.lock);
	if (ret != 0) {
		a->status = KRBANS_LATE;
		send_answer(a);
		return;
	}
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

/* The parent ends who is silent: this thread never waits for long. */
static void
tell_alive(int fd)
{
	static uint64_t told;
	uint64_t now = clock_now_ms();

	if (told != 0 && now - told < KRBPROC_ALIVE_MS)
		return;
	told = now;
	/* A full pipe is a parent that does not read: it hears later. */
	if (write(fd, "", 1) < 0 && errno != EAGAIN)
		log_warn("the parent");
}

/* -1 with EAGAIN: nothing came for a while. */
static ssize_t
receive(struct krbreq *r, size_t cap)
{
	struct pollfd p = { .fd = proc.fd, .events = POLLIN };

	if (poll(&p, 1, KRBPROC_ALIVE_MS) < 0)
		return -1;
	return recv(proc.fd, r, cap, MSG_DONTWAIT);
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
	krbqueue_init(&proc.queue);
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
		ssize_t got;

		tell_alive(config->alive);
		got = receive(&r, sizeof(r));
		if (got == 0)
			return 0;
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got < 0)
			log_fatal("the network process");
		if (!krbreq_check(&r, (size_t)got))
			log_fatalx("the network process does not make sense");
		serve(ctx, &r, &a);
	}
}
