/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "policy/parser.h"

static bool
parse_range(struct parser *ps, uint32_t *first, uint32_t *last)
{
	const struct token *t = &ps->tok;
	uint64_t a, b;

	if (t->kind != TOKEN_WORD ||
	    !number_parse_range(t->text, t->len, &a, &b) || b > UINT32_MAX)
		return parser_refuse(ps, "expected FIRST-LAST");
	*first = (uint32_t)a;
	*last = (uint32_t)b;
	parser_step(ps);
	return true;
}

static bool
parse_unsigned(struct parser *ps, uint64_t min, uint64_t max, unsigned *out)
{
	uint64_t v;

	if (!parser_number(ps, "expected a number", min, max, &v))
		return false;
	*out = (unsigned)v;
	return true;
}

static bool
parse_said_mask(struct parser *ps, struct policy_options *o)
{
	uint64_t v;

	if (!parser_number(ps, "expected a mask such as 0x3fff", 1, UINT32_MAX,
			   &v))
		return false;
	o->said_mask = (uint32_t)v;
	return true;
}

static bool
parse_said_range(struct parser *ps, struct policy_options *o)
{
	return parse_range(ps, &o->said_first, &o->said_last);
}

static bool
parse_dynamic_said(struct parser *ps, struct policy_options *o)
{
	return parse_range(ps, &o->dynamic_first, &o->dynamic_last);
}

static bool
parse_workers(struct parser *ps, struct policy_options *o)
{
	o->workers = 0;
	return parser_take(ps, "auto") ||
	       parse_unsigned(ps, 1, 256, &o->workers);
}

static bool
parse_queue_length(struct parser *ps, struct policy_options *o)
{
	return parse_unsigned(ps, 1, 1u << 20, &o->queue_length);
}

static bool
parse_max_sa(struct parser *ps, struct policy_options *o)
{
	return parse_unsigned(ps, 2, 1u << 22, &o->max_sa);
}

static bool
parse_udp_encap_port(struct parser *ps, struct policy_options *o)
{
	unsigned v;

	if (!parse_unsigned(ps, 1, 65535, &v))
		return false;
	o->udp_encap_port = (uint16_t)v;
	return true;
}

static bool
parse_unknown_spi(struct parser *ps, struct policy_options *o)
{
	static const char *const words[] = { "pass", "drop", NULL };
	unsigned i;

	if (!parser_choice(ps, words, &i))
		return false;
	o->unknown_spi =
	    i == 0 ? POLICY_UNKNOWN_SPI_PASS : POLICY_UNKNOWN_SPI_DROP;
	return true;
}

static bool
parse_default(struct parser *ps, struct policy_options *o)
{
	static const char *const words[] = { "allow", "discard", NULL };
	unsigned i;

	if (!parser_choice(ps, words, &i))
		return false;
	o->by_default = i == 0 ? POLICY_DEFAULT_ALLOW : POLICY_DEFAULT_DISCARD;
	return true;
}

static bool
parse_park(struct parser *ps, struct policy_options *o)
{
	return parser_expect(ps, "packets") &&
	       parse_unsigned(ps, 0, 65536, &o->park_packets) &&
	       parser_expect(ps, "seconds") &&
	       parse_unsigned(ps, 1, 3600, &o->park_secs);
}

static bool
parse_allow_capture(struct parser *ps, struct policy_options *o)
{
	return parser_yes_no(ps, &o->allow_capture);
}

static bool
parse_allow_historic(struct parser *ps, struct policy_options *o)
{
	return parser_yes_no(ps, &o->allow_historic);
}

static const struct {
	const char *word;
	bool (*parse)(struct parser *ps, struct policy_options *o);
} statements[POLICY_OPTION_COUNT] = {
	[POLICY_OPTION_SAID_MASK] = { "said-mask", parse_said_mask },
	[POLICY_OPTION_SAID_RANGE] = { "said-range", parse_said_range },
	[POLICY_OPTION_DYNAMIC_SAID] = { "dynamic-said", parse_dynamic_said },
	[POLICY_OPTION_WORKERS] = { "workers", parse_workers },
	[POLICY_OPTION_QUEUE_LENGTH] = { "queue-length", parse_queue_length },
	[POLICY_OPTION_MAX_SA] = { "max-sa", parse_max_sa },
	[POLICY_OPTION_UDP_ENCAP_PORT] = { "udp-encap-port",
					   parse_udp_encap_port },
	[POLICY_OPTION_UNKNOWN_SPI] = { "unknown-spi", parse_unknown_spi },
	[POLICY_OPTION_DEFAULT] = { "default", parse_default },
	[POLICY_OPTION_PARK] = { "park", parse_park },
	[POLICY_OPTION_ALLOW_CAPTURE] = { "allow-capture",
					  parse_allow_capture },
	[POLICY_OPTION_ALLOW_HISTORIC] = { "allow-historic",
					   parse_allow_historic },
};

static bool
parse_statement(struct parser *ps, void *arg)
{
	struct policy_options *o = arg;
	struct token word = ps->tok;

	for (unsigned i = 0; i < POLICY_OPTION_COUNT; i++) {
		if (!parser_take(ps, statements[i].word))
			continue;
		return parser_once(ps, &word, &o->at[i]) &&
		       statements[i].parse(ps, o);
	}
	return parser_refuse(ps, "no such option");
}

bool
parse_options_block(struct parser *ps)
{
	return parser_block(ps, parse_statement, &ps->policy->options);
}
