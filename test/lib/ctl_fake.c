/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_fake: the control socket without an engine behind it.
 *
 *   ctl_fake RUN_DIR [--real-clock] [--not-ready] [--sas N]
 *
 * Serves engine/ctl on RUN_DIR/control.sock from a store with known contents,
 * so that command line and protocol are tested without root.  Prints "ready",
 * then does what lines on stdin say (see commands below) and ends with it.
 * Unless --real-clock is given, time stands still: 2026-01-31T12:00:00Z, one
 * hour after start.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/ctl/server.h"
#include "engine/path/reason.h"

#define NOW_MS    (7200ull * 1000)
#define NOW_WALL  1769860800ull /* 2026-01-31T12:00:00Z */
#define HOUR_SECS 3600ull

static bool real_clock, done;
static struct store store;
static struct server *server;

/* Instead of base/clock.c's, which the linker then leaves out. */
uint64_t
clock_now_ms(void)
{
	struct timespec t;

	if (!real_clock)
		return NOW_MS;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t
clock_wall_secs(void)
{
	return real_clock ? (uint64_t)time(NULL) : NOW_WALL;
}

uint64_t
clock_wall_ms(void)
{
	struct timespec t;

	if (!real_clock)
		return NOW_WALL * 1000;
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void
clock_rfc3339(uint64_t wall_secs, char out[21])
{
	time_t t = (time_t)wall_secs;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static struct ipaddr
address(const char *text)
{
	struct ipaddr a;

	if (ipaddr_parse(text, &a) < 0)
		abort();
	return a;
}

static void
add_assoc(const char *name, uint32_t said, const char *local, const char *peer,
	  enum algo enc, enum algo auth, enum proto_keying keying)
{
	struct store_head *h = store.head;
	struct store_assoc *a = &h->assocs[atomic_load(&h->n_assocs)];

	store_policy_begin(&store);
	snprintf(a->name, sizeof(a->name), "%s", name);
	a->said = said;
	a->mode = SA_TRANSPORT;
	a->enc = (uint8_t)enc;
	a->auth = (uint8_t)auth;
	a->keying = (uint8_t)keying;
	a->esn = 1;
	a->replay_window = 1024;
	a->local = address(local);
	a->peer = address(peer);
	if (keying == PROTO_KEYING_KERBEROS)
		a->limits = (struct sa_limits){ 3000, 80000000000,  0,
						3600, 100000000000, 1000000 };
	atomic_fetch_add(&h->n_assocs, 1);
	store_policy_end(&store);
}

static struct sa *
add_sa(const struct store_assoc *a, enum sa_direction direction, uint32_t spi,
       const char *local, const char *peer, uint8_t first_key_octet)
{
	uint32_t slot;
	struct sa *sa;

	if (store_claim(&store, direction == SA_IN ? 1024 : 0, &slot) < 0)
		abort();
	sa = store_sa(&store, slot);
	memcpy(sa->association, a->name, sizeof(sa->association));
	sa->spi = spi;
	sa->said = a->said;
	sa->direction = (uint8_t)direction;
	sa->protocol = SA_ESP;
	sa->mode = a->mode;
	sa->enc = a->enc;
	sa->auth = a->auth;
	sa->key_octets = (uint8_t)algo_keymat_octets((enum algo)a->enc);
	for (unsigned i = 0; i < sa->key_octets; i++)
		sa->key[i] = (uint8_t)(first_key_octet + i);
	sa->auth_key_octets = (uint8_t)algo_keymat_octets((enum algo)a->auth);
	for (unsigned i = 0; i < sa->auth_key_octets; i++)
		sa->auth_key[i] = (uint8_t)(first_key_octet + 100 + i);
	sa->flags = SA_FLAG_ESN;
	if (a->keying == PROTO_KEYING_MANUAL)
		sa->flags |= SA_FLAG_MANUAL;
	sa->local = address(local);
	sa->peer = address(peer);
	sa->limits = a->limits;
	sa->installed_ms = clock_now_ms() - HOUR_SECS * 1000 / 2;
	sa->seq_base = 1;
	atomic_store(&sa->seq_next, 1);
	atomic_store(&sa->seq_limit, UINT64_MAX);
	store_publish(&store, slot);
	return sa;
}

static void
fill(uint32_t more_sas)
{
	struct store_head *h = store.head;
	struct sa *sa;

	h->said_mask = 0x3fff;
	h->said_first = 0x100;
	h->said_last = 0x3ff;
	h->supervisor_started_wall = NOW_WALL - 2 * HOUR_SECS;
	atomic_store(&h->engine_started_wall, NOW_WALL - HOUR_SECS);
	atomic_store(&h->engine_starts, 2);
	h->divert = STORE_DIVERT_XT;
	add_assoc("db", 0x100, "10.77.0.1", "10.77.0.2", ALGO_AES128_GCM,
		  ALGO_NONE, PROTO_KEYING_MANUAL);
	add_assoc("realm-wide", 0x110, "any", "10.77.1.0/24", ALGO_AES256_CBC,
		  ALGO_HMAC_SHA256, PROTO_KEYING_KERBEROS);
	add_assoc("by-hand", 0x120, "any", "any", ALGO_AES256_GCM, ALGO_NONE,
		  PROTO_KEYING_NONE);
	sa = add_sa(&h->assocs[0], SA_OUT, 0x1001, "10.77.0.1", "10.77.0.2", 0);
	atomic_store(&sa->packets, 1234);
	atomic_store(&sa->octets, 1572864);
	atomic_store(&sa->seq_next, 0x20000000000005);
	sa = add_sa(&h->assocs[0], SA_IN, 0x1002, "10.77.0.1", "10.77.0.2", 32);
	atomic_store(&sa->packets, 987);
	atomic_store(&sa->octets, 654321);
	atomic_store(&sa->replay_edge, 990);
	atomic_store(&sa->replays, 3);
	atomic_store(&sa->bad_icv, 1);
	atomic_store(&sa->last_used_ms, clock_now_ms() - 1500);
	sa = add_sa(&h->assocs[1], SA_OUT, 0xc0ffee01, "10.77.0.1", "10.77.1.9",
		    64);
	snprintf(sa->principal, sizeof(sa->principal),
		 "kink/www.example.com@EXAMPLE.COM");
	for (uint32_t i = 0; i < more_sas; i++) {
		char peer[IPADDR_TEXT];

		snprintf(peer, sizeof(peer), "10.%u.%u.%u", 128 + (i >> 16),
			 i >> 8 & 255, i & 255);
		add_sa(&h->assocs[2], SA_OUT, 0x10000 + i, "10.77.0.1", peer,
		       1);
	}
	reason_count(&store, 0, SA_IN, REASON_probe, 1);
	reason_count(&store, 0, SA_IN, REASON_dummy, 100);
	reason_count(&store, 0, SA_IN, REASON_replay, 3);
	reason_count(&store, 1, SA_IN, REASON_bad_icv, 1);
	reason_count(&store, STORE_WORKERS_MAX, SA_OUT, REASON_no_sa, 17);
	for (unsigned w = 0; w < h->workers; w++)
		for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++) {
			struct store_queue *q = &h->queues[k][w];

			atomic_store(&q->received, 1000 * (k + 1) + w);
			atomic_store(&q->verdicts, 1000 * (k + 1) + w);
			atomic_store(&q->heard_ms, clock_now_ms() - 250);
		}
}

/* ---- what engine and supervisor would do ----------------------------------
 */

static int
do_reload(void *ctx, struct server_ticket t, const struct proto_reload *what)
{
	static bool waits;
	static const char text[] = "association db: peer 10.77.0.2 -> "
				   "10.77.0.3\nflow out: 1 added\n";

	if (what->flags & PROTO_RELOAD_CONFIRM) {
		if (!waits)
			return server_answer_end(server, t, -ENOENT,
						 "nothing waits to be "
						 "confirmed");
		waits = false;
		return server_answer_end(server, t, 0, NULL);
	}
	waits |= what->secs != 0;
	server_answer_text(server, t, text, strlen(text));
	if (!(what->flags & PROTO_RELOAD_DRY_RUN)) {
		store_policy_begin(&store);
		store_policy_end(&store);
	}
	return server_answer_end(server, t, 0, NULL);
}

static int
do_disable(void *ctx, struct server_ticket t)
{
	return -EIO; /* the fake has no tables to take away */
}

static int
do_export(void *ctx, struct server_ticket t, enum proto_export_which which)
{
	char line[128];

	for (unsigned i = 0; i < 200; i++) {
		int n = snprintf(
		    line, sizeof(line),
		    which == PROTO_EXPORT_CONF
			? "# \"l\303\244nger\" than one message, line %u\n"
			: "add rule inet nfipsec classify meta mark %u\n",
		    i);

		if (server_answer_text(server, t, line, (size_t)n) < 0)
			return 0;
	}
	return server_answer_end(server, t, 0, NULL);
}

static int
do_flows(void *ctx, struct server_ticket t)
{
	static const struct proto_flow flows[] = {
		{ 1, PROTO_OUT, "bypass", "tcp dport 22", "nfipsec.conf:30", 7,
		  420 },
		{ 2, PROTO_OUT, "db", "ip daddr 10.77.0.2 tcp dport 5432",
		  "nfipsec.conf:31", 1234, 1572864 },
		{ 3, PROTO_IN, "db", "ip saddr 10.77.0.2 tcp sport 5432",
		  "nfipsec.conf:32", 0, 0 },
		{ 4, PROTO_IN, "discard", "ip saddr 10.77.0.66",
		  "conf.d/a.conf:1", 2, 120 },
	};

	for (unsigned i = 0; i < 4; i++)
		server_answer_flow(server, t, &flows[i]);
	return server_answer_end(server, t, 0, NULL);
}

static int
do_rule_drops(void *ctx, struct server_ticket t)
{
	static uint64_t packets = 5;
	struct proto_drop d = {
		.direction = PROTO_IN,
		.reason = "latch",
		.sentence = "came in clear or by another SAID than its "
			    "socket or connection is bound to",
		.packets = packets,
	};

	server_answer_drop(server, t, &d);
	return server_answer_end(server, t, 0, NULL);
}

/* No worker can hold a slot here: dead ones are free at once. */
static void
do_sas_changed(void *ctx)
{
	for (uint32_t i = 0; i < store_slots(&store); i++)
		if (atomic_load(&store_sa(&store, i)->state) == SA_DEAD)
			store_release(&store, i);
}

static const struct ctl_ops ops = {
	.sas_changed = do_sas_changed,
	.reload = do_reload,
	.disable = do_disable,
	.export = do_export,
	.flows = do_flows,
	.rule_drops = do_rule_drops,
};

/* ---- what stdin can ask for -----------------------------------------------
 */

static void
command(const char *line)
{
	struct proto_event e = {
		.association = "realm-wide",
		.said = 0x110,
		.local = address("10.77.0.1"),
		.peer = address("10.77.1.9"),
	};

	if (strcmp(line, "acquire") == 0) {
		e.kind = PROTO_EVENT_ACQUIRE;
		e.protocol = 6;
		e.sport = 40000;
		e.dport = 443;
		e.uid = 1000;
		server_publish(server, &e);
	} else if (strcmp(line, "soft") == 0) {
		e.kind = PROTO_EVENT_SA_SOFT;
		e.protocol = SA_ESP;
		e.direction = SA_OUT;
		e.spi = 0xc0ffee01;
		server_publish(server, &e);
	} else if (strcmp(line, "hard") == 0) {
		e.kind = PROTO_EVENT_SA_EXPIRED;
		e.protocol = SA_ESP;
		e.direction = SA_OUT;
		e.spi = 0xc0ffee01;
		server_publish(server, &e);
		store_kill(&store, 2);
	} else if (strcmp(line, "traffic") == 0) {
		atomic_fetch_add(&store_sa(&store, 0)->packets, 5000);
		atomic_fetch_add(&store_sa(&store, 0)->octets, 5000000);
		atomic_fetch_add(&store_sa(&store, 1)->packets, 40);
		reason_count(&store, 0, SA_IN, REASON_bad_icv, 100);
	} else if (strcmp(line, "packet") == 0) {
		e.kind = PROTO_EVENT_PACKET;
		e.protocol = 6;
		e.sport = 40000;
		e.dport = 443;
		e.direction = PROTO_OUT;
		e.number = 4711;
		snprintf(e.reason, sizeof(e.reason), "no-sa");
		snprintf(e.text, sizeof(e.text),
			 "the association has no SA for this peer");
		server_publish(server, &e);
	} else if (strcmp(line, "drop") == 0) {
		reason_count(&store, 0, SA_IN, REASON_replay, 2);
	} else if (strcmp(line, "unready") == 0) {
		snprintf(store.head->not_ready, STORE_TEXT_MAX,
			 "a queue rule is missing");
		atomic_store(&store.head->ready, 0);
	} else if (strncmp(line, "flood ", 6) == 0) {
		e.kind = PROTO_EVENT_ACQUIRE;
		for (int n = atoi(line + 6); n > 0; n--)
			server_publish(server, &e);
	} else if (strcmp(line, "rss") == 0) {
		long pages = 0;
		FILE *f = fopen("/proc/self/statm", "r");

		if (f != NULL && fscanf(f, "%*d %ld", &pages) == 1)
			printf("rss %ld\n", pages * sysconf(_SC_PAGESIZE));
		if (f != NULL)
			fclose(f);
	} else {
		printf("unknown %s\n", line);
	}
	printf("done\n");
	fflush(stdout);
}

static void
read_stdin(void *arg)
{
	static char buf[4096];
	static size_t fill_at;
	ssize_t n = read(0, buf + fill_at, sizeof(buf) - 1 - fill_at);
	char *nl;

	if (n <= 0) {
		done = true;
		return;
	}
	fill_at += (size_t)n;
	buf[fill_at] = '\0';
	while ((nl = strchr(buf, '\n')) != NULL) {
		*nl = '\0';
		command(buf);
		fill_at -= (size_t)(nl + 1 - buf);
		memmove(buf, nl + 1, fill_at + 1);
	}
}

int
main(int argc, char **argv)
{
	struct server_config config = { .store = &store,
					.nfqueue_fd = -1,
					.ops = &ops };
	struct rlimit files = { 4096, 4096 };
	uint32_t more = 0;
	bool ready = true;
	const char *queues = getenv("CTL_FAKE_QUEUES");

	if (argc < 2)
		return 2;
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--real-clock") == 0)
			real_clock = true;
		else if (strcmp(argv[i], "--not-ready") == 0)
			ready = false;
		else if (strcmp(argv[i], "--sas") == 0 && i + 1 < argc)
			more = (uint32_t)atoi(argv[++i]);
		else
			return 2;
	}
	(void)setrlimit(RLIMIT_NOFILE, &files);
	if (store_create(&store, more + 64, 2) < 0)
		return 1;
	fill(more);
	snprintf(store.head->not_ready, STORE_TEXT_MAX,
		 "the seal queue did not get the test packet");
	atomic_store(&store.head->ready, ready);
	if (queues != NULL)
		config.nfqueue_fd = open(queues, O_RDONLY | O_CLOEXEC);
	config.listen_fd = server_listen(argv[1]);
	if (config.listen_fd < 0) {
		fprintf(stderr, "listen: %s\n", strerror(-config.listen_fd));
		return 1;
	}
	if (server_new(&server, &config) < 0 ||
	    server_watch(server, 0, read_stdin, NULL) < 0)
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (!done)
		if (server_step(server, -1) < 0)
			return 1;
	server_free(server);
	store_unmap(&store);
	return 0;
}
