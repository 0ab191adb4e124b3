/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OpenMetrics text, for a scraper's command or a textfile collector.  The
 * names are the contract's; a family's samples stand together, as the format
 * demands, and no label set comes twice.  Counters never fall while nfipsecd
 * runs: what SAs count is summed up by association, by the engine, with what
 * those have counted that are gone.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cli/entropystat.h"
#include "engine/cli/cell.h"
#include "engine/cli/cli.h"
#include "engine/cli/peerstat.h"

struct rows {
	void *row;
	size_t n;
};

struct sample {
	struct rows status, assocs, sas, drops, queues;
};

/* ---- gathering ------------------------------------------------------------
 */

/* Room for one more row of `size`, zeroed.  NULL: no memory. */
static void *
more(struct rows *r, size_t size)
{
	char *all = r->row;

	/* Doubles whenever n is a power of two. */
	if ((r->n & (r->n - 1)) == 0) {
		all = realloc(all, (r->n == 0 ? 1 : 2 * r->n) * size);
		if (all == NULL)
			return NULL;
		r->row = all;
	}
	memset(all + r->n * size, 0, size);
	return all + r->n * size;
}

static int
gather(struct client *c, enum proto_type type, const struct proto_shape *shape,
       struct rows *rows)
{
	int err = client_ask(c, type, NULL, NULL);

	while (err >= 0) {
		void *row = more(rows, shape->size);

		if (row == NULL)
			return -ENOMEM;
		err = client_next(c, shape, row);
		if (err <= 0)
			break;
		rows->n++;
	}
	return err;
}

static int
gather_all(struct client *c, struct sample *s)
{
	int err = gather(c, PROTO_STATUS, &proto_shape_status, &s->status);

	if (err == 0)
		err = gather(c, PROTO_ASSOCS, &proto_shape_assoc, &s->assocs);
	if (err == 0)
		err = gather(c, PROTO_SAS, &proto_shape_sa, &s->sas);
	if (err == 0)
		err = gather(c, PROTO_DROPS, &proto_shape_drop, &s->drops);
	if (err == 0)
		err = gather(c, PROTO_QUEUES, &proto_shape_queue, &s->queues);
	if (err == 0 && s->status.n != 1)
		err = -EPROTO;
	return err;
}

/* ---- printing -------------------------------------------------------------
 */

static void
family(const char *name, const char *type, const char *unit, const char *help)
{
	(void)printf("# TYPE %s %s\n", name, type);
	if (unit != NULL)
		(void)printf("# UNIT %s %s\n", name, unit);
	(void)printf("# HELP %s %s\n", name, help);
}

static void
gauge(const char *name, const char *help, uint64_t value)
{
	family(name, "gauge", NULL, help);
	(void)printf("%s %" PRIu64 "\n", name, value);
}

/* A label's value, with what the format wants escaped. */
static void
label(const char *before, const char *name, const char *value)
{
	(void)printf("%s%s=\"", before, name);
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			(void)fputs("\\n", stdout);
		else if (*value == '"' || *value == '\\')
			(void)printf("\\%c", *value);
		else
			(void)fputc(*value, stdout);
	}
	(void)fputc('"', stdout);
}

static void
print_total(const char *name, const struct proto_assoc *a, uint32_t direction,
	    uint64_t value)
{
	(void)printf("%s_total", name);
	label("{", "association", a->name);
	label(",", "direction", cell_direction(direction));
	(void)printf("} %" PRIu64 "\n", value);
}

static void
print_totals(const struct sample *s)
{
	const struct proto_assoc *a = s->assocs.row;
	const char *name = "nfipsec_sa_packets";

	family(name, "counter", NULL, "Packets protected or verified.");
	for (size_t i = 0; i < s->assocs.n; i++) {
		print_total(name, &a[i], PROTO_IN, a[i].in_packets);
		print_total(name, &a[i], PROTO_OUT, a[i].out_packets);
	}
	name = "nfipsec_sa_bytes";
	family(name, "counter", "bytes",
	       "Octets of the packets protected or verified.");
	for (size_t i = 0; i < s->assocs.n; i++) {
		print_total(name, &a[i], PROTO_IN, a[i].in_octets);
		print_total(name, &a[i], PROTO_OUT, a[i].out_octets);
	}
}

static void
print_sas(const struct sample *s)
{
	const struct proto_sa *sa = s->sas.row;
	char text[IPADDR_TEXT], spi[16], protocol[16];

	family("nfipsec_sa", "info", NULL, "Each SA there is.");
	for (size_t i = 0; i < s->sas.n; i++) {
		(void)snprintf(spi, sizeof(spi), "0x%08" PRIx32, sa[i].spi);
		(void)printf("nfipsec_sa_info");
		label("{", "association", sa[i].association);
		label(",", "direction", cell_direction(sa[i].direction));
		label(",", "protocol", cell_protocol(sa[i].protocol, protocol));
		label(",", "spi", spi);
		label(",", "local", ipaddr_format(&sa[i].local, text));
		label(",", "peer", ipaddr_format(&sa[i].peer, text));
		label(",", "encryption", sa[i].encryption);
		label(",", "integrity", sa[i].integrity);
		(void)printf("} 1\n");
	}
}

static void
print_drops(const struct sample *s)
{
	const struct proto_drop *d = s->drops.row;

	family("nfipsec_drop_packets", "counter", NULL,
	       "Packets dropped, by reason.");
	for (size_t i = 0; i < s->drops.n; i++) {
		if (d[i].packets == 0)
			continue;
		(void)printf("nfipsec_drop_packets_total");
		label("{", "direction", cell_direction(d[i].direction));
		label(",", "reason", d[i].reason);
		(void)printf("} %" PRIu64 "\n", d[i].packets);
	}
}

static void
print_queues(const struct sample *s)
{
	const struct proto_queue *q = s->queues.row;

	family("nfipsec_queue_length", "gauge", NULL,
	       "Packets waiting in the kernel.");
	for (size_t i = 0; i < s->queues.n; i++)
		(void)printf("nfipsec_queue_length{queue=\"%" PRIu32
			     "\"} %" PRIu64 "\n",
			     q[i].number, q[i].length);
	family("nfipsec_queue_kernel_drops", "counter", NULL,
	       "Packets that the kernel dropped because the queue was full.");
	for (size_t i = 0; i < s->queues.n; i++)
		(void)printf("nfipsec_queue_kernel_drops_total{queue=\"%" PRIu32
			     "\"} %" PRIu64 "\n",
			     q[i].number, q[i].kernel_drops);
	family("nfipsec_queue_user_drops", "counter", NULL,
	       "Packets lost because the engine's socket was full.");
	for (size_t i = 0; i < s->queues.n; i++)
		(void)printf("nfipsec_queue_user_drops_total{queue=\"%" PRIu32
			     "\"} %" PRIu64 "\n",
			     q[i].number, q[i].user_drops);
}

static void
print_all(const struct sample *s, const char *run_dir)
{
	const struct proto_status *st = s->status.row;

	gauge("nfipsec_up", "1 when the engine answers.", 1);
	gauge("nfipsec_ready", "1 when the rules are in place and proven.",
	      st->ready);
	gauge("nfipsec_parked_packets", "Packets that wait for keys.",
	      st->parked);
	gauge("nfipsec_associations", "Associations of the configuration.",
	      st->n_assocs);
	gauge("nfipsec_sas", "SAs in use.", st->n_sas);
	family("nfipsec_engine_starts", "counter", NULL,
	       "Engines started by this service.");
	(void)printf("nfipsec_engine_starts_total %" PRIu64 "\n", st->starts);
	print_totals(s);
	print_sas(s);
	print_drops(s);
	print_queues(s);
	peerstat_metrics(run_dir);
	entropystat_metrics(run_dir);
	(void)printf("# EOF\n");
}

int
cmd_metrics_run(int argc, char **argv, const struct cli *cli)
{
	struct sample s = { 0 };
	struct client c;
	int status;

	if (argc > 1)
		return cli_usage("metrics", "%s: one word too many", argv[1]);
	if (cli->json)
		return cli_usage("metrics", "metrics are OpenMetrics text");
	status = cli_connect(&c, cli);
	if (status == CLI_DONE)
		status = cli_fail(&c, gather_all(&c, &s));
	client_close(&c);
	if (status == CLI_DONE) {
		print_all(&s, cli->run_dir);
	} else if (status == CLI_UNREACHABLE) {
		/* For a collector that is what there is to say. */
		gauge("nfipsec_up", "1 when the engine answers.", 0);
		peerstat_metrics(cli->run_dir);
		entropystat_metrics(cli->run_dir);
		(void)printf("# EOF\n");
	}
	free(s.status.row);
	free(s.assocs.row);
	free(s.sas.row);
	free(s.drops.row);
	free(s.queues.row);
	return status;
}
