/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/nftgen.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/instance.h"
#include "policy/said.h"
#include "policy/skeleton.h"

#define WORKERS_MAX 256

struct gen {
	const struct policy *p;
	const struct nftgen_params *params;
	/* The current elements of %each. */
	const struct policy_assoc *assoc;
	const struct policy_define *define;
	size_t flow;
	unsigned worker;
};

static const char *const queue_names[NFTGEN_QUEUES] = {
	[NFTGEN_QUEUE_SEAL_TCP] = "seal-tcp",
	[NFTGEN_QUEUE_SEAL] = "seal",
	[NFTGEN_QUEUE_DECAP] = "decap",
};

const char *
nftgen_queue_chain(enum nftgen_queue kind, unsigned worker,
		   char out[NFTGEN_COUNTER_MAX])
{
	snprintf(out, NFTGEN_COUNTER_MAX, "%s-%u", queue_names[kind], worker);
	return out;
}

/* ---- counters ---- */

static uint64_t
hash_text(uint64_t h, const char *s)
{
	/* FNV-1a, with the final 0, so that parts do not run together */
	do {
		h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	} while (*s++ != '\0');
	return h;
}

const char *
nftgen_flow_counter(const struct policy *p, size_t flow,
		    char out[NFTGEN_COUNTER_MAX])
{
	const struct policy_flow *f = &p->flows[flow];
	const char *target = policy_flow_target(p, f);
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	h = hash_text(h, target);
	h = hash_text(h, f->expression);
	snprintf(out, NFTGEN_COUNTER_MAX, "flow-%s-%s-%016" PRIx64,
		 f->inbound ? "in" : "out", target, h);
	return out;
}

static const struct {
	const char *reason, *sentence;
} drops[] = {
	{ "broadcast", "broadcast under a SAID" },
	{ "default", "no flow matches, and the default is discard" },
	{ "discard", "a flow says discard" },
	{ "latch", "not by the association that its socket or connection "
		   "is latched to" },
	{ "lost", "of a protected connection, and without its SAID" },
	{ "no-flow", "under an association, and none of its flows matches" },
	{ "no-queue", "the queue rule is missing" },
	{ "outside", "to an address outside its association's peer" },
	{ "unknown-said", "no association has this SAID" },
	{ "unprotected", "a flow says protected, and it is not" },
	{ "unsealed", "with a SAID, and the engine did not see it" },
};

bool
nftgen_drop_counter(const char *name, bool *inbound, const char **reason)
{
	static const char in[] = "drop-in-", out[] = "drop-out-";

	*inbound = strncmp(name, in, sizeof(in) - 1) == 0;
	if (*inbound)
		*reason = name + sizeof(in) - 1;
	else if (strncmp(name, out, sizeof(out) - 1) == 0)
		*reason = name + sizeof(out) - 1;
	else
		return false;
	return true;
}

const char *
nftgen_drop_sentence(const char *reason)
{
	for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]); i++)
		if (strcmp(drops[i].reason, reason) == 0)
			return drops[i].sentence;
	return NULL;
}

/* ---- what the skeleton asks for ---- */

static bool
is_family(const struct policy_assoc *a, const struct policy_assoc *of)
{
	return strcmp(instance_is(a) ? a->instance_of : a->name, of->name) == 0;
}

static bool
has_flow_in(const struct policy *p, const struct policy_assoc *a)
{
	for (size_t i = 0; i < p->n_flows; i++)
		if (p->flows[i].inbound &&
		    p->flows[i].target == POLICY_TARGET_ASSOC &&
		    is_family(a, &p->assocs[p->flows[i].assoc]))
			return true;
	return false;
}

/* Does an earlier flow have the same counter? */
static bool
is_repeated(const struct policy *p, size_t flow)
{
	char mine[NFTGEN_COUNTER_MAX], other[NFTGEN_COUNTER_MAX];

	nftgen_flow_counter(p, flow, mine);
	for (size_t i = 0; i < flow; i++)
		if (strcmp(nftgen_flow_counter(p, i, other), mine) == 0)
			return true;
	return false;
}

/* The i-th flow that is in the list. */
static int
step_flow(struct gen *g, const char *list, size_t i)
{
	const struct policy *p = g->p;
	bool all = strcmp(list, "flow") == 0;
	bool in = strcmp(list, "flow-in") == 0;
	size_t from = i == 0 ? 0 : g->flow + 1;

	for (size_t f = from; f < p->n_flows; f++) {
		if (all ? is_repeated(p, f) : p->flows[f].inbound != in)
			continue;
		g->flow = f;
		if (p->flows[f].target == POLICY_TARGET_ASSOC)
			g->assoc = &p->assocs[p->flows[f].assoc];
		return 1;
	}
	return 0;
}

static int
step(void *arg, const char *list, size_t i)
{
	struct gen *g = arg;

	if (strncmp(list, "flow", 4) == 0)
		return step_flow(g, list, i);
	if (strcmp(list, "assoc") == 0) {
		if (i < g->p->n_assocs)
			g->assoc = &g->p->assocs[i];
		return i < g->p->n_assocs;
	}
	if (strcmp(list, "define") == 0) {
		if (i < g->p->n_defines)
			g->define = &g->p->defines[i];
		return i < g->p->n_defines;
	}
	if (strcmp(list, "worker") == 0) {
		g->worker = (unsigned)i;
		return i < g->params->workers;
	}
	return -EPROTO;
}

static bool
has_keying(const struct policy *p)
{
	for (size_t i = 0; i < p->n_assocs; i++)
		if (p->assocs[i].keying == POLICY_KEYING_KERBEROS ||
		    p->assocs[i].keying == POLICY_KEYING_PHOTURIS)
			return true;
	return false;
}

static bool
has_bounded(const struct policy *p)
{
	for (size_t i = 0; i < p->n_assocs; i++)
		if (has_flow_in(p, &p->assocs[i]))
			return true;
	return false;
}

static int
test(void *arg, const char *condition)
{
	struct gen *g = arg;
	const struct policy *p = g->p;

	if (strcmp(condition, "assocs") == 0)
		return p->n_assocs > 0;
	if (strcmp(condition, "bounded") == 0)
		return has_bounded(p);
	if (strcmp(condition, "peer-4") == 0)
		return g->assoc->peer.family == IP_FAMILY_4;
	if (strcmp(condition, "peer-6") == 0)
		return g->assoc->peer.family == IP_FAMILY_6;
	if (strcmp(condition, "keyers") == 0)
		return g->params->n_keying_uids > 0;
	if (strcmp(condition, "keying") == 0)
		return has_keying(p);
	if (strcmp(condition, "settles") == 0)
		return g->params->settles;
	if (strcmp(condition, "queues") == 0)
		return g->params->show_queues;
	if (strcmp(condition, "discard") == 0)
		return p->options.by_default == POLICY_DEFAULT_DISCARD;
	if (strcmp(condition, "to-assoc") == 0)
		return p->flows[g->flow].target == POLICY_TARGET_ASSOC;
	if (strcmp(condition, "to-bypass") == 0)
		return p->flows[g->flow].target == POLICY_TARGET_BYPASS;
	if (strcmp(condition, "to-discard") == 0)
		return p->flows[g->flow].target == POLICY_TARGET_DISCARD;
	return -EPROTO;
}

/* Elements of one per association. */
static int
list_assocs(const struct gen *g, const char *list, FILE *out)
{
	const struct policy *p = g->p;
	const char *comma = "";

	for (size_t i = 0; i < p->n_assocs; i++) {
		uint32_t m = said_to_mark(&p->options, p->assocs[i].said);

		if (strcmp(list, "bounded") == 0 &&
		    !has_flow_in(p, &p->assocs[i]))
			continue;
		fprintf(out, "%s0x%" PRIx32, comma, m);
		comma = ", ";
		if (strcmp(list, "latch") == 0)
			fprintf(out, " . 0x%" PRIx32, m);
		else if (strcmp(list, "restore") == 0)
			fprintf(out, " : goto set-0x%" PRIx32, m);
		else if (strcmp(list, "save") == 0)
			fprintf(out, " : goto save-0x%" PRIx32, m);
		else if (strcmp(list, "bounded") != 0)
			return -EPROTO;
	}
	return 0;
}

static int
write_list(const struct gen *g, const char *list, FILE *out)
{
	const struct nftgen_params *q = g->params;

	for (int kind = 0; kind < NFTGEN_QUEUES; kind++) {
		if (strcmp(list, queue_names[kind]) != 0)
			continue;
		for (unsigned w = 0; w < q->workers; w++)
			fprintf(out, "%s%u : goto %s-%u", w == 0 ? "" : ", ", w,
				queue_names[kind], w);
		return 0;
	}
	if (strcmp(list, "keyers") == 0) {
		for (size_t i = 0; i < q->n_keying_uids; i++)
			fprintf(out, "%s%" PRIu32, i == 0 ? "" : ", ",
				q->keying_uids[i]);
		return 0;
	}
	return list_assocs(g, list, out);
}

/* What a packet of the flow's association, or of an instance, has. */
static void
write_family(const struct gen *g, FILE *out)
{
	const struct policy *p = g->p;
	unsigned n = 0;

	for (size_t i = 0; i < p->n_assocs; i++)
		n += is_family(&p->assocs[i], g->assoc);
	if (n == 1) {
		fprintf(out, "== 0x%" PRIx32,
			said_to_mark(&p->options, g->assoc->said));
		return;
	}
	for (size_t i = 0; i < p->n_assocs; i++)
		if (is_family(&p->assocs[i], g->assoc))
			fprintf(out, "%s0x%" PRIx32,
				p->assocs[i].said == g->assoc->said ? "{ "
								    : ", ",
				said_to_mark(&p->options, p->assocs[i].said));
	fputs(" }", out);
}

static int
write_queue(const struct gen *g, const char *queue, FILE *out)
{
	for (int kind = 0; kind < NFTGEN_QUEUES; kind++) {
		if (strcmp(queue, queue_names[kind]) != 0)
			continue;
		fprintf(out, "%u", g->params->first_queue[kind] + g->worker);
		return 0;
	}
	return -EPROTO;
}

/* A mark's bits, or -1 if the name is none of a mark's. */
static int64_t
mark_value(const struct gen *g, const char *name)
{
	const struct policy_options *o = &g->p->options;

	if (strcmp(name, "mask") == 0)
		return o->said_mask;
	if (strcmp(name, "rest") == 0)
		return (uint32_t)~o->said_mask;
	if (strcmp(name, "done") == 0)
		return said_to_mark(o, said_done(o));
	if (strcmp(name, "probe") == 0 || strcmp(name, "bypass") == 0)
		return said_to_mark(o, said_probe(o));
	if (strcmp(name, "mark") == 0)
		return said_to_mark(o, g->assoc->said);
	return -1;
}

static int
value(void *arg, const char *name, FILE *out)
{
	struct gen *g = arg;
	const struct policy_options *o = &g->p->options;
	char counter[NFTGEN_COUNTER_MAX], text[IPADDR_TEXT];
	int64_t mark = mark_value(g, name);

	if (mark >= 0)
		fprintf(out, "0x%" PRIx32, (uint32_t)mark);
	else if (strcmp(name, "name") == 0)
		fputs(g->assoc->name, out);
	else if (strcmp(name, "peer") == 0)
		fputs(ipaddr_format(&g->assoc->peer, text), out);
	else if (strcmp(name, "expression") == 0)
		fputs(g->p->flows[g->flow].expression, out);
	else if (strcmp(name, "counter") == 0)
		fputs(nftgen_flow_counter(g->p, g->flow, counter), out);
	else if (strcmp(name, "define") == 0)
		fputs(g->define->name, out);
	else if (strcmp(name, "text") == 0)
		fputs(g->define->text, out);
	else if (strcmp(name, "workers") == 0)
		fprintf(out, "%u", g->params->workers);
	else if (strcmp(name, "worker") == 0)
		fprintf(out, "%u", g->worker);
	else if (strcmp(name, "saids") == 0)
		fprintf(out, "0x%" PRIx32 "-0x%" PRIx32,
			said_to_mark(o, o->said_first),
			said_to_mark(o, o->said_last));
	else if (strcmp(name, "family") == 0)
		write_family(g, out);
	else if (strncmp(name, "list-", 5) == 0)
		return write_list(g, name + 5, out);
	else if (strncmp(name, "queue-", 6) == 0)
		return write_queue(g, name + 6, out);
	else
		return -EPROTO;
	return 0;
}

static int
fill(const char *part, const struct policy *p,
     const struct nftgen_params *params, char **out)
{
	static const struct skeleton_ops ops = { step, test, value };
	struct gen g = { .p = p, .params = params };
	size_t len;
	FILE *f;
	int r;

	*out = NULL;
	if (params->workers < 1 || params->workers > WORKERS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < params->n_keying_uids; i++)
		if (params->keying_uids[i] == 0)
			return -EINVAL;
	f = open_memstream(out, &len);
	if (f == NULL)
		return -ENOMEM;
	r = skeleton_fill(part, &ops, &g, f);
	if (fclose(f) != 0 && r == 0)
		r = -ENOMEM;
	if (r != 0) {
		free(*out);
		*out = NULL;
	}
	return r;
}

int
nftgen_main(const struct policy *p, const struct nftgen_params *params,
	    char **out)
{
	return fill("main", p, params, out);
}

int
nftgen_guard(const struct policy *p, const struct nftgen_params *params,
	     char **out)
{
	return fill("guard", p, params, out);
}
