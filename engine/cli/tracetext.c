/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/cli/tracetext.h"

#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "engine/cli/jsonout.h"
#include "engine/trace/advice.h"
#include "engine/wire/ip.h"

static const char *
device(uint32_t index, char name[IF_NAMESIZE])
{
	return index != 0 && if_indextoname(index, name) != NULL ? name : "";
}

static const char *
verdict_name(const struct traceread_step *s)
{
	switch (s->verdict) {
	case TRACEREAD_GOTO:
		return "goto";
	case TRACEREAD_JUMP:
		return "jump";
	case TRACEREAD_DROP:
		return "drop";
	case TRACEREAD_ACCEPT:
		return "accept";
	case TRACEREAD_QUEUE:
		return "queue";
	case TRACEREAD_STOLEN:
		return "stolen";
	}
	return "continue";
}

/* The rule's text, or what the step is instead. */
static const char *
step_text(const struct tracetext *t, const struct traceread_step *s)
{
	const struct ruletext_rule *rule;

	if (s->kind == TRACEREAD_POLICY)
		return "policy";
	/* those of anonymous chains have no text of their own */
	rule = strncmp(s->chain, "__chain", 7) == 0
		   ? NULL
		   : ruletext_find(t->rules, s->family, s->table, s->handle);
	return rule == NULL ? "a rule" : rule->text;
}

/* ---- for people ----------------------------------------------------------
 */

static void
print_end(const struct ipaddr *a, uint16_t port)
{
	char text[IPADDR_TEXT];
	bool v6 = a->family == IP_FAMILY_6;

	(void)ipaddr_format(a, text);
	if (port == 0)
		(void)printf("%s", text);
	else
		(void)printf("%s%s%s:%u", v6 ? "[" : "", text, v6 ? "]" : "",
			     port);
}

static void
print_packet(const struct sighting *p)
{
	char protocol[16];

	(void)printf("%s ", cell_protocol(p->protocol, protocol));
	print_end(&p->src, p->sport);
	(void)printf(" > ");
	print_end(&p->dst, p->dport);
	(void)printf(", %u octets", p->length);
}

static void
print_sealed(const struct sighting *p)
{
	(void)printf("%s, SPI 0x%08" PRIx32 ", number %" PRIu32,
		     p->protocol == IP_AH ? "AH" : "ESP", p->spi, p->seq);
}

static void
print_association(const struct tracetext *t, uint32_t said)
{
	const char *name = tracenames_assoc(t->names, said);

	(void)printf("%s%s(0x%" PRIx32 ")", name, name[0] == '\0' ? "" : " ",
		     said);
}

/* "esp", "ah", "clear": how it came; "" for what began here. */
static const char *
came_as(const struct tracetext *t)
{
	if (!t->story->inbound)
		return "";
	switch (t->journey->first.protocol) {
	case IP_ESP:
		return "esp";
	case IP_AH:
		return "ah";
	}
	/* The expression met it when it was opened already. */
	return t->story->came_said != 0 ? "esp" : "clear";
}

static void
print_came(const struct tracetext *t)
{
	const struct story *s = t->story;
	const struct sighting *first = &t->journey->first;
	bool sealed = first->protocol == IP_ESP || first->protocol == IP_AH;

	if (!s->inbound)
		return;
	(void)printf("  came ");
	if (sealed)
		print_sealed(first);
	else if (s->came_said != 0)
		(void)printf("protected");
	else
		(void)printf("in clear");
	if (s->came_said != 0) {
		(void)printf(" under ");
		print_association(t, s->came_said);
	}
	if (t->journey->opened) {
		(void)printf(": ");
		print_packet(&t->journey->inner);
	}
	(void)putchar('\n');
}

static void
print_flow(const struct tracetext *t)
{
	const struct story_flow *f = &t->story->flow;
	const struct proto_flow *flow = tracenames_flow(t->names, f);

	if (!f->known)
		return;
	if (flow != NULL)
		(void)printf("  flow %s %s \"%s\" (%s)\n",
			     f->inbound ? "in" : "out", flow->target,
			     flow->expression, flow->place);
	else
		(void)printf("  flow %s %s%s\"%s\"\n",
			     f->inbound ? "in" : "out", f->target,
			     f->target[0] == '\0' ? "" : " ", f->expression);
}

static void
print_outcome(const struct tracetext *t)
{
	const struct story *s = t->story;

	switch (s->outcome) {
	case STORY_DROPPED:
		(void)printf("  DROPPED %s\n", s->what);
		break;
	case STORY_LEFT:
		(void)printf("  LEFT %s",
			     s->secured ? "PROTECTED: " : "IN CLEAR: ");
		if (s->secured) {
			if (t->journey->end != JOURNEY_SENT)
				print_sealed(&t->journey->last);
			if (s->said != 0) {
				(void)printf(
				    "%sunder ",
				    t->journey->end == JOURNEY_SENT ? "" : " ");
				print_association(t, s->said);
			}
			(void)printf("%s%s", s->what[0] == '\0' ? "" : "; ",
				     s->what);
		} else {
			(void)printf("%s", s->what);
		}
		(void)putchar('\n');
		break;
	case STORY_DELIVERED:
		(void)printf("  DELIVERED%s%s\n",
			     s->secured ? ", PROTECTED" : " IN CLEAR: ",
			     s->secured ? "" : s->what);
		break;
	case STORY_WAITING:
		(void)printf("  WAITS: %s\n", s->what);
		break;
	case STORY_UNSEEN:
		(void)printf("  GONE: %s\n", s->what);
		break;
	}
}

static void
print_steps(const struct tracetext *t)
{
	const struct journey *j = t->journey;

	for (size_t i = 0; i < j->n; i++) {
		const struct traceread_step *s = &j->steps[i];

		if (s->kind == TRACEREAD_RETURN)
			continue;
		(void)printf("    %s %s %s: %s: %s\n",
			     ruletext_family(s->family), s->table, s->chain,
			     step_text(t, s), verdict_name(s));
	}
	if (j->untold != 0)
		(void)printf("    %zu steps more\n", j->untold);
}

void
tracetext_print(const struct tracetext *t)
{
	const struct journey *j = t->journey;
	char time[32], in[IF_NAMESIZE], out[IF_NAMESIZE];

	(void)printf("%s ", cell_time(t->wall_ms, time));
	print_packet(&j->first);
	if (j->iif != 0)
		(void)printf(", in by %s", device(j->iif, in));
	if (j->oif != 0)
		(void)printf(", out by %s", device(j->oif, out));
	(void)putchar('\n');
	print_came(t);
	print_flow(t);
	if (j->waited_ms != 0)
		(void)printf("  waited %" PRIu64 ".%" PRIu64 " s\n",
			     j->waited_ms / 1000, j->waited_ms % 1000 / 100);
	print_outcome(t);
	if (t->story->advice != NULL)
		(void)printf("  -> %s\n", t->story->advice);
	if (t->steps)
		print_steps(t);
}

/* ---- JSON ----------------------------------------------------------------
 */

static void
set_packet(json_t *o, const struct sighting *p)
{
	char text[IPADDR_TEXT], protocol[16];

	jsonout_text(o, "protocol", cell_protocol(p->protocol, protocol));
	jsonout_text(o, "source", ipaddr_format(&p->src, text));
	jsonout_text(o, "destination", ipaddr_format(&p->dst, text));
	jsonout_count(o, "sport", p->sport);
	jsonout_count(o, "dport", p->dport);
	jsonout_count(o, "length", p->length);
}

static json_t *
flow_json(const struct tracetext *t)
{
	const struct story_flow *f = &t->story->flow;
	const struct proto_flow *flow = tracenames_flow(t->names, f);
	json_t *o;

	if (!f->known)
		return json_null();
	o = json_object();
	jsonout_text(o, "direction", f->inbound ? "in" : "out");
	jsonout_text(o, "target", flow != NULL ? flow->target : f->target);
	jsonout_text(o, "expression",
		     flow != NULL ? flow->expression : f->expression);
	jsonout_text(o, "place", flow != NULL ? flow->place : "");
	return o;
}

static json_t *
steps_json(const struct tracetext *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->journey->n; i++) {
		const struct traceread_step *s = &t->journey->steps[i];
		json_t *o;

		if (s->kind == TRACEREAD_RETURN)
			continue;
		o = json_object();
		jsonout_text(o, "family", ruletext_family(s->family));
		jsonout_text(o, "table", s->table);
		jsonout_text(o, "chain", s->chain);
		jsonout_count(o, "handle", s->handle);
		jsonout_text(o, "rule", step_text(t, s));
		jsonout_text(o, "verdict", verdict_name(s));
		jsonout_count(o, "mark", s->mark);
		(void)json_array_append_new(list, o);
	}
	return list;
}

void
tracetext_print_json(const struct tracetext *t)
{
	const struct journey *j = t->journey;
	const struct story *s = t->story;
	char time[32], in[IF_NAMESIZE], out[IF_NAMESIZE];
	json_t *o = json_object();

	jsonout_text(o, "time", cell_time(t->wall_ms, time));
	jsonout_text(o, "direction",
		     !s->inbound    ? "out"
		     : j->forwarded ? "forward"
				    : "in");
	jsonout_text(o, "in_by", device(j->iif, in));
	jsonout_text(o, "out_by", device(j->oif, out));
	jsonout_text(o, "came", came_as(t));
	set_packet(o, j->opened ? &j->inner : &j->first);
	jsonout_text(o, "outcome", story_outcome_name(s->outcome));
	jsonout_count(o, "waited_ms", j->waited_ms);
	(void)json_object_set_new(o, "protected", json_boolean(s->secured));
	jsonout_text(o, "association", tracenames_assoc(t->names, s->said));
	jsonout_count(o, "said", s->said);
	jsonout_count(o, "spi", s->has_sealed ? s->sealed.spi : 0);
	jsonout_count(o, "sequence", s->has_sealed ? s->sealed.seq : 0);
	(void)json_object_set_new(o, "flow", flow_json(t));
	jsonout_text(o, "reason", s->reason);
	jsonout_text(o, "by", s->by);
	jsonout_text(o, "rule", s->rule);
	jsonout_text(o, "sentence", s->what);
	jsonout_text(o, "advice", s->advice == NULL ? "" : s->advice);
	if (t->steps)
		(void)json_object_set_new(o, "steps", steps_json(t));
	jsonout_line("trace", o);
}

void
tracetext_print_stranger(uint64_t wall_ms, const struct journey_drop *d,
			 bool json)
{
	const char *advice = advice_for(d->reason);
	char time[32];
	json_t *o;

	if (!json) {
		(void)printf("%s ", cell_time(wall_ms, time));
		print_sealed(&d->packet);
		(void)printf(" from ");
		print_end(&d->packet.src, 0);
		(void)printf(", and what is inside can't be seen\n"
			     "  DROPPED %s: %s (the engine)\n  -> %s\n",
			     d->reason, d->sentence,
			     advice == NULL ? "" : advice);
		return;
	}
	o = json_object();
	jsonout_text(o, "time", cell_time(wall_ms, time));
	set_packet(o, &d->packet);
	jsonout_count(o, "spi", d->packet.spi);
	jsonout_count(o, "sequence", d->packet.seq);
	jsonout_text(o, "reason", d->reason);
	jsonout_text(o, "by", "the engine");
	jsonout_text(o, "sentence", d->sentence);
	jsonout_text(o, "advice", advice == NULL ? "" : advice);
	jsonout_line("untraced", o);
}

/* ---- what nobody answered -------------------------------------------------
 */

#define UNANSWERED                                                             \
	"if an answer was due, there: nfipsec status (does nfipsecd run?), "   \
	"nfipsec show drops (what it refuses), nfipsec trace; and whatever "   \
	"stands between has to let ESP and AH pass"

/* "14.2 s" */
static const char *
span(uint64_t ms, char out[32])
{
	(void)snprintf(out, 32, "%" PRIu64 ".%" PRIu64 " s", ms / 1000,
		       ms % 1000 / 100);
	return out;
}

static const char *
security(uint32_t protocol)
{
	return protocol == IP_AH ? "AH" : "ESP";
}

static void
unanswered_sentence(uint64_t ago_ms, const struct traceheard *heard, char *out,
		    size_t size)
{
	char ago[32];

	if (heard->ever)
		(void)snprintf(out, size,
			       "nothing came under it for %s: the last was %s, "
			       "SPI 0x%08" PRIx32 ", number %" PRIu64,
			       span(ago_ms, ago), security(heard->protocol),
			       heard->spi, heard->seq);
	else
		(void)snprintf(out, size,
			       "nothing ever came by %s, SPI 0x%08" PRIx32
			       ", which is there for %s",
			       security(heard->protocol), heard->spi,
			       span(ago_ms, ago));
}

void
tracetext_print_unanswered(uint64_t wall_ms, uint64_t now_ms,
			   const struct awaited_sent *sent,
			   const char *association,
			   const struct traceheard *heard, bool json)
{
	uint64_t waited = now_ms > sent->left_ms ? now_ms - sent->left_ms : 0;
	uint64_t ago = now_ms > heard->heard_ms ? now_ms - heard->heard_ms : 0;
	char time[32], peer[IPADDR_TEXT], wait[32], sentence[256];
	json_t *o;

	(void)cell_time(wall_ms, time);
	(void)ipaddr_format(&sent->peer, peer);
	unanswered_sentence(ago, heard, sentence, sizeof(sentence));
	if (!json) {
		(void)printf("%s %s: NO ANSWER for %s to what left protected",
			     time, peer, span(waited, wait));
		if (sent->protocol != 0)
			(void)printf(
			    ": %s, SPI 0x%08" PRIx32 ", number %" PRIu32,
			    security(sent->protocol), sent->spi, sent->seq);
		(void)printf(" under %s%s(0x%" PRIx32 ")\n  %s\n  -> %s\n",
			     association, association[0] == '\0' ? "" : " ",
			     sent->said, sentence, UNANSWERED);
		return;
	}
	o = json_object();
	jsonout_text(o, "time", time);
	jsonout_text(o, "peer", peer);
	jsonout_text(o, "association", association);
	jsonout_count(o, "said", sent->said);
	jsonout_count(o, "spi", sent->spi);
	jsonout_count(o, "sequence", sent->seq);
	jsonout_count(o, "waited_ms", waited);
	jsonout_count(o, "in_spi", heard->spi);
	jsonout_count(o, "in_sequence", heard->ever ? heard->seq : 0);
	(void)json_object_set_new(o, "heard_ms",
				  heard->ever ? json_integer((json_int_t)ago)
					      : json_null());
	jsonout_text(o, "sentence", sentence);
	jsonout_text(o, "advice", UNANSWERED);
	jsonout_line("unanswered", o);
}
