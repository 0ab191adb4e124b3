/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "keyneg/kink/kinkexch.h"
#include "keyneg/kink/qmbuild.h"
#include "keyneg/kink/transform.h"

static struct cursor
nonce_of(const struct kinkexch *e)
{
	return cursor_make(e->ni, sizeof(e->ni));
}

/* The SA pair to be, nonce, key exchange; without a key exchange the inbound
 * SA stands before the message leaves (RFC 4430 section 3.2). */
int
kinkcreate_prepare(struct kink *k, struct kinkexch *e)
{
	struct sapair *p = sapair_new(&k->pairs);
	struct isakmp_proposal offer;
	struct kinkexch_keys in;
	struct sainstall_sa sa;
	int ret;

	if (p == NULL)
		return -ENOBUFS;
	e->pair = p->id;
	ret = secret_random(e->ni, sizeof(e->ni));
	if (ret != 0)
		return ret;
	if (e->group != DH_GROUP_NONE) {
		e->dh = dh_new(e->group, e->public);
		return e->dh == NULL ? -ENOMEM : 0;
	}
	transform_offer(&e->assoc, p->spi_in, 0, &offer);
	kinkexch_agree_limits(e, &offer.transform[0].attrs);
	kinkexch_name_pair(k, e, p);
	ret = kinkexch_derive(e, p, cursor_make(NULL, 0), nonce_of(e),
			      cursor_make(NULL, 0), &in, NULL);
	if (ret == 0) {
		kinkexch_fill_sa(e, p, SAINSTALL_IN, &in, &sa);
		ret = k->pairs.ops->add(k->pairs.ops_ctx, &sa);
		p->in_there = ret == 0;
		if (ret == 0)
			kinkexch_installs(e, p);
	}
	secret_wipe(&in, sizeof(in));
	return ret;
}

size_t
kinkcreate_build(struct kink *k, struct kinkexch *e)
{
	struct kinkmsg_build m =
	    kinkmsg_build_inner(k->plain, sizeof(k->plain));
	struct sapair *p = sapair_by_id(&k->pairs, e->pair);
	struct isakmp_proposal offer;
	struct qmbuild q;

	if (p == NULL)
		return 0;
	transform_offer(&e->assoc, p->spi_in, e->group, &offer);
	kinkmsg_begin(&m, KINK_PAYLOAD_ISAKMP);
	q = qmbuild_make(&m.b);
	qmbuild_sa(&q, &offer, 1);
	qmbuild_nonce(&q, e->ni, sizeof(e->ni));
	if (e->group != DH_GROUP_NONE)
		qmbuild_ke(&q, e->public, dh_octets(e->group));
	qmbuild_id(&q, &e->x.path.local);
	qmbuild_id(&q, &e->x.path.peer);
	qmbuild_notify(&q, ISAKMP_NOTIFY_ASSOCIATION, offer.protocol, 0,
		       e->assoc.name, strlen(e->assoc.name));
	kinkmsg_end(&m);
	return m.b.overflow ? 0 : m.b.len;
}

/* Both SAs, or the outbound one when the inbound one stands as it should. */
static int
install(struct kink *k, struct kinkexch *e, struct sapair *p, bool optimistic,
	struct cursor shared, struct cursor nr)
{
	struct kinkexch_keys in, out;
	struct sainstall_sa sa_in, sa_out;
	int ret;

	ret = kinkexch_derive(e, p, shared, nonce_of(e), nr, &in, &out);
	if (ret == 0 && p->in_there && !optimistic)
		/* Other keys under the same SPI: the peer took part. */
		ret = sapair_remove_in(&k->pairs, p);
	if (ret == 0) {
		kinkexch_fill_sa(e, p, SAINSTALL_IN, &in, &sa_in);
		kinkexch_fill_sa(e, p, SAINSTALL_OUT, &out, &sa_out);
		ret = optimistic ? k->pairs.ops->add(k->pairs.ops_ctx, &sa_out)
				 : k->pairs.ops->add_pair(k->pairs.ops_ctx,
							  &sa_in, &sa_out);
	}
	secret_wipe(&in, sizeof(in));
	secret_wipe(&out, sizeof(out));
	return ret;
}

/* Is the answer one to what we asked?  Pure. */
static const char *
verify(const struct kinkexch *e, const struct sapair *p,
       const struct isakmp_op *op, bool ackreq)
{
	struct isakmp_proposal offer;

	if (!op->has_sa || op->proposals != 1)
		return "the peer's answer has no SA, or several";
	transform_offer(&e->assoc, p->spi_in, e->group, &offer);
	if (!transform_same(&offer, &op->proposal[0]))
		return "the peer chose what was not offered";
	if (op->ke.left !=
	    (e->group == DH_GROUP_NONE ? 0 : dh_octets(e->group)))
		return "the peer's key exchange is of the wrong length";
	if (op->has_ids && (!ipaddr_equal(&op->idci, &e->x.path.local) ||
			    !ipaddr_equal(&op->idcr, &e->x.path.peer)))
		return "the peer answers for other addresses";
	if ((op->nonce.left != 0 || e->group != DH_GROUP_NONE) && !ackreq)
		return "the peer took part in the keys and wants no ACK";
	return NULL;
}

const char *
kinkcreate_consume(struct kink *k, uint64_t now_ms, struct kinkexch *e,
		   const struct isakmp_op *op, bool ackreq)
{
	struct sapair *p = sapair_by_id(&k->pairs, e->pair);
	uint8_t secret[DH_OCTETS_MAX];
	struct cursor shared = cursor_make(NULL, 0);
	const char *why;
	int ret = 0;

	if (p == NULL)
		return "its SA was taken out meanwhile";
	why = verify(e, p, op, ackreq);
	if (why != NULL)
		return why;
	if (e->group != DH_GROUP_NONE) {
		ret = dh_shared(e->dh, op->ke.at, op->ke.left, secret);
		shared = cursor_make(secret, dh_octets(e->group));
	}
	if (ret != 0)
		return "the peer's key exchange value is not a safe one";
	kinkexch_agree_limits(e, &op->proposal[0].transform[0].attrs);
	sapair_set_out(&k->pairs, p, op->proposal[0].spi);
	kinkexch_name_pair(k, e, p);
	ret = install(k, e, p, p->in_there && op->nonce.left == 0, shared,
		      op->nonce);
	secret_wipe(secret, sizeof(secret));
	if (ret != 0) {
		/* The peer has its half already, or will. */
		e->pair = 0;
		kinkexch_delete_pair(k, now_ms, p);
		return ret == -ENOTCONN
			   ? "nfipsecd is not there"
			   : "nfipsecd did not take the keys: see its log";
	}
	kinkexch_installs(e, p);
	p->in_there = p->out_there = true;
	kinkexch_pair_is_live(k, e, p, now_ms);
	return NULL;
}
