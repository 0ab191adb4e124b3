/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The initiator reads a REPLY. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "keyneg/kink/kinkexch.h"
#include "keyneg/kink/krbmsg.h"
#include "keyneg/kink/qmbuild.h"
#include "keyneg/kink/transform.h"

/* Is the AP-REP an answer to an authenticator of ours that is out? */
static bool
is_fresh(const struct kinkexch *e, const struct kinkbody *body, uint64_t *secs)
{
	unsigned n = e->auths < KINKEXCH_AUTHS ? e->auths : KINKEXCH_AUTHS;
	uint32_t cusec;

	if (krbmsg_read_ap_rep(body->ap, &e->session, secs, &cusec) != 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (e->auth[i].ctime == *secs && e->auth[i].cusec == cusec)
			return true;
	return false;
}

/* A likely reason, told while the exchange still goes on: it may take half a
 * minute to end. */
static void
suspect(struct kink *k, uint64_t now_ms, struct kinkexch *e, const char *why)
{
	static struct log_limit limit = { .burst = 5, .every_ms = 5000 };
	char peer[IPADDR_TEXT];

	if (strcmp(e->why, why) == 0)
		return;
	kinkinit_hint(e, why);
	peertab_suspect(&k->peers, e->assoc.name, &e->x.path.peer, why, now_ms);
	if (!log_limit_take(&limit, now_ms))
		return;
	log_info("%s: %s with %s (%s) goes on, but: %s", e->assoc.name,
		 kinkexch_kind_name(e->x.kind),
		 ipaddr_format(&e->x.path.peer, peer), e->principal, why);
}

/* Without AP_REP and checksum it may be anybody's word: it is kept as the
 * likely reason and the exchange goes on.  What it may do, once, is to have
 * an expired ticket fetched anew. */
static void
consume_unproven(struct kink *k, uint64_t now_ms, struct kinkexch *e,
		 const struct kinkbody *body)
{
	struct krbmsg_error ke;
	char why[KINKEXCH_WHY];

	e->answered = true;
	if ((body->seen & 1u << KINK_PAYLOAD_ERROR) != 0) {
		snprintf(why, sizeof(why),
			 "the peer says %s: see the log there",
			 kinkmsg_error_name(body->error));
		suspect(k, now_ms, e, why);
		return;
	}
	if ((body->seen & 1u << KINK_PAYLOAD_KRB_ERROR) == 0 ||
	    !krbmsg_read_error(body->krb_error, &ke)) {
		k->count[KINK_COUNT_UNVERIFIED]++;
		return;
	}
	snprintf(why, sizeof(why), "%s (Kerberos error %lld)",
		 krbmsg_explain(ke.code), (long long)ke.code);
	suspect(k, now_ms, e, why);
	if (krbmsg_wants_ticket(ke.code) && !e->tried_fresh &&
	    e->x.state == EXCHANGE_WAIT_REPLY) {
		e->tried_fresh = e->fresh = true;
		kinkinit_restart(k, now_ms, e);
	}
}

/* Does this error speak of an authenticator of ours that is out? */
static bool
is_about_us(const struct kinkexch *e, const struct krbmsg_error *ke)
{
	unsigned n = e->auths < KINKEXCH_AUTHS ? e->auths : KINKEXCH_AUTHS;

	for (unsigned i = 0; ke->has_ctime && i < n; i++)
		if (e->auth[i].ctime == ke->ctime)
			return true;
	return false;
}

/* A KRB-ERROR under the session key's checksum: the peer itself. */
static void
consume_krb_error(struct kink *k, uint64_t now_ms, struct kinkexch *e,
		  const struct kinkbody *body)
{
	struct krbmsg_error ke;
	char why[KINKEXCH_WHY];

	if (!krbmsg_read_error(body->krb_error, &ke)) {
		k->count[KINK_COUNT_MALFORMED]++;
		return;
	}
	if (ke.code == KRBMSG_SKEW && !e->tried_skew && is_about_us(e, &ke)) {
		/* Section 3.5: what its clock is ahead of ours. */
		e->tried_skew = true;
		e->offset_secs += (int64_t)(ke.stime - ke.ctime);
		kinkexch_set_offset(k, e->principal, e->offset_secs);
		log_info("%s: the clock of %s is %lld s ahead of ours",
			 e->assoc.name, e->principal,
			 (long long)e->offset_secs);
		(void)kinkinit_ask(k, now_ms, e);
		return;
	}
	if (ke.code == KRBMSG_SKEW && !is_about_us(e, &ke)) {
		/* An answer to another authenticator, played again. */
		k->count[KINK_COUNT_REPLAYED]++;
		return;
	}
	if (ke.code == KRBMSG_TKT_EXPIRED && !e->tried_fresh) {
		e->tried_fresh = e->fresh = true;
		kinkinit_restart(k, now_ms, e);
		return;
	}
	snprintf(why, sizeof(why), "%s (Kerberos error %lld)",
		 krbmsg_explain(ke.code), (long long)ke.code);
	kinkinit_fail(k, now_ms, e, why);
}

/* The first error notification; 0: none. */
static uint16_t
error_of(const struct isakmp_op *op)
{
	for (unsigned i = 0; i < op->notifies; i++)
		if (isakmp_notify_is_error(op->notify[i].type))
			return op->notify[i].type;
	return 0;
}

/* What to do about a refusal. */
static const char *
advice_of(const struct kinkexch *e, uint16_t error)
{
	switch (error) {
	case ISAKMP_NOTIFY_NO_PROPOSAL_CHOSEN:
		return "the algorithms, `esn` or `forward-secrecy` of the "
		       "association differ there";
	case ISAKMP_NOTIFY_INVALID_ID_INFORMATION:
		return "it does not let our principal speak for our address: "
		       "see `principals` and `peer` there";
	case ISAKMP_NOTIFY_INVALID_PAYLOAD_TYPE:
		return e->group == DH_GROUP_NONE
			   ? "it does not know a part of the offer"
			   : "`forward-secrecy` is off there and required here";
	case ISAKMP_NOTIFY_INVALID_SPI:
		return "it has our SPI already: its old keys end by themselves";
	default: /* the peer's number, not our enum */
		return "see the log there";
	}
}

static void
consume_op(struct kink *k, uint64_t now_ms, struct kinkexch *e,
	   const struct isakmp_op *op, bool ackreq)
{
	uint16_t error = error_of(op);
	const char *why = NULL;
	char text[KINKEXCH_WHY];

	if (e->x.kind == KINKEXCH_DELETE) {
		/* Deleted there, or not known there: gone either way. */
		kinkinit_end_pair(k, now_ms, e);
	} else if (error != 0) {
		if (e->x.kind == KINKEXCH_CREATE &&
		    kinkinit_retry(k, now_ms, e, error))
			return;
		snprintf(text, sizeof(text), "the peer refuses: %s (%u): %s",
			 isakmp_notify_name(error), error, advice_of(e, error));
		why = text;
	} else if (e->x.kind == KINKEXCH_CREATE) {
		why = kinkcreate_consume(k, now_ms, e, op, ackreq);
	}
	if (why != NULL)
		kinkinit_fail(k, now_ms, e, why);
	else
		kinkinit_succeed(k, now_ms, e, ackreq);
}

/* The peer has proven itself: freshness and checksum are good. */
static void
consume_proven(struct kink *k, uint64_t now_ms, struct kinkexch *e,
	       const struct kinkmsg *msg, const struct kinkbody *body)
{
	struct isakmp_fault fault;
	struct isakmp_op op;
	struct kinkbody inner;

	if (kinkexch_open(k, &e->session, body, &inner) != KINK_ERROR_OK) {
		k->count[KINK_COUNT_MALFORMED]++;
		return;
	}
	if ((inner.seen & 1u << KINK_PAYLOAD_KRB_ERROR) != 0) {
		consume_krb_error(k, now_ms, e, &inner);
		return;
	}
	/* A new epoch kills what was; what comes now is under it. */
	(void)kinkexch_check_epoch(k, e->principal, body->epoch, UINT64_MAX);
	e->peer_epoch = body->epoch;
	if (inner.isakmp_count == 0) {
		if (e->x.kind == KINKEXCH_STATUS &&
		    (inner.seen & 1u << KINK_PAYLOAD_ERROR) == 0)
			kinkinit_succeed(k, now_ms, e, msg->ackreq);
		else
			kinkinit_fail(k, now_ms, e,
				      (inner.seen & 1u << KINK_PAYLOAD_ERROR) !=
					      0
					  ? kinkmsg_error_name(inner.error)
					  : "the peer's answer says nothing");
		return;
	}
	if (inner.isakmp_count > 1 ||
	    !isakmp_parse(inner.isakmp[0], inner.isakmp_next[0], &op, &fault))
		kinkinit_fail(k, now_ms, e,
			      inner.isakmp_count > 1
				  ? "the peer answers with more than was asked"
				  : fault.why);
	else
		consume_op(k, now_ms, e, &op, msg->ackreq);
}

void
kinkreply_receive(struct kink *k, uint64_t now_ms,
		  const struct exchange_path *path, const struct kinkmsg *msg,
		  const struct kinkbody *body)
{
	struct kinkexch *e = (struct kinkexch *)exchange_by_xid(
	    &k->exchanges, EXCHANGE_INITIATOR, &path->peer, msg->xid, NULL);
	uint64_t secs = 0;

	if (e == NULL || e->sends == 0 || e->x.state == EXCHANGE_FAILED) {
		k->count[KINK_COUNT_UNEXPECTED]++;
		return;
	}
	if ((body->seen & 1u << KINK_PAYLOAD_AP_REP) != 0) {
		if (!kinkexch_verify(k, msg, &e->session) ||
		    !is_fresh(e, body, &secs)) {
			k->count[KINK_COUNT_UNVERIFIED]++;
			return;
		}
		if (e->x.state == EXCHANGE_DONE) {
			/* It has not seen our ACK, or this is a duplicate. */
			if (msg->ackreq && e->ack_wanted && !e->installing)
				(void)kinkinit_ask(k, now_ms, e);
			return;
		}
		/* By the peer's clock, as we made it. */
		e->peer_secs = secs - (uint64_t)e->offset_secs;
		consume_proven(k, now_ms, e, msg, body);
		return;
	}
	if (e->x.state != EXCHANGE_WAIT_REPLY)
		return;
	if ((body->seen & 1u << KINK_PAYLOAD_KRB_ERROR) != 0 &&
	    kinkexch_verify(k, msg, &e->session))
		consume_krb_error(k, now_ms, e, body);
	else
		consume_unproven(k, now_ms, e, body);
}
