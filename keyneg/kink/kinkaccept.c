/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "keyneg/kink/kinkexch.h"
#include "keyneg/kink/qmbuild.h"
#include "keyneg/kink/transform.h"

/* What we make of an offer, before anything is done about it. */
struct decision {
	const struct keyconf_assoc *assoc; /* NULL: refused */
	struct isakmp_proposal chosen;
	uint32_t peer_spi;
	uint16_t group;
	bool first; /* the offer's first proposal and transform */
	enum isakmp_notify_type error;
	uint8_t error_payload;
	const char *why;
};

/* The name that our own initiators add, a hint among several associations. */
static bool
is_named(const struct isakmp_op *op, const char *name)
{
	size_t n = strlen(name);

	for (unsigned i = 0; i < op->notifies; i++)
		if (op->notify[i].type == ISAKMP_NOTIFY_ASSOCIATION &&
		    op->notify[i].data.left == n &&
		    memcmp(op->notify[i].data.at, name, n) == 0)
			return true;
	return false;
}

static void
refuse(struct decision *d, enum isakmp_notify_type error, const char *why)
{
	d->error = error;
	d->why = why;
}

/* Forward secrecy as the association has it, against what is offered. */
static bool
group_is_fine(const struct keyconf_assoc *a, const struct isakmp_op *op,
	      struct decision *d)
{
	d->group = transform_offered_group(op);
	if (op->ke.left == 0) {
		if (d->group == 0 && a->secrecy != KEYCONF_SECRECY_REQUIRE)
			return true;
		refuse(d, ISAKMP_NOTIFY_NO_PROPOSAL_CHOSEN,
		       d->group == 0 ? "no forward secrecy is offered"
				     : "a group is offered without a value");
		return false;
	}
	if (a->secrecy == KEYCONF_SECRECY_OFF) {
		refuse(d, ISAKMP_NOTIFY_INVALID_PAYLOAD_TYPE,
		       "forward secrecy is off here");
		d->error_payload = ISAKMP_PAYLOAD_KE;
		return false;
	}
	if (!dh_group_known(d->group)) {
		refuse(d, ISAKMP_NOTIFY_NO_PROPOSAL_CHOSEN,
		       "the group of the key exchange is not known here");
		return false;
	}
	if (op->ke.left != dh_octets(d->group)) {
		refuse(d, ISAKMP_NOTIFY_PAYLOAD_MALFORMED,
		       "the key exchange value is of the wrong length");
		return false;
	}
	return true;
}

/* May this principal, at this address, have this association, and does it
 * offer what the association says?  Pure. */
static bool
judge(struct kink *k, const struct kinkexch *e, const char *service,
      const struct keyconf_assoc *a, const struct isakmp_op *op,
      struct decision *d)
{
	const struct ipaddr *peer = &e->x.path.peer;
	const char *why;

	if (!ipaddr_contains(&a->peer, peer) ||
	    !ipaddr_contains(&a->local, &e->x.path.local) ||
	    strcmp(a->local_principal, service) != 0)
		return false; /* another host's: no reason of its own */
	if (!keyconf_may_speak(k->conf, a, peer, e->principal, &why)) {
		/* The best reason is the one that got furthest. */
		if (d->error == ISAKMP_NOTIFY_INVALID_ID_INFORMATION)
			d->why = why;
		return false;
	}
	if (!group_is_fine(a, op, d))
		return false;
	if (!transform_choose(a, op, d->group, 0, &d->chosen, &d->peer_spi,
			      &d->first)) {
		refuse(d, ISAKMP_NOTIFY_NO_PROPOSAL_CHOSEN,
		       transform_why_not(a, op, d->group));
		return false;
	}
	d->assoc = a;
	return true;
}

static void
decide(struct kink *k, const struct kinkexch *e, const char *service,
       const struct isakmp_op *op, struct decision *d)
{
	memset(d, 0, sizeof(*d));
	refuse(d, ISAKMP_NOTIFY_INVALID_ID_INFORMATION,
	       "no association is for this principal, address and service");
	if (op->has_ids && (!ipaddr_equal(&op->idci, &e->x.path.peer) ||
			    !ipaddr_equal(&op->idcr, &e->x.path.local))) {
		d->why = "its identities are not the addresses it speaks from "
			 "and to: only transport mode is offered here";
		return;
	}
	for (int named = 1; named >= 0; named--)
		for (size_t i = 0; i < k->conf->assocs; i++) {
			const struct keyconf_assoc *a = &k->conf->assoc[i];

			if (is_named(op, a->name) == (named == 1) &&
			    judge(k, e, service, a, op, d))
				return;
		}
}

static void
put_refusal(struct kink *k, uint64_t now_ms, struct kinkexch *e,
	    const struct isakmp_op *op, const struct decision *d,
	    struct kinkmsg_build *inner)
{
	static struct log_limit limit = { .burst = 20, .every_ms = 1000 };
	char peer[IPADDR_TEXT];
	struct qmbuild q;

	k->count[KINK_COUNT_REFUSED]++;
	peertab_failed(&k->peers, "", &e->x.path.local, &e->x.path.peer,
		       e->principal, d->why, now_ms);
	if (log_limit_take(&limit, now_ms))
		log_warnx("%s at %s is refused: %s", e->principal,
			  ipaddr_format(&e->x.path.peer, peer), d->why);
	kinkmsg_begin(inner, KINK_PAYLOAD_ISAKMP);
	q = qmbuild_make(&inner->b);
	qmbuild_notify(&q, (uint16_t)d->error, op->proposal[0].protocol,
		       op->proposal[0].spi, &d->error_payload,
		       d->error_payload != 0);
	kinkmsg_end(inner);
}

static void
put_answer(const struct kinkexch *e, const struct isakmp_op *op,
	   const struct decision *d, const uint8_t *nr,
	   struct kinkmsg_build *inner)
{
	struct qmbuild q;

	kinkmsg_begin(inner, KINK_PAYLOAD_ISAKMP);
	q = qmbuild_make(&inner->b);
	qmbuild_sa(&q, &d->chosen, 1);
	if (nr != NULL)
		qmbuild_nonce(&q, nr, KINKEXCH_NONCE);
	if (d->group != DH_GROUP_NONE)
		qmbuild_ke(&q, e->public, dh_octets(d->group));
	if (op->has_ids) {
		qmbuild_id(&q, &op->idci);
		qmbuild_id(&q, &op->idcr);
	}
	kinkmsg_end(inner);
}

/* Keys from both sides' contributions; the SAs that may stand already do. */
static int
install(struct kink *k, struct kinkexch *e, struct sapair *p,
	struct cursor shared, struct cursor ni, struct cursor nr)
{
	struct kinkexch_keys in;
	struct sainstall_sa sa_in, sa_out;
	int ret;

	ret = kinkexch_derive(e, p, shared, ni, nr, &in, &e->out_keys);
	if (ret == 0) {
		kinkexch_fill_sa(e, p, SAINSTALL_IN, &in, &sa_in);
		kinkexch_fill_sa(e, p, SAINSTALL_OUT, &e->out_keys, &sa_out);
		/* Section 3.2: the outbound one waits for the ACK. */
		ret = e->ackreq ? k->pairs.ops->add(k->pairs.ops_ctx, &sa_in)
				: k->pairs.ops->add_pair(k->pairs.ops_ctx,
							 &sa_in, &sa_out);
	}
	secret_wipe(&in, sizeof(in));
	return ret;
}

/* The responder's half of the key exchange.  0 or -errno. */
static int
exchange_keys(struct kinkexch *e, const struct isakmp_op *op,
	      uint8_t secret[DH_OCTETS_MAX])
{
	struct dh *d;
	int ret;

	if (e->group == DH_GROUP_NONE)
		return 0;
	d = dh_new(e->group, e->public);
	if (d == NULL)
		return -ENOMEM;
	ret = dh_shared(d, op->ke.at, op->ke.left, secret);
	dh_free(d);
	return ret;
}

static int
accept(struct kink *k, uint64_t now_ms, struct kinkexch *e,
       const struct isakmp_op *op, struct decision *d,
       struct kinkmsg_build *inner)
{
	struct sapair *p = sapair_new(&k->pairs);
	uint8_t secret[DH_OCTETS_MAX], nr[KINKEXCH_NONCE];
	int ret = p == NULL ? -ENOBUFS : 0;

	e->assoc = *d->assoc;
	e->group = d->group;
	(void)peertab_touch(&k->peers, e->assoc.name, &e->x.path.local,
			    &e->x.path.peer, e->principal);
	/* Section 3.2: whoever does not take the first, or takes part in the
	 * keys, must ask for the ACK, and then may as well add a nonce. */
	e->ackreq = !d->first || d->group != DH_GROUP_NONE;
	if (ret == 0)
		ret = exchange_keys(e, op, secret);
	if (ret == 0)
		ret = secret_random(nr, sizeof(nr));
	if (ret == 0) {
		e->pair = p->id;
		d->chosen.spi = p->spi_in;
		sapair_set_out(&k->pairs, p, d->peer_spi);
		kinkexch_agree_limits(e, &d->chosen.transform[0].attrs);
		kinkexch_name_pair(k, e, p);
		ret = install(
		    k, e, p,
		    cursor_make(secret,
				e->group == 0 ? 0 : dh_octets(e->group)),
		    op->nonce, cursor_make(nr, e->ackreq ? sizeof(nr) : 0));
	}
	secret_wipe(secret, sizeof(secret));
	if (ret != 0) {
		if (p != NULL)
			sapair_free(&k->pairs, &k->pair_timers, p);
		e->pair = 0;
		e->ackreq = false;
		return ret;
	}
	kinkexch_installs(e, p);
	p->in_there = true;
	p->out_there = !e->ackreq;
	put_answer(e, op, d, e->ackreq ? nr : NULL, inner);
	if (!e->ackreq)
		kinkexch_pair_is_live(k, e, p, now_ms);
	return 0;
}

/* Both ends ask at once: one pair is enough.  The lower address's CREATE
 * stands, so its owner is silent to the other one, which is sent again in any
 * case, until its own has an answer; and a moment longer, for the other one
 * may have been under way when its sender gave it up for ours.  True: be
 * silent. */
static bool
is_ours_first(struct kink *k, uint64_t now_ms, const struct kinkexch *e,
	      const char *name)
{
	struct kinkexch *ours =
	    kinkexch_find_initiated(k, KINKEXCH_CREATE, name, &e->x.path.peer);
	const struct sapair *p =
	    sapair_newest(&k->pairs, name, &e->x.path.peer);
	bool lower = memcmp(&e->x.path.local, &e->x.path.peer,
			    sizeof(e->x.path.local)) < 0;

	if (lower && p != NULL && p->initiator &&
	    now_ms - p->created_ms < KINKEXCH_CROSS_MS)
		return true;
	if (ours == NULL || ours->x.state == EXCHANGE_FAILED)
		return false;
	if (lower && ours->x.state == EXCHANGE_WAIT_REPLY)
		return true;
	kinkinit_yield(k, ours);
	return false;
}

bool
kinkaccept_create(struct kink *k, uint64_t now_ms, struct kinkexch *e,
		  const struct krbans *a, const struct isakmp_op *op,
		  struct kinkmsg_build *inner)
{
	struct decision d;
	int ret;

	decide(k, e, a->local, op, &d);
	if (d.assoc != NULL && sapair_by_spi_out(&k->pairs, &e->x.path.peer,
						 transform_ip_protocol(d.assoc),
						 d.peer_spi) != NULL) {
		d.assoc = NULL;
		refuse(&d, ISAKMP_NOTIFY_INVALID_SPI,
		       "its SPI is in use already");
	}
	if (d.assoc == NULL) {
		put_refusal(k, now_ms, e, op, &d, inner);
		return true;
	}
	if (is_ours_first(k, now_ms, e, d.assoc->name))
		return false;
	ret = accept(k, now_ms, e, op, &d, inner);
	if (ret == 0)
		return true;
	d.why = ret == -EBADMSG    ? "its key exchange value is not a safe one"
		: ret == -ENOTCONN ? "nfipsecd is not there"
				   : "no room for an SA";
	refuse(&d, ISAKMP_NOTIFY_PAYLOAD_MALFORMED, d.why);
	put_refusal(k, now_ms, e, op, &d, inner);
	return true;
}
