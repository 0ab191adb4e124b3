/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/cli/cmd_init.h"
#include "engine/cli/columns.h"
#include "engine/cli/jsonout.h"

#define QUEUES_MAX 64
#define DROPS_MAX  256

/* All that status shows, gathered before a line is printed. */
struct gathered {
	struct proto_status status;
	struct proto_queue queues[QUEUES_MAX];
	unsigned n_queues;
	struct proto_drop drops[DROPS_MAX]; /* neither 0 nor meant */
	unsigned n_drops;
	uint64_t dropped[2];
};

/* Our own test packets and the peer's dummies are dropped on purpose. */
static bool
is_meant(const struct proto_drop *drop)
{
	return strcmp(drop->reason, "probe") == 0 ||
	       strcmp(drop->reason, "dummy") == 0;
}

static int
most_first(const void *a, const void *b)
{
	const struct proto_drop *x = a, *y = b;

	return (x->packets < y->packets) - (x->packets > y->packets);
}

static int
gather(struct client *c, struct gathered *g)
{
	struct proto_queue queue;
	struct proto_drop drop;
	int err;

	err = client_ask(c, PROTO_STATUS, NULL, NULL);
	while (err >= 0 &&
	       (err = client_next(c, &proto_shape_status, &g->status)) > 0)
		;
	if (err == 0)
		err = client_ask(c, PROTO_QUEUES, NULL, NULL);
	while (err >= 0 &&
	       (err = client_next(c, &proto_shape_queue, &queue)) > 0)
		if (g->n_queues < QUEUES_MAX)
			g->queues[g->n_queues++] = queue;
	if (err == 0)
		err = client_ask(c, PROTO_DROPS, NULL, NULL);
	while (err >= 0 &&
	       (err = client_next(c, &proto_shape_drop, &drop)) > 0) {
		if (is_meant(&drop))
			continue;
		g->dropped[drop.direction == PROTO_OUT] += drop.packets;
		if (drop.packets != 0 && g->n_drops < DROPS_MAX)
			g->drops[g->n_drops++] = drop;
	}
	qsort(g->drops, g->n_drops, sizeof(g->drops[0]), most_first);
	return err;
}

static const char *
seconds(uint64_t wall_secs, char out[21])
{
	clock_rfc3339(wall_secs, out);
	return out;
}

static void
print_json(const struct gathered *g)
{
	const struct proto_status *s = &g->status;
	char time[21];
	json_t *o = json_object();

	jsonout_text(o, "version", NFIPSEC_VERSION);
	(void)json_object_set_new(o, "ready", json_boolean(s->ready));
	jsonout_text(o, "reason", s->text);
	jsonout_text(o, "divert", s->divert);
	jsonout_text(o, "randomness", s->randomness);
	(void)json_object_set_new(o, "engine_started",
				  json_string(seconds(s->started, time)));
	jsonout_count(o, "engine_starts", s->starts);
	(void)json_object_set_new(
	    o, "service_started",
	    json_string(seconds(s->service_started, time)));
	jsonout_count(o, "workers", s->workers);
	jsonout_count(o, "associations", s->n_assocs);
	jsonout_count(o, "sas", s->n_sas);
	jsonout_count(o, "max_sa", s->max_sa);
	jsonout_count(o, "parked", s->parked);
	jsonout_count(o, "policy_generation", s->generation);
	if (s->goes_back != 0)
		(void)json_object_set_new(
		    o, "goes_back", json_string(seconds(s->goes_back, time)));
	jsonout_count(o, "said_mask", s->said_mask);
	jsonout_count(o, "said_first", s->said_first);
	jsonout_count(o, "said_last", s->said_last);
	jsonout_count(o, "drops_in", g->dropped[PROTO_IN]);
	jsonout_count(o, "drops_out", g->dropped[PROTO_OUT]);
	jsonout_begin();
	jsonout_put("status", o);
	for (unsigned i = 0; i < g->n_queues; i++)
		jsonout_put("queue",
			    jsonout_row(&columns_queue, &g->queues[i], false));
	for (unsigned i = 0; i < g->n_drops; i++)
		jsonout_put("drop",
			    jsonout_row(&columns_drop, &g->drops[i], false));
	jsonout_end();
}

static void
print_drops(const struct gathered *g)
{
	(void)printf("  drops         in %" PRIu64 ", out %" PRIu64,
		     g->dropped[PROTO_IN], g->dropped[PROTO_OUT]);
	for (unsigned i = 0; i < g->n_drops && i < 4; i++)
		(void)printf("%s%s %s %" PRIu64, i == 0 ? ": " : ", ",
			     cell_direction(g->drops[i].direction),
			     g->drops[i].reason, g->drops[i].packets);
	(void)printf("%s\n", g->n_drops > 4 ? ", ..." : "");
}

static void
print_text(const struct gathered *g)
{
	const struct proto_status *s = &g->status;
	uint64_t waiting = 0, lost = 0, received = 0;
	char time[21];

	for (unsigned i = 0; i < g->n_queues; i++) {
		waiting += g->queues[i].length;
		lost += g->queues[i].kernel_drops + g->queues[i].user_drops;
		received += g->queues[i].received;
	}
	if (s->ready)
		(void)printf("nfipsec %s: ready\n", NFIPSEC_VERSION);
	else
		(void)printf("nfipsec %s: NOT READY: %s\n", NFIPSEC_VERSION,
			     s->text[0] == '\0' ? "starting" : s->text);
	(void)printf("  service       since %s\n",
		     seconds(s->service_started, time));
	(void)printf("  engine        since %s, start number %" PRIu64 "\n",
		     seconds(s->started, time), s->starts);
	(void)printf("  divert        %s, %" PRIu32 " worker%s\n",
		     s->divert[0] == '\0' ? "not yet" : s->divert, s->workers,
		     s->workers == 1 ? "" : "s");
	(void)printf("  randomness    %s\n",
		     s->randomness[0] == '\0' ? "unknown" : s->randomness);
	(void)printf("  queues        %u, %" PRIu64 " received, %" PRIu64
		     " waiting, %" PRIu64 " lost\n",
		     g->n_queues, received, waiting, lost);
	(void)printf("  associations  %" PRIu32 ", SAIDs 0x%" PRIx32
		     "-0x%" PRIx32 " in mask 0x%" PRIx32 "\n",
		     s->n_assocs, s->said_first, s->said_last, s->said_mask);
	(void)printf("  SAs           %" PRIu32 " of %" PRIu32, s->n_sas,
		     s->max_sa);
	if (s->parked != 0)
		(void)printf(", %" PRIu64 " packet%s wait%s for keys",
			     s->parked, s->parked == 1 ? "" : "s",
			     s->parked == 1 ? "s" : "");
	(void)putchar('\n');
	if (s->goes_back != 0)
		(void)printf("  reload        unconfirmed: goes back at %s "
			     "unless `nfipsec confirm`\n",
			     seconds(s->goes_back, time));
	print_drops(g);
}

int
cmd_status_run(int argc, char **argv, const struct cli *cli)
{
	static struct gathered g;
	struct client c;
	int status;

	if (argc > 1)
		return cli_usage("status", "%s: one word too many", argv[1]);
	status = cli_connect(&c, cli);
	if (status == CLI_DONE)
		status = cli_fail(&c, gather(&c, &g));
	client_close(&c);
	if (status == CLI_UNREACHABLE)
		cmd_init_advise(cli);
	if (status != CLI_DONE)
		return status;
	if (cli->json)
		print_json(&g);
	else
		print_text(&g);
	return g.status.ready ? CLI_DONE : CLI_FAILED;
}
