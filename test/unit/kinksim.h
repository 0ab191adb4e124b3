/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinksim: any number of KINK hosts in one process, with a fake clock, a fake
 * network (loss, duplication, reordering, delay) and a fake Kerberos that
 * speaks the facade's two requests with real keys and real DER.
 *
 *	host 0  10.0.0.1  kink/h0.test@TEST      host n  10.0.(n/250).(n%250+1)
 */
#ifndef TEST_UNIT_KINKSIM_H
#define TEST_UNIT_KINKSIM_H

#include <criterion/criterion.h>
#include <gcrypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/builder.h"
#include "base/secret.h"
#include "keyneg/kink/enctype.h"
#include "keyneg/kink/kink.h"
#include "keyneg/kink/kinkmsg.h"

#define SIM_WALL 1700000000u /* the wall clock when the simulation starts */
enum { SIM_SAS = 512, SIM_HOSTS = 202, SIM_TICKETS = 4096, SIM_SEEN = 65536 };

struct sim_sa {
	bool there;
	uint32_t spi;
	enum sainstall_direction direction;
	struct ipaddr peer;
	uint8_t key[64];
	unsigned key_octets;
};

struct sim_host {
	int number;
	struct ipaddr address;
	char principal[KEYCONF_PRINCIPAL_MAX];
	struct kink k;
	struct keyconf conf;
	struct sim_sa *sa;
	unsigned adds, removes, give_ups;
	char why[300];
	/* Kerberos of this host */
	int64_t clock_off_secs;
	bool kdc_down, tickets_expired, unprotected_errors;
	uint64_t krb_ms;
	bool up;
};

enum sim_event_kind { SIM_DATAGRAM, SIM_ANSWER };
struct sim_event {
	uint64_t at_ms, order;
	enum sim_event_kind kind;
	struct sim_host *to;
	struct exchange_path path;
	void *octets;
	size_t n;
	struct sim_event *next;
};

static struct {
	uint64_t now_ms, order;
	struct sim_host host[SIM_HOSTS];
	int hosts;
	struct sim_event *events;
	unsigned loss, dup, delay; /* percent, percent, most ms */
	unsigned datagrams;
	size_t octets_sent;
	/* the datagrams of a run, kept for those who replay them */
	struct {
		uint8_t at[4096];
		size_t n;
		struct exchange_path path;
	} trace[64];
	unsigned traced;
	struct {
		char client[KEYCONF_PRINCIPAL_MAX];
		char server[KEYCONF_PRINCIPAL_MAX];
		uint8_t key[32];
		bool expired;
	} ticket[SIM_TICKETS];
	uint64_t tickets;
	uint64_t seen[SIM_SEEN];
	unsigned n_seen;
	uint32_t cusec;
	int32_t etype;
	/* A look at every datagram before it goes; false: it is lost. */
	bool (*tap)(struct sim_host *from, uint8_t *octets, size_t n);
} sim;

/* ---- events ------------------------------------------------------------- */

__attribute__((unused)) static void
sim_post(uint64_t at_ms, enum sim_event_kind kind, struct sim_host *to,
	 const struct exchange_path *path, const void *octets, size_t n)
{
	struct sim_event *e = calloc(1, sizeof(*e)), **at = &sim.events;

	e->at_ms = at_ms;
	e->order = sim.order++;
	e->kind = kind;
	e->to = to;
	if (path != NULL)
		e->path = *path;
	e->octets = malloc(n + 1);
	memcpy(e->octets, octets, n);
	e->n = n;
	while (*at != NULL && (*at)->at_ms <= at_ms)
		at = &(*at)->next;
	e->next = *at;
	*at = e;
}

__attribute__((unused)) static struct sim_host *
sim_host_at(const struct ipaddr *a)
{
	for (int i = 0; i < sim.hosts; i++)
		if (sim.host[i].up && ipaddr_equal(&sim.host[i].address, a))
			return &sim.host[i];
	return NULL;
}

__attribute__((unused)) static void
sim_deliver(const struct exchange_path *from, const void *octets, size_t n)
{
	struct sim_host *to = sim_host_at(&from->peer);
	struct exchange_path path = { .local = from->peer,
				      .peer = from->local,
				      .local_port = from->peer_port,
				      .peer_port = from->local_port };
	unsigned copies = 1;

	if (to == NULL || (unsigned)(rand() % 100) < sim.loss)
		return;
	if ((unsigned)(rand() % 100) < sim.dup)
		copies++;
	while (copies-- > 0)
		sim_post(
		    sim.now_ms + 1 +
			(sim.delay == 0 ? 0 : (unsigned)rand() % sim.delay),
		    SIM_DATAGRAM, to, &path, octets, n);
}

__attribute__((unused)) static void
sim_send(void *ctx, const struct exchange_path *path, const void *octets,
	 size_t n)
{
	static uint8_t copy[16384];

	cr_assert_leq(n, sizeof(copy));
	memcpy(copy, octets, n);
	sim.datagrams++;
	sim.octets_sent += n;
	if (sim.traced < 64 && n <= sizeof(sim.trace[0].at)) {
		memcpy(sim.trace[sim.traced].at, octets, n);
		sim.trace[sim.traced].n = n;
		sim.trace[sim.traced++].path = *path;
	}
	if (sim.tap != NULL && !sim.tap(ctx, copy, n))
		return;
	sim_deliver(path, copy, n);
}

/* ---- Kerberos ----------------------------------------------------------- */

/* Puts a DER element around octets that are already at the end of b. */
__attribute__((unused)) static void
sim_wrap(struct builder *b, size_t from, uint8_t tag)
{
	size_t n = b->len - from;
	uint8_t copy[2048];

	memcpy(copy, b->buf + from, n);
	b->len = from;
	builder_u8(b, tag);
	if (n >= 256) {
		builder_u8(b, 0x82);
		builder_u16(b, (uint16_t)n);
	} else if (n >= 128) {
		builder_u8(b, 0x81);
		builder_u8(b, (uint8_t)n);
	} else {
		builder_u8(b, (uint8_t)n);
	}
	builder_octets(b, copy, n);
}

__attribute__((unused)) static void
sim_der_int(struct builder *b, uint8_t context, uint32_t v)
{
	size_t at = b->len;

	builder_u8(b, 0);
	builder_u32(b, v);
	sim_wrap(b, at, 0x02);
	sim_wrap(b, at, 0xa0 | context);
}

__attribute__((unused)) static void
sim_der_time(struct builder *b, uint8_t context, uint64_t secs)
{
	char text[32];
	time_t t = (time_t)secs;
	struct tm tm;
	size_t at = b->len;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
	builder_octets(b, text, 15);
	sim_wrap(b, at, 0x18);
	sim_wrap(b, at, 0xa0 | context);
}

__attribute__((unused)) static size_t
sim_ap_rep(const struct enctype_key *k, uint64_t ctime, uint32_t cusec,
	   uint8_t *out, size_t cap)
{
	uint8_t plain[256], cipher[512];
	struct builder p = builder_make(plain, sizeof(plain));
	struct builder b = builder_make(out, cap);
	size_t at;
	int n;

	sim_der_time(&p, 0, ctime);
	sim_der_int(&p, 1, cusec);
	sim_wrap(&p, 0, 0x30);
	sim_wrap(&p, 0, 0x7b);
	n = enctype_encrypt(k, ENCTYPE_USAGE_AP_REP, plain, p.len, cipher,
			    sizeof(cipher));
	cr_assert_gt(n, 0);
	sim_der_int(&b, 0, 5);
	sim_der_int(&b, 1, 15);
	at = b.len;
	sim_der_int(&b, 0, (uint32_t)k->etype);
	{
		size_t c = b.len;

		builder_octets(&b, cipher, (size_t)n);
		sim_wrap(&b, c, 0x04);
		sim_wrap(&b, c, 0xa2);
	}
	sim_wrap(&b, at, 0x30);
	sim_wrap(&b, at, 0xa2);
	sim_wrap(&b, 0, 0x30);
	sim_wrap(&b, 0, 0x6f);
	cr_assert(!b.overflow);
	return b.len;
}

__attribute__((unused)) static size_t
sim_krb_error(uint32_t code, uint64_t ctime, uint64_t stime, uint8_t *out,
	      size_t cap)
{
	struct builder b = builder_make(out, cap);

	sim_der_int(&b, 0, 5);
	sim_der_int(&b, 1, 30);
	if (ctime != 0) {
		sim_der_time(&b, 2, ctime);
		sim_der_int(&b, 3, 7);
	}
	sim_der_time(&b, 4, stime);
	sim_der_int(&b, 5, 0);
	sim_der_int(&b, 6, code);
	sim_wrap(&b, 0, 0x30);
	sim_wrap(&b, 0, 0x7e);
	return b.len;
}

/* The AP-REQ of here: ticket number, time, and what makes it as long as a
 * real one. */
enum { SIM_AP_REQ = 600 };

__attribute__((unused)) static uint64_t
sim_wall(const struct sim_host *h)
{
	return SIM_WALL + sim.now_ms / 1000 + (uint64_t)h->clock_off_secs;
}

__attribute__((unused)) static void
sim_make(struct sim_host *h, const struct krbreq *r, struct krbans *a)
{
	struct builder b = builder_make(a->der, sizeof(a->der));
	uint64_t t = r->ticket;

	for (uint64_t i = 1; t == 0 && !r->fresh && i <= sim.tickets; i++)
		if (strcmp(sim.ticket[i].client, r->local) == 0 &&
		    strcmp(sim.ticket[i].server, r->peer) == 0)
			t = i;
	if (t == 0) {
		t = ++sim.tickets;
		cr_assert_lt(t, SIM_TICKETS);
		strcpy(sim.ticket[t].client, r->local);
		strcpy(sim.ticket[t].server, r->peer);
		secret_random(sim.ticket[t].key, 32);
	}
	a->ticket = t;
	a->etype = sim.etype;
	memcpy(a->key, sim.ticket[t].key, enctype_key_octets(sim.etype));
	a->ctime = sim_wall(h) + (uint64_t)r->offset_secs;
	a->cusec = ++sim.cusec % 1000000;
	builder_u64(&b, t);
	builder_u64(&b, a->ctime);
	builder_u32(&b, a->cusec);
	builder_zeros(&b, SIM_AP_REQ - b.len);
	a->der_len = (uint16_t)b.len;
}

__attribute__((unused)) static void
sim_read(struct sim_host *h, const struct krbreq *r, struct krbans *a)
{
	struct cursor c = cursor_make(r->der, r->der_len);
	struct enctype_key key = { .etype = sim.etype };
	uint64_t t, ctime, once, code = 0;
	uint32_t cusec;

	if (r->der_len != SIM_AP_REQ || !cursor_u64(&c, &t) ||
	    !cursor_u64(&c, &ctime) || !cursor_u32(&c, &cusec) || t == 0 ||
	    t > sim.tickets) {
		a->status = KRBANS_REFUSED;
		return;
	}
	strcpy(a->local, sim.ticket[t].server);
	strcpy(a->peer, sim.ticket[t].client);
	a->ctime = ctime;
	a->cusec = cusec;
	once = t << 52 ^ ctime << 20 ^ cusec ^ (uint64_t)h->number << 44;
	if (strcmp(sim.ticket[t].server, h->principal) != 0) {
		a->status = KRBANS_NO_KEYTAB;
		code = 35;
	} else if (h->tickets_expired && !sim.ticket[t].expired) {
		sim.ticket[t].expired = true;
		a->status = KRBANS_EXPIRED;
		code = 32;
		h->tickets_expired = false;
	} else if (llabs((long long)(ctime - sim_wall(h))) > 300) {
		a->status = KRBANS_SKEW;
		code = 37;
	}
	memcpy(key.key, sim.ticket[t].key, enctype_key_octets(sim.etype));
	if (code != 0) {
		a->der_len = (uint16_t)sim_krb_error(
		    (uint32_t)code, ctime, sim_wall(h), a->der, sizeof(a->der));
		if (code != 37 || h->unprotected_errors)
			return;
		a->etype = sim.etype;
		memcpy(a->key, key.key, sizeof(a->key));
		return;
	}
	for (unsigned i = 0; i < sim.n_seen; i++)
		if (sim.seen[i] == once) {
			a->status = KRBANS_REPLAY;
			return;
		}
	cr_assert_lt(sim.n_seen, SIM_SEEN);
	sim.seen[sim.n_seen++] = once;
	a->etype = sim.etype;
	memcpy(a->key, key.key, sizeof(a->key));
	a->der_len =
	    (uint16_t)sim_ap_rep(&key, ctime, cusec, a->der, sizeof(a->der));
}

__attribute__((unused)) static int
sim_krb(void *ctx, const struct krbreq *r)
{
	struct sim_host *h = ctx;
	static struct krbans a;

	memset(&a, 0, sizeof(a));
	a.type = r->type;
	a.id = r->id;
	cr_assert(krbreq_check(r, krbreq_size(r)));
	if (r->type == KRBREQ_MAKE) {
		if (h->kdc_down)
			return 0; /* and no answer, ever */
		sim_make(h, r, &a);
	} else {
		sim_read(h, r, &a);
	}
	cr_assert(krbans_check(&a, krbans_size(&a)));
	sim_post(sim.now_ms + h->krb_ms, SIM_ANSWER, h, NULL, &a,
		 krbans_size(&a));
	return 0;
}

/* ---- the engine --------------------------------------------------------- */

__attribute__((unused)) static struct sim_sa *
sim_find(struct sim_host *h, enum sainstall_direction d, uint32_t spi,
	 const struct ipaddr *peer)
{
	for (int i = 0; i < SIM_SAS; i++)
		if (h->sa[i].there && h->sa[i].direction == d &&
		    h->sa[i].spi == spi && ipaddr_equal(&h->sa[i].peer, peer))
			return &h->sa[i];
	return NULL;
}

__attribute__((unused)) static int
sim_add(void *ctx, const struct sainstall_sa *sa)
{
	struct sim_host *h = ctx;
	struct sim_sa *s = sim_find(h, sa->direction, sa->spi, &sa->peer);

	for (int i = 0; s == NULL && i < SIM_SAS; i++)
		if (!h->sa[i].there)
			s = &h->sa[i];
	cr_assert_neq(s, NULL);
	cr_assert_geq(sa->spi, 256);
	/* The engine's rule: the newest outbound one takes over. */
	for (int i = 0; sa->direction == SAINSTALL_OUT && i < SIM_SAS; i++)
		if (h->sa[i].direction == SAINSTALL_OUT &&
		    ipaddr_equal(&h->sa[i].peer, &sa->peer))
			h->sa[i].there = false;
	s->there = true;
	s->spi = sa->spi;
	s->direction = sa->direction;
	s->peer = sa->peer;
	s->key_octets = sa->key_octets;
	memcpy(s->key, sa->key, sa->key_octets);
	h->adds++;
	return 0;
}

__attribute__((unused)) static int
sim_add_pair(void *ctx, const struct sainstall_sa *in,
	     const struct sainstall_sa *out)
{
	return sim_add(ctx, in) != 0 || sim_add(ctx, out) != 0;
}

__attribute__((unused)) static int
sim_remove(void *ctx, uint32_t pair, enum sainstall_direction d,
	   uint8_t protocol, const struct ipaddr *local,
	   const struct ipaddr *peer, uint32_t spi)
{
	struct sim_host *h = ctx;
	struct sim_sa *s = sim_find(h, d, spi, peer);

	cr_assert_neq(s, NULL, "removes an SA that is not there");
	s->there = false;
	h->removes++;
	return 0;
}

__attribute__((unused)) static void
sim_give_up(void *ctx, const char *association, const struct ipaddr *peer,
	    const char *why)
{
	struct sim_host *h = ctx;

	h->give_ups++;
	snprintf(h->why, sizeof(h->why), "%s", why);
}

__attribute__((unused)) static const struct kink_ops sim_ops = {
	.send = sim_send, .krb = sim_krb
};
__attribute__((unused)) static const struct sainstall_ops sim_sa_ops = {
	.add = sim_add,
	.add_pair = sim_add_pair,
	.remove = sim_remove,
	.give_up = sim_give_up
};

/* ---- running ------------------------------------------------------------ */

__attribute__((unused)) static void
sim_boot(struct sim_host *h)
{
	static const struct kink_limits limits = { .exchanges = 1024,
						   .octets = 8 << 20,
						   .pairs = 1024,
						   .burst = 200,
						   .per_second = 100 };

	cr_assert_eq(kink_init(&h->k, &sim_ops, h, &sim_sa_ops, h, &h->conf,
			       (uint32_t)sim_wall(h), &limits),
		     0);
	h->up = true;
}

/* Every host: one association "all" with everybody. */
__attribute__((unused)) static void
sim_start(int hosts, unsigned seed)
{
	gcry_check_version(NULL);
	memset(&sim, 0, sizeof(sim));
	sim.now_ms = 1000;
	sim.etype = ENCTYPE_AES256_SHA384;
	sim.hosts = hosts;
	srand(seed);
	for (int i = 0; i < hosts; i++) {
		struct sim_host *h = &sim.host[i];
		struct keyconf_assoc a = { .name = "all",
					   .said = 0x100,
					   .enc = ALGO_AES128_GCM,
					   .esn = 1,
					   .replay_window = 1024,
					   .secrecy = KEYCONF_SECRECY_OFF,
					   .peer_pattern = "kink/*@TEST" };
		char text[40];

		h->number = i;
		h->krb_ms = 1;
		h->sa = calloc(SIM_SAS, sizeof(*h->sa));
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 250,
			 i % 250 + 1);
		ipaddr_parse(text, &h->address);
		snprintf(h->principal, sizeof(h->principal),
			 "kink/h%d.test@TEST", i);
		strcpy(a.local_principal, h->principal);
		a.limits.hard_secs = 3600;
		keyconf_add_assoc(&h->conf, &a);
		for (int j = 0; j < hosts; j++) {
			struct keyconf_map m = { 0 };

			snprintf(text, sizeof(text), "10.0.%d.%d", j / 250,
				 j % 250 + 1);
			ipaddr_parse(text, &m.address);
			snprintf(m.principal, sizeof(m.principal),
				 "kink/h%d.test@TEST", j);
			keyconf_add_map(&h->conf, &m);
		}
		sim_boot(h);
	}
}

__attribute__((unused)) static void
sim_stop(void)
{
	while (sim.events != NULL) {
		struct sim_event *e = sim.events;

		sim.events = e->next;
		free(e->octets);
		free(e);
	}
	for (int i = 0; i < sim.hosts; i++) {
		kink_fini(&sim.host[i].k);
		keyconf_fini(&sim.host[i].conf);
		free(sim.host[i].sa);
	}
}

__attribute__((unused)) static void
sim_handle(struct sim_event *e)
{
	if (!e->to->up)
		return;
	if (e->kind == SIM_DATAGRAM) {
		/* A copy of its own, so that a read past it is seen. */
		uint8_t *copy = malloc(e->n + !e->n);

		memcpy(copy, e->octets, e->n);
		kink_receive(&e->to->k, sim.now_ms, &e->path, copy, e->n);
		free(copy);
	} else {
		kink_krb_answer(&e->to->k, sim.now_ms, e->octets);
	}
}

/* Lets this much time pass. */
__attribute__((unused)) static void
sim_run(uint64_t ms)
{
	uint64_t until = sim.now_ms + ms;

	for (;;) {
		uint64_t next = until;

		while (sim.events != NULL && sim.events->at_ms <= sim.now_ms) {
			struct sim_event *e = sim.events;

			sim.events = e->next;
			sim_handle(e);
			free(e->octets);
			free(e);
		}
		for (int i = 0; i < sim.hosts; i++) {
			int64_t wait =
			    sim.host[i].up
				? kink_run_timers(&sim.host[i].k, sim.now_ms)
				: -1;

			if (wait >= 0 && sim.now_ms + (uint64_t)wait < next)
				next = sim.now_ms + (uint64_t)wait;
		}
		if (sim.events != NULL && sim.events->at_ms < next)
			next = sim.events->at_ms;
		if (sim.now_ms >= until)
			return;
		sim.now_ms = next;
	}
}

__attribute__((unused)) static unsigned
sim_count(const struct sim_host *h)
{
	unsigned n = 0;

	for (int i = 0; i < SIM_SAS; i++)
		n += h->sa[i].there;
	return n;
}

__attribute__((unused)) static int
sim_acquire(struct sim_host *from, struct sim_host *to)
{
	return kink_acquire(&from->k, sim.now_ms, "all", &from->address,
			    &to->address);
}

/* Outbound SAs of `from` that `to` can read: same SPI, same key. */
__attribute__((unused)) static unsigned
sim_matched(struct sim_host *from, struct sim_host *to)
{
	unsigned n = 0;

	for (int i = 0; i < SIM_SAS; i++) {
		struct sim_sa *o = &from->sa[i], *in;

		if (!o->there || o->direction != SAINSTALL_OUT ||
		    !ipaddr_equal(&o->peer, &to->address))
			continue;
		in = sim_find(to, SAINSTALL_IN, o->spi, &from->address);
		if (in != NULL && in->key_octets == o->key_octets &&
		    memcmp(in->key, o->key, o->key_octets) == 0)
			n++;
	}
	return n;
}

#endif
