/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinkticket: the Kerberos of kinksim.h: tickets that are numbers, AP-REQs
 * that carry one, AP-REPs and KRB-ERRORs in real DER under real keys.
 */
#ifndef TEST_UNIT_KINKTICKET_H
#define TEST_UNIT_KINKTICKET_H

#include "kinkworld.h"

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

__attribute__((unused)) static bool
sim_has_ended(const struct sim_host *h, uint64_t ticket)
{
	return h->ticket_life_ms != 0 &&
	       sim.now_ms - sim.ticket[ticket].made_ms > h->ticket_life_ms;
}

__attribute__((unused)) static void
sim_make(struct sim_host *h, const struct krbreq *r, struct krbans *a)
{
	struct builder b = builder_make(a->der, sizeof(a->der));
	uint64_t t = r->ticket;

	for (uint64_t i = 1; t == 0 && !r->fresh && i <= sim.tickets; i++)
		if (strcmp(sim.ticket[i].client, r->local) == 0 &&
		    strcmp(sim.ticket[i].server, r->peer) == 0 &&
		    !sim_has_ended(h, i))
			t = i;
	if (t != 0 && sim_has_ended(h, t)) {
		a->status = KRBANS_EXPIRED;
		return;
	}
	if (t == 0) {
		t = ++sim.tickets;
		cr_assert_lt(t, SIM_TICKETS);
		strcpy(sim.ticket[t].client, r->local);
		strcpy(sim.ticket[t].server, r->peer);
		secret_random(sim.ticket[t].key, 32);
		sim.ticket[t].made_ms = sim.now_ms;
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

#endif
