/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "keyneg/kink/kinkexch.h"
#include "keyneg/kink/krbmsg.h"
#include "keyneg/kink/qmbuild.h"
#include "keyneg/kink/transform.h"

static const char kerberos_gone[] =
    "the Kerberos process is gone: another is started within seconds";

/* ---- start and end ------------------------------------------------------ */

void
kinkinit_hint(struct kinkexch *e, const char *why)
{
	snprintf(e->why, sizeof(e->why), "%s", why);
}

/* An AP-REQ with a new authenticator; the first also finds the ticket. */
int
kinkinit_ask(struct kink *k, uint64_t now_ms, struct kinkexch *e)
{
	struct krbreq r = { .type = KRBREQ_MAKE,
			    .id = e->x.id,
			    .deadline_ms = now_ms + KINKEXCH_KRB_MS,
			    .ticket = e->ticket,
			    .fresh = e->fresh,
			    .offset_secs = e->offset_secs };
	int ret;

	if (e->krb_pending)
		return 0;
	memcpy(r.local, e->assoc.local_principal, sizeof(r.local));
	memcpy(r.peer, e->principal, sizeof(r.peer));
	ret = k->ops->krb(k->ctx, &r);
	e->krb_pending = ret == 0;
	return ret;
}

void
kinkinit_ask_again(struct kink *k, uint64_t now_ms, struct kinkexch *e)
{
	e->krb_pending = false;
	/* Its ticket may be gone with the last one: then it starts anew. */
	(void)kinkinit_ask(k, now_ms, e);
}

static uint32_t
fresh_xid(struct kink *k, const struct ipaddr *peer)
{
	do {
		k->last_xid++;
	} while (exchange_by_xid(&k->exchanges, EXCHANGE_INITIATOR, peer,
				 k->last_xid, NULL) != NULL);
	return k->last_xid;
}

int
kinkinit_start(struct kink *k, uint64_t now_ms, enum kinkexch_kind kind,
	       const struct keyconf_assoc *a, const struct ipaddr *local,
	       const struct ipaddr *peer, uint32_t pair, uint32_t replaces)
{
	struct exchange_path path = { .local = *local,
				      .peer = *peer,
				      .local_port = KINKMSG_PORT,
				      .peer_port = KINKMSG_PORT };
	const char *why = "",
		   *principal = keyconf_expected(k->conf, a, peer, &why);
	struct kinkexch *e = kinkexch_new(k, EXCHANGE_INITIATOR, kind,
					  fresh_xid(k, peer), &path);
	struct sapair *p = pair == 0 ? NULL : sapair_by_id(&k->pairs, pair);

	if (e == NULL)
		return -ENOBUFS;
	e->assoc = *a;
	e->pair = pair;
	e->replaces = replaces;
	e->wait_ms = KINKEXCH_FIRST_MS;
	if (kind == KINKEXCH_CREATE && a->secrecy != KEYCONF_SECRECY_OFF)
		e->group = DH_GROUP_CURVE25519;
	exchange_move(&k->exchanges, &e->x, EXCHANGE_WAIT_TICKET);
	/* To delete is to speak with whom the pair was made. */
	if (p != NULL)
		principal = p->principal;
	if (principal == NULL) {
		kinkinit_fail(k, now_ms, e, why);
		return 0;
	}
	snprintf(e->principal, sizeof(e->principal), "%s", principal);
	if (kind == KINKEXCH_CREATE)
		(void)peertab_touch(&k->peers, a->name, local, peer, principal);
	e->offset_secs = kinkexch_offset(k, principal);
	kinkexch_set_timer(k, e, now_ms + KINKEXCH_KRB_MS);
	kinkinit_hint(e, krbans_status_text(KRBANS_LATE));
	if (kinkinit_ask(k, now_ms, e) != 0)
		kinkinit_fail(k, now_ms, e, kerberos_gone);
	return 0;
}

/* The pair that a DELETE was for goes, after the grace time of RFC 4430
 * section 3.3. */
void
kinkinit_end_pair(struct kink *k, uint64_t now_ms, struct kinkexch *e)
{
	struct sapair *p = sapair_by_id(&k->pairs, e->pair);

	if (p == NULL)
		return;
	p->hard_ms = now_ms + KINKEXCH_GRACE_MS;
	if (timerheap_set(&k->pair_timers, &p->timer, p->hard_ms) != 0)
		log_fatalx("no memory for a timer");
}

void
kinkinit_fail(struct kink *k, uint64_t now_ms, struct kinkexch *e,
	      const char *why)
{
	struct sapair *p = sapair_by_id(&k->pairs, e->pair);
	char peer[IPADDR_TEXT];

	if (why != e->why)
		kinkinit_hint(e, why);
	k->count[KINK_COUNT_FAILED]++;
	exchange_move(&k->exchanges, &e->x, EXCHANGE_FAILED);
	log_warnx("%s: %s with %s (%s) failed: %s", e->assoc.name,
		  kinkexch_kind_name(e->x.kind),
		  ipaddr_format(&e->x.path.peer, peer),
		  e->principal[0] == '\0' ? "nobody" : e->principal, e->why);
	peertab_failed(&k->peers, e->assoc.name, &e->x.path.local,
		       &e->x.path.peer, e->principal, e->why, now_ms);
	if (e->x.kind == KINKEXCH_CREATE) {
		if (p != NULL)
			sapair_free(&k->pairs, &k->pair_timers, p);
		k->pairs.ops->give_up(k->pairs.ops_ctx, e->assoc.name,
				      &e->x.path.peer, e->why);
	} else if (e->x.kind == KINKEXCH_DELETE) {
		kinkinit_end_pair(k, now_ms, e);
	}
	dh_free(e->dh);
	e->dh = NULL;
	kinkexch_set_timer(k, e, now_ms + KINKEXCH_HOLDOFF_MS);
}

void
kinkinit_yield(struct kink *k, struct kinkexch *e)
{
	struct sapair *p = sapair_by_id(&k->pairs, e->pair);

	if (p != NULL)
		sapair_free(&k->pairs, &k->pair_timers, p);
	kinkexch_free(k, e);
}

void
kinkinit_succeed(struct kink *k, uint64_t now_ms, struct kinkexch *e,
		 bool ackreq)
{
	struct peertab_peer *p =
	    peertab_find(&k->peers, e->assoc.name, &e->x.path.peer);

	if (p != NULL)
		p->heard_ms = now_ms;
	k->count[KINK_COUNT_DONE_INITIATOR]++;
	exchange_move(&k->exchanges, &e->x, EXCHANGE_DONE);
	dh_free(e->dh);
	e->dh = NULL;
	kinkexch_set_timer(k, e, now_ms + KINKEXCH_LINGER_MS);
	/* Section 3.2: the ACK is sent even if we think the asking wrong. */
	e->ack_wanted = ackreq;
	if (ackreq && !e->installing)
		(void)kinkinit_ask(k, now_ms, e);
}

/* A new transaction in place of this one: a new XID and, for a CREATE, a new
 * SA pair; e is gone afterwards. */
void
kinkinit_restart(struct kink *k, uint64_t now_ms, struct kinkexch *e)
{
	struct kinkexch *n =
	    kinkexch_new(k, EXCHANGE_INITIATOR, (enum kinkexch_kind)e->x.kind,
			 fresh_xid(k, &e->x.path.peer), &e->x.path);

	if (n == NULL) {
		kinkinit_fail(k, now_ms, e, "too many exchanges at once");
		return;
	}
	if (e->x.kind == KINKEXCH_CREATE) {
		struct sapair *p = sapair_by_id(&k->pairs, e->pair);

		if (p != NULL)
			sapair_free(&k->pairs, &k->pair_timers, p);
		e->pair = 0;
	}
	n->assoc = e->assoc;
	memcpy(n->principal, e->principal, sizeof(n->principal));
	n->pair = e->pair;
	n->replaces = e->replaces;
	n->group = e->group;
	n->fresh = e->fresh;
	n->offset_secs = e->offset_secs;
	n->tried_fresh = e->tried_fresh;
	n->tried_skew = e->tried_skew;
	n->tried_spi = e->tried_spi;
	n->wait_ms = KINKEXCH_FIRST_MS;
	exchange_move(&k->exchanges, &n->x, EXCHANGE_WAIT_TICKET);
	kinkexch_set_timer(k, n, now_ms + KINKEXCH_KRB_MS);
	kinkinit_hint(n, krbans_status_text(KRBANS_LATE));
	kinkexch_free(k, e);
	if (kinkinit_ask(k, now_ms, n) != 0)
		kinkinit_fail(k, now_ms, n, kerberos_gone);
}

/* Another attempt after an error that we can avoid: a group that the peer
 * lacks, an SPI that it has.  True: it is under way, and e is gone. */
bool
kinkinit_retry(struct kink *k, uint64_t now_ms, struct kinkexch *e,
	       uint16_t notify)
{
	bool no_group = notify == ISAKMP_NOTIFY_INVALID_PAYLOAD_TYPE ||
			notify == ISAKMP_NOTIFY_NO_PROPOSAL_CHOSEN ||
			notify == ISAKMP_NOTIFY_ATTRIBUTES_NOT_SUPPORTED;

	if (notify == ISAKMP_NOTIFY_INVALID_SPI && !e->tried_spi) {
		e->tried_spi = true;
	} else if (no_group && e->group == DH_GROUP_CURVE25519 &&
		   notify != ISAKMP_NOTIFY_INVALID_PAYLOAD_TYPE) {
		e->group = DH_GROUP_MODP2048;
	} else if (no_group && e->group != DH_GROUP_NONE &&
		   e->assoc.secrecy == KEYCONF_SECRECY_PREFER) {
		e->group = DH_GROUP_NONE;
	} else {
		return false;
	}
	kinkinit_restart(k, now_ms, e);
	return true;
}

/* ---- sending ------------------------------------------------------------ */

/* The chain inside ENCRYPT; its octets in k->plain. */
static size_t
build_inner(struct kink *k, struct kinkexch *e)
{
	struct kinkmsg_build m;
	struct sapair *p = sapair_by_id(&k->pairs, e->pair);
	struct qmbuild q;

	if (e->x.kind == KINKEXCH_CREATE)
		return kinkcreate_build(k, e);
	if (e->x.kind != KINKEXCH_DELETE || p == NULL)
		return 0;
	m = kinkmsg_build_inner(k->plain, sizeof(k->plain));
	kinkmsg_begin(&m, KINK_PAYLOAD_ISAKMP);
	q = qmbuild_make(&m.b);
	qmbuild_delete(
	    &q, p->protocol == 51 ? ISAKMP_PROTOCOL_AH : ISAKMP_PROTOCOL_ESP,
	    &p->spi_in, 1);
	kinkmsg_end(&m);
	return m.b.overflow ? 0 : m.b.len;
}

static void
remember_auth(struct kinkexch *e, const struct krbans *a)
{
	unsigned i = e->auths++ % KINKEXCH_AUTHS;

	e->auth[i].ctime = a->ctime;
	e->auth[i].cusec = a->cusec;
}

static void
send_command(struct kink *k, uint64_t now_ms, struct kinkexch *e,
	     const struct krbans *a)
{
	size_t n = build_inner(k, e);

	remember_auth(e, a);
	if (e->sends++ != 0)
		k->count[KINK_COUNT_RETRANSMITTED]++;
	if (kinkexch_send(k, e, e->x.kind, KINK_PAYLOAD_AP_REQ, a->der,
			  a->der_len, k->plain, n, false) != 0) {
		kinkinit_fail(
		    k, now_ms, e,
		    "the message does not fit: is the ticket too large?");
		return;
	}
	kinkexch_set_timer(k, e, now_ms + e->wait_ms);
	e->wait_ms = e->wait_ms * 2 > KINKEXCH_MOST_MS ? KINKEXCH_MOST_MS
						       : e->wait_ms * 2;
}

static void
first_send(struct kink *k, uint64_t now_ms, struct kinkexch *e,
	   const struct krbans *a)
{
	int ret;

	e->session.etype = a->etype;
	memcpy(e->session.key, a->key, sizeof(e->session.key));
	e->ticket = a->ticket;
	e->fresh = false;
	kinkinit_hint(
	    e, "the peer does not answer on UDP port 910: is keynegd running "
	       "there, and does a firewall let it through?");
	ret = e->x.kind == KINKEXCH_CREATE ? kinkcreate_prepare(k, e) : 0;
	if (ret != 0) {
		kinkinit_fail(k, now_ms, e,
			      ret == -ENOTCONN ? "nfipsecd is not there"
					       : "no memory or room for an SA");
		return;
	}
	exchange_move(&k->exchanges, &e->x, EXCHANGE_WAIT_REPLY);
	if (e->installing)
		/* With another authenticator, once the engine has the SA. */
		kinkexch_set_timer(k, e, now_ms + e->wait_ms);
	else
		send_command(k, now_ms, e, a);
}

/* The ticket has ended while the peer was silent. */
static void
renew(struct kink *k, uint64_t now_ms, struct kinkexch *e)
{
	if (e->tried_fresh) {
		kinkinit_fail(k, now_ms, e, e->why);
		return;
	}
	log_info(
	    "%s: the ticket for %s has ended meanwhile: another is fetched",
	    e->assoc.name, e->principal);
	e->tried_fresh = e->fresh = true;
	kinkinit_restart(k, now_ms, e);
}

void
kinkinit_made(struct kink *k, uint64_t now_ms, struct kinkexch *e,
	      const struct krbans *a)
{
	char why[KINKEXCH_WHY];

	e->krb_pending = false;
	if (a->status != KRBANS_OK || !enctype_known(a->etype)) {
		enum krbans_status s = a->status != KRBANS_OK
					   ? (enum krbans_status)a->status
					   : KRBANS_WEAK;

		if (e->x.state == EXCHANGE_DONE ||
		    e->x.state == EXCHANGE_FAILED)
			return;
		if (s == KRBANS_TICKET_GONE &&
		    e->x.state == EXCHANGE_WAIT_REPLY) {
			kinkinit_restart(k, now_ms, e);
			return;
		}
		if (s == KRBANS_EXPIRED && e->x.state == EXCHANGE_WAIT_REPLY) {
			renew(k, now_ms, e);
			return;
		}
		snprintf(why, sizeof(why), "%s%s%s", krbans_status_text(s),
			 a->why[0] == '\0' ? "" : ": ", a->why);
		kinkinit_fail(k, now_ms, e, why);
		return;
	}
	switch (e->x.state) {
	case EXCHANGE_WAIT_TICKET:
		first_send(k, now_ms, e, a);
		return;
	case EXCHANGE_WAIT_REPLY:
		send_command(k, now_ms, e, a);
		return;
	case EXCHANGE_DONE:
		if (e->ack_wanted)
			(void)kinkexch_send(k, e, KINK_TYPE_ACK,
					    KINK_PAYLOAD_AP_REQ, a->der,
					    a->der_len, NULL, 0, false);
		return;
	case EXCHANGE_NEW:
	case EXCHANGE_WAIT_CHECK:
	case EXCHANGE_WAIT_ACK:
	case EXCHANGE_FAILED:
	case EXCHANGE_STATE_COUNT:
		return;
	}
}

/* Nobody answers there: SAs that were in use both ways lead into a black
 * hole, and a new packet had better ask for new ones.  Those by which nothing
 * ever came say nothing. */
static void
bury(struct kink *k, const struct kinkexch *e)
{
	const struct ipaddr *peer = &e->x.path.peer;
	struct sapair *next, *p;
	unsigned dead = 0;

	p = sapair_by_use(&k->pairs, e->assoc.name, peer, NULL);
	for (; p != NULL; p = next) {
		next = sapair_by_use(&k->pairs, e->assoc.name, peer, p);
		if (p->dying || p->in_packets == 0)
			continue;
		sapair_free(&k->pairs, &k->pair_timers, p);
		dead++;
	}
	if (dead == 0)
		return;
	k->count[KINK_COUNT_DEAD]++;
	log_info("%s: %s is dead: its %u SA pairs are deleted", e->assoc.name,
		 e->principal, dead);
}

void
kinkinit_timeout(struct kink *k, uint64_t now_ms, struct kinkexch *e)
{
	switch (e->x.state) {
	case EXCHANGE_WAIT_TICKET:
		kinkinit_fail(k, now_ms, e, e->why);
		return;
	case EXCHANGE_WAIT_REPLY:
		if (e->installing && e->wait_ms < KINKEXCH_MOST_MS) {
			/* Nothing leaves before the engine has the SA. */
			kinkexch_set_timer(k, e, now_ms + e->wait_ms);
			e->wait_ms *= 2;
			return;
		}
		if (e->installing) {
			kinkinit_fail(k, now_ms, e,
				      "nfipsecd takes too long to take an SA");
			return;
		}
		if (e->sends >= KINKEXCH_SENDS) {
			if (e->x.kind == KINKEXCH_STATUS && !e->answered)
				bury(k, e);
			kinkinit_fail(k, now_ms, e, e->why);
			return;
		}
		/* Whoever looks need not wait for the end. */
		if (e->sends == KINKEXCH_TELL_SENDS)
			peertab_suspect(&k->peers, e->assoc.name,
					&e->x.path.peer, e->why, now_ms);
		kinkexch_set_timer(k, e, now_ms + e->wait_ms);
		if (kinkinit_ask(k, now_ms, e) != 0)
			kinkinit_fail(k, now_ms, e, kerberos_gone);
		return;
	case EXCHANGE_DONE:
	case EXCHANGE_FAILED:
		kinkexch_free(k, e);
		return;
	case EXCHANGE_NEW:
	case EXCHANGE_WAIT_CHECK:
	case EXCHANGE_WAIT_ACK:
	case EXCHANGE_STATE_COUNT:
		return;
	}
}
