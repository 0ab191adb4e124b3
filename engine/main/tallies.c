/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/main/reply.h"
#include "engine/main/tallies.h"
#include "policy/nftgen.h"

struct counts {
	struct supervisor *s;
	struct server_ticket ticket;
	struct link_message *flows; /* of n_flows, their names below */
	char (*names)[NFTGEN_COUNTER_MAX];
	size_t n_flows;
};

static void
count_flow(void *arg, bool guard, const char *name, uint64_t packets,
	   uint64_t octets)
{
	struct counts *c = arg;

	for (size_t i = 0; !guard && i < c->n_flows; i++)
		if (strcmp(c->names[i], name) == 0) {
			c->flows[i].flow.packets = packets;
			c->flows[i].flow.octets = octets;
		}
}

void
tallies_flows(struct supervisor *s, struct server_ticket t)
{
	const struct policy *p = s->policy;
	struct counts c = { .s = s, .ticket = t, .n_flows = p->n_flows };
	int err = 0;

	c.flows = calloc(p->n_flows + 1, sizeof(*c.flows));
	c.names = calloc(p->n_flows + 1, sizeof(*c.names));
	if (c.flows == NULL || c.names == NULL)
		err = -ENOMEM;
	for (size_t i = 0; err == 0 && i < p->n_flows; i++) {
		struct link_message *m = &c.flows[i];
		const struct policy_flow *f = &p->flows[i];

		m->type = LINK_FLOW;
		m->ticket = t;
		m->flow.number = (uint32_t)i + 1;
		m->flow.direction = f->inbound ? PROTO_IN : PROTO_OUT;
		snprintf(m->flow.target, sizeof(m->flow.target), "%s",
			 policy_flow_target(p, f));
		snprintf(m->flow.expression, sizeof(m->flow.expression), "%s",
			 f->expression);
		snprintf(m->flow.place, sizeof(m->flow.place), "%s:%u",
			 f->place.file, f->place.line);
		nftgen_flow_counter(p, i, c.names[i]);
	}
	if (err == 0 && !s->disabled)
		err = table_counts(s->table, count_flow, &c);
	for (size_t i = 0; err == 0 && i < p->n_flows; i++)
		reply_send(s, &c.flows[i]);
	free(c.flows);
	free(c.names);
	reply_end(s, t, err, err < 0 ? strerror(-err) : "");
}

static void
count_drop(void *arg, bool guard, const char *name, uint64_t packets,
	   uint64_t octets)
{
	struct counts *c = arg;
	struct link_message m = { .type = LINK_DROP, .ticket = c->ticket };
	const char *reason, *sentence;
	bool inbound;

	if (packets == 0 || !nftgen_drop_counter(name, &inbound, &reason))
		return;
	sentence = nftgen_drop_sentence(reason);
	m.drop.direction = inbound ? PROTO_IN : PROTO_OUT;
	snprintf(m.drop.reason, sizeof(m.drop.reason), "%s%s",
		 guard ? "guard-" : "", reason);
	snprintf(m.drop.sentence, sizeof(m.drop.sentence), "%s%s",
		 sentence == NULL ? "" : sentence,
		 guard ? " (guard table)" : "");
	m.drop.packets = packets;
	reply_send(c->s, &m);
}

void
tallies_drops(struct supervisor *s, struct server_ticket t)
{
	struct counts c = { .s = s, .ticket = t };
	int err = s->disabled ? 0 : table_counts(s->table, count_drop, &c);

	reply_end(s, t, err, err < 0 ? strerror(-err) : "");
}
