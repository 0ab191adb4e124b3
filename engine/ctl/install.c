/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "engine/ctl/install.h"
#include "engine/ctl/rows.h"
#include "engine/path/pmtu.h"
#include "engine/sa/peers.h"
#include "engine/sa/usedkeys.h"
#include "policy/policy.h"

_Static_assert((int)PROTO_KEYING_MANUAL == (int)POLICY_KEYING_MANUAL &&
		   (int)PROTO_KEYING_PHOTURIS == (int)POLICY_KEYING_PHOTURIS,
	       "kinds of keying go over as they are");

#define SPI_MIN 256u /* RFC 4303 section 2.1: 1-255 are reserved */
/* The first number not to be sent: RFC 4303 section 3.3.3, no cycling.  And
 * where the IVs of manual keys begin (sa.h): a key that was in a configuration,
 * and after a stop comes over the control socket, repeats none. */
#define SEQ_LIMIT_ESN   (1ull << SA_IV_LOW_BITS)
#define SEQ_LIMIT_SHORT (1ull << 32)

/* What a pair comes to with the association's own values filled in. */
struct plan {
	struct store_assoc assoc;
	uint8_t protocol, enc, auth;
	bool esn, bundle;
	uint32_t window;
	struct sa_limits limits;
};

static bool
limits_given(const struct proto_limits *l)
{
	static const struct proto_limits none;

	return memcmp(l, &none, sizeof(none)) != 0;
}

static struct sa_limits
limits_from(const struct proto_limits *l)
{
	return (struct sa_limits){
		.soft_secs = l->soft_secs,
		.soft_octets = l->soft_octets,
		.soft_packets = l->soft_packets,
		.hard_secs = l->hard_secs,
		.hard_octets = l->hard_octets,
		.hard_packets = l->hard_packets,
	};
}

static const char *
check_addresses(const struct proto_pair *p, const struct store_assoc *a)
{
	if (!ipaddr_is_host(&p->local) || !ipaddr_is_host(&p->peer) ||
	    p->local.family != p->peer.family)
		return "local and peer must be two addresses of one family";
	if (ipaddr_equal(&p->local, &p->peer))
		return "local and peer are the same address";
	if (!ipaddr_contains(&a->peer, &p->peer))
		return "the peer is not one of this association";
	if (!ipaddr_contains(&a->local, &p->local))
		return "the local address is not this association's";
	return NULL;
}

/* Fills the plan, and says what does not fit the association. */
static const char *
make_plan(const struct proto_pair *p, struct plan *plan)
{
	const struct store_assoc *a = &plan->assoc;

	plan->bundle = a->enc != ALGO_NONE && a->ah_auth != ALGO_NONE;
	plan->protocol = a->enc != ALGO_NONE ? SA_ESP : SA_AH;
	/* AH around ESP is two pairs, a message each. */
	if (plan->bundle && p->protocol == SA_AH)
		plan->protocol = SA_AH;
	if (p->protocol != 0 && p->protocol != plan->protocol)
		return "the association is for the other protocol";
	plan->enc = plan->protocol == SA_ESP ? a->enc : (uint8_t)ALGO_NONE;
	plan->auth = plan->protocol == SA_ESP ? a->auth : a->ah_auth;
	if (p->encryption[0] != '\0' &&
	    algo_by_name(p->encryption) != (enum algo)plan->enc)
		return "the association says another encryption";
	if (p->integrity[0] != '\0' &&
	    algo_by_name(p->integrity) != (enum algo)plan->auth)
		return "the association says another integrity";
	plan->window =
	    p->replay_window != 0 ? p->replay_window : a->replay_window;
	if (plan->window > SA_REPLAY_MAX)
		return "the replay window is too large";
	plan->esn = a->esn && !(p->flags & PROTO_PAIR_NO_ESN);
	if (plan->esn && plan->window == 0)
		return "ESN needs a replay window (RFC 4303 section 2.2.1)";
	if (p->sport > UINT16_MAX || p->dport > UINT16_MAX)
		return "no such port";
	if ((p->sport == 0) != (p->dport == 0))
		return "ESP in UDP needs both ports";
	plan->limits =
	    limits_given(&p->limits) ? limits_from(&p->limits) : a->limits;
	return NULL;
}

static bool
key_fits(const struct proto_octets *key, uint8_t algo)
{
	const struct algo_info *info = algo_info((enum algo)algo);

	if (algo == ALGO_NONE || info == NULL)
		return key->len == 0;
	if (info->key_octets == 0) /* any length, but some */
		return algo == ALGO_NULL ? key->len == 0 : key->len != 0;
	return key->len == algo_keymat_octets((enum algo)algo);
}

static const char *
check_half(const struct proto_half *h, const struct plan *plan)
{
	if (h->spi < SPI_MIN)
		return "an SPI of 0 to 255 is reserved (RFC 4303 section 2.1)";
	if (!key_fits(&h->key, plan->enc))
		return "the encryption key has another length (key and salt)";
	if (!key_fits(&h->auth_key, plan->auth))
		return "the integrity key has another length";
	return NULL;
}

/* One half may be missing, the other one not. */
static const char *
check_halves(const struct proto_pair *p, const struct plan *plan)
{
	const char *why = NULL;

	if (p->in.spi != 0 || p->out.spi == 0)
		why = check_half(&p->in, plan);
	if (why == NULL && p->out.spi != 0)
		why = check_half(&p->out, plan);
	return why;
}

static bool
same_key(const uint8_t *a, size_t na, const uint8_t *b, size_t nb)
{
	return na != 0 && na == nb && secret_equal(a, b, na);
}

/* A half, and the prints of its keys. */
struct wanted {
	const struct proto_half *half;
	uint32_t key, auth_key;
};

static struct wanted
want(const struct shadow *sh, const struct proto_half *h)
{
	return (struct wanted){
		.half = h,
		.key = shadow_print(sh, h->key.at, h->key.len),
		.auth_key = shadow_print(sh, h->auth_key.at, h->auth_key.len),
	};
}

static bool
uses_key(const struct shadow *sh, uint32_t slot, const struct wanted *w)
{
	const struct shadow_slot *at = &sh->slots[slot];
	const struct proto_half *h = w->half;

	return (w->key != 0 && at->key == w->key &&
		shadow_has_key(sh, slot, h->key.at, h->key.len)) ||
	       (w->auth_key != 0 && at->auth_key == w->auth_key &&
		shadow_has_auth_key(sh, slot, h->auth_key.at, h->auth_key.len));
}

static const char *
check_halves_differ(const struct proto_pair *p)
{
	if (same_key(p->in.key.at, p->in.key.len, p->out.key.at,
		     p->out.key.len) ||
	    same_key(p->in.auth_key.at, p->in.auth_key.len, p->out.auth_key.at,
		     p->out.auth_key.len))
		return "both directions have the same key";
	return NULL;
}

/* One walk: does an SA stand in the way? */
static const char *
check_others(const struct shadow *sh, const struct proto_pair *p,
	     const struct plan *plan)
{
	struct wanted in = want(sh, &p->in), out = want(sh, &p->out);

	for (uint32_t i = 0; i < shadow_slots(sh); i++) {
		const struct shadow_slot *sa = &sh->slots[i];

		if (uses_key(sh, i, &in) || uses_key(sh, i, &out))
			return "this key is in use already";
		if (!sa->live || sa->protocol != plan->protocol)
			continue;
		if (sa->direction == SA_IN) {
			if (sa->spi == p->in.spi)
				return "the inbound SPI is in use";
			continue;
		}
		if (p->out.spi == 0 || !ipaddr_equal(&sa->peer, &p->peer))
			continue;
		if (sa->spi == p->out.spi)
			return "the outbound SPI is in use for this peer";
		if (sa->said != plan->assoc.said)
			continue;
		if (!(p->flags & PROTO_PAIR_REPLACE))
			return "there is an SA for this peer: replace it";
	}
	return NULL;
}

static bool
was_used(const struct store *s, const struct proto_half *h)
{
	return usedkeys_knows(s, h->key.at, h->key.len) ||
	       usedkeys_knows(s, h->auth_key.at, h->auth_key.len);
}

/* Slots are given on, keys are not. */
static const char *
check_keys_new(const struct store *s, const struct proto_pair *p)
{
	return was_used(s, &p->in) || was_used(s, &p->out)
		   ? "this key was another SA's, which is gone: its numbers "
		     "would begin again"
		   : NULL;
}

static void
learn_keys(struct store *s, const struct proto_half *h)
{
	usedkeys_learn(s, h->key.at, h->key.len);
	usedkeys_learn(s, h->auth_key.at, h->auth_key.len);
}

static void
fill_slot(struct sa *sa, const struct plan *plan, const struct proto_pair *p,
	  const struct proto_half *h, enum sa_direction direction,
	  uint64_t now_ms)
{
	sa->spi = h->spi;
	sa->said = plan->assoc.said;
	sa->direction = (uint8_t)direction;
	sa->protocol = plan->protocol;
	sa->mode = plan->assoc.mode;
	sa->enc = plan->enc;
	sa->auth = plan->auth;
	sa->key_octets = (uint8_t)h->key.len;
	sa->auth_key_octets = (uint8_t)h->auth_key.len;
	memcpy(sa->key, h->key.at, h->key.len);
	memcpy(sa->auth_key, h->auth_key.at, h->auth_key.len);
	sa->flags = (plan->esn ? SA_FLAG_ESN : 0) |
		    (plan->bundle ? SA_FLAG_BUNDLE : 0) |
		    (p->sport != 0 ? SA_FLAG_ENCAP_UDP : 0);
	sa->sport = (uint16_t)p->sport;
	sa->dport = (uint16_t)p->dport;
	sa->local = p->local;
	sa->peer = p->peer;
	sa->limits = plan->limits;
	sa->tfc_pad = plan->assoc.tfc_pad;
	if (direction == SA_OUT && plan->protocol == SA_ESP)
		sa->dummy_rate = plan->assoc.dummy_rate;
	sa->installed_ms = now_ms;
	sa->iv_start = 0;
	sa->seq_base = 1;
	memcpy(sa->association, plan->assoc.name, sizeof(sa->association));
	memcpy(sa->principal, p->principal, sizeof(sa->principal));
	atomic_store(&sa->seq_next, 1);
	atomic_store(&sa->seq_limit,
		     plan->esn ? SEQ_LIMIT_ESN : SEQ_LIMIT_SHORT);
}

/* What a replacement ends: every other outbound SA of the same association
 * towards the same peer. */
static void
kill_older(struct store *store, struct shadow *sh, uint32_t new)
{
	const struct shadow_slot *now = &sh->slots[new];

	for (uint32_t i = 0; i < shadow_slots(sh); i++) {
		const struct shadow_slot *sa = &sh->slots[i];

		if (i == new || !sa->live || sa->direction != SA_OUT ||
		    sa->said != now->said || sa->protocol != now->protocol ||
		    !ipaddr_equal(&sa->peer, &now->peer))
			continue;
		pmtu_inherit(store_sa(store, new), store_sa(store, i));
		if (store_replace(store, i))
			shadow_touch(sh, i);
	}
}

/* Another principal's SAs for this peer, both directions. */
static void
kill_others(struct store *store, struct shadow *sh, const struct proto_pair *p,
	    uint32_t said)
{
	for (uint32_t i = 0; i < shadow_slots(sh); i++) {
		const struct shadow_slot *at = &sh->slots[i];

		if (!at->live || at->said != said ||
		    !ipaddr_equal(&at->peer, &p->peer) ||
		    strcmp(store_sa(store, i)->principal, p->principal) == 0)
			continue;
		if (store_kill(store, i))
			shadow_touch(sh, i);
	}
}

/* A latch is to a principal, not to an address.  Who has no name, and of whom
 * nobody knows a predecessor, is taken for the one who was there. */
static int
part_with_former(struct store *store, struct shadow *sh,
		 const struct install_cutter *cutter,
		 const struct proto_pair *p, uint32_t said)
{
	bool known = false;

	switch (peers_ask(store, said, &p->peer, p->principal)) {
	case PEERS_SAME:
		return 0;
	case PEERS_UNKNOWN:
		if (p->principal[0] == '\0')
			return 0;
		break;
	case PEERS_OTHER:
		known = true;
		break;
	}
	kill_others(store, sh, p, said);
	return cutter->cut(cutter->ctx, said, &p->peer, known);
}

/* Slots for the halves there are, both or none. */
static int
claim(struct store *store, const struct proto_pair *p, uint32_t window,
      uint32_t *in, uint32_t *out)
{
	int err = 0;

	if (p->in.spi != 0)
		err = store_claim(store, window, in);
	if (err < 0 || p->out.spi == 0)
		return err;
	err = store_claim(store, 0, out);
	if (err < 0 && p->in.spi != 0)
		store_release(store, *in);
	return err;
}

static void
give_back(struct store *store, const struct proto_pair *p, uint32_t in,
	  uint32_t out)
{
	if (p->in.spi != 0)
		store_release(store, in);
	if (p->out.spi != 0)
		store_release(store, out);
}

/* From now on this principal is who speaks for the peer. */
static int
take_over(struct store *store, struct shadow *sh,
	  const struct install_cutter *cutter, const struct proto_pair *p,
	  uint32_t said, const char **why)
{
	struct store_peer *place = peers_place(store, said, &p->peer);
	int err;

	*why = "no room to remember the peer's principal";
	if (place == NULL)
		return -ENOSPC;
	*why = "what the peer's former principal had can't be cut";
	err = part_with_former(store, sh, cutter, p, said);
	if (err < 0)
		return err;
	*why = "";
	peers_learn(place, said, &p->peer, p->principal);
	return 0;
}

int
install_pair(struct store *store, struct shadow *sh,
	     const struct install_cutter *cutter, const struct proto_pair *p,
	     uint64_t now_ms, const char **why)
{
	uint32_t in = 0, out = 0;
	struct plan plan = { 0 };
	int err;

	err = rows_find_assoc(store, p->association, &plan.assoc);
	if (err == -ENOENT)
		*why = "no such association";
	if (err < 0)
		return err;
	if (plan.assoc.keying == PROTO_KEYING_MANUAL) {
		*why = "its keys stand in the configuration";
		return -EOPNOTSUPP;
	}
	shadow_sync(sh);
	if ((*why = check_addresses(p, &plan.assoc)) != NULL ||
	    (*why = make_plan(p, &plan)) != NULL ||
	    (*why = check_halves(p, &plan)) != NULL)
		return -EINVAL;
	if ((*why = check_halves_differ(p)) != NULL ||
	    (*why = check_others(sh, p, &plan)) != NULL ||
	    (*why = check_keys_new(store, p)) != NULL)
		return -EEXIST;
	*why = "";
	/* What may fail for want of room goes first: nothing is killed or cut
	 * for a pair that does not come. */
	err = claim(store, p, plan.window, &in, &out);
	if (err < 0)
		return err;
	err = take_over(store, sh, cutter, p, plan.assoc.said, why);
	if (err < 0) {
		give_back(store, p, in, out);
		return err;
	}
	if (p->in.spi != 0) {
		fill_slot(store_sa(store, in), &plan, p, &p->in, SA_IN, now_ms);
		learn_keys(store, &p->in);
		store_publish(store, in);
		shadow_touch(sh, in);
	}
	if (p->out.spi == 0)
		return 0;
	fill_slot(store_sa(store, out), &plan, p, &p->out, SA_OUT, now_ms);
	learn_keys(store, &p->out);
	store_publish(store, out);
	shadow_touch(sh, out);
	/* Make before break: the new one stands in the store already. */
	if (p->flags & PROTO_PAIR_REPLACE)
		kill_older(store, sh, out);
	return 0;
}

/* The live SA that a request names.  SPI 0 names none. */
static bool
find(const struct shadow *sh, const struct proto_delete *r, uint32_t *slot)
{
	for (uint32_t i = 0; i < shadow_slots(sh); i++) {
		const struct shadow_slot *sa = &sh->slots[i];

		if (!sa->live || sa->spi != r->spi ||
		    sa->direction != r->direction ||
		    sa->protocol != r->protocol ||
		    !ipaddr_equal(&sa->peer, &r->peer))
			continue;
		*slot = i;
		return true;
	}
	return false;
}

int
install_delete(struct store *store, struct shadow *sh,
	       const struct proto_delete *r, const char **why)
{
	uint32_t slot;

	*why = "no such SA";
	shadow_sync(sh);
	if (!find(sh, r, &slot))
		return -ENOENT;
	if (store_sa(store, slot)->flags & SA_FLAG_MANUAL) {
		*why = "its keys stand in the configuration";
		return -EOPNOTSUPP;
	}
	if (!store_kill(store, slot))
		return -ENOENT;
	shadow_touch(sh, slot);
	*why = "";
	return 0;
}
