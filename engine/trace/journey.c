/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/trace/journey.h"

#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "engine/trace/tracetable.h"
#include "policy/nftgen.h"

struct journeys {
	const char *table;
	struct journey *slots[JOURNEY_MAX]; /* in the order they began */
	size_t n;
	struct journey *told; /* the one that journey_next gave out */
};

struct journeys *
journey_new(const char *table)
{
	struct journeys *js = calloc(1, sizeof(*js));

	if (js != NULL)
		js->table = table;
	return js;
}

void
journey_free(struct journeys *js)
{
	if (js == NULL)
		return;
	for (size_t i = 0; i < js->n; i++)
		free(js->slots[i]);
	free(js->told);
	free(js);
}

static struct journey *
begin(struct journeys *js, const struct traceread_step *s, uint64_t now_ms)
{
	struct journey *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	if (js->n == JOURNEY_MAX) {
		free(js->slots[0]);
		memmove(js->slots, js->slots + 1,
			(JOURNEY_MAX - 1) * sizeof(js->slots[0]));
		js->n--;
	}
	j->id = s->id;
	j->began_ms = now_ms;
	j->first = j->last = s->packet;
	j->outbound = strcmp(s->chain, TRACETABLE_OUT) == 0;
	js->slots[js->n++] = j;
	return j;
}

static struct journey *
find(struct journeys *js, uint32_t id)
{
	for (size_t i = js->n; i-- > 0;)
		if (js->slots[i]->id == id &&
		    js->slots[i]->end == JOURNEY_UNDERWAY)
			return js->slots[i];
	return NULL;
}

static bool
is_leaving(const struct journey *j)
{
	return j->outbound || j->forwarded;
}

static bool
is_same_packet(const struct sighting *a, const struct sighting *b)
{
	return ipaddr_equal(&a->src, &b->src) &&
	       ipaddr_equal(&a->dst, &b->dst) && a->id == b->id;
}

/* Where packets come by that went through the queue. */
static bool
is_behind_queue(const struct journeys *js, const struct traceread_step *s)
{
	if (strcmp(s->table, NFTGEN_MAIN) == 0)
		return strcmp(s->chain, "end") == 0 ||
		       strcmp(s->chain, "check") == 0;
	return strcmp(s->table, js->table) == 0 &&
	       strcmp(s->chain, TRACETABLE_OPENED) == 0;
}

/* The engine gives a packet new octets, and with them the kernel a new id:
 * whose is this, of those that wait in nfipsec's queue? */
static struct journey *
adopt(struct journeys *js, const struct traceread_step *s)
{
	if (!s->seen || !is_behind_queue(js, s))
		return NULL;
	for (size_t i = 0; i < js->n; i++) {
		struct journey *j = js->slots[i];

		if (j->end != JOURNEY_UNDERWAY || !j->queued || !j->ours ||
		    is_leaving(j) != (s->oif != 0 && s->iif == 0) ||
		    !is_same_packet(&j->last, &s->packet))
			continue;
		j->id = s->id;
		return j;
	}
	return NULL;
}

/* Is this the first step of a packet that we begin to trace here? */
static bool
is_beginning(const struct journeys *js, const struct traceread_step *s,
	     const struct journey *known)
{
	if (s->kind != TRACEREAD_RULE || s->family != NFPROTO_INET ||
	    strcmp(s->table, js->table) != 0)
		return false;
	if (strcmp(s->chain, TRACETABLE_FIRST) == 0 ||
	    strcmp(s->chain, TRACETABLE_OUT) == 0)
		return true;
	/* These see what may be under way already. */
	return known == NULL && (strcmp(s->chain, TRACETABLE_OPENED) == 0 ||
				 strcmp(s->chain, TRACETABLE_FORWARDED) == 0);
}

static bool
is_ours(const struct traceread_step *s)
{
	return s->family == NFPROTO_INET && strcmp(s->table, NFTGEN_MAIN) == 0;
}

static void
add_step(struct journey *j, const struct traceread_step *s, uint64_t now_ms)
{
	if (j->queued && j->ours) {
		j->replaced = true;
		if (!is_leaving(j) && s->seen) {
			j->opened = true;
			j->inner = s->packet;
		}
	}
	j->queued = false;
	j->heard_ms = now_ms;
	if (s->seen)
		j->last = s->packet;
	if (s->iif != 0)
		j->iif = s->iif;
	if (s->oif != 0)
		j->oif = s->oif;
	j->forwarded |= !j->outbound && s->oif != 0;
	if (j->n < JOURNEY_STEPS)
		j->steps[j->n++] = *s;
	else
		j->untold++;
}

/* Where a step leads; the last one is kept, whatever was not. */
static void
take_verdict(const struct journeys *js, struct journey *j,
	     const struct traceread_step *s)
{
	if (s->kind == TRACEREAD_POLICY && strcmp(s->table, js->table) == 0) {
		if (strcmp(s->chain, TRACETABLE_DELIVERED) == 0)
			j->end = JOURNEY_DELIVERED;
		if (strcmp(s->chain, TRACETABLE_LEFT) == 0)
			j->end = JOURNEY_LEFT;
	}
	if (s->kind == TRACEREAD_RETURN)
		return;
	if (s->verdict == TRACEREAD_DROP) {
		j->end = JOURNEY_DROPPED;
		j->steps[j->n - 1] = *s;
	}
	if (s->verdict == TRACEREAD_QUEUE) {
		j->queued = true;
		j->ours = is_ours(s);
	}
}

void
journey_step(struct journeys *js, const struct traceread_step *s,
	     uint64_t now_ms)
{
	struct journey *j = find(js, s->id);

	if (j == NULL)
		j = adopt(js, s);
	if (is_beginning(js, s, j)) {
		/* The header comes with a chain's first step, that is this
		 * rule's unless others match before it: there are none. */
		if (j != NULL)
			j->end = j->queued ? JOURNEY_QUEUED : JOURNEY_UNSEEN;
		j = begin(js, s, now_ms);
	}
	if (j == NULL)
		return;
	add_step(j, s, now_ms);
	take_verdict(js, j, s);
}

bool
journey_dropped(struct journeys *js, const struct journey_drop *d,
		uint64_t now_ms)
{
	const struct sighting *p = &d->packet;

	for (size_t i = 0; i < js->n; i++) {
		struct journey *j = js->slots[i];

		if (j->end != JOURNEY_UNDERWAY || !j->queued || !j->ours ||
		    is_leaving(j) != d->outbound ||
		    !is_same_packet(&j->last, p) ||
		    j->last.protocol != p->protocol ||
		    j->last.sport != p->sport || j->last.dport != p->dport ||
		    j->last.spi != p->spi || j->last.seq != p->seq)
			continue;
		j->drop = *d;
		j->end = d->sent ? JOURNEY_SENT : JOURNEY_ENGINE;
		j->heard_ms = now_ms;
		return true;
	}
	return false;
}

static uint64_t
patience_ms(const struct journey *j)
{
	if (!j->queued)
		return JOURNEY_SILENT_MS;
	return j->waits ? JOURNEY_PARKED_MS : JOURNEY_QUEUED_MS;
}

/* The engine holds it, for its keys to come: said now, and its end then. */
static struct journey *
tell_waiting(struct journey *j)
{
	struct journey *told;

	if (!j->queued || !j->ours || j->waits)
		return NULL;
	told = malloc(sizeof(*told));
	if (told == NULL)
		return NULL;
	j->waits = true;
	*told = *j;
	told->end = JOURNEY_QUEUED;
	return told;
}

const struct journey *
journey_next(struct journeys *js, uint64_t now_ms)
{
	free(js->told);
	js->told = NULL;
	for (size_t i = 0; i < js->n; i++) {
		struct journey *j = js->slots[i];

		if (j->end == JOURNEY_UNDERWAY &&
		    now_ms - j->heard_ms >= patience_ms(j)) {
			js->told = tell_waiting(j);
			if (js->told != NULL)
				return js->told;
			j->end = j->queued ? JOURNEY_QUEUED : JOURNEY_UNSEEN;
		}
		if (j->end == JOURNEY_UNDERWAY)
			continue;
		if (j->waits)
			j->waited_ms = j->heard_ms - j->began_ms;
		j->waits = false;
		memmove(js->slots + i, js->slots + i + 1,
			(js->n - i - 1) * sizeof(js->slots[0]));
		js->n--;
		js->told = j;
		return j;
	}
	return NULL;
}

int
journey_wait_ms(const struct journeys *js, uint64_t now_ms)
{
	int wait = -1;

	for (size_t i = 0; i < js->n; i++) {
		const struct journey *j = js->slots[i];
		uint64_t until = j->heard_ms + patience_ms(j);
		int left = until <= now_ms ? 0 : (int)(until - now_ms);

		if (wait < 0 || left < wait)
			wait = left;
	}
	return wait;
}
