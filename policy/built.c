/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>

#include "policy/built.h"

static bool
uses_tunnel(const struct policy_assoc *a)
{
	return a->mode == POLICY_MODE_TUNNEL;
}

static bool
uses_ipv6_local(const struct policy_assoc *a)
{
	return a->local.family == IP_FAMILY_6;
}

static bool
uses_ipv6_peer(const struct policy_assoc *a)
{
	return a->peer.family == IP_FAMILY_6;
}

static bool
uses_encap(const struct policy_assoc *a)
{
	return a->encap_udp;
}

/* keynegd makes one pair at a time. */
static bool
uses_negotiated_bundle(const struct policy_assoc *a)
{
	return a->keying == POLICY_KEYING_KERBEROS && a->ah_auth != ALGO_NONE &&
	       a->esp_enc != ALGO_NONE;
}

static bool
uses_photuris(const struct policy_assoc *a)
{
	return a->keying == POLICY_KEYING_PHOTURIS;
}

/* `dscp` and `df` are tunnel mode's alone: they need no rows. */
static const struct {
	const char *word;
	enum policy_word at;
	bool (*used)(const struct policy_assoc *a);
} assoc_rows[] = {
	{ "`mode tunnel`", POLICY_WORD_MODE, uses_tunnel },
	{ "an IPv6 address", POLICY_WORD_LOCAL, uses_ipv6_local },
	{ "an IPv6 address", POLICY_WORD_PEER, uses_ipv6_peer },
	{ "`encap udp`", POLICY_WORD_ENCAP, uses_encap },
	{ "AH and ESP together under keying kerberos", POLICY_WORD_PROTECT,
	  uses_negotiated_bundle },
	{ "`keying photuris`", POLICY_WORD_KEYING, uses_photuris },
};

/* An option that says what is done anyway asks for nothing. */
static bool
uses_encap_port(const struct policy *p)
{
	return p->options.udp_encap_port != 4500;
}

static bool
uses_capture(const struct policy *p)
{
	return p->options.allow_capture;
}

static const struct {
	const char *word;
	enum policy_option at;
	bool (*used)(const struct policy *p);
} option_rows[] = {
	{ "udp-encap-port", POLICY_OPTION_UDP_ENCAP_PORT, uses_encap_port },
	{ "allow-capture", POLICY_OPTION_ALLOW_CAPTURE, uses_capture },
};

void
built_check(const struct policy *p, struct diag *d)
{
	for (size_t i = 0; i < sizeof(option_rows) / sizeof(*option_rows); i++)
		if (option_rows[i].used(p))
			diag_error(d, &p->options.at[option_rows[i].at],
				   "`%s` is not built yet",
				   option_rows[i].word);
	for (size_t n = 0; n < p->n_assocs; n++) {
		const struct policy_assoc *a = &p->assocs[n];

		for (size_t i = 0; i < sizeof(assoc_rows) / sizeof(*assoc_rows);
		     i++)
			if (assoc_rows[i].used(a))
				diag_error(d, &a->at[assoc_rows[i].at],
					   "%s is not built yet",
					   assoc_rows[i].word);
	}
	for (size_t i = 0; i < p->n_principals; i++)
		if (p->principals[i].kind == POLICY_PRINCIPAL_DNS)
			diag_error(d, &p->principals[i].place,
				   "`dns` is not built yet");
}
