/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "base/secret.h"
#include "keyneg/core/sapair.h"

int
sapair_init(struct sapair_table *t, size_t max, const struct sainstall_ops *ops,
	    void *ops_ctx)
{
	memset(t, 0, sizeof(*t));
	t->max = max;
	t->ops = ops;
	t->ops_ctx = ops_ctx;
	t->buckets = 64;
	/* Some in each when it is full: a page is touched for every few of
	 * them otherwise. */
	while (t->buckets < max / 8)
		t->buckets *= 2;
	t->by_spi = calloc(t->buckets, sizeof(struct sapair *));
	t->by_out = calloc(t->buckets, sizeof(struct sapair *));
	t->by_id = calloc(t->buckets, sizeof(struct sapair *));
	t->by_use = calloc(t->buckets, sizeof(struct sapair *));
	t->by_principal = calloc(t->buckets, sizeof(struct sapair *));
	return t->by_spi == NULL || t->by_out == NULL || t->by_id == NULL ||
		       t->by_use == NULL || t->by_principal == NULL
		   ? -ENOMEM
		   : 0;
}

void
sapair_fini(struct sapair_table *t, struct timerheap *timers)
{
	while (t->first != NULL) {
		struct sapair *p = t->first;

		timerheap_cancel(timers, &p->timer);
		t->first = p->next;
		free(p);
	}
	free(t->by_spi);
	free(t->by_out);
	free(t->by_id);
	free(t->by_use);
	free(t->by_principal);
	memset(t, 0, sizeof(*t));
}

static struct sapair **
bucket_of(struct sapair_table *t, uint32_t spi)
{
	return &t->by_spi[spi & (t->buckets - 1)]; /* the SPI is random */
}

struct sapair *
sapair_by_spi_in(struct sapair_table *t, uint32_t spi)
{
	struct sapair *p = *bucket_of(t, spi);

	while (p != NULL && p->spi_in != spi)
		p = p->next_spi;
	return p;
}

/* Ids follow each other. */
static struct sapair **
id_bucket(struct sapair_table *t, uint32_t id)
{
	return &t->by_id[id & (t->buckets - 1)];
}

/* The peer chose it: mixed, so that it does not choose the bucket. */
static struct sapair **
out_bucket(struct sapair_table *t, uint32_t spi)
{
	return &t->by_out[(spi * 2654435761u >> 7) & (t->buckets - 1)];
}

/* Whom it is by, has proven itself. */
static struct sapair **
use_bucket(struct sapair_table *t, const char *association,
	   const struct ipaddr *peer)
{
	uint32_t h = fnv_add(fnv_add_text(FNV_BEGIN, association), peer->octets,
			     sizeof(peer->octets));

	return &t->by_use[fnv_fold(h) & (t->buckets - 1)];
}

static struct sapair **
principal_bucket(struct sapair_table *t, const char *principal)
{
	uint32_t h = fnv_add_text(FNV_BEGIN, principal);

	return &t->by_principal[fnv_fold(h) & (t->buckets - 1)];
}

static void
push_front(struct sapair_table *t, struct sapair *p)
{
	p->prev = NULL;
	p->next = t->first;
	if (p->next != NULL)
		p->next->prev = p;
	t->first = p;
}

static void
unlink_pair(struct sapair_table *t, struct sapair *p)
{
	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		t->first = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
}

static void
unlink_use(struct sapair_table *t, struct sapair *p)
{
	struct sapair **at = use_bucket(t, p->association, &p->peer);

	while (*at != p)
		at = &(*at)->next_use;
	*at = p->next_use;
}

static void
unlink_principal(struct sapair_table *t, struct sapair *p)
{
	struct sapair **at = principal_bucket(t, p->principal);

	while (*at != p)
		at = &(*at)->next_principal;
	*at = p->next_principal;
}

struct sapair *
sapair_new(struct sapair_table *t)
{
	struct sapair *p, **bucket;

	if (t->n == t->max || (p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	do {
		if (secret_random(&p->spi_in, sizeof(p->spi_in)) != 0) {
			free(p);
			return NULL;
		}
	} while (p->spi_in < 256 || sapair_by_spi_in(t, p->spi_in) != NULL);
	if (++t->last_id == 0)
		t->last_id = 1;
	p->id = t->last_id;
	t->n++;
	push_front(t, p);
	bucket = bucket_of(t, p->spi_in);
	p->next_spi = *bucket;
	*bucket = p;
	bucket = id_bucket(t, p->id);
	p->next_id = *bucket;
	*bucket = p;
	return p;
}

struct sapair *
sapair_by_id(struct sapair_table *t, uint32_t id)
{
	struct sapair *p = *id_bucket(t, id);

	while (p != NULL && p->id != id)
		p = p->next_id;
	return p;
}

static void
forget_out(struct sapair_table *t, struct sapair *p)
{
	struct sapair **at = out_bucket(t, p->spi_out);

	if (p->spi_out == 0)
		return;
	while (*at != p)
		at = &(*at)->next_out;
	*at = p->next_out;
	p->spi_out = 0;
}

void
sapair_set_out(struct sapair_table *t, struct sapair *p, uint32_t spi)
{
	struct sapair **bucket = out_bucket(t, spi);

	forget_out(t, p);
	if (spi == 0)
		return;
	p->spi_out = spi;
	p->next_out = *bucket;
	*bucket = p;
}

struct sapair *
sapair_by_spi_out(struct sapair_table *t, const struct ipaddr *peer,
		  uint8_t protocol, uint32_t spi)
{
	struct sapair *p = *out_bucket(t, spi);

	while (p != NULL && (p->spi_out != spi || p->protocol != protocol ||
			     !ipaddr_equal(&p->peer, peer)))
		p = p->next_out;
	return p;
}

void
sapair_name(struct sapair_table *t, struct sapair *p)
{
	struct sapair **bucket;

	if (p->named)
		return;
	p->named = true;
	bucket = use_bucket(t, p->association, &p->peer);
	p->next_use = *bucket;
	*bucket = p;
	bucket = principal_bucket(t, p->principal);
	p->next_principal = *bucket;
	*bucket = p;
}

struct sapair *
sapair_by_use(struct sapair_table *t, const char *association,
	      const struct ipaddr *peer, const struct sapair *after)
{
	struct sapair *p =
	    after == NULL ? *use_bucket(t, association, peer) : after->next_use;

	while (p != NULL && (!ipaddr_equal(&p->peer, peer) ||
			     strcmp(p->association, association) != 0))
		p = p->next_use;
	return p;
}

struct sapair *
sapair_by_principal(struct sapair_table *t, const char *principal,
		    const struct sapair *after)
{
	struct sapair *p = after == NULL ? *principal_bucket(t, principal)
					 : after->next_principal;

	while (p != NULL && strcmp(p->principal, principal) != 0)
		p = p->next_principal;
	return p;
}

struct sapair *
sapair_newest(struct sapair_table *t, const char *association,
	      const struct ipaddr *peer)
{
	struct sapair *p = NULL;

	while ((p = sapair_by_use(t, association, peer, p)) != NULL)
		if (p->out_there && !p->dying)
			return p;
	return NULL;
}

void
sapair_is_newest(struct sapair_table *t, struct sapair *p)
{
	struct sapair **bucket = use_bucket(t, p->association, &p->peer);
	struct sapair *o = NULL;

	unlink_pair(t, p);
	push_front(t, p);
	unlink_use(t, p);
	p->next_use = *bucket;
	*bucket = p;
	while ((o = sapair_by_use(t, p->association, &p->peer, o)) != NULL)
		if (o != p)
			o->out_there = o->out_doubt = false;
	p->out_there = true;
}

void
sapair_is_not_newest(struct sapair_table *t, struct sapair *p)
{
	struct sapair *o;

	if (!p->out_there)
		return;
	p->out_there = p->out_doubt = false;
	o = sapair_by_use(t, p->association, &p->peer, p);
	while (o != NULL && o->created_ms == 0) /* it was never used */
		o = sapair_by_use(t, p->association, &p->peer, o);
	if (o == NULL)
		return;
	o->out_there = true;
	/* It was to go when the new one came. */
	if (o->dying)
		sapair_remove_out(t, o);
}

void
sapair_doubt(struct sapair_table *t)
{
	for (struct sapair *p = t->first; p != NULL; p = p->next) {
		p->in_doubt = p->in_there;
		p->out_doubt = p->out_there;
	}
}

void
sapair_remove_out(struct sapair_table *t, struct sapair *p)
{
	if (!p->out_there)
		return;
	p->out_there = p->out_doubt = false;
	t->ops->remove(t->ops_ctx, p->id, SAINSTALL_OUT, p->protocol, &p->local,
		       &p->peer, p->spi_out);
}

int
sapair_remove_in(struct sapair_table *t, struct sapair *p)
{
	if (!p->in_there)
		return 0;
	p->in_there = p->in_doubt = false;
	return t->ops->remove(t->ops_ctx, p->id, SAINSTALL_IN, p->protocol,
			      &p->local, &p->peer, p->spi_in);
}

void
sapair_free(struct sapair_table *t, struct timerheap *timers, struct sapair *p)
{
	struct sapair **at = bucket_of(t, p->spi_in);

	sapair_remove_out(t, p);
	(void)sapair_remove_in(t, p);
	timerheap_cancel(timers, &p->timer);
	unlink_pair(t, p);
	if (p->named) {
		unlink_use(t, p);
		unlink_principal(t, p);
	}
	while (*at != p)
		at = &(*at)->next_spi;
	*at = p->next_spi;
	at = id_bucket(t, p->id);
	while (*at != p)
		at = &(*at)->next_id;
	*at = p->next_id;
	forget_out(t, p);
	t->n--;
	free(p);
}
