/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/answers.h"
#include "policy/built.h"
#include "policy/check.h"
#include "policy/said.h"
#include "policy/unique.h"

/* The first of two statements that was written at all. */
static const struct policy_place *
place_of(const struct policy_options *o, enum policy_option a,
	 enum policy_option b)
{
	return o->at[a].line != 0 ? &o->at[a] : &o->at[b];
}

static void
check_options(const struct policy_options *o, struct diag *d)
{
	const struct policy_place *range =
	    place_of(o, POLICY_OPTION_SAID_RANGE, POLICY_OPTION_SAID_MASK);
	const struct policy_place *dynamic =
	    place_of(o, POLICY_OPTION_DYNAMIC_SAID, POLICY_OPTION_SAID_RANGE);

	if (!said_mask_good(o->said_mask)) {
		diag_error(d, &o->at[POLICY_OPTION_SAID_MASK],
			   "said-mask 0x%x is not one run of at least two bits",
			   o->said_mask);
		return; /* what else could be said hangs on it */
	}
	if (o->said_first == 0)
		diag_error(d, range,
			   "0 is no SAID: it is every packet that "
			   "nobody has marked");
	if (o->said_last >= said_probe(o))
		diag_error(
		    d, range,
		    "said-range 0x%x-0x%x goes beyond 0x%x: said-mask 0x%x "
		    "keeps 0x%x for DONE and 0x%x for PROBE",
		    o->said_first, o->said_last, said_probe(o) - 1,
		    o->said_mask, said_done(o), said_probe(o));
	if (o->dynamic_first < o->said_first || o->dynamic_last > o->said_last)
		diag_error(d, dynamic,
			   "dynamic-said 0x%x-0x%x is not inside said-range "
			   "0x%x-0x%x",
			   o->dynamic_first, o->dynamic_last, o->said_first,
			   o->said_last);
}

static void
check_required(const struct policy_assoc *a, struct diag *d)
{
	static const struct {
		enum policy_word word;
		const char *text;
	} required[] = {
		{ POLICY_WORD_SAID, "said" },
		{ POLICY_WORD_PEER, "peer" },
		{ POLICY_WORD_MODE, "mode" },
		{ POLICY_WORD_PROTECT, "protect" },
	};

	for (size_t i = 0; i < 4; i++)
		if (a->at[required[i].word].line == 0)
			diag_error(d, &a->place, "association `%s` has no `%s`",
				   a->name, required[i].text);
}

static void
check_said(const struct policy_options *o, const struct policy_assoc *a,
	   struct diag *d)
{
	const struct policy_place *at = &a->at[POLICY_WORD_SAID];

	if (a->said == 0) /* missing or wrong: that was said already */
		return;
	if (a->said == said_done(o) || a->said == said_probe(o))
		diag_error(d, at, "SAID 0x%x is the engine's own: %s", a->said,
			   a->said == said_done(o) ? "DONE" : "PROBE");
	else if (!said_in_range(o, a->said))
		diag_error(d, at, "SAID 0x%x is not in said-range 0x%x-0x%x",
			   a->said, o->said_first, o->said_last);
	else if (said_is_dynamic(o, a->said))
		diag_error(d, at,
			   "SAID 0x%x is in dynamic-said 0x%x-0x%x, "
			   "which is handed out to instances",
			   a->said, o->dynamic_first, o->dynamic_last);
}

/* What no packet to or from one host can have as its address. */
static const char *
bad_address(const struct ipaddr *a)
{
	static const uint8_t zero[16], one[16] = { [15] = 1 };

	if (a->family == IP_FAMILY_4 && a->prefix > 0) {
		if (a->octets[0] >= 224)
			return "a multicast, reserved or broadcast address";
		if (a->octets[0] == 127)
			return "a loopback address: lo is not protected";
		if (a->octets[0] == 0)
			return "an address of no host";
	}
	if (a->family == IP_FAMILY_6 && a->prefix > 0) {
		if (a->octets[0] == 0xff)
			return "a multicast address";
		if (a->prefix == 128 && memcmp(a->octets, one, 16) == 0)
			return "a loopback address: lo is not protected";
		if (a->prefix == 128 && memcmp(a->octets, zero, 16) == 0)
			return "an address of no host";
	}
	return NULL;
}

static void
check_address(const struct ipaddr *a, const struct policy_place *at,
	      struct diag *d)
{
	const char *what = bad_address(a);
	char text[IPADDR_TEXT];

	if (what != NULL)
		diag_error(d, at, "%s: %s", ipaddr_format(a, text), what);
}

static void
check_addresses(const struct policy_assoc *a, struct diag *d)
{
	const struct policy_place *mode = &a->at[POLICY_WORD_MODE];

	check_address(&a->local, &a->at[POLICY_WORD_LOCAL], d);
	check_address(&a->peer, &a->at[POLICY_WORD_PEER], d);
	if (a->local.family != IP_FAMILY_NONE &&
	    a->peer.family != IP_FAMILY_NONE &&
	    a->local.family != a->peer.family)
		diag_error(d, &a->at[POLICY_WORD_PEER],
			   "local and peer are of two address families");
	if (a->mode == POLICY_MODE_TRANSPORT) {
		if (a->local.family != IP_FAMILY_NONE &&
		    !ipaddr_is_host(&a->local))
			diag_error(
			    d, &a->at[POLICY_WORD_LOCAL],
			    "in transport mode `local` is an address or any");
		for (unsigned w = POLICY_WORD_DSCP; w <= POLICY_WORD_DF; w++)
			if (a->at[w].line != 0)
				diag_error(
				    d, &a->at[w],
				    "only `mode tunnel` "
				    "has an outer header to set this in");
	}
	if (a->mode == POLICY_MODE_TUNNEL) {
		check_address(&a->outer_local, mode, d);
		check_address(&a->outer_peer, mode, d);
		if (!ipaddr_is_host(&a->outer_peer))
			diag_error(d, mode, "the outer peer is one address");
	}
}

/* RFC 8221 4: the ways that integrity may come about. */
static void
check_transform(const struct policy_assoc *a, struct diag *d)
{
	const struct policy_place *at = &a->at[POLICY_WORD_PROTECT];
	const struct algo_info *enc = algo_info(a->esp_enc);
	const struct algo_info *auth = algo_info(a->esp_auth);
	bool gmac =
	    a->esp_auth == ALGO_AES128_GMAC || a->esp_auth == ALGO_AES256_GMAC;

	if (a->esp_enc == ALGO_NONE)
		return;
	if (enc->kind == ALGO_KIND_AEAD && a->esp_auth != ALGO_NONE)
		diag_error(d, at,
			   "%s brings its own integrity: no second "
			   "algorithm (RFC 8221 4)",
			   enc->name);
	if (a->esp_enc == ALGO_NULL && a->esp_auth == ALGO_NONE)
		diag_error(d, at,
			   "`esp null` without integrity protects "
			   "nothing (RFC 8221 6)");
	else if (enc->kind == ALGO_KIND_ENC && a->esp_auth == ALGO_NONE &&
		 a->ah_auth == ALGO_NONE && !enc->historic)
		diag_error(d, at,
			   "%s without an integrity algorithm: "
			   "encryption must be authenticated (RFC 8221 4)",
			   enc->name);
	if (gmac && a->esp_enc != ALGO_NULL && enc->kind == ALGO_KIND_ENC)
		diag_error(d, at,
			   "%s goes with `esp null` or `ah` "
			   "(RFC 4543 3)",
			   auth->name);
	/* Its nonce is the number alone, and a number that was lost with the
	 * disk would come again (RFC 8750 7). */
	if (enc->implicit_iv && a->keying == POLICY_KEYING_MANUAL)
		diag_error(d, at,
			   "%s is not for manual keys: its nonce would "
			   "hang on the last write to the disk (RFC 8750 7)",
			   enc->name);
	if (enc->historic && a->esp_auth != ALGO_NONE)
		diag_error(d, at,
			   "%s carries no integrity value: `ah` does that "
			   "(RFC 1829)",
			   enc->name);
	if (a->esp_auth == ALGO_KEYED_MD5)
		diag_error(d, at, "keyed-md5 is for `ah` (RFC 1828)");
}

static void
check_historic(const struct policy_options *o, const struct policy_assoc *a,
	       struct diag *d)
{
	const struct policy_place *at = &a->at[POLICY_WORD_PROTECT];
	const enum algo used[] = { a->ah_auth, a->esp_enc, a->esp_auth };
	enum algo found = ALGO_NONE;

	for (size_t i = 0; i < 3 && found == ALGO_NONE; i++)
		if (algo_info(used[i])->historic)
			found = used[i];
	if (found == ALGO_NONE)
		return;
	if (!o->allow_historic)
		diag_error(d, at,
			   "%s is broken (RFC 8221 5, 6): it needs "
			   "`options { allow-historic yes }`",
			   algo_info(found)->name);
	if (a->keying != POLICY_KEYING_MANUAL)
		diag_error(d, at, "%s has manual keys only",
			   algo_info(found)->name);
	/* 1995 had no number in the packet, and no window to check it by. */
	for (unsigned w = POLICY_WORD_ESN; w <= POLICY_WORD_REPLAY_WINDOW; w++)
		if (a->at[w].line != 0)
			diag_error(d, &a->at[w],
				   "%s has no sequence numbers: no `esn`, "
				   "no `replay-window`",
				   algo_info(found)->name);
	diag_warn(d, at, "%s is broken: this is history, not protection",
		  algo_info(found)->name);
}

static void
check_lifetime(const struct policy_assoc *a, struct diag *d)
{
	const struct policy_place *at = &a->at[POLICY_WORD_LIFETIME];
	const struct policy_lifetime *l = &a->lifetime;
	const struct {
		uint64_t soft, hard;
		const char *what;
	} pairs[] = {
		{ l->soft_secs, l->hard_secs, "time" },
		{ l->soft_octets, l->hard_octets, "octets" },
		{ l->soft_packets, l->hard_packets, "packets" },
	};

	if (at->line == 0)
		return;
	if (a->keying == POLICY_KEYING_MANUAL)
		diag_error(d, at,
			   "manual keys have no lifetime: they end with "
			   "their counter");
	for (size_t i = 0; i < 3; i++)
		if (pairs[i].soft != 0 && pairs[i].hard != 0 &&
		    pairs[i].soft >= pairs[i].hard)
			diag_error(d, at,
				   "the soft limit of %s is not below "
				   "the hard one",
				   pairs[i].what);
}

static void
check_assoc(const struct policy *p, const struct policy_assoc *a,
	    struct diag *d)
{
	if (strcmp(a->name, "bypass") == 0 || strcmp(a->name, "discard") == 0)
		diag_error(d, &a->place,
			   "`%s` is a flow's target: no name for "
			   "an association",
			   a->name);
	check_required(a, d);
	check_said(&p->options, a, d);
	check_addresses(a, d);
	check_transform(a, d);
	check_historic(&p->options, a, d);
	check_lifetime(a, d);
	/* RFC 4303 3.3.3: without a window nothing tells the high half. */
	if (a->replay_window == 0 && a->esn)
		diag_error(d, &a->at[POLICY_WORD_REPLAY_WINDOW],
			   "`replay-window 0` needs `esn no` (RFC 4303 2.2.1)");
}

static void
check_unique(const struct policy *p, struct diag *d)
{
	struct unique names = { 0 }, saids = { 0 }, defines = { 0 };

	for (size_t i = 0; i < p->n_assocs; i++) {
		const struct policy_assoc *a = &p->assocs[i];

		unique_add(&names, a->name, strlen(a->name), &a->place);
		if (a->said != 0)
			unique_add(&saids, &a->said, sizeof(a->said),
				   &a->at[POLICY_WORD_SAID]);
	}
	for (size_t i = 0; i < p->n_defines; i++)
		unique_add(&defines, p->defines[i].name,
			   strlen(p->defines[i].name), &p->defines[i].place);
	unique_report(&names, d, "an association of this name");
	unique_report(&saids, d, "this SAID again");
	unique_report(&defines, d, "this define again");
}

/* Does the text hold the word, not as a part of another? */
static bool
has_word(const char *text, const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_";
	size_t len = strlen(word);
	const char *c = text;

	while ((c = strstr(c, word)) != NULL) {
		if ((c == text || strchr(letters, c[-1]) == NULL) &&
		    (c[len] == '\0' || strchr(letters, c[len]) == NULL))
			return true;
		c += len;
	}
	return false;
}

static bool
is_caught(const struct policy *p, const struct policy_flow *out)
{
	for (size_t i = 0; i < p->n_flows; i++) {
		const struct policy_flow *in = &p->flows[i];

		if (in->inbound && in->target != POLICY_TARGET_BYPASS &&
		    answers_are_caught(out->expression, in->expression))
			return true;
	}
	return false;
}

static bool
has_flow_in(const struct policy *p, size_t assoc)
{
	for (size_t i = 0; i < p->n_flows; i++)
		if (p->flows[i].inbound && p->flows[i].assoc == assoc &&
		    p->flows[i].target == POLICY_TARGET_ASSOC)
			return true;
	return false;
}

/* A connection is latched when its first packet has left: while that waits for
 * keys, a datagram in clear that claims to be the answer is nobody's. */
static bool
lets_answers_in(const struct policy *p, const struct policy_flow *f)
{
	return f->target == POLICY_TARGET_ASSOC && !f->inbound &&
	       p->options.by_default != POLICY_DEFAULT_DISCARD &&
	       p->options.park_packets != 0 &&
	       p->assocs[f->assoc].keying != POLICY_KEYING_MANUAL &&
	       !answers_are_numbered(f->expression) && !is_caught(p, f);
}

static void
warn_one_way(const struct policy *p, const struct policy_flow *f,
	     struct diag *d)
{
	if (has_flow_in(p, f->assoc))
		diag_warn(d, &f->expression_at,
			  "no `flow in` is seen to match all answers: while "
			  "the first packet of a connection waits for keys, "
			  "those in clear are let in");
	else
		diag_warn(d, &f->place,
			  "no `flow in %s` matches: while the first packet of "
			  "a connection waits for keys, answers in clear are "
			  "let in",
			  p->assocs[f->assoc].name);
}

static void
warn_flows(const struct policy *p, struct diag *d)
{
	/* The first of an association speaks for all. */
	bool *told = calloc(p->n_assocs + 1, sizeof(*told));

	for (size_t i = 0; i < p->n_flows; i++) {
		const struct policy_flow *f = &p->flows[i];
		bool answered = false;

		if (f->target != POLICY_TARGET_ASSOC)
			continue;
		if (!f->inbound) {
			if (told == NULL || told[f->assoc] ||
			    !lets_answers_in(p, f))
				continue;
			told[f->assoc] = true;
			warn_one_way(p, f, d);
			continue;
		}
		/* The first flow-in of an association speaks for all. */
		for (size_t j = 0; j < p->n_flows && !answered; j++)
			answered = p->flows[j].target == POLICY_TARGET_ASSOC &&
				   p->flows[j].assoc == f->assoc &&
				   (!p->flows[j].inbound || j < i);
		if (!answered)
			diag_warn(d, &f->place,
				  "no `flow out %s` matches: "
				  "replies are protected only while conntrack "
				  "remembers the connection",
				  p->assocs[f->assoc].name);
		if (!has_word(f->expression, "saddr"))
			diag_warn(
			    d, &f->expression_at,
			    "this names no peer "
			    "(saddr): everybody's packets that match must "
			    "come by %s",
			    p->assocs[f->assoc].name);
	}
	free(told);
}

int
check_policy(const struct policy *p, struct diag *d)
{
	check_options(&p->options, d);
	for (size_t i = 0; i < p->n_assocs; i++)
		check_assoc(p, &p->assocs[i], d);
	check_unique(p, d);
	check_keys(p, d);
	check_names(p, d);
	built_check(p, d);
	if (diag_errors(d) != 0)
		return -EINVAL;
	warn_flows(p, d);
	return 0;
}
