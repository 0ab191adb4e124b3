/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "keyneg/kink/kinkexch.h"
#include "keyneg/kink/qmbuild.h"

/* Not yet authenticated: the octets wait, a bounded number of times, for
 * Kerberos to read the AP-REQ. */
void
kinkresp_request(struct kink *k, uint64_t now_ms,
		 const struct exchange_path *path, const struct kinkmsg *msg,
		 const struct kinkbody *body)
{
	struct krbreq r = { .type = KRBREQ_READ,
			    .deadline_ms = now_ms + KINKEXCH_KRB_MS };
	struct kinkexch *e;

	if (body->ap.left > sizeof(r.der)) {
		k->count[KINK_COUNT_MALFORMED]++;
		return;
	}
	if (k->checking >= KINKEXCH_CHECKS) {
		k->count[KINK_COUNT_BUSY]++;
		return;
	}
	e = kinkexch_new(k, EXCHANGE_RESPONDER, (enum kinkexch_kind)msg->type,
			 msg->xid, path);
	if (e == NULL)
		return;
	exchange_move(&k->exchanges, &e->x, EXCHANGE_WAIT_CHECK);
	k->checking++;
	r.id = e->x.id;
	r.der_len = (uint16_t)body->ap.left;
	memcpy(r.der, body->ap.at, body->ap.left);
	kinkexch_set_timer(k, e, now_ms + KINKEXCH_KRB_MS);
	if (kinkexch_keep(k, e, msg->whole.at, msg->whole.left) != 0 ||
	    k->ops->krb(k->ctx, &r) != 0) {
		k->count[KINK_COUNT_BUSY]++;
		kinkexch_free(k, e);
	}
}

/* Kerberos refuses and says why: its KRB-ERROR goes back alone, under a
 * checksum where the session key is known, never longer than what came. */
static void
send_krb_error(struct kink *k, struct kinkexch *e, const struct krbans *a)
{
	struct kinkmsg_build m = kinkmsg_build_make(
	    k->out, sizeof(k->out), KINK_TYPE_REPLY, e->x.xid, false);
	struct enctype_key key = { .etype = a->etype };
	uint8_t cksum[ENCTYPE_CKSUM_MAX];
	int len;

	kinkmsg_put(&m, KINK_PAYLOAD_KRB_ERROR, a->der, a->der_len);
	if (!kinkmsg_finish(&m))
		return;
	if (enctype_known(a->etype)) {
		memcpy(key.key, a->key, sizeof(key.key));
		len = enctype_cksum(&key, ENCTYPE_USAGE_KINK_CKSUM, m.b.buf,
				    m.b.len, cksum);
		if (len > 0)
			kinkmsg_sign(&m, cksum, (size_t)len);
	}
	if (m.b.overflow || m.b.len > e->octets_len)
		return;
	k->count[KINK_COUNT_SENT]++;
	k->ops->send(k->ctx, &e->x.path, k->out, m.b.len);
}

static void
refuse(struct kink *k, uint64_t now_ms, struct kinkexch *e,
       const struct krbans *a)
{
	static struct log_limit limit = { .burst = 5, .every_ms = 10000 };
	char peer[IPADDR_TEXT];

	if (a->status == KRBANS_REPLAY) {
		k->count[KINK_COUNT_REPLAYED]++;
		return;
	}
	k->count[KINK_COUNT_REFUSED]++;
	if (log_limit_take(&limit, now_ms))
		log_warnx("%s from %s: %s%s%s", kinkexch_kind_name(e->x.kind),
			  ipaddr_format(&e->x.path.peer, peer),
			  krbans_status_text((enum krbans_status)a->status),
			  a->why[0] == '\0' ? "" : ": ", a->why);
	if (a->der_len != 0)
		send_krb_error(k, e, a);
}

/* ---- answers ------------------------------------------------------------ */

static void
begin_notify(struct kinkmsg_build *inner, uint16_t type, uint8_t protocol,
	     uint32_t spi, const void *data, size_t n)
{
	struct qmbuild q;

	kinkmsg_begin(inner, KINK_PAYLOAD_ISAKMP);
	q = qmbuild_make(&inner->b);
	qmbuild_notify(&q, type, protocol, spi, data, n);
	kinkmsg_end(inner);
}

/* Sends what e keeps, with the AP-REP that e keeps. */
static void
answer_again(struct kink *k, struct kinkexch *e)
{
	if (kinkexch_send(k, e, KINK_TYPE_REPLY, KINK_PAYLOAD_AP_REP, e->ap_rep,
			  e->ap_rep_len, e->octets, e->octets_len,
			  e->ackreq) != 0)
		log_warnx("an answer to %s does not fit", e->principal);
}

void
kinkresp_installed(struct kink *k, struct kinkexch *e)
{
	if (e->ap_rep_len != 0)
		answer_again(k, e);
}

void
kinkresp_not_installed(struct kink *k, uint64_t now_ms, struct kinkexch *e)
{
	static const char why[] = "nfipsecd did not take the keys: see its log";
	struct sapair *p = sapair_by_id(&k->pairs, e->pair);
	uint8_t chain[64];
	struct kinkmsg_build inner = kinkmsg_build_inner(chain, sizeof(chain));

	begin_notify(&inner, ISAKMP_NOTIFY_PAYLOAD_MALFORMED,
		     ISAKMP_PROTOCOL_ESP, 0, NULL, 0);
	k->count[KINK_COUNT_REFUSED]++;
	peertab_failed(&k->peers, e->assoc.name, &e->x.path.local,
		       &e->x.path.peer, e->principal, why, now_ms);
	e->installing = e->ackreq = false;
	e->pair = 0;
	sapair_free(&k->pairs, &k->pair_timers, p);
	if (e->x.state == EXCHANGE_WAIT_ACK)
		exchange_move(&k->exchanges, &e->x, EXCHANGE_DONE);
	kinkexch_set_timer(k, e, now_ms + KINKEXCH_LINGER_MS);
	if (kinkexch_keep(k, e, chain, inner.b.len) != 0)
		kinkexch_free(k, e);
	else if (e->ap_rep_len != 0)
		answer_again(k, e);
}

/* The same with the AP-REP to the authenticator that has just come; not
 * before the engine can read what the answer will bring. */
static void
answer(struct kink *k, struct kinkexch *e, const struct krbans *a)
{
	if (a->der_len > sizeof(e->ap_rep)) {
		log_warnx("an AP-REP of %u octets is too long", a->der_len);
		return;
	}
	memcpy(e->ap_rep, a->der, a->der_len);
	e->ap_rep_len = a->der_len;
	if (!e->installing)
		answer_again(k, e);
}

/* The inbound half goes after the grace time (RFC 4430 section 3.3). */
static void
let_go(struct kink *k, uint64_t now_ms, struct sapair *p)
{
	p->dying = true;
	sapair_remove_out(&k->pairs, p);
	p->hard_ms = now_ms + KINKEXCH_GRACE_MS;
	if (timerheap_set(&k->pair_timers, &p->timer, p->hard_ms) != 0)
		log_fatalx("no memory for a timer");
}

static void
consume_delete(struct kink *k, uint64_t now_ms, struct kinkexch *e,
	       const struct isakmp_op *op, struct kinkmsg_build *inner)
{
	uint32_t ours[ISAKMP_MAX_SPIS], unknown = 0;
	uint8_t ip = op->delete_protocol == ISAKMP_PROTOCOL_AH ? 51 : 50;
	unsigned n = 0;
	struct qmbuild q;

	for (unsigned i = 0; i < op->spis; i++) {
		struct sapair *p = sapair_by_spi_out(&k->pairs, &e->x.path.peer,
						     ip, op->spi[i]);

		if (p == NULL || strcmp(p->principal, e->principal) != 0) {
			unknown = op->spi[i];
			continue;
		}
		ours[n++] = p->spi_in;
		let_go(k, now_ms, p);
	}
	kinkmsg_begin(inner, KINK_PAYLOAD_ISAKMP);
	q = qmbuild_make(&inner->b);
	if (unknown != 0)
		qmbuild_notify(&q, ISAKMP_NOTIFY_INVALID_SPI,
			       op->delete_protocol, unknown, NULL, 0);
	if (n != 0)
		qmbuild_delete(&q, op->delete_protocol, ours, n);
	kinkmsg_end(inner);
}

/* ---- a command that has proven itself ----------------------------------- */

/* Fills `inner` with the answer's chain; false: there is to be none. */
static bool
consume_op(struct kink *k, uint64_t now_ms, struct kinkexch *e,
	   const struct krbans *a, const struct kinkbody *body,
	   struct kinkmsg_build *inner)
{
	struct isakmp_fault fault = { 0 };
	struct isakmp_op op;
	const char *why = NULL;

	if (body->isakmp_count == 0) {
		if (e->x.kind != KINKEXCH_STATUS)
			kinkmsg_put_error(inner, KINK_ERROR_PROTOERR);
		return true;
	}
	if (body->isakmp_count > 1)
		why = "several operations in one message";
	else if (!isakmp_parse(body->isakmp[0], body->isakmp_next[0], &op,
			       &fault))
		why = fault.why;
	else if (e->x.kind == KINKEXCH_CREATE &&
		 (!op.has_sa || op.nonce.left == 0))
		why = "a CREATE without SA or nonce";
	else if (e->x.kind == KINKEXCH_DELETE && op.spis == 0)
		why = "a DELETE of nothing";
	if (why != NULL) {
		if (fault.type == ISAKMP_NOTIFY_OK)
			fault.type = ISAKMP_NOTIFY_PAYLOAD_MALFORMED;
		log_warnx("%s of %s: %s", kinkexch_kind_name(e->x.kind),
			  e->principal, why);
		begin_notify(inner, (uint16_t)fault.type, ISAKMP_PROTOCOL_ESP,
			     0, &fault.payload, fault.payload != 0);
		return true;
	}
	if (e->x.kind == KINKEXCH_CREATE)
		return kinkaccept_create(k, now_ms, e, a, &op, inner);
	if (e->x.kind == KINKEXCH_DELETE)
		consume_delete(k, now_ms, e, &op, inner);
	/* A STATUS's notifications are none that we know: ignored. */
	return true;
}

static void
consume_command(struct kink *k, uint64_t now_ms, struct kinkexch *e,
		const struct krbans *a, const struct kinkbody *body)
{
	static uint8_t chain[4096];
	struct kinkmsg_build inner = kinkmsg_build_inner(chain, sizeof(chain));

	if (!consume_op(k, now_ms, e, a, body, &inner)) {
		kinkexch_free(k, e);
		return;
	}
	/* An empty chain is none: STATUS is answered with AP_REP alone. */
	if (inner.b.overflow ||
	    kinkexch_keep(k, e, chain, inner.b.len > 4 ? inner.b.len : 0) !=
		0) {
		struct sapair *p = sapair_by_id(&k->pairs, e->pair);

		if (p != NULL)
			sapair_free(&k->pairs, &k->pair_timers, p);
		k->count[KINK_COUNT_BUSY]++;
		kinkexch_free(k, e);
		return;
	}
	k->checking--;
	exchange_move(&k->exchanges, &e->x,
		      e->ackreq ? EXCHANGE_WAIT_ACK : EXCHANGE_DONE);
	if (!e->ackreq)
		k->count[KINK_COUNT_DONE_RESPONDER]++;
	e->wait_ms = KINKEXCH_FIRST_MS;
	e->sends = 1;
	kinkexch_set_timer(
	    k, e, now_ms + (e->ackreq ? e->wait_ms : KINKEXCH_LINGER_MS));
	answer(k, e, a);
}

/* The exchange that this message belongs to: same peer, XID and principal,
 * past its own check. */
static struct kinkexch *
find_known(struct kink *k, const struct kinkexch *e)
{
	struct exchange *x = NULL;

	while ((x = exchange_by_xid(&k->exchanges, EXCHANGE_RESPONDER,
				    &e->x.path.peer, e->x.xid, x)) != NULL) {
		struct kinkexch *known = (struct kinkexch *)x;

		if (x->state != EXCHANGE_WAIT_CHECK &&
		    strcmp(known->principal, e->principal) == 0 &&
		    known->peer_epoch == e->peer_epoch)
			return known;
	}
	return NULL;
}

static void
consume_ack(struct kink *k, uint64_t now_ms, struct kinkexch *e)
{
	struct sapair *p = sapair_by_id(&k->pairs, e->pair);
	struct sainstall_sa sa;

	if (e->x.state != EXCHANGE_WAIT_ACK)
		return; /* a second one */
	if (p == NULL || p->dying) {
		exchange_move(&k->exchanges, &e->x, EXCHANGE_FAILED);
		return;
	}
	kinkexch_fill_sa(e, p, SAINSTALL_OUT, &e->out_keys, &sa);
	if (k->pairs.ops->add(k->pairs.ops_ctx, &sa) != 0) {
		/* The peer has both its halves. */
		kinkexch_delete_pair(k, now_ms, p);
		exchange_move(&k->exchanges, &e->x, EXCHANGE_FAILED);
		return;
	}
	p->out_there = true;
	exchange_move(&k->exchanges, &e->x, EXCHANGE_DONE);
	k->count[KINK_COUNT_DONE_RESPONDER]++;
	kinkexch_pair_is_live(k, e, p, now_ms);
	kinkexch_set_timer(k, e, now_ms + KINKEXCH_LINGER_MS);
}

/* Everything that must hold before anything is consumed. */
static bool
verify(struct kink *k, struct kinkexch *e, const struct krbans *a,
       struct kinkmsg *msg, struct kinkbody *outer, struct kinkbody *body)
{
	if (kinkmsg_parse(cursor_make(e->octets, e->octets_len), msg) !=
		KINK_ERROR_OK ||
	    kinkmsg_parse_body(msg->payloads, msg->next, outer) !=
		KINK_ERROR_OK)
		return false; /* it was good when it came */
	if (!kinkexch_verify(k, msg, &e->session)) {
		k->count[KINK_COUNT_UNVERIFIED]++;
		return false;
	}
	if (kinkexch_open(k, &e->session, outer, body) != KINK_ERROR_OK) {
		k->count[KINK_COUNT_MALFORMED]++;
		return false;
	}
	if (!kinkexch_check_epoch(k, e->principal, outer->epoch, a->ctime)) {
		k->count[KINK_COUNT_REPLAYED]++;
		return false;
	}
	e->peer_epoch = outer->epoch;
	e->peer_secs = a->ctime;
	return true;
}

void
kinkresp_checked(struct kink *k, uint64_t now_ms, struct kinkexch *e,
		 const struct krbans *a)
{
	struct kinkbody outer, body;
	struct kinkexch *known;
	struct kinkmsg msg;

	if (a->status != KRBANS_OK || !enctype_known(a->etype)) {
		refuse(k, now_ms, e, a);
		kinkexch_free(k, e);
		return;
	}
	e->session.etype = a->etype;
	memcpy(e->session.key, a->key, sizeof(e->session.key));
	memcpy(e->principal, a->peer, sizeof(e->principal));
	if (!verify(k, e, a, &msg, &outer, &body)) {
		kinkexch_free(k, e);
		return;
	}
	known = find_known(k, e);
	if (known == NULL && e->x.kind != KINKEXCH_ACK) {
		consume_command(k, now_ms, e, a, &body);
		return;
	}
	if (known == NULL) {
		k->count[KINK_COUNT_UNEXPECTED]++;
	} else if (e->x.kind == KINKEXCH_ACK) {
		consume_ack(k, now_ms, known);
	} else if (known->x.kind == e->x.kind &&
		   memcmp(&known->session, &e->session, sizeof(e->session)) ==
		       0) {
		/* A retransmission: the same answer, for its authenticator;
		 * the same ticket too (section 9), so the same keys. */
		k->count[KINK_COUNT_RETRANSMITTED]++;
		answer(k, known, a);
	}
	kinkexch_free(k, e);
}

void
kinkresp_timeout(struct kink *k, uint64_t now_ms, struct kinkexch *e)
{
	struct sapair *p = sapair_by_id(&k->pairs, e->pair);

	if (e->x.state == EXCHANGE_WAIT_ACK && (p == NULL || p->dying)) {
		/* It was deleted meanwhile. */
		kinkexch_free(k, e);
		return;
	}
	if (e->x.state == EXCHANGE_WAIT_ACK && e->sends < KINKEXCH_SENDS) {
		/* Section 9: a REPLY that wants an ACK is on a timer too. */
		e->sends++;
		e->wait_ms = e->wait_ms * 2 > KINKEXCH_MOST_MS
				 ? KINKEXCH_MOST_MS
				 : e->wait_ms * 2;
		if (!e->installing) {
			k->count[KINK_COUNT_RETRANSMITTED]++;
			answer_again(k, e);
		}
		kinkexch_set_timer(k, e, now_ms + e->wait_ms);
		return;
	}
	if (e->x.state == EXCHANGE_WAIT_ACK) {
		/* The ACK never came: the inbound half alone is no pair. */
		sapair_free(&k->pairs, &k->pair_timers, p);
		k->count[KINK_COUNT_FAILED]++;
		peertab_failed(&k->peers, e->assoc.name, &e->x.path.local,
			       &e->x.path.peer, e->principal,
			       "the peer did not confirm its keys", now_ms);
		log_warnx("%s: %s did not confirm its keys", e->assoc.name,
			  e->principal);
	}
	kinkexch_free(k, e);
}
