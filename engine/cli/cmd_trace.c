/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nfipsec trace: why was this packet dropped, or not protected?
 *
 * nft's trace (engine/trace) joined with what the engine says about packets
 * that it dropped (the event `packet`).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/cli/cli.h"
#include "engine/cli/traceheard.h"
#include "engine/cli/tracetext.h"
#include "engine/trace/tracetable.h"
#include "engine/vet/vet.h"
#include "policy/diag.h"
#include "policy/flowtext.h"
#include "policy/policy.h"

#define ANSWER_MS 1000
#define RETRY_MS  300 /* between two looks for an engine */
#define PLACE     "EXPRESSION"
#define STRANGERS 32 /* kinds of untraced drops that are told, once each */

struct trace {
	const struct cli *cli;
	struct tracetable *table;
	struct traceread read;
	struct journeys *journeys;
	struct ruletext rules;
	struct tracenames names;
	struct client client;
	bool connected;
	struct awaited awaited;
	uint64_t tried_ms, lost_told;
	unsigned long told, wanted; /* wanted 0: without end */
	struct {
		uint32_t spi;
		char reason[64];
	} strangers[STRANGERS];
	size_t n_strangers;
};

/* ---- the expression ----- */

static struct policy *
make_policy(const char *expression, bool inbound)
{
	struct policy *p = policy_new();

	if (p == NULL)
		return NULL;
	p->flows = calloc(1, sizeof(*p->flows));
	if (p->flows == NULL) {
		policy_free(p);
		return NULL;
	}
	p->n_flows = 1;
	p->flows[0] = (struct policy_flow){ .inbound = inbound,
					    .target = POLICY_TARGET_BYPASS,
					    .expression = strdup(expression),
					    .expression_at = { PLACE, 1, 1 } };
	p->flows[0].place = p->flows[0].expression_at;
	return p;
}

/* As a flow is vetted.  An expression need not be good in every hook: what
 * says oif is for what leaves. */
static bool
vet_one(const char *expression, bool inbound, struct diag *d)
{
	struct policy *p = make_policy(expression, inbound);
	char *text = strdup(expression);
	bool good = p != NULL && p->flows[0].expression != NULL &&
		    text != NULL &&
		    diag_add_source(d, PLACE, text, strlen(text)) == 0 &&
		    vet_policy(p, d) == 0;

	policy_free(p);
	return good;
}

static int
vet_expression(const char *expression, bool *in, bool *out)
{
	struct diag *d_in = diag_new(), *d_out = diag_new();
	int status = CLI_DONE;
	const char *wrong;
	size_t at;

	*in = *out = false;
	wrong = flowtext_check(expression, &at);
	if (wrong != NULL) {
		cli_complain(PLACE ":1:%zu: %s", at + 1, wrong);
		status = CLI_USAGE;
	} else if (d_in == NULL || d_out == NULL) {
		cli_complain("out of memory");
		status = CLI_FAILED;
	} else {
		*in = vet_one(expression, true, d_in);
		*out = vet_one(expression, false, d_out);
		if (!*in && !*out) {
			diag_print(d_out, stderr);
			status = CLI_USAGE;
		}
	}
	diag_free(d_in);
	diag_free(d_out);
	return status;
}

/* The operands with blanks between, as nft takes them. */
static char *
join(int argc, char **argv)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	for (int i = 1; i < argc; i++)
		(void)fprintf(f, "%s%s", i == 1 ? "" : " ", argv[i]);
	return fclose(f) == 0 ? text : NULL;
}

/* ---- the engine ----- */

static void
connect_engine(struct trace *t, uint64_t now_ms)
{
	struct proto_subscribe want = {
		.mask = PROTO_EVENT_BIT(PROTO_EVENT_PACKET) |
			PROTO_EVENT_BIT(PROTO_EVENT_STATE)
	};

	t->tried_ms = now_ms;
	if (client_open(&t->client, t->cli->run_dir, ANSWER_MS) == 0 &&
	    client_do(&t->client, PROTO_SUBSCRIBE, PROTO_SHAPE(&want), &want) ==
		0 &&
	    tracenames_load(&t->names, t->cli->run_dir) == 0) {
		t->connected = true;
		return;
	}
	client_close(&t->client);
}

static void
tell_stranger(struct trace *t, const struct journey_drop *d)
{
	if (d->outbound || d->sent || d->packet.spi == 0)
		return;
	for (size_t i = 0; i < t->n_strangers; i++)
		if (t->strangers[i].spi == d->packet.spi &&
		    strcmp(t->strangers[i].reason, d->reason) == 0)
			return;
	if (t->n_strangers == STRANGERS)
		return;
	t->strangers[t->n_strangers].spi = d->packet.spi;
	memcpy(t->strangers[t->n_strangers++].reason, d->reason,
	       sizeof(d->reason));
	tracetext_print_stranger(clock_wall_ms(), d, t->cli->json);
}

static void
take_event(struct trace *t, const struct proto_event *e)
{
	struct journey_drop d = { .outbound = e->direction == PROTO_OUT };

	if (e->kind == PROTO_EVENT_STATE)
		(void)tracenames_load(&t->names, t->cli->run_dir);
	if (e->kind != PROTO_EVENT_PACKET)
		return;
	d.packet = (struct sighting){
		.src = d.outbound ? e->local : e->peer,
		.dst = d.outbound ? e->peer : e->local,
		.protocol = (uint8_t)e->protocol,
		.id = (uint16_t)e->number,
		.sport = (uint16_t)e->sport,
		.dport = (uint16_t)e->dport,
		.spi = e->spi,
		.seq = (uint32_t)e->sequence,
	};
	d.sent = strcmp(e->reason, PROTO_REASON_SENT) == 0;
	memcpy(d.reason, e->reason, sizeof(d.reason));
	memcpy(d.sentence, e->text, sizeof(d.sentence));
	if (!journey_dropped(t->journeys, &d, clock_now_ms()))
		tell_stranger(t, &d);
}

static void
read_events(struct trace *t)
{
	struct proto_event e;
	int err = 0;

	while (t->connected && err == 0) {
		err = client_event(&t->client, &e, 0);
		if (err == 0)
			take_event(t, &e);
	}
	if (!t->connected || err == -ETIMEDOUT || err == -EINTR)
		return;
	/* The next engine is there soon. */
	client_close(&t->client);
	t->connected = false;
}

/* ---- packets ----- */

static void
take_step(void *arg, const struct traceread_step *step)
{
	struct trace *t = arg;

	journey_step(t->journeys, step, clock_now_ms());
}

/* What leaves protected is waited for: does anything come back? */
static void
await_answer(struct trace *t, const struct journey *j, const struct story *s)
{
	struct awaited_sent sent = { .said = s->said,
				     .peer = j->first.dst,
				     .left_ms = j->heard_ms };

	if (s->outcome != STORY_LEFT || !s->secured || s->said == 0)
		return;
	if (j->end == JOURNEY_LEFT) {
		sent.protocol = j->last.protocol;
		sent.spi = j->last.spi;
		sent.seq = j->last.seq;
	}
	awaited_left(&t->awaited, &sent);
}

static void
tell_unanswered(struct trace *t)
{
	struct awaited_sent sent;
	struct traceheard heard;

	while (awaited_due(&t->awaited, clock_now_ms(), &sent)) {
		const char *name = tracenames_assoc(&t->names, sent.said);

		if (traceheard_ask(t->cli->run_dir, name, &sent, &heard) < 0 ||
		    !awaited_silent(&t->awaited, &sent,
				    heard.ever ? heard.heard_ms : 0))
			continue;
		tracetext_print_unanswered(clock_wall_ms(), clock_now_ms(),
					   &sent, name, &heard, t->cli->json);
	}
}

static bool
wants_more(const struct trace *t)
{
	return t->wanted == 0 || t->told < t->wanted;
}

static void
tell_ended(struct trace *t)
{
	const struct journey *j;
	struct story story;

	while (wants_more(t) &&
	       (j = journey_next(t->journeys, clock_now_ms())) != NULL) {
		struct tracetext text = { .wall_ms = clock_wall_ms(),
					  .journey = j,
					  .story = &story,
					  .names = &t->names,
					  .rules = &t->rules,
					  .steps = t->cli->steps };

		story_tell(&t->rules, &t->names.marks, j, &story);
		if (t->cli->json)
			tracetext_print_json(&text);
		else
			tracetext_print(&text);
		await_answer(t, j, &story);
		/* One that waits is told of again, at its end. */
		t->told += !j->waits;
	}
	if (t->read.lost > t->lost_told)
		cli_complain("too much at once: parts of what was traced are "
			     "lost");
	t->lost_told = t->read.lost;
}

static int
shorter(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int
watch(struct trace *t)
{
	uint64_t now;
	int wait, err;

	/* The last packet's answer is waited for, too. */
	while (wants_more(t) || awaited_wait_ms(&t->awaited, 0) >= 0) {
		struct pollfd fds[] = {
			{ .fd = t->read.fd, .events = POLLIN },
			{ .fd = t->connected ? t->client.fd : -1,
			  .events = POLLIN },
		};

		now = clock_now_ms();
		wait = awaited_wait_ms(&t->awaited, now);
		if (wants_more(t))
			wait = shorter(wait, journey_wait_ms(t->journeys, now));
		if (!t->connected)
			wait = shorter(wait, RETRY_MS);
		if (poll(fds, 2, wait) < 0 && errno != EINTR)
			return -errno;
		/* The trace of a packet comes before the engine's word. */
		err = traceread_all(&t->read, take_step, t);
		if (err < 0)
			return err;
		read_events(t);
		tell_ended(t);
		tell_unanswered(t);
		if (ferror(stdout))
			return -EPIPE;
		now = clock_now_ms();
		if (!t->connected && now - t->tried_ms >= RETRY_MS)
			connect_engine(t, now);
	}
	return 0;
}

/* ---- the command ----- */

static int
start(struct trace *t, const char *expression, bool in, bool out)
{
	char why[256];
	int err = traceread_open(&t->read);

	(void)snprintf(why, sizeof(why), "%s", strerror(-err));
	if (err == 0)
		err = tracetable_open(&t->table, expression, in, out, why,
				      sizeof(why));
	if (err == -EPERM) {
		cli_complain("not permitted: this needs root");
		return CLI_FORBIDDEN;
	}
	if (err < 0) {
		cli_complain("no trace: %s", why);
		return CLI_FAILED;
	}
	t->rules.table = t->table;
	t->journeys = journey_new(tracetable_name(t->table));
	if (t->journeys == NULL) {
		cli_complain("out of memory");
		return CLI_FAILED;
	}
	(void)tracenames_load(&t->names, t->cli->run_dir);
	connect_engine(t, clock_now_ms());
	if (!t->connected)
		cli_complain("no nfipsecd at %s: only rules are told of",
			     t->cli->run_dir);
	return CLI_DONE;
}

static void
stop(struct trace *t)
{
	if (t->connected)
		client_close(&t->client);
	journey_free(t->journeys);
	ruletext_free(&t->rules);
	tracenames_free(&t->names);
	traceread_close(&t->read);
	tracetable_close(t->table);
}

static int
read_count(const char *text, unsigned long *out)
{
	char *end;

	*out = 0;
	if (text == NULL)
		return CLI_DONE;
	errno = 0;
	*out = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    *out == 0)
		return cli_usage("trace", "%s: no number of packets", text);
	return CLI_DONE;
}

int
cmd_trace_run(int argc, char **argv, const struct cli *cli)
{
	struct trace t = { .cli = cli, .read = { .fd = -1 } };
	char *expression;
	bool in, out;
	int status, err;

	if (argc < 2)
		return cli_usage("trace", "which packets?");
	status = read_count(cli->count, &t.wanted);
	if (status != CLI_DONE)
		return status;
	expression = join(argc, argv);
	if (expression == NULL) {
		cli_complain("out of memory");
		return CLI_FAILED;
	}
	status = vet_expression(expression, &in, &out);
	if (status == CLI_DONE)
		status = start(&t, expression, in, out);
	if (status == CLI_DONE) {
		(void)setvbuf(stdout, NULL, _IOLBF, 0);
		(void)fprintf(stderr, "nfipsec: tracing %s\n", expression);
		err = watch(&t);
		if (err < 0 && err != -EPIPE)
			cli_complain("trace: %s", strerror(-err));
		status = err < 0 ? CLI_FAILED : CLI_DONE;
	}
	stop(&t);
	free(expression);
	return status;
}
