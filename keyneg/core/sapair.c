/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	while (t->buckets < max)
		t->buckets *= 2;
	t->by_spi = calloc(t->buckets, sizeof(struct sapair *));
	return t->by_spi == NULL ? -ENOMEM : 0;
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
	p->next = t->first;
	t->first = p;
	bucket = bucket_of(t, p->spi_in);
	p->next_spi = *bucket;
	*bucket = p;
	return p;
}

struct sapair *
sapair_by_id(struct sapair_table *t, uint32_t id)
{
	struct sapair *p = t->first;

	while (p != NULL && p->id != id)
		p = p->next;
	return p;
}

struct sapair *
sapair_by_spi_out(struct sapair_table *t, const struct ipaddr *peer,
		  uint8_t protocol, uint32_t spi)
{
	struct sapair *p = t->first;

	while (p != NULL && (p->spi_out != spi || p->protocol != protocol ||
			     !ipaddr_equal(&p->peer, peer)))
		p = p->next;
	return p;
}

struct sapair *
sapair_newest(struct sapair_table *t, const char *association,
	      const struct ipaddr *peer)
{
	/* sapair_is_newest puts them in front. */
	for (struct sapair *p = t->first; p != NULL; p = p->next)
		if (p->out_there && !p->dying &&
		    strcmp(p->association, association) == 0 &&
		    ipaddr_equal(&p->peer, peer))
			return p;
	return NULL;
}

static bool
same_use(const struct sapair *a, const struct sapair *b)
{
	return strcmp(a->association, b->association) == 0 &&
	       ipaddr_equal(&a->peer, &b->peer);
}

void
sapair_is_newest(struct sapair_table *t, struct sapair *p)
{
	struct sapair **at = &t->first;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	p->next = t->first;
	t->first = p;
	for (struct sapair *o = p->next; o != NULL; o = o->next)
		if (same_use(o, p))
			o->out_there = false;
	p->out_there = true;
}

void
sapair_remove_out(struct sapair_table *t, struct sapair *p)
{
	if (!p->out_there)
		return;
	p->out_there = false;
	t->ops->remove(t->ops_ctx, p->id, SAINSTALL_OUT, p->protocol, &p->local,
		       &p->peer, p->spi_out);
}

int
sapair_remove_in(struct sapair_table *t, struct sapair *p)
{
	if (!p->in_there)
		return 0;
	p->in_there = false;
	return t->ops->remove(t->ops_ctx, p->id, SAINSTALL_IN, p->protocol,
			      &p->local, &p->peer, p->spi_in);
}

void
sapair_free(struct sapair_table *t, struct timerheap *timers, struct sapair *p)
{
	struct sapair **at = &t->first;

	sapair_remove_out(t, p);
	(void)sapair_remove_in(t, p);
	timerheap_cancel(timers, &p->timer);
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	at = bucket_of(t, p->spi_in);
	while (*at != p)
		at = &(*at)->next_spi;
	*at = p->next_spi;
	t->n--;
	free(p);
}
