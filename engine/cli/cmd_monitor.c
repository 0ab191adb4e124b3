/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/cli/jsonout.h"

/* A new engine is there in well under a second. */
#define RECONNECT_MS 100

static const struct {
	enum proto_event_kind kind;
	const char *name;
} kinds[] = {
	{ PROTO_EVENT_ACQUIRE, "acquire" },
	{ PROTO_EVENT_SA_ADDED, "sa-added" },
	{ PROTO_EVENT_SA_SOFT, "sa-soft" },
	{ PROTO_EVENT_SA_EXPIRED, "sa-expired" },
	{ PROTO_EVENT_SA_DELETED, "sa-deleted" },
	{ PROTO_EVENT_DROP, "drop" },
	{ PROTO_EVENT_STATE, "state" },
	{ PROTO_EVENT_LOST, "lost" },
	{ PROTO_EVENT_AUDIT, "audit" },
	{ PROTO_EVENT_PACKET, "packet" },
	{ PROTO_EVENT_FAILED, "keys-failed" },
	{ PROTO_EVENT_DEAD_PEER, "dead-peer" },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const char *
kind_name(uint32_t kind)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "event";
}

/* ---- JSON -----------------------------------------------------------------
 */

static void
set_ends(json_t *o, const struct proto_event *e)
{
	char text[IPADDR_TEXT], protocol[16];

	jsonout_text(o, "association", e->association);
	jsonout_count(o, "said", e->said);
	jsonout_text(o, "local", ipaddr_format(&e->local, text));
	jsonout_text(o, "peer", ipaddr_format(&e->peer, text));
	jsonout_text(o, "protocol", cell_protocol(e->protocol, protocol));
}

static void
print_json(const struct proto_event *e)
{
	json_t *o = json_object();
	char time[32], peer[IPADDR_TEXT];

	jsonout_text(o, "time", cell_time(e->wall_ms, time));
	switch ((enum proto_event_kind)e->kind) {
	case PROTO_EVENT_ACQUIRE:
		set_ends(o, e);
		jsonout_count(o, "sport", e->sport);
		jsonout_count(o, "dport", e->dport);
		jsonout_count(o, "uid", e->uid);
		break;
	case PROTO_EVENT_SA_ADDED:
	case PROTO_EVENT_SA_SOFT:
	case PROTO_EVENT_SA_EXPIRED:
	case PROTO_EVENT_SA_DELETED:
	case PROTO_EVENT_DEAD_PEER:
		set_ends(o, e);
		jsonout_text(o, "direction", cell_direction(e->direction));
		jsonout_count(o, "spi", e->spi);
		jsonout_text(o, "encryption", e->encryption);
		jsonout_text(o, "integrity", e->integrity);
		jsonout_text(o, "reason", e->reason);
		break;
	case PROTO_EVENT_DROP:
		jsonout_text(o, "direction", cell_direction(e->direction));
		jsonout_text(o, "reason", e->reason);
		jsonout_count(o, "packets", e->packets);
		jsonout_count(o, "total", e->total);
		break;
	case PROTO_EVENT_STATE:
		(void)json_object_set_new(o, "ready", json_boolean(e->ready));
		jsonout_text(o, "reason", e->text);
		break;
	case PROTO_EVENT_LOST:
		jsonout_count(o, "events", e->lost);
		break;
	case PROTO_EVENT_AUDIT:
		set_ends(o, e);
		jsonout_text(o, "direction", cell_direction(e->direction));
		jsonout_text(o, "reason", e->reason);
		jsonout_count(o, "spi", e->spi);
		jsonout_count(o, "sequence", e->sequence);
		jsonout_count(o, "not_shown", e->lost);
		break;
	case PROTO_EVENT_PACKET:
		set_ends(o, e);
		jsonout_text(o, "direction", cell_direction(e->direction));
		jsonout_text(o, "reason", e->reason);
		jsonout_text(o, "sentence", e->text);
		jsonout_count(o, "sport", e->sport);
		jsonout_count(o, "dport", e->dport);
		jsonout_count(o, "spi", e->spi);
		jsonout_count(o, "sequence", e->sequence);
		jsonout_count(o, "ip_id", e->number);
		jsonout_count(o, "not_shown", e->lost);
		break;
	case PROTO_EVENT_FAILED:
		jsonout_text(o, "association", e->association);
		jsonout_count(o, "said", e->said);
		jsonout_text(o, "peer", ipaddr_format(&e->peer, peer));
		jsonout_text(o, "reason", e->text);
		break;
	}
	jsonout_line(kind_name(e->kind), o);
}

/* ---- text -----------------------------------------------------------------
 */

static void
print_ends(const struct proto_event *e)
{
	char local[IPADDR_TEXT], peer[IPADDR_TEXT], protocol[16];

	(void)printf("%s (0x%" PRIx32 ") %s - %s %s",
		     e->association[0] == '\0' ? "?" : e->association, e->said,
		     ipaddr_format(&e->local, local),
		     ipaddr_format(&e->peer, peer),
		     cell_protocol(e->protocol, protocol));
}

static void
print_packet(const struct proto_event *e)
{
	(void)printf("%s %s: ", cell_direction(e->direction), e->reason);
	print_ends(e);
	if (e->spi != 0)
		(void)printf(" SPI 0x%08" PRIx32 " number %" PRIu64, e->spi,
			     e->sequence);
	if (e->sport != 0 || e->dport != 0)
		(void)printf(" %" PRIu32 " -> %" PRIu32, e->sport, e->dport);
	if (e->lost != 0)
		(void)printf(", %" PRIu64 " more not shown", e->lost);
}

static void
print_text(const struct proto_event *e)
{
	char time[32], peer[IPADDR_TEXT];

	(void)printf("%s %s ", cell_time(e->wall_ms, time), kind_name(e->kind));
	switch ((enum proto_event_kind)e->kind) {
	case PROTO_EVENT_ACQUIRE:
		print_ends(e);
		if (e->sport != 0 || e->dport != 0)
			(void)printf(" %" PRIu32 " -> %" PRIu32, e->sport,
				     e->dport);
		(void)printf(" uid %" PRIu32, e->uid);
		break;
	case PROTO_EVENT_SA_ADDED:
	case PROTO_EVENT_SA_SOFT:
	case PROTO_EVENT_SA_EXPIRED:
	case PROTO_EVENT_SA_DELETED:
	case PROTO_EVENT_DEAD_PEER:
		print_ends(e);
		(void)printf(" %s 0x%08" PRIx32 "%s%s%s%s",
			     cell_direction(e->direction), e->spi,
			     e->encryption[0] == '\0' ? "" : " ", e->encryption,
			     e->integrity[0] == '\0' ? "" : " ", e->integrity);
		if (e->reason[0] != '\0')
			(void)printf(": %s", e->reason);
		break;
	case PROTO_EVENT_DROP:
		(void)printf("%s %s +%" PRIu64 " = %" PRIu64,
			     cell_direction(e->direction), e->reason,
			     e->packets, e->total);
		break;
	case PROTO_EVENT_STATE:
		(void)printf("%s%s", e->ready ? "" : "NOT READY: ", e->text);
		break;
	case PROTO_EVENT_LOST:
		(void)printf("%" PRIu64 " events", e->lost);
		break;
	case PROTO_EVENT_AUDIT:
	case PROTO_EVENT_PACKET:
		print_packet(e);
		break;
	case PROTO_EVENT_FAILED:
		(void)printf("%s (0x%" PRIx32 ") - %s: %s",
			     e->association[0] == '\0' ? "?" : e->association,
			     e->said, ipaddr_format(&e->peer, peer), e->text);
		break;
	}
	(void)fputc('\n', stdout);
}

/* ---- the stream -----------------------------------------------------------
 */

static int
connect_and_subscribe(struct client *c, const struct cli *cli, uint32_t mask)
{
	struct proto_subscribe want = { .mask = mask };
	int status = cli_connect(c, cli);

	if (status != CLI_DONE)
		return status;
	return cli_fail(
	    c, client_do(c, PROTO_SUBSCRIBE, PROTO_SHAPE(&want), &want));
}

/* Prints events until the engine goes away, or nobody reads them. */
static int
follow(struct client *c, const struct cli *cli)
{
	struct proto_event e;
	int err;

	for (;;) {
		err = client_event(c, &e, -1);
		if (err == -EINTR)
			continue;
		if (err < 0)
			return err;
		if (cli->json)
			print_json(&e);
		else
			print_text(&e);
		if (ferror(stdout))
			return -EPIPE;
	}
}

static int
read_kinds(int argc, char **argv, uint32_t *mask)
{
	for (int i = 1; i < argc; i++) {
		size_t k;

		for (k = 0; k < N_KINDS; k++)
			if (strcmp(kinds[k].name, argv[i]) == 0)
				break;
		if (k == N_KINDS)
			return cli_usage("monitor", "%s: no such event",
					 argv[i]);
		*mask |= PROTO_EVENT_BIT(kinds[k].kind);
	}
	/* Every packet that is dropped: for those who ask for it. */
	if (argc == 1)
		*mask = PROTO_EVENT_ALL & ~PROTO_EVENT_BIT(PROTO_EVENT_PACKET);
	return CLI_DONE;
}

int
cmd_monitor_run(int argc, char **argv, const struct cli *cli)
{
	static const struct timespec pause = {
		.tv_nsec = RECONNECT_MS * 1000000l,
	};
	/* Told to every subscriber: what is missing matters always. */
	uint32_t mask = PROTO_EVENT_BIT(PROTO_EVENT_LOST);
	struct client c;
	int status, engines = 0;

	status = read_kinds(argc, argv, &mask);
	if (status != CLI_DONE)
		return status;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	while ((status = connect_and_subscribe(&c, cli, mask)) == CLI_DONE) {
		int err;

		if (engines++ != 0)
			cli_complain("another engine answers");
		err = follow(&c, cli);

		client_close(&c);
		if (err == -EPIPE)
			return CLI_FAILED;
		/* The listener outlives an engine: wait for the next one. */
		cli_complain("the engine went away; waiting for the next");
		(void)nanosleep(&pause, NULL);
	}
	client_close(&c);
	return status;
}
