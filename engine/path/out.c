/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "engine/path/out.h"
#include "engine/path/pmtu.h"
#include "engine/sa/selector.h"
#include "engine/sa/seq.h"
#include "engine/wire/esp.h"
#include "engine/wire/ip.h"

/* One packet while it is being sealed. */
struct seal {
	struct path *p;
	struct pkt *pkt;
	uint64_t now_ms;
	uint32_t said;
	struct ip4 ip;
	struct sad_hit hit;
	struct suites_entry *suite;
	uint32_t mtu;
	uint64_t seq, iv_counter;
	uint8_t *dst;
	size_t cap;
};

/* A packet that can't be sealed is dropped for the first of these. */
static bool
refuse_packet(struct seal *s, enum reason *why)
{
	const struct pkt *pkt = s->pkt;

	*why = REASON_truncated;
	if (pkt->whole > pkt->len)
		return true;
	switch (ip_parse(pkt->octets, pkt->len, &s->ip)) {
	case IP_OK:
		break;
	case IP_TRUNCATED:
		return true;
	case IP_MALFORMED:
		*why = REASON_ip_header;
		return true;
	case IP_VERSION_6:
		*why = REASON_family;
		return true;
	}
	if (ip_is_fragment(&s->ip))
		*why = REASON_fragment;
	else if (ip_is_group(&s->ip.dst))
		*why = REASON_multicast;
	else if (ip_is_routed(pkt->octets, &s->ip))
		*why = REASON_options;
	else
		return false;
	return true;
}

static bool
refuse_sa(struct seal *s, enum reason *why)
{
	const struct sa *sa;

	if (!sad_out(s->p->table, s->said, &s->ip.dst, &s->hit)) {
		*why = path_missing(s->p, s->said, s->pkt, &s->ip, s->now_ms);
		return true;
	}
	sa = s->hit.sa;
	if (!selector_matches(sa, &s->ip.src, &s->ip.dst)) {
		*why = REASON_address;
		return true;
	}
	s->suite = sa->protocol != SA_ESP || sa->mode != SA_TRANSPORT
		       ? NULL
		       : suites_get(s->p->suites, &s->hit);
	*why = REASON_crypto;
	return s->suite == NULL;
}

/* Would it fit when sealed?  Clears DF where the kernel would use it against
 * us (pmtu.h). */
static bool
refuse_size(struct seal *s, struct path_result *r)
{
	struct sa *sa = s->hit.sa;
	uint32_t header = s->ip.header;
	uint32_t sealed =
	    pmtu_sealed(s->suite->sizes, header, s->ip.total - header);
	bool df = (s->ip.fragment & IP_DF) != 0;

	s->mtu = pmtu_effective(sa, s->pkt->mtu, s->now_ms);
	if (sealed <= IP_TOTAL_MAX && sealed <= s->cap &&
	    (!df || sealed <= s->mtu))
		return false;
	if (df) {
		r->tell_mtu = pmtu_inner(s->suite->sizes, header, s->mtu);
		pmtu_tell(sa, s->now_ms);
	}
	return true;
}

/* The one place that takes from the SA's counters. */
static bool
refuse_use(struct seal *s, enum reason *why)
{
	*why = REASON_seq_exhausted;
	if (!seq_take(s->hit.sa, 1, &s->seq) ||
	    !seq_iv_counter(s->hit.sa, s->seq, &s->iv_counter))
		return true;
	*why = REASON_lifetime;
	return !path_use(s->p, &s->hit, s->ip.total, s->now_ms);
}

/* Where payload and trailer stand in a row: behind the packet itself where
 * there is room, else in dst. */
static const uint8_t *
join_trailer(struct seal *s, uint8_t *text, size_t payload, size_t text_len)
{
	struct pkt *pkt = s->pkt;
	uint8_t *src = pkt->octets + s->ip.header;

	if (pkt->room < text_len - payload) {
		memcpy(text, src, payload);
		src = text;
	}
	esp_build_trailer(src + payload, payload, text_len, s->ip.protocol);
	return src;
}

static bool
seal(struct seal *s, struct path_result *r)
{
	struct suite_sizes z = s->suite->sizes;
	size_t header = s->ip.header, payload = s->ip.total - header;
	size_t text_len = esp_text_len(payload, z.block);
	uint8_t *esp = s->dst + header, *iv = esp + ESP_HEAD_OCTETS;
	uint8_t *text = iv + z.iv_octets;
	struct ip4 ip = s->ip;
	struct suite_job job = {
		.spi = s->hit.sa->spi,
		.seq = s->seq,
		.iv = iv,
		.src = join_trailer(s, text, payload, text_len),
		.dst = text,
		.len = text_len,
		.icv = text + text_len,
	};

	memcpy(s->dst, s->pkt->octets, header);
	esp_build_head(esp, job.spi, job.seq);
	suite_make_iv(s->suite->suite, s->iv_counter, iv);
	if (suite_seal(s->suite->suite, &job) != 0)
		return false;
	r->len = (size_t)(job.icv + z.icv_octets - s->dst);
	ip.total = (uint16_t)r->len;
	ip.protocol = IP_ESP;
	if (pmtu_told(s->hit.sa, s->now_ms)) {
		/* Fragments of two packets must not share an identification;
		 * with DF it meant nothing until now (RFC 6864). */
		if ((ip.fragment & IP_DF) != 0)
			ip.id = (uint16_t)s->seq;
		ip.fragment &= (uint16_t)~IP_DF;
	}
	ip_finish(s->dst, &ip);
	return true;
}

void
out_create(struct path *p, enum store_queue_kind kind, struct pkt *pkt,
	   uint64_t now_ms, uint8_t *dst, size_t cap, struct path_result *r)
{
	const struct store_head *h = p->store->head;
	struct seal s = { .p = p,
			  .pkt = pkt,
			  .now_ms = now_ms,
			  .said = pkt->mark & h->said_mask,
			  .dst = dst,
			  .cap = cap };

	*r = (struct path_result){ .action = PATH_DROP };
	if (s.said == h->probe_mark) {
		path_see_probe(p, kind);
		r->reason = REASON_probe;
		return;
	}
	if (s.said < h->said_first || s.said > h->said_last) {
		r->reason = REASON_queue_mark;
		return;
	}
	if (refuse_packet(&s, &r->reason) || refuse_sa(&s, &r->reason))
		return;
	if (refuse_size(&s, r)) {
		r->reason = REASON_too_big;
		return;
	}
	if (refuse_use(&s, &r->reason))
		return;
	if (s.ip.protocol == IP_TCP)
		pmtu_lower_mss(pkt->octets + s.ip.header,
			       s.ip.total - s.ip.header, s.suite->sizes, s.mtu);
	if (!seal(&s, r)) {
		r->reason = REASON_crypto;
		return;
	}
	r->action = PATH_REPLACE;
	r->mark = (pkt->mark & ~h->said_mask) | h->done_mark;
}
