/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "policy/parser.h"

#define RATE_MAX 1000000

static bool
parse_said(struct parser *ps, struct policy_assoc *a)
{
	uint64_t v;

	if (!parser_number(ps, "expected a SAID such as 0x100", 1, UINT32_MAX,
			   &v))
		return false;
	a->said = (uint32_t)v;
	return true;
}

static bool
parse_local(struct parser *ps, struct policy_assoc *a)
{
	return parser_address(ps, &a->local);
}

static bool
parse_peer(struct parser *ps, struct policy_assoc *a)
{
	return parser_address(ps, &a->peer);
}

static bool
parse_mode(struct parser *ps, struct policy_assoc *a)
{
	static const char *const words[] = { "transport", "tunnel", NULL };
	unsigned i;

	if (!parser_choice(ps, words, &i))
		return false;
	if (i == 0) {
		a->mode = POLICY_MODE_TRANSPORT;
		return true;
	}
	if (!parser_expect(ps, "outer") ||
	    !parser_address(ps, &a->outer_local) ||
	    !parser_address(ps, &a->outer_peer))
		return false;
	a->mode = POLICY_MODE_TUNNEL;
	return true;
}

/* RFC 1829 has two forms; the language writes them `iv 32` and `iv 64`. */
static bool
parse_des(struct parser *ps, enum algo *out)
{
	uint64_t bits;

	if (!parser_expect(ps, "iv") ||
	    !parser_number(ps, "expected 32 or 64", 32, 64, &bits))
		return false;
	if (bits != 32 && bits != 64)
		return parser_error(ps, &ps->tok,
				    "des-cbc-1829 has `iv 32` "
				    "and `iv 64`, nothing else");
	*out = bits == 32 ? ALGO_DES_CBC_1829_IV32 : ALGO_DES_CBC_1829_IV64;
	return true;
}

/* The algorithm's name here, ALGO_NONE if it is none. */
static enum algo
peek_algo(const struct parser *ps)
{
	const struct token *t = &ps->tok;
	char name[40];

	if (t->kind != TOKEN_WORD || t->len >= sizeof(name))
		return ALGO_NONE;
	memcpy(name, t->text, t->len);
	name[t->len] = '\0';
	return algo_by_name(name);
}

static bool
is_kind(enum algo algo, enum algo_kind kind)
{
	return algo != ALGO_NONE && algo_info(algo)->kind == kind;
}

static bool
parse_enc(struct parser *ps, struct policy_assoc *a)
{
	enum algo algo = peek_algo(ps);

	if (parser_take(ps, "des-cbc-1829"))
		return parse_des(ps, &a->esp_enc);
	/* The table's own names of the two are not the language's. */
	if (algo == ALGO_DES_CBC_1829_IV32 || algo == ALGO_DES_CBC_1829_IV64)
		algo = ALGO_NONE;
	if (is_kind(algo, ALGO_KIND_AUTH))
		return parser_refuse(ps, "integrity alone does not encrypt: "
					 "`esp null AUTH`, or `ah AUTH`");
	if (algo == ALGO_NONE)
		return parser_refuse(ps, "no encryption algorithm");
	a->esp_enc = algo;
	parser_step(ps);
	return true;
}

static bool
parse_auth(struct parser *ps, enum algo *out)
{
	enum algo algo = peek_algo(ps);

	if (!is_kind(algo, ALGO_KIND_AUTH))
		return parser_refuse(ps, "no integrity algorithm");
	*out = algo;
	parser_step(ps);
	return true;
}

static bool
parse_protect(struct parser *ps, struct policy_assoc *a)
{
	if (parser_take(ps, "ah")) {
		if (!parse_auth(ps, &a->ah_auth))
			return false;
		if (!parser_take(ps, "esp"))
			return true;
	} else if (!parser_take(ps, "esp")) {
		return parser_refuse(ps, "expected `esp` or `ah`");
	}
	if (!parse_enc(ps, a))
		return false;
	return ps->tok.kind != TOKEN_WORD || parse_auth(ps, &a->esp_auth);
}

static bool
parse_encap(struct parser *ps, struct policy_assoc *a)
{
	a->encap_udp = true;
	return parser_expect(ps, "udp");
}

static bool
parse_esn(struct parser *ps, struct policy_assoc *a)
{
	return parser_yes_no(ps, &a->esn);
}

static bool
parse_replay_window(struct parser *ps, struct policy_assoc *a)
{
	struct token t = ps->tok;
	uint64_t v;

	if (!parser_number(ps, "expected a number of packets", 0, 32768, &v))
		return false;
	/* RFC 4303 3.4.3: 32 is the least that must be supported. */
	if (v != 0 && v < 32)
		return parser_error(ps, &t,
				    "a window is 32 to 32768 packets, "
				    "or 0 for none (RFC 4303 3.4.3)");
	a->replay_window = (unsigned)v;
	return true;
}

static bool
parse_tfc_pad(struct parser *ps, struct policy_assoc *a)
{
	uint64_t v;

	if (parser_take(ps, "mtu")) {
		a->tfc_pad = POLICY_TFC_PAD_MTU;
		return true;
	}
	if (!parser_number(ps, "expected octets or `mtu`", 0, 65535, &v))
		return false;
	a->tfc_pad = (uint32_t)v;
	return true;
}

static bool
parse_dummy(struct parser *ps, struct policy_assoc *a)
{
	const struct token *t = &ps->tok;
	uint64_t v;

	if (!parser_expect(ps, "rate"))
		return false;
	if (t->kind != TOKEN_WORD || t->len < 3 ||
	    memcmp(t->text + t->len - 2, "/s", 2) != 0 ||
	    !number_parse(t->text, t->len - 2, &v) || v > RATE_MAX)
		return parser_refuse(ps, "expected packets a second, as in "
					 "`10/s`");
	a->dummy_rate = (uint32_t)v;
	parser_step(ps);
	return true;
}

static bool
parse_dscp(struct parser *ps, struct policy_assoc *a)
{
	static const char *const words[] = { "copy", "set", NULL };
	uint64_t v;
	unsigned i;

	if (!parser_choice(ps, words, &i))
		return false;
	if (i == 0)
		return true;
	if (!parser_number(ps, "expected a code point", 0, 63, &v))
		return false;
	a->dscp = POLICY_DSCP_SET;
	a->dscp_value = (uint8_t)v;
	return true;
}

static bool
parse_df(struct parser *ps, struct policy_assoc *a)
{
	static const char *const words[] = { "copy", "set", "clear", NULL };
	unsigned i;

	if (!parser_choice(ps, words, &i))
		return false;
	a->df = i == 0   ? POLICY_DF_COPY
		: i == 1 ? POLICY_DF_SET
			 : POLICY_DF_CLEAR;
	return true;
}

/* `50m 80G 1000p` in any order, each kind at most once. */
static bool
parse_limits(struct parser *ps, uint64_t *secs, uint64_t *octets,
	     uint64_t *packets)
{
	uint64_t *to[] = { [NUMBER_SECS] = secs,
			   [NUMBER_OCTETS] = octets,
			   [NUMBER_PACKETS] = packets };
	bool any = false;

	while (ps->tok.kind == TOKEN_WORD && !parser_is(ps, "soft") &&
	       !parser_is(ps, "hard")) {
		enum number_unit unit;
		uint64_t v;

		if (!number_parse_unit(ps->tok.text, ps->tok.len, &unit, &v))
			return parser_refuse(ps,
					     "expected a time (s m h d), "
					     "octets (k M G T) or packets (p)");
		if (v == 0)
			return parser_refuse(ps, "a limit of nothing");
		if (*to[unit] != 0)
			return parser_refuse(ps, "a second limit of its kind");
		*to[unit] = v;
		any = true;
		parser_step(ps);
	}
	return any || parser_refuse(ps, "expected a limit");
}

static bool
parse_lifetime(struct parser *ps, struct policy_assoc *a)
{
	struct policy_lifetime *l = &a->lifetime;
	bool soft = false, hard = false;

	while (ps->tok.kind == TOKEN_WORD) {
		if (!soft && parser_take(ps, "soft")) {
			soft = true;
			if (!parse_limits(ps, &l->soft_secs, &l->soft_octets,
					  &l->soft_packets))
				return false;
		} else if (!hard && parser_take(ps, "hard")) {
			hard = true;
			if (!parse_limits(ps, &l->hard_secs, &l->hard_octets,
					  &l->hard_packets))
				return false;
		} else {
			break;
		}
	}
	if (!soft && !hard)
		return parser_refuse(ps, "expected `soft` or `hard`");
	return true;
}

_Static_assert(POLICY_BIND_MAX == 16, "as the message says");

static bool
add_name(struct parser *ps, char ***list)
{
	char **grown, *name = NULL;
	size_t n = 0;

	while (*list != NULL && (*list)[n] != NULL)
		n++;
	if (n == POLICY_BIND_MAX)
		return parser_refuse(ps, "more than 16 of them");
	if (!parser_string(ps, "expected a name", &name))
		return false;
	grown = reallocarray(*list, n + 2, sizeof(*grown));
	if (grown == NULL) {
		free(name);
		return parser_no_memory(ps);
	}
	grown[n] = name;
	grown[n + 1] = NULL;
	*list = grown;
	return true;
}

static bool
parse_bind(struct parser *ps, struct policy_assoc *a)
{
	static const char *const words[] = { "user", "group", NULL };
	bool more = false;
	unsigned i;

	do {
		if (more)
			parser_step(ps);
		more = true;
		if (!parser_choice(ps, words, &i) ||
		    !add_name(ps, i == 0 ? &a->bind_users : &a->bind_groups))
			return false;
	} while (ps->tok.kind == TOKEN_COMMA);
	return true;
}

static const struct {
	const char *word;
	bool (*parse)(struct parser *ps, struct policy_assoc *a);
} statements[POLICY_WORD_COUNT] = {
	[POLICY_WORD_SAID] = { "said", parse_said },
	[POLICY_WORD_LOCAL] = { "local", parse_local },
	[POLICY_WORD_PEER] = { "peer", parse_peer },
	[POLICY_WORD_MODE] = { "mode", parse_mode },
	[POLICY_WORD_PROTECT] = { "protect", parse_protect },
	[POLICY_WORD_ENCAP] = { "encap", parse_encap },
	[POLICY_WORD_ESN] = { "esn", parse_esn },
	[POLICY_WORD_REPLAY_WINDOW] = { "replay-window", parse_replay_window },
	[POLICY_WORD_TFC_PAD] = { "tfc-pad", parse_tfc_pad },
	[POLICY_WORD_DUMMY] = { "dummy", parse_dummy },
	[POLICY_WORD_DSCP] = { "dscp", parse_dscp },
	[POLICY_WORD_DF] = { "df", parse_df },
	[POLICY_WORD_LIFETIME] = { "lifetime", parse_lifetime },
	[POLICY_WORD_KEYING] = { "keying", parse_assoc_keying },
	[POLICY_WORD_BIND] = { "bind", parse_bind },
};

static bool
parse_statement(struct parser *ps, void *arg)
{
	struct policy_assoc *a = arg;
	struct token word = ps->tok;

	for (unsigned i = 0; i < POLICY_WORD_COUNT; i++) {
		if (!parser_take(ps, statements[i].word))
			continue;
		return parser_once(ps, &word, &a->at[i]) &&
		       statements[i].parse(ps, a);
	}
	return parser_refuse(ps, "no such statement of an association");
}

bool
parse_assoc_block(struct parser *ps)
{
	struct policy *p = ps->policy;
	struct policy_place place = parser_place(ps, &ps->tok);
	struct policy_assoc *a;
	char name[POLICY_NAME_MAX + 1];

	if (!parser_name(ps, "expected the association's name", name,
			 sizeof(name)))
		return false;
	a = parser_grow(ps, p->assocs, &p->n_assocs, sizeof(*a));
	if (a == NULL)
		return false;
	p->assocs = a;
	a += p->n_assocs - 1;
	a->place = place;
	memcpy(a->name, name, sizeof(a->name));
	a->esn = true;
	a->replay_window = 1024;
	if (parser_block(ps, parse_statement, a))
		return true;
	/* What was not read is not missing: one error is enough. */
	for (unsigned i = 0; i < POLICY_WORD_COUNT; i++)
		if (a->at[i].line == 0)
			a->at[i] = place;
	return false;
}
