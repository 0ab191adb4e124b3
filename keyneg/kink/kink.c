/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "keyneg/kink/kinkexch.h"
#include "keyneg/kink/transform.h"

#define OWNER(node, type, member)                                              \
	((type *)((char *)(node)-offsetof(type, member)))

const char *
kink_counter_name(enum kink_counter c)
{
	static const char *const names[KINK_COUNT_COUNT] = {
		[KINK_COUNT_SENT] = "sent",
		[KINK_COUNT_RECEIVED] = "received",
		[KINK_COUNT_LIMITED] = "rate-limited",
		[KINK_COUNT_BUSY] = "busy",
		[KINK_COUNT_MALFORMED] = "malformed",
		[KINK_COUNT_UNEXPECTED] = "unexpected",
		[KINK_COUNT_REPLAYED] = "replayed",
		[KINK_COUNT_UNVERIFIED] = "unverified",
		[KINK_COUNT_REFUSED] = "refused",
		[KINK_COUNT_RETRANSMITTED] = "retransmitted",
		[KINK_COUNT_DONE_INITIATOR] = "done-initiator",
		[KINK_COUNT_DONE_RESPONDER] = "done-responder",
		[KINK_COUNT_FAILED] = "failed",
		[KINK_COUNT_EPOCH] = "peer-restarted",
		[KINK_COUNT_DEAD] = "peer-dead",
	};

	return (unsigned)c < KINK_COUNT_COUNT ? names[c] : "?";
}

int
kink_init(struct kink *k, const struct kink_ops *ops, void *ctx,
	  const struct sainstall_ops *sa_ops, void *sa_ctx,
	  const struct keyconf *conf, uint32_t epoch,
	  const struct kink_limits *limits)
{
	int ret;

	memset(k, 0, sizeof(*k));
	k->ops = ops;
	k->ctx = ctx;
	k->conf = conf;
	k->epoch = epoch;
	/* Not zero at every start: the peer may remember the last run. */
	ret = secret_random(&k->last_xid, sizeof(k->last_xid));
	if (ret == 0)
		ret = ratelimit_init(&k->limit, limits->burst,
				     limits->per_second);
	if (ret == 0)
		ret = exchange_init(&k->exchanges, sizeof(struct kinkexch),
				    limits->exchanges, limits->octets,
				    kinkexch_kind_name);
	if (ret == 0)
		ret = sapair_init(&k->pairs, limits->pairs, sa_ops, sa_ctx);
	if (ret == 0)
		ret = peertab_init(&k->peers, limits->pairs);
	return ret;
}

void
kink_fini(struct kink *k)
{
	/* Every exchange has its timer set: the heap finds them all. */
	while (k->exchange_timers.n != 0)
		kinkexch_free(k,
			      (struct kinkexch *)OWNER(k->exchange_timers.at[0],
						       struct exchange, timer));
	exchange_fini(&k->exchanges);
	sapair_fini(&k->pairs, &k->pair_timers);
	peertab_fini(&k->peers);
	timerheap_fini(&k->exchange_timers);
	timerheap_fini(&k->pair_timers);
	secret_wipe(k->plain, sizeof(k->plain));
}

/* ---- what the engine asks ----------------------------------------------- */

static int
check_initiated(struct kink *k, enum kinkexch_kind kind, const char *name,
		const struct ipaddr *peer)
{
	struct kinkexch *e = kinkexch_find_initiated(k, kind, name, peer);

	if (e == NULL)
		return 0;
	if (e->x.state != EXCHANGE_FAILED)
		return -EALREADY;
	return -EAGAIN;
}

/* Keys that came while the question was on its way. */
static bool
has_fresh_keys(struct kink *k, uint64_t now_ms, const char *association,
	       const struct ipaddr *peer)
{
	const struct sapair *p = sapair_newest(&k->pairs, association, peer);

	return p != NULL && p->out_there && !p->dying &&
	       now_ms - p->created_ms < KINKEXCH_FRESH_MS;
}

int
kink_acquire(struct kink *k, uint64_t now_ms, const char *association,
	     const struct ipaddr *local, const struct ipaddr *peer)
{
	const struct keyconf_assoc *a = keyconf_by_name(k->conf, association);
	int ret;

	if (a == NULL)
		return -ENOENT;
	if (!ipaddr_contains(&a->peer, peer) ||
	    !ipaddr_contains(&a->local, local)) {
		k->pairs.ops->give_up(k->pairs.ops_ctx, association, peer,
				      "the addresses are not the "
				      "association's");
		return -EPERM;
	}
	if (kinkexch_is_answered(k, association, peer) ||
	    has_fresh_keys(k, now_ms, association, peer))
		return -EALREADY;
	ret = check_initiated(k, KINKEXCH_CREATE, association, peer);
	if (ret == -EAGAIN)
		/* Too soon to try again: the same answer, at once. */
		k->pairs.ops->give_up(k->pairs.ops_ctx, association, peer,
				      kinkexch_find_initiated(
					  k, KINKEXCH_CREATE, association, peer)
					  ->why);
	if (ret != 0)
		return ret;
	return kinkinit_start(k, now_ms, KINKEXCH_CREATE, a, local, peer, 0, 0);
}

int
kink_probe(struct kink *k, uint64_t now_ms, const char *association,
	   const struct ipaddr *local, const struct ipaddr *peer)
{
	const struct keyconf_assoc *a = keyconf_by_name(k->conf, association);
	int ret;

	if (a == NULL)
		return -ENOENT;
	ret = check_initiated(k, KINKEXCH_STATUS, association, peer);
	return ret != 0 ? ret
			: kinkinit_start(k, now_ms, KINKEXCH_STATUS, a, local,
					 peer, 0, 0);
}

void
kinkexch_delete_pair(struct kink *k, uint64_t now_ms, struct sapair *p)
{
	const struct keyconf_assoc *a =
	    keyconf_by_name(k->conf, p->association);

	p->dying = true;
	sapair_remove_out(&k->pairs, p);
	timerheap_cancel(&k->pair_timers, &p->timer);
	if (a == NULL || kinkinit_start(k, now_ms, KINKEXCH_DELETE, a,
					&p->local, &p->peer, p->id, 0) != 0)
		sapair_free(&k->pairs, &k->pair_timers, p);
}

int
kink_delete(struct kink *k, uint64_t now_ms, uint32_t pair)
{
	struct sapair *p = sapair_by_id(&k->pairs, pair);

	if (p == NULL)
		return -ENOENT;
	if (!p->dying)
		kinkexch_delete_pair(k, now_ms, p);
	return 0;
}

static bool
same_assoc(const struct keyconf_assoc *a, const struct keyconf_assoc *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void
kink_set_conf(struct kink *k, uint64_t now_ms, const struct keyconf *conf)
{
	const struct keyconf *old = k->conf;
	struct sapair *next;

	for (struct sapair *p = k->pairs.first; p != NULL; p = next) {
		const struct keyconf_assoc *was =
		    keyconf_by_name(old, p->association);
		const struct keyconf_assoc *is =
		    keyconf_by_name(conf, p->association);
		const char *why;

		next = p->next;
		if (p->dying || p->spi_out == 0)
			continue;
		if (is == NULL || was == NULL || !same_assoc(was, is) ||
		    !keyconf_may_speak(conf, is, &p->peer, p->principal, &why))
			kinkexch_delete_pair(k, now_ms, p);
	}
	k->conf = conf;
	peertab_prune(&k->peers, conf);
}

/* ---- what comes in ------------------------------------------------------ */

/* An error to a message that proves nothing; never longer than it. */
static void
send_error(struct kink *k, const struct exchange_path *path, uint32_t xid,
	   enum kink_error err, size_t asked)
{
	struct kinkmsg_build m = kinkmsg_build_make(
	    k->out, sizeof(k->out), KINK_TYPE_REPLY, xid, false);

	kinkmsg_put_error(&m, err);
	if (!kinkmsg_finish(&m) || m.b.len > asked)
		return;
	k->count[KINK_COUNT_SENT]++;
	k->ops->send(k->ctx, path, k->out, m.b.len);
}

static bool
is_command(uint8_t type)
{
	return type == KINK_TYPE_CREATE || type == KINK_TYPE_DELETE ||
	       type == KINK_TYPE_STATUS;
}

static void
receive_request(struct kink *k, uint64_t now_ms,
		const struct exchange_path *path, const struct kinkmsg *msg,
		const struct kinkbody *body)
{
	if (msg->type == KINK_TYPE_GETTGT) {
		/* User-to-user is not offered: said plainly. */
		send_error(k, path, msg->xid, KINK_ERROR_U2UDENIED,
			   msg->whole.left);
		return;
	}
	if ((body->seen & 1u << KINK_PAYLOAD_AP_REQ) == 0 ||
	    msg->cksum.left == 0) {
		k->count[KINK_COUNT_MALFORMED]++;
		return;
	}
	kinkresp_request(k, now_ms, path, msg, body);
}

void
kink_receive(struct kink *k, uint64_t now_ms, const struct exchange_path *path,
	     const void *octets, size_t n)
{
	struct kinkmsg msg;
	struct kinkbody body;
	enum kink_error err;

	k->count[KINK_COUNT_RECEIVED]++;
	if (n > KINKMSG_MAX_LEN) {
		k->count[KINK_COUNT_MALFORMED]++;
		return;
	}
	err = kinkmsg_parse(cursor_make(octets, n), &msg);
	if (err == KINK_ERROR_OK)
		err = kinkmsg_parse_body(msg.payloads, msg.next, &body);
	/* A REPLY belongs to something that we asked, or to nothing. */
	if (msg.type == KINK_TYPE_REPLY) {
		if (err == KINK_ERROR_OK)
			kinkreply_receive(k, now_ms, path, &msg, &body);
		else
			k->count[KINK_COUNT_MALFORMED]++;
		return;
	}
	if (!ratelimit_take(&k->limit, &path->peer, now_ms)) {
		k->count[KINK_COUNT_LIMITED]++;
		return;
	}
	if (err == KINK_ERROR_OK) {
		receive_request(k, now_ms, path, &msg, &body);
		return;
	}
	k->count[KINK_COUNT_MALFORMED]++;
	if (n >= KINKMSG_HEADER_LEN && is_command(msg.type))
		send_error(k, path, msg.xid, err, n);
}

void
kink_krb_answer(struct kink *k, uint64_t now_ms, const struct krbans *a)
{
	struct kinkexch *e =
	    (struct kinkexch *)exchange_by_id(&k->exchanges, a->id);

	if (e == NULL)
		return;
	if (e->x.role == EXCHANGE_INITIATOR) {
		if (a->type == KRBREQ_MAKE)
			kinkinit_made(k, now_ms, e, a);
	} else if (a->type == KRBREQ_READ &&
		   e->x.state == EXCHANGE_WAIT_CHECK) {
		kinkresp_checked(k, now_ms, e, a);
	}
}

void
kink_krb_restarted(struct kink *k, uint64_t now_ms)
{
	for (size_t b = 0; b < k->exchanges.buckets; b++) {
		struct exchange *x = k->exchanges.by_id[b], *next;

		for (; x != NULL; x = next) {
			struct kinkexch *e = (struct kinkexch *)x;

			next = x->next_id;
			if (x->state == EXCHANGE_WAIT_CHECK)
				kinkexch_free(k, e);
			else if (e->krb_pending)
				kinkinit_ask_again(k, now_ms, e);
		}
	}
}

/* ---- time --------------------------------------------------------------- */

static void
rekey(struct kink *k, uint64_t now_ms, struct sapair *p)
{
	const struct keyconf_assoc *a =
	    keyconf_by_name(k->conf, p->association);
	uint64_t again;

	/* Another pair has taken over, or nobody wants this one: RFC 4430
	 * section 3.6 leaves rekeying to the initiator of the newest. */
	if (a == NULL ||
	    sapair_newest(&k->pairs, p->association, &p->peer) != p) {
		kinkexch_delete_pair(k, now_ms, p);
		return;
	}
	if (check_initiated(k, KINKEXCH_CREATE, p->association, &p->peer) == 0)
		(void)kinkinit_start(k, now_ms, KINKEXCH_CREATE, a, &p->local,
				     &p->peer, 0, p->id);
	/* If it fails it is tried again until the hard limit ends it. */
	again = now_ms + KINKEXCH_CYCLE_MS + KINKEXCH_HOLDOFF_MS;
	p->soft_done = true;
	if (timerheap_set(&k->pair_timers, &p->timer,
			  again < p->hard_ms ? again : p->hard_ms) != 0)
		log_fatalx("no memory for a timer");
}

static void
pair_due(struct kink *k, uint64_t now_ms, struct sapair *p)
{
	if (p->hard_ms != 0 && p->hard_ms <= now_ms) {
		if (!p->dying)
			log_info("%s: keys of %s have expired", p->association,
				 p->principal);
		sapair_free(&k->pairs, &k->pair_timers, p);
		return;
	}
	if (p->lost)
		kinkengine_tell_lost(k, now_ms, p);
	else
		rekey(k, now_ms, p);
}

void
kink_soft_limit(struct kink *k, uint64_t now_ms, uint32_t pair)
{
	struct sapair *p = sapair_by_id(&k->pairs, pair);

	if (p != NULL && !p->dying && p->out_there)
		rekey(k, now_ms, p);
}

void
kink_hard_limit(struct kink *k, uint64_t now_ms, uint32_t pair)
{
	struct sapair *p = sapair_by_id(&k->pairs, pair);

	(void)now_ms;
	if (p != NULL)
		sapair_free(&k->pairs, &k->pair_timers, p);
}

int64_t
kink_run_timers(struct kink *k, uint64_t now_ms)
{
	struct timerheap_node *t;
	int64_t one, two;

	while ((t = timerheap_pop(&k->exchange_timers, now_ms)) != NULL) {
		struct kinkexch *e =
		    (struct kinkexch *)OWNER(t, struct exchange, timer);

		if (e->x.role == EXCHANGE_INITIATOR)
			kinkinit_timeout(k, now_ms, e);
		else
			kinkresp_timeout(k, now_ms, e);
	}
	while ((t = timerheap_pop(&k->pair_timers, now_ms)) != NULL)
		pair_due(k, now_ms, OWNER(t, struct sapair, timer));
	one = timerheap_wait(&k->exchange_timers, now_ms);
	two = timerheap_wait(&k->pair_timers, now_ms);
	return one < 0 || (two >= 0 && two < one) ? two : one;
}
