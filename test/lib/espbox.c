/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * espbox: engine/path without a kernel: SAs and packets on stdin, what became
 * of them on stdout, a line each.  No socket, no privilege.
 *
 *   sa out|in esp|ah SPI ENC AUTH FLAGS KEY AUTHKEY WINDOW LOCAL PEER SEQ
 *                    -> ok
 *      FLAGS: "-" or of esn,bundle.  SEQ: the next to send, or the right edge.
 *   tfc OCTETS|mtu   -> ok              for the SAs that follow
 *   out HEX          -> replace HEX MARK | accept | drop REASON
 *   in HEX           -> likewise
 *   dummy OCTETS     -> likewise, a dummy of so many for the last outbound SA
 *   edge             -> right edge of the last inbound SA
 *   audit            -> the last auditable event: REASON out|in PROTOCOL SPI
 *                       NUMBER LOCAL PEER LOST, or none; forgets it
 *   mtu N            -> ok              of the device, from now on
 *
 * SPI hex, SEQ decimal, octets hex, "-" for none.  All SAs have SAID 256.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/nfq/dummy.h"
#include "engine/path/path.h"

#define WORDS           14
#define SAID            256
#define DONE            0x3fff
#define CAP             70000
#define LINE_MAX_OCTETS (2 * CAP + 512)

struct box {
	struct store store;
	struct sad *sad;
	struct path path;
	struct sa *last[2]; /* by enum sa_direction */
	uint32_t mtu, tfc;
	uint64_t now_ms;
	struct path_event audit;
};

static size_t
parse_hex(const char *hex, uint8_t *out, size_t cap)
{
	size_t n = 0;

	if (strcmp(hex, "-") == 0)
		return 0;
	for (; hex[0] != '\0' && hex[1] != '\0' && n < cap; hex += 2)
		if (sscanf(hex, "%2hhx", &out[n++]) != 1)
			abort();
	return n;
}

static void
note(void *arg, const struct path_event *e)
{
	struct box *b = arg;

	if (e->kind == PATH_AUDIT)
		b->audit = *e;
}

static void
print_audit(struct box *b)
{
	char name[REASON_NAME_MAX], local[IPADDR_TEXT], peer[IPADDR_TEXT];
	const struct path_event *e = &b->audit;

	if (e->protocol == 0)
		puts("none");
	else
		printf(
		    "%s %s %u %x %llu %s %s %u\n", reason_name(e->reason, name),
		    e->direction == SA_OUT ? "out" : "in", e->protocol, e->spi,
		    (unsigned long long)e->seq, ipaddr_format(&e->local, local),
		    ipaddr_format(&e->peer, peer), e->lost);
	memset(&b->audit, 0, sizeof(b->audit));
}

static void
start(struct box *b)
{
	struct store_assoc *a;
	struct store_head *h;
	const char *failed;

	memset(b, 0, sizeof(*b));
	b->mtu = 1500;
	b->now_ms = 1000;
	if (suite_init(&failed) != 0 || store_create(&b->store, 64, 1) != 0)
		abort();
	h = b->store.head;
	h->said_mask = 0x3fff;
	h->said_first = 0x100;
	h->said_last = 0x3ff;
	h->done_mark = DONE;
	h->probe_mark = DONE - 1;
	h->unknown_spi_drop = 1;
	store_policy_begin(&b->store);
	a = &h->assocs[0];
	strcpy(a->name, "box");
	a->said = SAID;
	atomic_store(&h->n_assocs, 1);
	store_policy_end(&b->store);
	b->sad = sad_new(&b->store);
	if (b->sad == NULL ||
	    path_init(&b->path, &b->store, b->sad, 0, note, b) != 0)
		abort();
}

static void
add_sa(struct box *b, char **w)
{
	bool out = strcmp(w[1], "out") == 0;
	uint32_t slot, window = (uint32_t)strtoul(w[9], NULL, 10);
	uint64_t seq = strtoull(w[12], NULL, 10);
	struct sa *sa;

	if (store_claim(&b->store, out ? 0 : window, &slot) != 0)
		abort();
	sa = store_sa(&b->store, slot);
	sa->spi = (uint32_t)strtoul(w[3], NULL, 16);
	sa->said = SAID;
	sa->direction = out ? SA_OUT : SA_IN;
	sa->protocol = strcmp(w[2], "ah") == 0 ? SA_AH : SA_ESP;
	sa->mode = SA_TRANSPORT;
	sa->enc = (uint8_t)algo_by_name(w[4]);
	sa->auth = (uint8_t)algo_by_name(w[5]);
	sa->flags = (strstr(w[6], "esn") != NULL ? SA_FLAG_ESN : 0) |
		    (strstr(w[6], "bundle") != NULL ? SA_FLAG_BUNDLE : 0);
	sa->key_octets = (uint8_t)parse_hex(w[7], sa->key, sizeof(sa->key));
	sa->auth_key_octets =
	    (uint8_t)parse_hex(w[8], sa->auth_key, sizeof(sa->auth_key));
	sa->replay_window = out ? 0 : window;
	sa->tfc_pad = b->tfc;
	if (ipaddr_parse(w[10], &sa->local) != 0 ||
	    ipaddr_parse(w[11], &sa->peer) != 0)
		abort();
	sa->installed_ms = b->now_ms++;
	sa->seq_base = seq;
	atomic_store(&sa->seq_next, seq);
	atomic_store(&sa->seq_limit,
		     (sa->flags & SA_FLAG_ESN) != 0 ? UINT64_MAX : 1ull << 32);
	atomic_store(&sa->replay_edge, out ? 0 : seq);
	b->last[sa->direction] = sa;
	store_publish(&b->store, slot);
	puts("ok");
}

static void
print_result(const struct path_result *r, const uint8_t *dst)
{
	char name[REASON_NAME_MAX];

	switch (r->action) {
	case PATH_DROP:
		printf("drop %s\n", reason_name(r->reason, name));
		return;
	case PATH_ACCEPT:
		puts("accept");
		return;
	case PATH_SENT:
		puts("sent");
		return;
	case PATH_PARK:
		puts("park");
		return;
	case PATH_REPLACE:
		fputs("replace ", stdout);
		for (size_t i = 0; i < r->len; i++)
			printf("%02x", dst[i]);
		printf(" %x\n", r->mark);
		return;
	}
}

static void
run_packet(struct box *b, const char *hex, bool out)
{
	static uint8_t octets[CAP + PATH_GROWTH], dst[CAP + PATH_GROWTH];
	struct pkt pkt = { .octets = octets,
			   .room = PATH_GROWTH,
			   .mark = out ? SAID : 0,
			   .in = out ? 0 : 2,
			   .out = out ? 2 : 0,
			   .mtu = b->mtu };
	struct path_result r;

	pkt.len = pkt.whole = parse_hex(hex, octets, CAP);
	path_begin(&b->path, ++b->now_ms);
	if (out)
		path_out(&b->path, STORE_QUEUE_SEAL, &pkt, b->now_ms, dst,
			 sizeof(dst), &r);
	else
		path_in(&b->path, &pkt, b->now_ms, dst, sizeof(dst), &r);
	path_end(&b->path);
	print_result(&r, dst);
}

static void
run_dummy(struct box *b, size_t len)
{
	uint8_t octets[2000];
	char hex[2 * sizeof(octets) + 1];

	if (len < 20 || len > sizeof(octets))
		abort();
	dummy_build(b->last[SA_OUT], len, octets);
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", octets[i]);
	run_packet(b, hex, true);
}

static void
answer(struct box *b, char **w, unsigned n)
{
	if (n == 13 && strcmp(w[0], "sa") == 0)
		add_sa(b, w);
	else if (n == 2 && strcmp(w[0], "out") == 0)
		run_packet(b, w[1], true);
	else if (n == 2 && strcmp(w[0], "in") == 0)
		run_packet(b, w[1], false);
	else if (n == 2 && strcmp(w[0], "dummy") == 0)
		run_dummy(b, strtoul(w[1], NULL, 10));
	else if (n == 1 && strcmp(w[0], "audit") == 0)
		print_audit(b);
	else if (n == 1 && strcmp(w[0], "edge") == 0)
		printf("%llu\n", (unsigned long long)atomic_load(
				     &b->last[SA_IN]->replay_edge));
	else if (n == 2 && strcmp(w[0], "tfc") == 0) {
		b->tfc = strcmp(w[1], "mtu") == 0
			     ? SA_TFC_PAD_MTU
			     : (uint32_t)strtoul(w[1], NULL, 10);
		puts("ok");
	} else if (n == 2 && strcmp(w[0], "mtu") == 0) {
		b->mtu = (uint32_t)strtoul(w[1], NULL, 10);
		puts("ok");
	} else
		puts("unknown question");
}

int
main(void)
{
	static char line[LINE_MAX_OCTETS];
	struct box b;

	start(&b);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		char *words[WORDS], *at = line, *word;
		unsigned n = 0;

		while (n < WORDS && (word = strsep(&at, " \n")) != NULL)
			if (*word != '\0')
				words[n++] = word;
		answer(&b, words, n);
		fflush(stdout);
	}
	path_fini(&b.path);
	sad_free(b.sad);
	return 0;
}
