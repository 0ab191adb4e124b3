/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine says of the SAs that it was given. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "keyneg/kink/kinkexch.h"

enum {
	TELL_MS = 2, /* between two DELETEs, when many pairs are lost */
	TELL_LATER_MS = 1000, /* no room for an exchange */
};

static const char refused[] =
    "nfipsecd did not take the keys, see its log: is its table of SAs full?";

/* ---- one addition ------------------------------------------------------- */

void
kink_sa_added(struct kink *k, uint64_t now_ms, uint32_t pair)
{
	struct kinkexch *e = kinkexch_find_installing(k, pair);

	if (e == NULL)
		return;
	e->installing = false;
	e->wait_ms = KINKEXCH_FIRST_MS;
	if (e->x.role == EXCHANGE_RESPONDER)
		kinkresp_installed(k, e);
	else if (e->x.state == EXCHANGE_WAIT_REPLY || e->ack_wanted)
		/* An AP-REQ for the CREATE, or for the ACK. */
		(void)kinkinit_ask(k, now_ms, e);
	/* The pair that this one replaces goes out by DELETE, behind the
	 * ACK. */
	if (e->x.state == EXCHANGE_DONE && e->replaces != 0)
		(void)kink_delete(k, now_ms, e->replaces);
}

/* The exchange that made this pair, if it is still remembered. */
static struct kinkexch *
maker_of(struct kink *k, const struct sapair *p)
{
	struct kinkexch *e =
	    (struct kinkexch *)exchange_by_id(&k->exchanges, p->exchange);

	return e != NULL && e->pair == p->id ? e : NULL;
}

void
kink_sa_failed(struct kink *k, uint64_t now_ms, uint32_t pair, int err)
{
	struct sapair *p = sapair_by_id(&k->pairs, pair);
	struct kinkexch *e = p == NULL ? NULL : maker_of(k, p);

	if (p == NULL || p->dying)
		return;
	errno = -err;
	log_warn("%s: the engine did not take the keys", p->association);
	sapair_is_not_newest(&k->pairs, p);
	if (e != NULL && e->x.role == EXCHANGE_RESPONDER && e->installing) {
		kinkresp_not_installed(k, now_ms, e);
		return;
	}
	/* The peer has its half, but for that of a CREATE that is still
	 * here. */
	if (e == NULL || e->x.state != EXCHANGE_WAIT_REPLY) {
		if (e != NULL)
			e->pair = 0;
		kinkexch_delete_pair(k, now_ms, p);
	}
	if (e == NULL || e->x.role == EXCHANGE_RESPONDER)
		return;
	e->installing = e->ack_wanted = false;
	kinkinit_fail(k, now_ms, e, refused);
}

/* ---- another engine ----------------------------------------------------- */

void
kink_engine_new(struct kink *k)
{
	sapair_doubt(&k->pairs);
}

void
kink_engine_has(struct kink *k, uint32_t pair, bool outbound)
{
	struct sapair *p = sapair_by_id(&k->pairs, pair);

	if (p != NULL && outbound)
		p->out_doubt = false;
	else if (p != NULL)
		p->in_doubt = false;
}

void
kinkengine_tell_lost(struct kink *k, uint64_t now_ms, struct sapair *p)
{
	const struct keyconf_assoc *a =
	    keyconf_by_name(k->conf, p->association);
	int ret;

	if (a == NULL)
		ret = -ENOENT;
	else if (k->exchanges.items > k->exchanges.items_max / 4 * 3)
		ret = -ENOBUFS; /* the rest is for who wants new keys */
	else
		ret = kinkinit_start(k, now_ms, KINKEXCH_DELETE, a, &p->local,
				     &p->peer, p->id, 0);
	if (ret == -ENOBUFS && timerheap_set(&k->pair_timers, &p->timer,
					     now_ms + TELL_LATER_MS) == 0)
		return;
	p->lost = false;
	if (ret != 0)
		sapair_free(&k->pairs, &k->pair_timers, p);
}

/* The engine has none of this pair's SAs, or but one of them. */
static void
lose(struct kink *k, uint64_t now_ms, struct sapair *p, uint64_t due_ms)
{
	struct kinkexch *e = maker_of(k, p);

	p->in_there = p->in_there && !p->in_doubt;
	p->out_there = p->out_there && !p->out_doubt;
	p->in_doubt = p->out_doubt = false;
	if (p->dying)
		return;
	if (e != NULL && e->x.state == EXCHANGE_WAIT_REPLY) {
		/* The peer's half is made with the next offer. */
		kinkinit_restart(k, now_ms, e);
		return;
	}
	p->dying = p->lost = true;
	sapair_remove_out(&k->pairs, p);
	if (timerheap_set(&k->pair_timers, &p->timer, due_ms) != 0)
		log_fatalx("no memory for a timer");
}

/* Who cannot be told now learns it by the epoch (RFC 4430 section 3.7), from
 * whatever it hears next.  Offers that are out are made anew under it. */
static void
begin_epoch(struct kink *k, uint64_t now_ms, uint32_t epoch)
{
	k->epoch = epoch;
	for (size_t b = 0; b < k->exchanges.buckets; b++) {
		struct exchange *x = k->exchanges.by_id[b], *next;

		for (; x != NULL; x = next) {
			next = x->next_id;
			if (x->role == EXCHANGE_INITIATOR &&
			    x->kind == KINKEXCH_CREATE &&
			    x->state == EXCHANGE_WAIT_REPLY)
				kinkinit_restart(k, now_ms,
						 (struct kinkexch *)x);
		}
	}
}

void
kink_engine_listed(struct kink *k, uint64_t now_ms, uint32_t wall_secs)
{
	struct sapair *next;
	unsigned lost = 0, kept = 0;

	for (struct sapair *p = k->pairs.first; p != NULL; p = next) {
		next = p->next;
		if (p->in_doubt || p->out_doubt)
			lose(k, now_ms, p, now_ms + TELL_MS * (uint64_t)lost++);
		else if (p->in_there || p->out_there)
			kept++;
	}
	if (lost == 0)
		return;
	log_warnx("the engine has lost %u SA pairs: their peers are told",
		  lost);
	/* Not while there are pairs that it would kill. */
	if (kept == 0 && wall_secs > k->epoch)
		begin_epoch(k, now_ms, wall_secs);
}

/* ---- what it counts ----------------------------------------------------- */

void
kink_seen(struct kink *k, uint64_t now_ms, uint32_t pair, bool outbound,
	  uint64_t packets)
{
	struct sapair *p = sapair_by_id(&k->pairs, pair);
	bool sent;

	if (p == NULL || p->dying || !p->out_there)
		return;
	if (!outbound) {
		if (packets != p->in_packets) {
			p->silent_ms = 0;
			p->patience_ms = KINKEXCH_PATIENCE_MS;
			p->heard = true;
		}
		p->in_packets = packets;
		return;
	}
	sent = packets != p->out_packets;
	p->out_packets = packets;
	if (p->patience_ms == 0)
		p->patience_ms = KINKEXCH_PATIENCE_MS;
	/* What came since the last look may be the answer. */
	if (sent && !p->heard && p->silent_ms == 0)
		p->silent_ms = now_ms;
	p->heard = false;
	if (!sent || p->silent_ms == 0 ||
	    now_ms - p->silent_ms < p->patience_ms)
		return;
	log_debug("%s: %s is silent", p->association, p->principal);
	(void)kink_probe(k, now_ms, p->association, &p->local, &p->peer);
	/* What goes one way only is asked about less and less often. */
	p->silent_ms = 0;
	if (p->patience_ms < KINKEXCH_PATIENCE_MOST_MS)
		p->patience_ms *= 2;
}
