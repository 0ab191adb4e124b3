/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "keyneg/kink/kinkexch.h"
#include "keyneg/kink/kinkview.h"

/* Gives every peer its newest pair and says whether an exchange is under
 * way. */
static void
join(struct kink *k)
{
	struct peertab_peer *p;

	for (p = k->peers.first; p != NULL; p = p->next) {
		p->pair = NULL;
		p->busy = false;
	}
	/* The newest come first. */
	for (struct sapair *s = k->pairs.first; s != NULL; s = s->next) {
		p = peertab_find(&k->peers, s->association, &s->peer);
		if (p != NULL && p->pair == NULL && s->out_there && !s->dying)
			p->pair = s;
	}
	for (size_t b = 0; b < k->exchanges.buckets; b++)
		for (struct exchange *x = k->exchanges.by_id[b]; x != NULL;
		     x = x->next_id) {
			const struct kinkexch *e = (const struct kinkexch *)x;

			p = peertab_find(&k->peers, e->assoc.name,
					 &x->path.peer);
			if (p != NULL && x->kind == KINKEXCH_CREATE &&
			    (x->state == EXCHANGE_WAIT_TICKET ||
			     x->state == EXCHANGE_WAIT_REPLY ||
			     x->state == EXCHANGE_WAIT_ACK))
				p->busy = true;
		}
}

static const char *
state_of(const struct peertab_peer *p)
{
	if (p->association[0] == '\0')
		return "refused";
	if (p->pair != NULL)
		return "up";
	if (p->busy)
		return "negotiating";
	return p->why_ms != 0 ? "failed" : "idle";
}

/* Texts come from the configuration, tickets and libraries. */
static void
put(FILE *out, const char *key, const char *text)
{
	(void)fprintf(out, "\t%s=", key);
	for (; *text != '\0'; text++)
		(void)fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?'
									: *text,
			    out);
}

/* Whole seconds since, or -1. */
static int64_t
since(uint64_t now_ms, uint64_t then_ms)
{
	return then_ms == 0 ? -1 : (int64_t)((now_ms - then_ms) / 1000);
}

static int64_t
until(uint64_t now_ms, uint64_t then_ms)
{
	return then_ms == 0        ? -1
	       : then_ms <= now_ms ? 0
				   : (int64_t)((then_ms - now_ms) / 1000);
}

static void
put_pair(const struct sapair *s, uint64_t now_ms, FILE *out)
{
	char text[96] = "";

	if (s != NULL)
		snprintf(text, sizeof(text), "%s %s%s%s",
			 s->protocol == 51 ? "ah" : "esp",
			 s->encryption == ALGO_NONE
			     ? ""
			     : algo_info((enum algo)s->encryption)->name,
			 s->encryption != ALGO_NONE && s->integrity != ALGO_NONE
			     ? " "
			     : "",
			 s->integrity == ALGO_NONE
			     ? ""
			     : algo_info((enum algo)s->integrity)->name);
	put(out, "role",
	    s == NULL      ? ""
	    : s->initiator ? "initiator"
			   : "responder");
	put(out, "algorithms", text);
	put(out, "forward_secrecy",
	    s == NULL       ? ""
	    : s->group == 0 ? "no"
			    : dh_group_name(s->group));
	(void)fprintf(out,
		      "\tspi_in=%" PRIu32 "\tspi_out=%" PRIu32
		      "\tage_secs=%" PRId64 "\trekey_secs=%" PRId64
		      "\texpires_secs=%" PRId64,
		      s == NULL ? 0 : s->spi_in, s == NULL ? 0 : s->spi_out,
		      s == NULL ? -1 : since(now_ms, s->created_ms),
		      s == NULL ? -1 : until(now_ms, s->soft_ms),
		      s == NULL ? -1 : until(now_ms, s->hard_ms));
}

static void
put_peer(const struct kink *k, const struct peertab_peer *p, uint64_t now_ms,
	 FILE *out)
{
	const struct keyconf_assoc *a =
	    keyconf_by_name(k->conf, p->association);
	char local[IPADDR_TEXT], peer[IPADDR_TEXT];

	(void)fprintf(out, "peer");
	put(out, "association", p->association);
	(void)fprintf(out, "\tsaid=%" PRIu32, a == NULL ? 0 : a->said);
	put(out, "local", ipaddr_format(&p->local, local));
	put(out, "peer", ipaddr_format(&p->peer, peer));
	put(out, "principal", p->principal);
	put(out, "method", "kink");
	put(out, "state", state_of(p));
	put_pair(p->pair, now_ms, out);
	(void)fprintf(out,
		      "\theard_secs=%" PRId64 "\texchanges=%" PRIu64
		      "\tfailures=%" PRIu64,
		      since(now_ms, p->heard_ms), p->exchanges, p->failures);
	put(out, "why", p->why);
	(void)fprintf(out, "\twhy_secs=%" PRId64 "\n",
		      since(now_ms, p->why_ms));
}

static bool
is_result(enum kink_counter c)
{
	return c == KINK_COUNT_DONE_INITIATOR ||
	       c == KINK_COUNT_DONE_RESPONDER || c == KINK_COUNT_FAILED ||
	       c == KINK_COUNT_REFUSED;
}

bool
kinkview_print(struct kink *k, uint64_t now_ms, size_t peers, FILE *out)
{
	const struct peertab_peer *p = k->peers.first;

	join(k);
	for (; p != NULL && peers > 0; p = p->next, peers--)
		put_peer(k, p, now_ms, out);
	for (unsigned i = 0; i < KINK_COUNT_COUNT; i++) {
		bool result = is_result((enum kink_counter)i);

		(void)fprintf(
		    out, "%s\tmethod=kink\t%s=%s\tcount=%" PRIu64 "\n",
		    result ? "exchanges" : "messages",
		    result ? "result" : "event",
		    kink_counter_name((enum kink_counter)i), k->count[i]);
	}
	return p == NULL;
}
