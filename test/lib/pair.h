/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pair: two hosts in one process, for tests of the packet path: a store each,
 * an SA from a to b and one back, a path each.
 */
#ifndef TEST_LIB_PAIR_H
#define TEST_LIB_PAIR_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/builder.h"
#include "engine/crypto/suite.h"
#include "engine/path/path.h"
#include "engine/sa/sad.h"
#include "engine/sa/store.h"
#include "engine/wire/csum.h"
#include "engine/wire/esp.h"
#include "engine/wire/ip.h"

#define PAIR_A      0x0a4d0001u /* 10.77.0.1 */
#define PAIR_B      0x0a4d0002u
#define PAIR_SAID   0x100u
#define PAIR_MASK   0x3fffu
#define PAIR_DONE   0x3fffu
#define PAIR_PROBE  0x3ffeu
#define PAIR_SPI_AB 0x1001u
#define PAIR_SPI_BA 0x1002u
#define PAIR_NOW    100000u /* ms */

#define PAIR_CHECK(what)                                                       \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "pair.h:%d: %s\n", __LINE__, #what);   \
			abort();                                               \
		}                                                              \
	} while (0)

struct pair_host {
	struct store store;
	struct sad *sad;
	struct path path;
	uint32_t out_slot, in_slot;
	struct path_event event; /* the last one */
	unsigned events;
};

struct pair {
	struct pair_host a, b;
};

struct pair_options {
	enum algo enc, auth;
	bool no_esn;
	uint32_t window; /* 0: 1024 */
	struct sa_limits limits;
};

static inline struct ipaddr
pair_addr(uint32_t host)
{
	struct ipaddr a = { .family = IP_FAMILY_4, .prefix = 32 };

	a.octets[0] = (uint8_t)(host >> 24);
	a.octets[1] = (uint8_t)(host >> 16);
	a.octets[2] = (uint8_t)(host >> 8);
	a.octets[3] = (uint8_t)host;
	return a;
}

static inline uint32_t
pair_claim(struct pair_host *h, const struct pair_options *o,
	   enum sa_direction d, uint32_t spi, uint32_t local, uint32_t peer)
{
	uint32_t slot, window = o->window == 0 ? 1024 : o->window;
	struct sa *sa;

	PAIR_CHECK(store_claim(&h->store, d == SA_IN ? window : 0, &slot) == 0);
	sa = store_sa(&h->store, slot);
	sa->spi = spi;
	sa->said = PAIR_SAID;
	sa->direction = (uint8_t)d;
	sa->protocol = SA_ESP;
	sa->mode = SA_TRANSPORT;
	sa->enc = (uint8_t)o->enc;
	sa->auth = (uint8_t)o->auth;
	sa->key_octets = (uint8_t)algo_keymat_octets(o->enc);
	sa->auth_key_octets = (uint8_t)algo_keymat_octets(o->auth);
	memset(sa->key, (int)(spi & 0xff), sa->key_octets);
	memset(sa->auth_key, (int)(spi & 0xff) + 1, sa->auth_key_octets);
	sa->flags = o->no_esn ? 0 : SA_FLAG_ESN;
	sa->limits = o->limits;
	sa->local = pair_addr(local);
	sa->peer = pair_addr(peer);
	sa->installed_ms = PAIR_NOW;
	atomic_store(&sa->seq_next, 1);
	atomic_store(&sa->seq_limit,
		     o->no_esn ? (uint64_t)1 << 32 : UINT64_MAX);
	store_publish(&h->store, slot);
	return slot;
}

static inline void
pair_notify(void *arg, const struct path_event *e)
{
	struct pair_host *h = arg;

	h->event = *e;
	h->events++;
}

static inline void
pair_host_init(struct pair_host *h, const struct pair_options *o,
	       uint32_t local, uint32_t peer, uint32_t spi_out, uint32_t spi_in)
{
	struct store_head *head;

	memset(h, 0, sizeof(*h));
	PAIR_CHECK(store_create(&h->store, 16, 2) == 0);
	head = h->store.head;
	head->said_mask = PAIR_MASK;
	head->done_mark = PAIR_DONE;
	head->probe_mark = PAIR_PROBE;
	head->said_first = 0x100;
	head->said_last = 0x3ff;
	memset(head->probe_token, 0x5a, sizeof(head->probe_token));
	head->assocs[0].said = PAIR_SAID;
	head->assocs[0].peer = pair_addr(peer);
	atomic_store(&head->n_assocs, 1);
	h->out_slot = pair_claim(h, o, SA_OUT, spi_out, local, peer);
	h->in_slot = pair_claim(h, o, SA_IN, spi_in, local, peer);
	h->sad = sad_new(&h->store);
	PAIR_CHECK(h->sad != NULL);
	PAIR_CHECK(path_init(&h->path, &h->store, h->sad, 0, pair_notify, h) ==
		   0);
}

static inline void
pair_host_fini(struct pair_host *h)
{
	path_fini(&h->path);
	sad_free(h->sad);
	store_unmap(&h->store);
}

static inline void
pair_init(struct pair *p, const struct pair_options *o)
{
	const char *failed = NULL;

	PAIR_CHECK(suite_init(&failed) == 0);
	pair_host_init(&p->a, o, PAIR_A, PAIR_B, PAIR_SPI_AB, PAIR_SPI_BA);
	pair_host_init(&p->b, o, PAIR_B, PAIR_A, PAIR_SPI_BA, PAIR_SPI_AB);
}

static inline void
pair_fini(struct pair *p)
{
	pair_host_fini(&p->a);
	pair_host_fini(&p->b);
}

/* An IPv4 packet with a payload of its own making; returns its length. */
static inline size_t
pair_packet(uint8_t *out, size_t cap, uint32_t src, uint32_t dst,
	    uint8_t protocol, uint16_t fragment, const void *payload,
	    size_t len)
{
	struct builder b = builder_make(out, cap);

	builder_u16(&b, 0x4500);
	builder_u16(&b, (uint16_t)(IP_HEADER_MIN + len));
	builder_u16(&b, 0x1234);
	builder_u16(&b, fragment);
	builder_u8(&b, 64);
	builder_u8(&b, protocol);
	builder_u16(&b, 0);
	builder_u32(&b, src);
	builder_u32(&b, dst);
	builder_patch_u16(&b, 10, csum_of(out, IP_HEADER_MIN));
	builder_octets(&b, payload, len);
	PAIR_CHECK(!b.overflow);
	return b.len;
}

/* Sealed by hand, with a right ICV over a text (its trailer and all) that a
 * sender must not send; out has room for len + 64.  Returns the length. */
static inline size_t
pair_forge(uint8_t *out, uint64_t seq, const uint8_t *text, size_t len)
{
	uint8_t key[20], *body = malloc(len + 32);
	struct suite_params params = { .enc = ALGO_AES128_GCM,
				       .esn = true,
				       .key = key,
				       .key_octets = sizeof(key) };
	struct suite *s;
	struct suite_job job = { .spi = PAIR_SPI_AB,
				 .seq = seq,
				 .iv = body + 8,
				 .src = text,
				 .dst = body + 16,
				 .len = len,
				 .icv = body + 16 + len };
	size_t n;

	memset(key, PAIR_SPI_AB & 0xff, sizeof(key));
	s = suite_new(&params);
	PAIR_CHECK(s != NULL && body != NULL);
	esp_build_head(body, job.spi, seq);
	suite_make_iv(s, seq, body + 8);
	PAIR_CHECK(suite_seal(s, &job) == 0);
	suite_free(s);
	n = pair_packet(out, len + 64, PAIR_A, PAIR_B, IP_ESP, 0, body,
			len + 32);
	free(body);
	return n;
}

static inline struct path_result
pair_out(struct pair_host *h, struct pkt *pkt, uint8_t *dst, size_t cap)
{
	struct path_result r;

	path_begin(&h->path, PAIR_NOW);
	path_out(&h->path, STORE_QUEUE_SEAL, pkt, PAIR_NOW, dst, cap, &r);
	path_end(&h->path);
	return r;
}

static inline struct path_result
pair_in(struct pair_host *h, struct pkt *pkt, uint8_t *dst, size_t cap)
{
	struct path_result r;

	path_begin(&h->path, PAIR_NOW);
	path_in(&h->path, pkt, PAIR_NOW, dst, cap, &r);
	path_end(&h->path);
	return r;
}

#endif
