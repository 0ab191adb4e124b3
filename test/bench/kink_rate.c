/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kink_rate: negotiations a second in one process that plays both
 * ends, with keys and ciphers as they are and without network, engine and KDC,
 * by the number of peers that there are already: what the state machines and
 * their tables cost.  `new` are those with new peers, `again` new keys with old
 * ones, whose former keys are deleted.  KINK_RATE_SECS: for how long each.
 */
#include <errno.h>
#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keyneg/kink/kink.h"
#include "kinkticket.h"

enum { EVENTS = 1 << 16, ETYPE = ENCTYPE_AES256_SHA384, MOST = 10000 };

struct end {
	struct kink k;
	struct keyconf conf;
};

struct event {
	struct end *to;
	enum { DATAGRAM, ANSWER, ADDED } kind;
	struct exchange_path path;
	size_t n;
	uint8_t *octets;
};

static struct end initiator, responder;
static struct event queue[EVENTS];
static unsigned head, tail;
static uint64_t now_ms = 1000, pairs_live;
static uint32_t cusec;
static size_t exchange_octets;
static const uint8_t session[32] = { 1, 2, 3 };

/* What an AP-REQ is here. */
struct ap_req {
	uint64_t ctime;
	uint32_t cusec;
	char local[100], peer[100];
	uint8_t rest[400]; /* as long as real ones */
};

static void
post(struct end *to, int kind, const struct exchange_path *path,
     const void *octets, size_t n)
{
	struct event *e = &queue[tail++ % EVENTS];

	if (tail - head > EVENTS)
		abort();
	e->to = to;
	e->kind = kind;
	if (path != NULL)
		e->path = *path;
	e->octets = malloc(n);
	memcpy(e->octets, octets, n);
	e->n = n;
}

static void
send_datagram(void *ctx, const struct exchange_path *path, const void *octets,
	      size_t n)
{
	struct exchange_path back = { .local = path->peer,
				      .peer = path->local,
				      .local_port = 910,
				      .peer_port = 910 };

	post(ctx == &initiator ? &responder : &initiator, DATAGRAM, &back,
	     octets, n);
}

static int
ask_krb(void *ctx, const struct krbreq *r)
{
	static struct krbans a;
	struct enctype_key key = { .etype = ETYPE };
	struct ap_req q = { 0 };

	memset(&a, 0, offsetof(struct krbans, der));
	memcpy(key.key, session, sizeof(session));
	memcpy(a.key, session, sizeof(session));
	a.type = r->type;
	a.id = r->id;
	a.etype = ETYPE;
	if (r->type == KRBREQ_MAKE) {
		q.ctime = SIM_WALL + now_ms / 1000;
		q.cusec = cusec++ % 1000000;
		strcpy(q.local, r->local);
		strcpy(q.peer, r->peer);
		a.ticket = 1;
		a.der_len = sizeof(q);
		memcpy(a.der, &q, sizeof(q));
	} else {
		memcpy(&q, r->der, sizeof(q));
		/* Each peer is somebody else, at both ends. */
		strcpy(a.local, "kink/r@TEST");
		snprintf(a.peer, sizeof(a.peer), "kink/i-%.100s", q.peer + 5);
		a.der_len = (uint16_t)sim_ap_rep(&key, q.ctime, q.cusec, a.der,
						 sizeof(a.der));
	}
	a.ctime = q.ctime;
	a.cusec = q.cusec;
	post(ctx, ANSWER, NULL, &a, krbans_size(&a));
	return 0;
}

static int
add(void *ctx, const struct sainstall_sa *sa)
{
	post(ctx, ADDED, NULL, &sa->pair, sizeof(sa->pair));
	return 0;
}

static int
add_pair(void *ctx, const struct sainstall_sa *in,
	 const struct sainstall_sa *out)
{
	(void)out;
	pairs_live++;
	return add(ctx, in);
}

static int
take_out(void *ctx, uint32_t pair, enum sainstall_direction d, uint8_t protocol,
	 const struct ipaddr *local, const struct ipaddr *peer, uint32_t spi)
{
	return 0;
}

static void
give_up(void *ctx, const char *association, const struct ipaddr *peer,
	const char *why)
{
	fprintf(stderr, "kink_rate: %s\n", why);
	exit(1);
}

static const struct kink_ops ops = { .send = send_datagram, .krb = ask_krb };
static const struct sainstall_ops sa_ops = {
	.add = add, .add_pair = add_pair, .remove = take_out, .give_up = give_up
};

static struct ipaddr
address(unsigned i)
{
	struct ipaddr a = { .family = IP_FAMILY_4,
			    .prefix = 32,
			    .octets = { 10, (uint8_t)(1 + i / 62500),
					(uint8_t)(i / 250 % 250),
					(uint8_t)(1 + i % 250) } };

	return a;
}

static void
start(struct end *e, const char *local, bool secrecy)
{
	static const struct kink_limits limits = { .exchanges = 65536,
						   .octets = 1 << 30,
						   .pairs = 65536,
						   .burst = 1000000,
						   .per_second = 1000000 };
	struct keyconf_assoc a = {
		.name = "all",
		.said = 0x100,
		.enc = ALGO_AES128_GCM,
		.esn = 1,
		.peer_pattern = "kink/*@TEST",
		.accept_any_address = 1,
		.limits = { .hard_secs = 28800 },
		.secrecy =
		    secrecy ? KEYCONF_SECRECY_REQUIRE : KEYCONF_SECRECY_OFF,
	};

	strcpy(a.local_principal, local);
	keyconf_add_assoc(&e->conf, &a);
	for (unsigned i = 0; i < MOST; i++) {
		struct keyconf_map m = { .address = address(i) };

		snprintf(m.principal, sizeof(m.principal), "kink/r%u@TEST", i);
		keyconf_add_map(&e->conf, &m);
	}
	if (kink_init(&e->k, &ops, e, &sa_ops, e, &e->conf, SIM_WALL,
		      &limits) != 0)
		abort();
}

static void
settle(void)
{
	while (head != tail) {
		struct event *e = &queue[head++ % EVENTS];
		uint32_t pair;

		if (e->kind == DATAGRAM) {
			kink_receive(&e->to->k, now_ms, &e->path, e->octets,
				     e->n);
		} else if (e->kind == ANSWER) {
			kink_krb_answer(&e->to->k, now_ms, (void *)e->octets);
		} else {
			memcpy(&pair, e->octets, sizeof(pair));
			kink_sa_added(&e->to->k, now_ms, pair);
		}
		free(e->octets);
	}
	(void)kink_run_timers(&initiator.k, now_ms);
	(void)kink_run_timers(&responder.k, now_ms);
}

static void
negotiate(unsigned i)
{
	struct ipaddr peer = address(i), me = peer;

	me.octets[0] = 11; /* to the responder, too, each is a host */
	if (kink_acquire(&initiator.k, now_ms, "all", &me, &peer) != 0)
		abort();
	settle();
	now_ms += 20; /* some thousand exchanges are kept for duplicates */
}

static double
cpu_secs(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
measure(bool secrecy, double secs)
{
	static const unsigned steps[] = { 100, 1000, MOST };
	unsigned peers = 0;

	memset(&initiator, 0, sizeof(initiator));
	memset(&responder, 0, sizeof(responder));
	start(&initiator, "kink/i@TEST", secrecy);
	start(&responder, "kink/r@TEST", secrecy);
	for (size_t s = 0; s < (secrecy ? 2 : 3); s++) {
		unsigned from = peers, n = 0;
		double at = cpu_secs(), fresh;

		while (peers < steps[s])
			negotiate(peers++);
		fresh = (peers - from) / (cpu_secs() - at);
		now_ms += 1000; /* keys as fresh as that are not replaced */
		at = cpu_secs();
		while (cpu_secs() - at < secs)
			negotiate(n++ * 7919 % peers);
		printf("%-20s %6u peers: %7.0f new, %7.0f again in a second "
		       "of a core\n",
		       secrecy ? "with Curve25519" : "two messages", peers,
		       fresh, n / (cpu_secs() - at));
		fflush(stdout);
	}
	if (pairs_live == 0 || initiator.k.pairs.n < peers)
		abort();
	exchange_octets = initiator.k.exchanges.item;
	kink_fini(&initiator.k);
	kink_fini(&responder.k);
	keyconf_fini(&initiator.conf);
	keyconf_fini(&responder.conf);
}

Test(kink_rate, all)
{
	const char *secs = getenv("KINK_RATE_SECS");

	gcry_check_version(NULL);
	/* A line for each pair, as keynegd has them. */
	if (freopen("/dev/null", "w", stderr) == NULL)
		abort();
	measure(false, secs == NULL ? 2 : atof(secs));
	measure(true, secs == NULL ? 2 : atof(secs));
	printf("an idle peer holds %zu octets, an exchange %zu\n",
	       sizeof(struct sapair) + sizeof(struct peertab_peer),
	       exchange_octets);
}
