/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "engine/main/fence.h"
#include "engine/main/manual.h"
#include "engine/sa/usedkeys.h"
#include "policy/instance.h"
#include "policy/said.h"

_Static_assert(SA_TFC_PAD_MTU == POLICY_TFC_PAD_MTU, "goes over as it is");
_Static_assert(STORE_BIND_MAX == POLICY_BIND_MAX, "goes over as it is");

static void
copy_limits(struct sa_limits *to, const struct policy_lifetime *from)
{
	to->soft_secs = from->soft_secs;
	to->soft_octets = from->soft_octets;
	to->soft_packets = from->soft_packets;
	to->hard_secs = from->hard_secs;
	to->hard_octets = from->hard_octets;
	to->hard_packets = from->hard_packets;
}

static void
write_assoc(struct store_assoc *to, const struct policy *p, size_t index)
{
	const struct policy_assoc *a = &p->assocs[index];

	memset(to, 0, sizeof(*to));
	snprintf(to->name, sizeof(to->name), "%s", a->name);
	to->said = a->said;
	to->mode = (uint8_t)a->mode;
	to->enc = (uint8_t)a->esp_enc;
	to->auth = (uint8_t)a->esp_auth;
	to->ah_auth = (uint8_t)a->ah_auth;
	to->keying = (uint8_t)a->keying;
	if (a->keying != POLICY_KEYING_MANUAL)
		to->flags |= STORE_ASSOC_NEGOTIATED;
	to->esn = a->esn;
	to->replay_window = a->replay_window;
	to->tfc_pad = a->tfc_pad;
	to->dummy_rate = a->dummy_rate;
	to->local = a->local;
	to->peer = a->peer;
	copy_limits(&to->limits, &a->lifetime);
	snprintf(to->instance_of, sizeof(to->instance_of), "%s",
		 a->instance_of);
	snprintf(to->principal, sizeof(to->principal), "%s",
		 instance_is(a) ? a->instance_principal : "");
	to->n_bind_uids = a->n_bind_uids;
	to->n_bind_gids = a->n_bind_gids;
	memcpy(to->bind_uids, a->bind_uids, sizeof(to->bind_uids));
	memcpy(to->bind_gids, a->bind_gids, sizeof(to->bind_gids));
	for (size_t i = 0; i < p->n_flows; i++)
		if (p->flows[i].inbound &&
		    p->flows[i].target == POLICY_TARGET_ASSOC &&
		    p->flows[i].assoc == index)
			to->has_in_flows = 1;
}

static bool
same_holder(const struct store_assoc *x, const struct store_assoc *y)
{
	return strcmp(x->name, y->name) == 0 &&
	       strcmp(x->principal, y->principal) == 0;
}

/* Who had the SAID until now; NULL: nobody. */
static const struct store_assoc *
holder(const struct store_head *h, uint32_t said)
{
	for (uint32_t i = 0; i < atomic_load(&h->n_assocs); i++)
		if (h->assocs[i].said == said)
			return &h->assocs[i];
	return NULL;
}

static bool
is_fenced(const struct store_head *h)
{
	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		for (unsigned w = 0; w < h->workers; w++)
			if (atomic_load(&h->fences[k][w]) != 0)
				return true;
	return false;
}

/* Says of each association whether its SAID was its own until now; while an
 * older fence stands, since before that one.  How many were given on now. */
static unsigned
mark_given_on(const struct store_head *h, struct store_assoc *new, size_t n)
{
	bool fenced = is_fenced(h);
	unsigned given = 0;

	for (size_t i = 0; i < n; i++) {
		const struct store_assoc *was = holder(h, new[i].said);

		if (was == NULL || !same_holder(was, &new[i])) {
			new[i].flags |= STORE_ASSOC_GIVEN_ON;
			given++;
		} else if (fenced) {
			new[i].flags |= (was->flags & STORE_ASSOC_GIVEN_ON);
		}
	}
	return given;
}

int
manual_write_policy(struct store *s, const struct policy *p)
{
	static struct store_assoc new[STORE_ASSOCS_MAX]; /* one thread */
	struct store_head *h = s->head;
	const struct policy_options *o = &p->options;

	if (p->n_assocs > STORE_ASSOCS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < p->n_assocs; i++)
		write_assoc(&new[i], p, i);
	/* At first nothing is queued. */
	if (mark_given_on(h, new, p->n_assocs) != 0 &&
	    atomic_load(&h->policy_generation) != 0)
		fence_raise(s);
	store_policy_begin(s);
	h->said_mask = o->said_mask;
	h->done_mark = said_to_mark(o, said_done(o));
	h->probe_mark = said_to_mark(o, said_probe(o));
	h->said_first = o->said_first;
	h->said_last = o->said_last;
	h->unknown_spi_drop = o->unknown_spi == POLICY_UNKNOWN_SPI_DROP;
	h->park_packets = o->park_packets;
	h->park_secs = o->park_secs;
	memcpy(h->assocs, new, p->n_assocs * sizeof(new[0]));
	atomic_store(&h->n_assocs, (uint32_t)p->n_assocs);
	store_policy_end(s);
	return 0;
}

static void
copy_key(uint8_t *to, uint8_t *to_octets, const uint8_t *from, unsigned octets)
{
	memcpy(to, from, ALGO_KEYMAT_MAX);
	*to_octets = (uint8_t)octets;
}

static bool
has_protocol(const struct policy_assoc *a, enum sa_protocol protocol)
{
	return (protocol == SA_AH ? a->ah_auth : a->esp_enc) != ALGO_NONE;
}

/* Fills the plain fields of an SA that is not live. */
static void
fill(struct sa *sa, const struct policy_assoc *a, enum sa_direction direction,
     enum sa_protocol protocol)
{
	const struct policy_key *k = direction == SA_OUT ? &a->out : &a->in;
	bool bundle = has_protocol(a, SA_AH) && has_protocol(a, SA_ESP);
	bool numbered;

	sa->spi = k->spi;
	sa->said = a->said;
	sa->direction = (uint8_t)direction;
	sa->protocol = (uint8_t)protocol;
	sa->mode = (uint8_t)a->mode;
	if (protocol == SA_ESP) {
		sa->enc = (uint8_t)a->esp_enc;
		sa->auth = (uint8_t)a->esp_auth;
		copy_key(sa->key, &sa->key_octets, k->key, k->key_octets);
	} else {
		sa->auth = (uint8_t)a->ah_auth;
	}
	if (protocol == SA_AH && policy_ah_key_algo(a) != ALGO_NONE)
		copy_key(sa->auth_key, &sa->auth_key_octets, k->ah_key,
			 k->ah_key_octets);
	else if (sa->auth != ALGO_NONE)
		copy_key(sa->auth_key, &sa->auth_key_octets, k->auth_key,
			 k->auth_key_octets);
	numbered = !algo_info((enum algo)sa->enc)->historic &&
		   !algo_info((enum algo)sa->auth)->historic;
	sa->flags = SA_FLAG_MANUAL | (a->esn && numbered ? SA_FLAG_ESN : 0u) |
		    (bundle ? SA_FLAG_BUNDLE : 0u);
	sa->replay_window =
	    direction == SA_IN && numbered ? a->replay_window : 0;
	sa->local = a->local;
	sa->peer = a->peer;
	sa->tfc_pad = a->tfc_pad;
	sa->dummy_rate =
	    direction == SA_OUT && protocol == SA_ESP ? a->dummy_rate : 0;
	copy_limits(&sa->limits, &a->lifetime);
	snprintf(sa->association, sizeof(sa->association), "%s", a->name);
}

static bool
same(const struct sa *x, const struct sa *y)
{
	return x->spi == y->spi && x->said == y->said &&
	       x->direction == y->direction && x->protocol == y->protocol &&
	       x->mode == y->mode && x->enc == y->enc && x->auth == y->auth &&
	       x->key_octets == y->key_octets &&
	       x->auth_key_octets == y->auth_key_octets &&
	       secret_equal(x->key, y->key, sizeof(x->key)) &&
	       secret_equal(x->auth_key, y->auth_key, sizeof(x->auth_key)) &&
	       x->flags == y->flags && x->replay_window == y->replay_window &&
	       x->tfc_pad == y->tfc_pad && x->dummy_rate == y->dummy_rate &&
	       ipaddr_equal(&x->local, &y->local) &&
	       ipaddr_equal(&x->peer, &y->peer) &&
	       memcmp(&x->limits, &y->limits, sizeof(x->limits)) == 0 &&
	       strcmp(x->association, y->association) == 0;
}

/* The live SA that is what the policy wants.  -ENOENT. */
static int
find_wanted(const struct store *s, const struct policy_assoc *a,
	    enum sa_direction direction, enum sa_protocol protocol,
	    uint32_t *slot)
{
	struct sa want = { 0 };
	int err = -ENOENT;

	fill(&want, a, direction, protocol);
	for (uint32_t i = 0; i < store_slots(s); i++) {
		const struct sa *sa = store_sa(s, i);

		if (atomic_load(&sa->state) == SA_LIVE && same(sa, &want)) {
			*slot = i;
			err = 0;
			break;
		}
	}
	secret_wipe(&want, sizeof(want));
	return err;
}

/* May this live SA stay under the policy? */
static bool
belongs(const struct store *s, uint32_t slot, const struct policy *p)
{
	const struct sa *sa = store_sa(s, slot);
	const struct policy_assoc *a = policy_assoc_by_name(p, sa->association);
	uint32_t wanted;

	if (a == NULL || a->said != sa->said || (uint8_t)a->mode != sa->mode)
		return false;
	if (!(sa->flags & SA_FLAG_MANUAL))
		return a->keying != POLICY_KEYING_MANUAL &&
		       ((sa->flags & SA_FLAG_BUNDLE) != 0) ==
			   (has_protocol(a, SA_AH) &&
			    has_protocol(a, SA_ESP)) &&
		       ipaddr_contains(&a->local, &sa->local) &&
		       ipaddr_contains(&a->peer, &sa->peer) &&
		       (sa->protocol == SA_AH
			    ? sa->auth == (uint8_t)a->ah_auth
			    : sa->enc == (uint8_t)a->esp_enc &&
				  sa->auth == (uint8_t)a->esp_auth);
	return a->keying == POLICY_KEYING_MANUAL &&
	       has_protocol(a, (enum sa_protocol)sa->protocol) &&
	       find_wanted(s, a, (enum sa_direction)sa->direction,
			   (enum sa_protocol)sa->protocol, &wanted) == 0 &&
	       wanted == slot;
}

static const char *
failure_text(int err)
{
	switch (err) {
	case -EUCLEAN:
		return "the state of manual keys is damaged; put new keys "
		       "into the configuration and remove manual.* from the "
		       "state directory";
	case -EOVERFLOW:
		return "this key is used up; it needs a new one";
	case -ENOSPC:
		return "no space for another SA (options: max-sa)";
	}
	return strerror(-err);
}

static void
fail(struct manual_report *r, const struct policy_assoc *a,
     enum sa_direction direction, const char *why)
{
	char text[STORE_TEXT_MAX];

	snprintf(text, sizeof(text), "association %s, manual key %s: %s",
		 a->name, direction == SA_OUT ? "out" : "in", why);
	if (r->failed++ == 0)
		memcpy(r->why, text, sizeof(r->why));
	if (!r->quiet)
		log_warnx("%s", text);
}

/* Not for what comes from the configuration again: that counts on. */
static void
learn_keys(struct store *s, const struct sa *sa)
{
	usedkeys_learn(s, sa->key, sa->key_octets);
	usedkeys_learn(s, sa->auth_key, sa->auth_key_octets);
}

/* Claims and prepares one SA; its slot, or UINT32_MAX. */
static uint32_t
prepare(struct store *s, struct persist *persist, const struct policy_assoc *a,
	enum sa_direction direction, enum sa_protocol protocol,
	struct manual_report *r)
{
	uint32_t slot;
	int err;

	if (!has_protocol(a, protocol))
		return UINT32_MAX;
	if (find_wanted(s, a, direction, protocol, &slot) == 0) {
		r->kept++;
		return UINT32_MAX;
	}
	if (!ipaddr_is_host(&a->peer)) {
		fail(r, a, direction,
		     "one key serves one peer address, not a prefix");
		return UINT32_MAX;
	}
	err = store_claim(s, direction == SA_IN ? a->replay_window : 0, &slot);
	if (err == 0) {
		fill(store_sa(s, slot), a, direction, protocol);
		store_sa(s, slot)->installed_ms = clock_now_ms();
		learn_keys(s, store_sa(s, slot));
		err = persist_attach(persist, s, slot);
		if (err < 0)
			store_release(s, slot);
	}
	if (err < 0) {
		fail(r, a, direction, failure_text(err));
		return UINT32_MAX;
	}
	return slot;
}

/* What is BUSY and ours becomes live, or is given back. */
static void
finish(struct store *s, struct persist *persist, const struct policy_assoc *a,
       enum sa_direction direction, uint32_t slot, int err,
       struct manual_report *r)
{
	char why[STORE_TEXT_MAX];

	if (slot == UINT32_MAX)
		return;
	if (err == 0) {
		store_publish(s, slot);
		r->added++;
		return;
	}
	persist_detach(persist, s, slot);
	store_release(s, slot);
	snprintf(why, sizeof(why), "its counters can't be stored: %s",
		 strerror(-err));
	fail(r, a, direction, why);
}

static void
remove_strangers(struct store *s, struct persist *persist,
		 const struct policy *p, struct manual_report *r)
{
	for (uint32_t i = 0; i < store_slots(s); i++) {
		if (atomic_load(&store_sa(s, i)->state) != SA_LIVE ||
		    belongs(s, i, p))
			continue;
		persist_detach(persist, s, i);
		if (store_kill(s, i))
			r->removed++;
	}
}

static bool
same_text(const char *x, const char *y)
{
	return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

/* Whom `principals` gives for an address: the line that says so, and what may
 * have known better before it. */
static const char *
speaker(const struct policy *p, const struct ipaddr *peer, unsigned *sources)
{
	*sources = 0;
	for (size_t i = 0; i < p->n_principals; i++) {
		const struct policy_principal *l = &p->principals[i];

		if (l->kind != POLICY_PRINCIPAL_ADDRESS)
			*sources |= 1u << l->kind;
		else if (ipaddr_equal(&l->address, peer))
			return l->principal;
	}
	return NULL;
}

static bool
same_speaker(const struct policy *was, const struct policy *p,
	     const struct ipaddr *peer)
{
	unsigned before, now;
	const char *x = speaker(was, peer, &before);
	const char *y = speaker(p, peer, &now);

	return before == now && same_text(x, y);
}

/* Is a live, negotiated SA still its peer's? */
static bool
is_revoked(const struct sa *sa, const struct policy *was,
	   const struct policy *p)
{
	const struct policy_assoc *x, *y;

	if ((sa->flags & SA_FLAG_MANUAL) != 0)
		return false;
	x = policy_assoc_by_name(was, sa->association);
	y = policy_assoc_by_name(p, sa->association);
	return x == NULL || y == NULL || x->keying != y->keying ||
	       !same_text(x->local_principal, y->local_principal) ||
	       !same_text(x->peer_principal, y->peer_principal) ||
	       x->accept_any_address != y->accept_any_address ||
	       !same_speaker(was, p, &sa->peer);
}

unsigned
manual_end_said(struct store *s, struct persist *persist, uint32_t said)
{
	unsigned killed = 0;

	for (uint32_t i = 0; i < store_slots(s); i++) {
		const struct sa *sa = store_sa(s, i);

		if (atomic_load(&sa->state) != SA_LIVE || sa->said != said)
			continue;
		persist_detach(persist, s, i);
		killed += store_kill(s, i);
	}
	return killed;
}

unsigned
manual_revoke(struct store *s, const struct policy *was, const struct policy *p)
{
	unsigned killed = 0;

	for (uint32_t i = 0; i < store_slots(s); i++) {
		const struct sa *sa = store_sa(s, i);

		if (atomic_load(&sa->state) == SA_LIVE &&
		    is_revoked(sa, was, p))
			killed += store_kill(s, i);
	}
	return killed;
}

static void
print_sa(FILE *out, const char *association, enum sa_direction direction,
	 enum sa_protocol protocol, const struct ipaddr *peer, uint32_t spi,
	 const char *what)
{
	char text[IPADDR_TEXT];

	fprintf(out, "sa %s %s %s peer %s spi 0x%08x: %s\n", association,
		direction == SA_OUT ? "out" : "in",
		protocol == SA_AH ? "ah" : "esp", ipaddr_format(peer, text),
		spi, what);
}

/* Does the policy want a manual SA that is not there? */
static void
plan_wanted(const struct store *s, const struct policy_assoc *a, FILE *out)
{
	for (unsigned n = 0; n < 4; n++) {
		enum sa_direction direction = n < 2 ? SA_OUT : SA_IN;
		enum sa_protocol protocol = n % 2 == 0 ? SA_ESP : SA_AH;
		uint32_t slot;

		if (has_protocol(a, protocol) &&
		    find_wanted(s, a, direction, protocol, &slot) != 0)
			print_sa(out, a->name, direction, protocol, &a->peer,
				 direction == SA_OUT ? a->out.spi : a->in.spi,
				 "added");
	}
}

void
manual_plan(const struct store *s, const struct policy *was,
	    const struct policy *p, FILE *out)
{
	for (uint32_t i = 0; i < store_slots(s); i++) {
		const struct sa *sa = store_sa(s, i);

		if (atomic_load(&sa->state) == SA_LIVE &&
		    (is_revoked(sa, was, p) || !belongs(s, i, p)))
			print_sa(out, sa->association,
				 (enum sa_direction)sa->direction,
				 (enum sa_protocol)sa->protocol, &sa->peer,
				 sa->spi, "ends");
	}
	for (size_t i = 0; i < p->n_assocs; i++)
		if (p->assocs[i].keying == POLICY_KEYING_MANUAL)
			plan_wanted(s, &p->assocs[i], out);
}

void
manual_apply(struct store *s, struct persist *persist, const struct policy *p,
	     struct manual_report *r)
{
	static const struct {
		enum sa_direction direction;
		enum sa_protocol protocol;
	} order[] = {
		/* in before out: the peer's answer finds its SA */
		{ SA_IN, SA_AH },
		{ SA_IN, SA_ESP },
		{ SA_OUT, SA_AH },
		{ SA_OUT, SA_ESP },
	};
	uint32_t slots[STORE_ASSOCS_MAX][4];
	int err;

	*r = (struct manual_report){ .quiet = r->quiet };
	remove_strangers(s, persist, p, r);
	for (size_t i = 0; i < p->n_assocs; i++)
		for (unsigned n = 0; n < 4; n++)
			slots[i][n] =
			    p->assocs[i].keying != POLICY_KEYING_MANUAL
				? UINT32_MAX
				: prepare(s, persist, &p->assocs[i],
					  order[n].direction, order[n].protocol,
					  r);
	err = persist_sync(persist);
	for (size_t i = 0; i < p->n_assocs; i++)
		for (unsigned n = 0; n < 4; n++)
			finish(s, persist, &p->assocs[i], order[n].direction,
			       slots[i][n], err, r);
}
