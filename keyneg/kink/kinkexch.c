/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "keyneg/kink/keymat.h"
#include "keyneg/kink/kinkexch.h"
#include "keyneg/kink/transform.h"

struct kinkexch *
kinkexch_find_initiated(struct kink *k, enum kinkexch_kind kind,
			const char *name, const struct ipaddr *peer)
{
	struct exchange *x = NULL;

	while ((x = exchange_by_peer(&k->exchanges, peer, x)) != NULL) {
		struct kinkexch *e = (struct kinkexch *)x;

		if (x->role == EXCHANGE_INITIATOR && x->kind == kind &&
		    x->state != EXCHANGE_DONE &&
		    strcmp(e->assoc.name, name) == 0)
			return e;
	}
	return NULL;
}

void
kinkexch_installs(struct kinkexch *e, struct sapair *p)
{
	e->installing = true;
	p->exchange = e->x.id;
}

struct kinkexch *
kinkexch_find_installing(struct kink *k, uint32_t pair)
{
	const struct sapair *p = sapair_by_id(&k->pairs, pair);
	struct kinkexch *e;

	if (p == NULL)
		return NULL;
	e = (struct kinkexch *)exchange_by_id(&k->exchanges, p->exchange);
	return e != NULL && e->installing && e->pair == pair ? e : NULL;
}

bool
kinkexch_is_answered(const struct kink *k, const char *name,
		     const struct ipaddr *peer)
{
	const struct exchange *x = NULL;

	while ((x = exchange_by_peer(&k->exchanges, peer, x)) != NULL)
		if (x->state == EXCHANGE_WAIT_ACK &&
		    strcmp(((const struct kinkexch *)x)->assoc.name, name) == 0)
			return true;
	return false;
}

const char *
kinkexch_kind_name(uint8_t kind)
{
	return kinkmsg_type_name(kind);
}

struct kinkexch *
kinkexch_new(struct kink *k, enum exchange_role role, enum kinkexch_kind kind,
	     uint32_t xid, const struct exchange_path *path)
{
	struct exchange *x =
	    exchange_new(&k->exchanges, role, (uint8_t)kind, xid, path);

	if (x == NULL)
		k->count[KINK_COUNT_BUSY]++;
	return (struct kinkexch *)x;
}

void
kinkexch_free(struct kink *k, struct kinkexch *e)
{
	timerheap_cancel(&k->exchange_timers, &e->x.timer);
	if (e->x.state == EXCHANGE_WAIT_CHECK)
		k->checking--;
	if (e->octets != NULL) {
		secret_wipe(e->octets, e->octets_len);
		free(e->octets);
	}
	dh_free(e->dh);
	secret_wipe(&e->session, sizeof(e->session));
	secret_wipe(&e->out_keys, sizeof(e->out_keys));
	exchange_free(&k->exchanges, &e->x);
}

int
kinkexch_keep(struct kink *k, struct kinkexch *e, const void *octets, size_t n)
{
	uint8_t *copy;

	if (!exchange_charge(&k->exchanges, &e->x, n))
		return -ENOBUFS;
	copy = malloc(n == 0 ? 1 : n);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, octets, n);
	free(e->octets);
	e->octets = copy;
	e->octets_len = n;
	return 0;
}

void
kinkexch_set_timer(struct kink *k, struct kinkexch *e, uint64_t due_ms)
{
	/* Without memory for the timer the exchange would never end. */
	if (timerheap_set(&k->exchange_timers, &e->x.timer, due_ms) != 0)
		log_fatalx("no memory for a timer");
}

/* ---- messages ----------------------------------------------------------- */

int
kinkexch_send(struct kink *k, struct kinkexch *e, uint8_t type, uint8_t ap_type,
	      const void *ap, size_t ap_len, const void *inner, size_t n,
	      bool ackreq)
{
	struct kinkmsg_build m =
	    kinkmsg_build_make(k->out, sizeof(k->out), type, e->x.xid, ackreq);
	uint8_t cksum[ENCTYPE_CKSUM_MAX];
	int len;

	kinkmsg_put_ap(&m, ap_type, k->epoch, ap, ap_len);
	if (n != 0) {
		kinkmsg_begin(&m, KINK_PAYLOAD_ENCRYPT);
		if (m.b.overflow)
			return -EMSGSIZE;
		len = enctype_encrypt(&e->session, ENCTYPE_USAGE_KINK_ENCRYPT,
				      inner, n, m.b.buf + m.b.len,
				      m.b.cap - m.b.len);
		if (len < 0)
			return len;
		m.b.len += (size_t)len;
		kinkmsg_end(&m);
	}
	if (!kinkmsg_finish(&m))
		return -EMSGSIZE;
	len = enctype_cksum(&e->session, ENCTYPE_USAGE_KINK_CKSUM, m.b.buf,
			    m.b.len, cksum);
	if (len < 0)
		return len;
	if (!kinkmsg_sign(&m, cksum, (size_t)len))
		return -EMSGSIZE;
	k->count[KINK_COUNT_SENT]++;
	k->ops->send(k->ctx, &e->x.path, k->out, m.b.len);
	return 0;
}

bool
kinkexch_verify(struct kink *k, const struct kinkmsg *msg,
		const struct enctype_key *key)
{
	size_t n = kinkmsg_signed_octets(msg, k->out, sizeof(k->out));

	return n != 0 && msg->cksum.left != 0 &&
	       enctype_verify(key, ENCTYPE_USAGE_KINK_CKSUM, k->out, n,
			      msg->cksum.at, msg->cksum.left);
}

enum kink_error
kinkexch_open(struct kink *k, const struct enctype_key *key,
	      const struct kinkbody *outer, struct kinkbody *inner)
{
	int n;

	if ((outer->seen & 1u << KINK_PAYLOAD_ENCRYPT) == 0) {
		*inner = *outer;
		return KINK_ERROR_OK;
	}
	n = enctype_decrypt(key, ENCTYPE_USAGE_KINK_ENCRYPT,
			    outer->encrypted.at, outer->encrypted.left,
			    k->plain, sizeof(k->plain));
	if (n < 0)
		return KINK_ERROR_PROTOERR;
	return kinkmsg_parse_inner(cursor_make(k->plain, (size_t)n), inner);
}

/* ---- keys and SAs ------------------------------------------------------- */

static uint8_t
isakmp_protocol(const struct kinkexch *e)
{
	return transform_ip_protocol(&e->assoc) == 51 ? ISAKMP_PROTOCOL_AH
						      : ISAKMP_PROTOCOL_ESP;
}

/* Cipher octets first, then those of the integrity algorithm
 * (RFC 4301 section 4.5.2). */
static int
derive_one(const struct kinkexch *e, struct cursor shared, uint32_t spi,
	   struct cursor ni, struct cursor nr, struct kinkexch_keys *out)
{
	unsigned enc = algo_keymat_octets((enum algo)e->assoc.enc);
	unsigned auth = algo_keymat_octets((enum algo)e->assoc.auth);
	uint8_t keymat[2 * ALGO_KEYMAT_MAX];
	int ret;

	ret = keymat_derive(&e->session, shared, isakmp_protocol(e), spi, ni,
			    nr, keymat, enc + auth);
	memset(out, 0, sizeof(*out));
	if (ret == 0) {
		memcpy(out->key, keymat, enc);
		memcpy(out->auth, keymat + enc, auth);
	}
	secret_wipe(keymat, sizeof(keymat));
	return ret;
}

int
kinkexch_derive(const struct kinkexch *e, const struct sapair *p,
		struct cursor shared, struct cursor ni, struct cursor nr,
		struct kinkexch_keys *in, struct kinkexch_keys *out)
{
	int ret = derive_one(e, shared, p->spi_in, ni, nr, in);

	return ret != 0 || out == NULL
		   ? ret
		   : derive_one(e, shared, p->spi_out, ni, nr, out);
}

void
kinkexch_fill_sa(const struct kinkexch *e, const struct sapair *p,
		 enum sainstall_direction d, const struct kinkexch_keys *keys,
		 struct sainstall_sa *out)
{
	*out = (struct sainstall_sa){
		.pair = p->id,
		.association = p->association,
		.said = e->assoc.said,
		.direction = d,
		.protocol = p->protocol,
		.spi = d == SAINSTALL_IN ? p->spi_in : p->spi_out,
		.enc = e->assoc.enc,
		.auth = e->assoc.auth,
		.esn = e->assoc.esn != 0,
		.replay_window = e->assoc.replay_window,
		.local = p->local,
		.peer = p->peer,
		.principal = p->principal,
		.key = keys->key,
		.key_octets = algo_keymat_octets((enum algo)e->assoc.enc),
		.auth_key = keys->auth,
		.auth_key_octets = algo_keymat_octets((enum algo)e->assoc.auth),
		.limits = e->limits,
	};
}

void
kinkexch_name_pair(struct kink *k, const struct kinkexch *e, struct sapair *p)
{
	p->protocol = transform_ip_protocol(&e->assoc);
	p->initiator = e->x.role == EXCHANGE_INITIATOR;
	p->local = e->x.path.local;
	p->peer = e->x.path.peer;
	p->encryption = e->assoc.enc;
	p->integrity = e->assoc.auth;
	p->group = e->group;
	p->epoch = e->peer_epoch;
	p->epoch_secs = e->peer_secs;
	memcpy(p->association, e->assoc.name, sizeof(p->association));
	memcpy(p->principal, e->principal, sizeof(p->principal));
	sapair_name(&k->pairs, p);
}

static uint64_t
lower(uint64_t a, uint64_t b)
{
	return a == 0 ? b : b == 0 || a < b ? a : b;
}

void
kinkexch_agree_limits(struct kinkexch *e, const struct isakmp_attrs *attrs)
{
	struct keyconf_limits *l = &e->limits;

	*l = e->assoc.limits;
	l->hard_secs =
	    lower(l->hard_secs, attrs->life_secs != 0 ? attrs->life_secs
						      : TRANSFORM_LIFE_SECS);
	l->hard_octets = lower(l->hard_octets, attrs->life_kb * 1024);
	/* A soft limit that would come too late is of no use: at 80 %. */
	if (l->soft_secs >= l->hard_secs)
		l->soft_secs = 0;
	if (l->hard_octets != 0 &&
	    (l->soft_octets == 0 || l->soft_octets >= l->hard_octets))
		l->soft_octets = l->hard_octets / 5 * 4;
}

/* The soft limit in time is drawn anew for every pair (section 3.6): between
 * twice a retransmission cycle, or a tenth of the lifetime if that is more,
 * and one cycle before the end; short lives from 70 to 85 %. */
static uint64_t
draw_soft_ms(const struct keyconf_limits *l)
{
	uint64_t hard = l->hard_secs * 1000, from, to;
	uint32_t random = 0;

	secret_random(&random, sizeof(random));
	if (l->soft_secs != 0) {
		from = l->soft_secs * 900;
		to = l->soft_secs * 1000;
	} else if (hard >= 4 * 2 * KINKEXCH_CYCLE_MS) {
		uint64_t margin = hard / 10 > 2 * KINKEXCH_CYCLE_MS
				      ? hard / 10
				      : 2 * KINKEXCH_CYCLE_MS;

		from = hard - margin;
		to = hard - KINKEXCH_CYCLE_MS;
	} else {
		from = hard * 70 / 100;
		to = hard * 85 / 100;
	}
	return from + (to - from) * random / UINT32_MAX;
}

/* What is not used for sending any more goes soon: whoever asked for it
 * deletes it (see rekey() in kink.c).  The moment is for packets under way,
 * and for a peer that is about to use it. */
static void
hurry_older(struct kink *k, const struct sapair *newest, uint64_t now_ms)
{
	struct sapair *p = NULL;

	while ((p = sapair_by_use(&k->pairs, newest->association, &newest->peer,
				  p)) != NULL) {
		uint64_t due = now_ms + KINKEXCH_SUPERSEDED_MS;

		if (p == newest || p->dying || !p->initiator ||
		    p->timer.place == 0 || p->timer.due_ms <= due)
			continue;
		/* It moves a timer that is set, which takes no memory. */
		(void)timerheap_set(&k->pair_timers, &p->timer, due);
	}
}

void
kinkexch_pair_is_live(struct kink *k, struct kinkexch *e, struct sapair *p,
		      uint64_t now_ms)
{
	char peer[IPADDR_TEXT];
	uint64_t due;

	sapair_is_newest(&k->pairs, p);
	hurry_older(k, p, now_ms);
	peertab_done(&k->peers, p->association, &p->local, &p->peer,
		     p->principal, now_ms);
	p->created_ms = now_ms;
	p->hard_ms = now_ms + e->limits.hard_secs * 1000;
	p->soft_ms = p->initiator ? now_ms + draw_soft_ms(&e->limits) : 0;
	due = p->soft_ms != 0 ? p->soft_ms : p->hard_ms;
	if (timerheap_set(&k->pair_timers, &p->timer, due) != 0)
		log_fatalx("no memory for a timer");
	log_info("%s: keys for %s (%s), %s, SPI in 0x%08x out 0x%08x, %s, "
		 "%llu s",
		 p->association, ipaddr_format(&p->peer, peer), p->principal,
		 p->initiator ? "we asked" : "it asked", p->spi_in, p->spi_out,
		 p->group == 0 ? "no forward secrecy" : dh_group_name(p->group),
		 (unsigned long long)e->limits.hard_secs);
}

/* ---- peers -------------------------------------------------------------- */

bool
kinkexch_check_epoch(struct kink *k, const char *principal, uint32_t epoch,
		     uint64_t secs)
{
	struct sapair *p = NULL, *next;
	unsigned dead = 0;

	while ((p = sapair_by_principal(&k->pairs, principal, p)) != NULL)
		if (p->epoch != 0 && p->epoch != epoch &&
		    (int32_t)(epoch - p->epoch) < 0 && secs < p->epoch_secs)
			return false;
	p = sapair_by_principal(&k->pairs, principal, NULL);
	for (; p != NULL; p = next) {
		next = sapair_by_principal(&k->pairs, principal, p);
		if (p->epoch == epoch || p->epoch == 0)
			continue;
		sapair_free(&k->pairs, &k->pair_timers, p);
		dead++;
	}
	if (dead != 0) {
		k->count[KINK_COUNT_EPOCH]++;
		log_info("%s has restarted: its %u SA pairs are deleted",
			 principal, dead);
	}
	return true;
}

int64_t
kinkexch_offset(const struct kink *k, const char *principal)
{
	for (size_t i = 0; i < KINK_OFFSETS; i++)
		if (strcmp(k->offset[i].principal, principal) == 0)
			return k->offset[i].secs;
	return 0;
}

void
kinkexch_set_offset(struct kink *k, const char *principal, int64_t secs)
{
	unsigned i = 0;

	while (i < KINK_OFFSETS &&
	       strcmp(k->offset[i].principal, principal) != 0)
		i++;
	if (i == KINK_OFFSETS) {
		i = k->next_offset;
		k->next_offset = (i + 1) % KINK_OFFSETS;
	}
	strncpy(k->offset[i].principal, principal,
		sizeof(k->offset[i].principal) - 1);
	k->offset[i].secs = secs;
}
