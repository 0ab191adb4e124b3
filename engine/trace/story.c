/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/trace/story.h"

#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/trace/advice.h"
#include "engine/wire/ip.h"
#include "policy/nftgen.h"

#define COUNTER   " counter name \"flow-"
#define DROP      "counter name \"drop-"
#define HASH      17 /* octets at the end of a flow counter's name */
#define ANONYMOUS "__chain"

const char *
story_outcome_name(enum story_outcome o)
{
	static const char *const names[] = {
		[STORY_DROPPED] = "dropped",     [STORY_LEFT] = "left",
		[STORY_DELIVERED] = "delivered", [STORY_WAITING] = "waiting",
		[STORY_UNSEEN] = "unseen",
	};

	return names[o];
}

static bool
is_main(const struct traceread_step *s)
{
	return s->family == NFPROTO_INET && strcmp(s->table, NFTGEN_MAIN) == 0;
}

static bool
is_guard(const struct traceread_step *s)
{
	return s->family == NFPROTO_INET && strcmp(s->table, NFTGEN_GUARD) == 0;
}

static bool
is_security(uint8_t protocol)
{
	return protocol == IP_ESP || protocol == IP_AH;
}

static const struct ruletext_rule *
rule_of(struct ruletext *rules, const struct traceread_step *s)
{
	/* Rules of an anonymous chain stand in the text of the rule that
	 * leads there. */
	if (s->kind != TRACEREAD_RULE ||
	    strncmp(s->chain, ANONYMOUS, sizeof(ANONYMOUS) - 1) == 0)
		return NULL;
	return ruletext_find(rules, s->family, s->table, s->handle);
}

/* ---- flows ---- */

static void
copy(char *to, size_t size, const char *from, size_t len)
{
	size_t n = strnlen(from, len < size - 1 ? len : size - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

/* EXPRESSION counter name "flow-out-TARGET-0123456789abcdef" ... */
static void
read_flow(struct ruletext *rules, const struct traceread_step *s,
	  const struct ruletext_rule *rule, struct story_flow *f)
{
	static const char in[] = "flows-in", out[] = "flows-out";
	bool inbound = strcmp(s->chain, in) == 0;
	const char *counter, *name, *end;
	size_t len;

	/* The chain's own rules behind the flows only drop. */
	if (s->verdict == TRACEREAD_CONTINUE || s->verdict == TRACEREAD_DROP ||
	    (!inbound && strcmp(s->chain, out) != 0))
		return;
	counter = strstr(rule->text, COUNTER);
	if (counter == NULL) {
		/* The guard counts no flows; what the main table said stays. */
		if (f->known)
			return;
		end = strstr(rule->text, " goto ");
		copy(f->expression, sizeof(f->expression), rule->text,
		     end == NULL ? strlen(rule->text)
				 : (size_t)(end - rule->text));
		f->target[0] = '\0';
	} else {
		name = counter + sizeof(COUNTER) - 1;
		name += strcspn(name, "-") + 1;
		len = strcspn(name, "\"");
		copy(f->target, sizeof(f->target), name,
		     len > HASH ? len - HASH : 0);
		copy(f->expression, sizeof(f->expression), rule->text,
		     (size_t)(counter - rule->text));
	}
	f->known = true;
	f->inbound = inbound;
	f->place = ruletext_place(rules, s->family, s->table, rule);
}

/* ---- why it went in clear ---- */

static const char *
read_pass(const struct traceread_step *s, const struct ruletext_rule *rule)
{
	if (strcmp(s->chain, "exempted") == 0 ||
	    strcmp(s->chain, "exempt") == 0)
		return "neighbour discovery and multicast listeners are exempt";
	if (s->verdict != TRACEREAD_ACCEPT ||
	    strncmp(s->chain, "flows-", 6) == 0)
		return NULL;
	if (strstr(rule->text, "if \"lo\"") != NULL)
		return "lo is not protected";
	if (strstr(rule->text, "skuid @keyers") != NULL)
		return "it is key negotiation's own";
	if (strncmp(rule->text, "ct mark", 7) == 0 ||
	    strncmp(rule->text, "udp dport", 9) == 0)
		return "it belongs to key negotiation";
	return NULL;
}

static const char *
read_choice(const struct traceread_step *s, const struct ruletext_rule *rule)
{
	if (strcmp(s->chain, "classify") != 0)
		return NULL;
	if (strstr(rule->text, "@restore") != NULL)
		return "its connection is under that association";
	if (strstr(rule->text, "@latch goto") != NULL)
		return "its socket (SO_MARK) or a rule of yours says so";
	return NULL;
}

/* ---- drops ---- */

static void
name_step(const struct traceread_step *s, char by[200])
{
	(void)snprintf(by, 200, "table %s %s, chain %s",
		       ruletext_family(s->family), s->table,
		       strncmp(s->chain, ANONYMOUS, sizeof(ANONYMOUS) - 1) == 0
			   ? "flows-in"
			   : s->chain);
}

/* ... counter name "drop-in-latch" drop */
static bool
read_reason(const char *text, char reason[64])
{
	const char *at = text == NULL ? NULL : strstr(text, DROP), *why;
	char name[NFTGEN_COUNTER_MAX];
	bool inbound;

	if (at == NULL)
		return false;
	at = strchr(at, '"') + 1;
	copy(name, sizeof(name), at, strcspn(at, "\""));
	if (!nftgen_drop_counter(name, &inbound, &why))
		return false;
	copy(reason, 64, why, strlen(why));
	return true;
}

static void
tell_foreign(const struct traceread_step *s, const struct ruletext_rule *rule,
	     struct story *out)
{
	copy(out->rule, sizeof(out->rule),
	     s->kind == TRACEREAD_POLICY ? "policy drop"
	     : rule == NULL              ? "a rule"
					 : rule->text,
	     sizeof(out->rule));
	(void)snprintf(out->what, sizeof(out->what), "by %s: %.400s", out->by,
		       out->rule);
	out->advice = "this rule is not nfipsec's: let it accept the packet";
}

/* `before`: the text of the rule that led into an anonymous chain. */
static void
tell_drop(struct ruletext *rules, const struct traceread_step *s,
	  const char *before, struct story *out)
{
	const struct ruletext_rule *rule = rule_of(rules, s);
	const char *sentence;

	name_step(s, out->by);
	if ((!is_main(s) && !is_guard(s)) ||
	    !read_reason(rule != NULL ? rule->text : before, out->reason)) {
		tell_foreign(s, rule, out);
		return;
	}
	sentence = nftgen_drop_sentence(out->reason);
	(void)snprintf(out->what, sizeof(out->what), "%s: %s (%s)", out->reason,
		       sentence == NULL ? "" : sentence, out->by);
	out->advice = advice_for(out->reason);
}

static void
tell_engine_drop(const struct journey *j, struct story *out)
{
	(void)snprintf(out->by, sizeof(out->by), "the engine");
	copy(out->reason, sizeof(out->reason), j->drop.reason, 63);
	(void)snprintf(out->what, sizeof(out->what), "%s: %s (the engine)",
		       j->drop.reason, j->drop.sentence);
	out->advice = advice_for(j->drop.reason);
}

/* ---- all together ---- */

struct reading {
	const char *pass, *choice; /* why clear, why protected */
	char before[1024];         /* the last rule of ours with a text */
	bool main_seen, guard_seen, done, leaves;
};

static void
read_step(struct ruletext *rules, const struct story_marks *m,
	  const struct traceread_step *s, struct reading *r, struct story *out)
{
	const struct ruletext_rule *rule = NULL;
	uint32_t bits = s->mark & m->mask;
	uint32_t low = m->mask & (~m->mask + 1), said = low ? bits / low : 0;
	const char *what;

	r->done = m->mask != 0 && bits == m->mask;
	r->leaves |= s->oif != 0;
	if (said >= m->first && said <= m->last) {
		out->said = said;
		/* No device to leave by yet: the engine gave it this one. */
		if (!r->leaves)
			out->came_said = said;
	}
	if (s->seen && is_security(s->packet.protocol)) {
		out->sealed = s->packet;
		out->has_sealed = true;
	}
	r->main_seen |= is_main(s);
	r->guard_seen |= is_guard(s);
	if (is_main(s) || is_guard(s))
		rule = rule_of(rules, s);
	if (rule == NULL)
		return;
	copy(r->before, sizeof(r->before), rule->text, strlen(rule->text));
	read_flow(rules, s, rule, &out->flow);
	if (!is_main(s))
		return;
	what = read_pass(s, rule);
	r->pass = what != NULL ? what : r->pass;
	what = read_choice(s, rule);
	r->choice = what != NULL ? what : r->choice;
}

static void
tell_passed(const struct journey *j, const struct reading *r, struct story *out)
{
	bool bypass =
	    out->flow.known && strcmp(out->flow.target, "bypass") == 0;
	const char *why;

	out->secured = out->outcome == STORY_LEFT
			   ? r->done && is_security(j->last.protocol)
			   : out->said != 0;
	if (out->secured && is_security(j->first.protocol) && j->outbound) {
		copy(out->what, sizeof(out->what),
		     "the engine sent it, a segment of TCP", 100);
		return;
	}
	if (out->secured) {
		copy(out->what, sizeof(out->what),
		     r->choice == NULL || out->flow.known ? "" : r->choice,
		     100);
		return;
	}
	if (r->pass != NULL) {
		why = r->pass;
	} else if (!r->main_seen) {
		why = "nfipsec's rules are not there";
		out->advice = "start nfipsecd, then: nfipsec status";
	} else if (bypass) {
		why = "a flow says bypass";
	} else if (is_security(j->last.protocol)) {
		why = "its SPI is nobody's here: left to the kernel";
		out->advice = advice_for("unknown-spi");
	} else {
		why = out->inbound && out->outcome == STORY_DELIVERED
			  ? "no flow in matches it"
			  : "no flow out matches it";
		out->advice =
		    "write a flow for it, or widen one: nfipsec show flows "
		    "lists them in the order in which they are tried";
	}
	copy(out->what, sizeof(out->what), why, strlen(why));
}

static void
tell_lost_sight(const struct journey *j, struct story *out)
{
	const struct traceread_step *s = &j->steps[j->n - 1];

	name_step(s, out->by);
	if (j->end == JOURNEY_QUEUED) {
		(void)snprintf(out->what, sizeof(out->what),
			       j->ours ? "the engine has it: it waits for "
					 "keys, or left in other packets"
				       : "in a queue of another program");
		out->advice = j->ours ? "nfipsec show queues; nfipsec monitor "
					"acquire"
				      : "ask that program";
		return;
	}
	(void)snprintf(out->what, sizeof(out->what),
		       "no rule of nftables dropped it, and it did not arrive; "
		       "last seen in %s",
		       out->by);
	out->advice = "routing and rp_filter, iptables-legacy, a qdisc or BPF "
		      "can take packets where nftables does not see it";
}

void
story_tell(struct ruletext *rules, const struct story_marks *marks,
	   const struct journey *j, struct story *out)
{
	struct reading r = { 0 };

	memset(out, 0, sizeof(*out));
	out->inbound = !j->outbound;
	for (size_t i = 0; i < j->n; i++)
		read_step(rules, marks, &j->steps[i], &r, out);
	switch (j->end) {
	case JOURNEY_DROPPED:
		out->outcome = STORY_DROPPED;
		tell_drop(rules, &j->steps[j->n - 1], r.before, out);
		break;
	case JOURNEY_ENGINE:
		out->outcome = STORY_DROPPED;
		tell_engine_drop(j, out);
		break;
	case JOURNEY_SENT:
		out->outcome = STORY_LEFT;
		out->secured = true;
		copy(out->what, sizeof(out->what),
		     "sealed segment by segment (TCP offload)", 100);
		break;
	case JOURNEY_LEFT:
		out->outcome = STORY_LEFT;
		tell_passed(j, &r, out);
		break;
	case JOURNEY_DELIVERED:
		out->outcome = STORY_DELIVERED;
		tell_passed(j, &r, out);
		break;
	case JOURNEY_QUEUED:
		out->outcome = STORY_WAITING;
		tell_lost_sight(j, out);
		break;
	case JOURNEY_UNDERWAY:
	case JOURNEY_UNSEEN:
		out->outcome = STORY_UNSEEN;
		tell_lost_sight(j, out);
		break;
	}
}
