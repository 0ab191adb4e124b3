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

#include "kinkticket.h"
#include "kinkworld.h"

/* ---- the network -------------------------------------------------------- */

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
sim_refuse(struct sim_host *h, const struct sainstall_sa *sa)
{
	if (h->engine_away)
		return -ENOTCONN;
	sim_post(sim.now_ms + h->engine_ms, SIM_FAILED, h, NULL, &sa->pair,
		 sizeof(sa->pair));
	return 0;
}

__attribute__((unused)) static int
sim_add(void *ctx, const struct sainstall_sa *sa)
{
	struct sim_host *h = ctx;
	struct sim_sa *s = sim_find(h, sa->direction, sa->spi, &sa->peer);

	if (h->engine_away || (h->refuses & 1u << sa->direction) != 0)
		return sim_refuse(h, sa);
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
	sim_post(sim.now_ms + h->engine_ms, SIM_ADDED, h, NULL, &sa->pair,
		 sizeof(sa->pair));
	return 0;
}

__attribute__((unused)) static int
sim_add_pair(void *ctx, const struct sainstall_sa *in,
	     const struct sainstall_sa *out)
{
	struct sim_host *h = ctx;

	/* both or none */
	if (h->engine_away || h->refuses != 0)
		return sim_refuse(h, in);
	return sim_add(ctx, in) != 0 || sim_add(ctx, out) != 0;
}

__attribute__((unused)) static int
sim_remove(void *ctx, uint32_t pair, enum sainstall_direction d,
	   uint8_t protocol, const struct ipaddr *local,
	   const struct ipaddr *peer, uint32_t spi)
{
	struct sim_host *h = ctx;
	struct sim_sa *s = sim_find(h, d, spi, peer);

	if (h->engine_away)
		return -ENOTCONN;
	if (s == NULL && (h->refuses != 0 || h->engine_forgot))
		return 0; /* it answers that there is none */
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
	} else if (e->kind == SIM_ADDED) {
		uint32_t pair;

		memcpy(&pair, e->octets, sizeof(pair));
		kink_sa_added(&e->to->k, sim.now_ms, pair);
	} else if (e->kind == SIM_FAILED) {
		uint32_t pair;

		memcpy(&pair, e->octets, sizeof(pair));
		kink_sa_failed(&e->to->k, sim.now_ms, pair, -ENOSPC);
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

/* The engine has SAs of the pairs from `first` on (by id) no more, and is
 * connected again. */
__attribute__((unused)) static void
sim_engine_forgets(struct sim_host *h, uint32_t first)
{
	h->engine_forgot = true;
	kink_engine_new(&h->k);
	for (struct sapair *p = h->k.pairs.first; p != NULL; p = p->next)
		for (int d = 0; d < 2; d++) {
			struct sim_sa *s =
			    sim_find(h, (enum sainstall_direction)d,
				     d == SAINSTALL_IN ? p->spi_in : p->spi_out,
				     &p->peer);

			if (s == NULL)
				continue;
			if (p->id >= first)
				s->there = false;
			else
				kink_engine_has(&h->k, p->id,
						d == SAINSTALL_OUT);
		}
	kink_engine_listed(&h->k, sim.now_ms, (uint32_t)sim_wall(h));
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
