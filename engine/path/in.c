/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "engine/path/in.h"
#include "engine/path/pmtu.h"
#include "engine/path/quote.h"
#include "engine/sa/replay.h"
#include "engine/sa/selector.h"
#include "engine/wire/esp.h"
#include "engine/wire/ip.h"

#define SPI_RESERVED_MAX 255u /* RFC 4303 2.1 */

enum { TCP_MIN = 20, UDP_MIN = 8, ICMP_MIN = 8 };

/* One packet while it is being opened. */
struct open {
	struct path *p;
	struct pkt *pkt;
	uint64_t now_ms;
	struct ip4 ip;
	struct esp esp;
	struct cursor rest; /* of the payload, not parsed yet */
	struct sad_hit hit;
	struct suites_entry *suite;
	struct replay replay;
	uint64_t seq;
	uint8_t *text; /* opened, in dst */
	size_t payload;
	uint8_t next_header;
};

/* Not ours to judge: the kernel goes on with it as it is. */
static void
pass(struct path_result *r)
{
	r->action = PATH_ACCEPT;
}

static void
drop(struct path_result *r, enum reason why)
{
	r->action = PATH_DROP;
	r->reason = why;
}

static enum reason
replay_reason(struct sa *sa, enum replay_answer answer)
{
	if (answer == REPLAY_ZERO)
		return REASON_seq_zero;
	atomic_fetch_add_explicit(&sa->replays, 1, memory_order_relaxed);
	return answer == REPLAY_SEEN ? REASON_replay : REASON_replay_old;
}

/* Before a single octet is decrypted. */
static bool
refuse_head(struct open *o, enum reason *why)
{
	struct sa *sa = o->hit.sa;
	enum replay_answer answer;

	*why = REASON_address;
	if (!selector_matches(sa, &o->ip.dst, &o->ip.src))
		return true;
	*why = REASON_crypto;
	if (sa->mode != SA_TRANSPORT)
		return true;
	o->suite = suites_get(o->p->suites, &o->hit);
	if (o->suite == NULL)
		return true;
	switch (esp_parse_body(&o->rest, o->suite->sizes.iv_octets,
			       o->suite->sizes.icv_octets,
			       o->suite->sizes.block, &o->esp)) {
	case ESP_OK:
		break;
	case ESP_TRUNCATED:
	case ESP_PADDING:
		*why = REASON_truncated;
		return true;
	case ESP_UNALIGNED:
		*why = REASON_alignment;
		return true;
	}
	o->replay = replay_make(sa, store_replay(o->p->store, sa));
	answer = REPLAY_OLD;
	if (replay_guess(&o->replay, (sa->flags & SA_FLAG_ESN) != 0, o->esp.seq,
			 &o->seq))
		answer = replay_check(&o->replay, o->seq);
	*why = answer == REPLAY_OK ? *why : replay_reason(sa, answer);
	return answer != REPLAY_OK;
}

static bool
refuse_icv(struct open *o, enum reason *why)
{
	struct suite_job job = {
		.spi = o->esp.spi,
		.seq = o->seq,
		.iv = o->esp.iv,
		.src = o->esp.text,
		.dst = o->text,
		.len = o->esp.text_len,
		/* suite_open only reads it */
		.icv = (uint8_t *)(uintptr_t)o->esp.icv,
	};
	int err = suite_open(o->suite->suite, &job);

	if (err == 0)
		return false;
	*why = REASON_crypto;
	if (err == -EBADMSG) {
		*why = REASON_bad_icv;
		atomic_fetch_add_explicit(&o->hit.sa->bad_icv, 1,
					  memory_order_relaxed);
	}
	return true;
}

/* The first writes to the SA. */
static bool
refuse_use(struct open *o, enum reason *why)
{
	enum replay_answer answer = replay_commit(&o->replay, o->seq);

	if (answer != REPLAY_OK) {
		*why = replay_reason(o->hit.sa, answer);
		return true;
	}
	*why = REASON_lifetime;
	return !path_use(o->p, &o->hit,
			 (uint32_t)(o->ip.header + o->esp.text_len), o->now_ms);
}

/* Is there at least a header of what it says to be?  ESP and AH inside would
 * go on past the rules that bring them here, unopened. */
static bool
is_sane(uint8_t protocol, size_t len)
{
	switch (protocol) {
	case IP_TCP:
		return len >= TCP_MIN;
	case IP_UDP:
		return len >= UDP_MIN;
	case IP_ICMP:
		return len >= ICMP_MIN;
	case IP_ESP:
	case IP_AH:
		return false;
	default: /* numbers of others */
		return true;
	}
}

static bool
refuse_inside(struct open *o, enum reason *why)
{
	*why = REASON_bad_padding;
	if (esp_trim(o->text, o->esp.text_len, &o->payload, &o->next_header) !=
	    ESP_OK)
		return true;
	*why = REASON_dummy;
	if (o->next_header == IP_NONE)
		return true;
	*why = REASON_inner;
	return !is_sane(o->next_header, o->payload);
}

static void
finish(struct open *o, uint8_t *dst, struct path_result *r)
{
	const struct store_head *h = o->p->store->head;
	const struct sa *sa = o->hit.sa;
	struct ip4 ip = o->ip;

	memcpy(dst, o->pkt->octets, ip.header);
	ip.total = (uint16_t)(ip.header + o->payload);
	ip.protocol = o->next_header;
	ip_finish(dst, &ip);
	if (ip.protocol == IP_TCP)
		pmtu_lower_mss(o->text, o->payload, o->suite->sizes,
			       path_return_mtu(o->p, sa->said, &ip.src,
					       o->pkt->mtu, o->now_ms));
	r->action = PATH_REPLACE;
	r->len = ip.total;
	r->mark = (o->pkt->mark & ~h->said_mask) | (sa->said & h->said_mask);
}

/* Behind SPI and sequence number the prover put its token (path.h). */
static bool
is_probe(const struct path *p, uint32_t spi, struct cursor rest)
{
	uint8_t token[STORE_TOKEN_OCTETS];

	return spi != 0 && cursor_copy(&rest, token, sizeof(token)) &&
	       secret_equal(token, p->store->head->probe_token, sizeof(token));
}

/* No SA of ours can be meant. */
static void
leave_to_kernel(const struct path *p, enum reason otherwise,
		struct path_result *r)
{
	if (p->store->head->unknown_spi_drop == 0)
		pass(r);
	else
		drop(r, otherwise);
}

static void
consume_reserved(struct open *o, struct path_result *r)
{
	if (!is_probe(o->p, o->esp.spi, o->rest)) {
		drop(r, REASON_reserved_spi);
		return;
	}
	path_see_probe(o->p, STORE_QUEUE_DECAP);
	drop(r, REASON_probe);
}

static void
consume_esp(struct open *o, uint8_t *dst, size_t cap, struct path_result *r)
{
	if (!esp_parse_head(&o->rest, &o->esp)) {
		drop(r, REASON_truncated);
		return;
	}
	if (o->esp.spi <= SPI_RESERVED_MAX) {
		consume_reserved(o, r);
		return;
	}
	if (!sad_in(o->p->table, SA_ESP, o->esp.spi, &o->ip.dst, &o->ip.src,
		    &o->hit)) {
		leave_to_kernel(o->p, REASON_unknown_spi, r);
		return;
	}
	if (cap < o->ip.total) {
		drop(r, REASON_crypto);
		return;
	}
	o->text = dst + o->ip.header;
	if (refuse_head(o, &r->reason) || refuse_icv(o, &r->reason))
		return;
	if (refuse_use(o, &r->reason) || refuse_inside(o, &r->reason)) {
		/* Nobody is to read what was in there. */
		secret_wipe(o->text, o->esp.text_len);
		return;
	}
	finish(o, dst, r);
}

/* Whole, and a header that makes sense; true when r says what to do. */
static bool
judge_header(struct open *o, struct path_result *r)
{
	const struct pkt *pkt = o->pkt;

	if (pkt->whole > pkt->len) {
		drop(r, REASON_truncated);
		return true;
	}
	switch (ip_parse(pkt->octets, pkt->len, &o->ip)) {
	case IP_OK:
		break;
	case IP_TRUNCATED:
		drop(r, REASON_truncated);
		return true;
	case IP_MALFORMED:
		drop(r, REASON_ip_header);
		return true;
	case IP_VERSION_6:
		leave_to_kernel(o->p, REASON_family, r);
		return true;
	}
	if (ip_is_fragment(&o->ip)) {
		drop(r, REASON_fragment);
		return true;
	}
	return false;
}

void
in_consume(struct path *p, struct pkt *pkt, uint64_t now_ms, uint8_t *dst,
	   size_t cap, struct path_result *r)
{
	struct open o = { .p = p, .pkt = pkt, .now_ms = now_ms };

	*r = (struct path_result){ .action = PATH_DROP };
	if (judge_header(&o, r))
		return;
	o.rest = cursor_make(pkt->octets + o.ip.header,
			     (size_t)o.ip.total - o.ip.header);
	if (o.ip.protocol == IP_ESP)
		consume_esp(&o, dst, cap, r);
	else if (o.ip.protocol == IP_AH)
		leave_to_kernel(p, REASON_unknown_spi, r);
	else if (o.ip.protocol == IP_ICMP &&
		 quote_consume(p, pkt, o.rest.at, o.rest.left, now_ms))
		drop(r, REASON_icmp);
	else
		pass(r);
}
