/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "engine/path/ahpath.h"
#include "engine/path/out.h"
#include "engine/path/pmtu.h"
#include "engine/sa/selector.h"
#include "engine/sa/seq.h"
#include "engine/wire/esp.h"
#include "engine/wire/ip.h"

/* What one SA adds; suite NULL: nothing. */
struct layer {
	struct sad_hit hit;
	struct suites_entry *suite;
	uint64_t seq, iv_counter;
};

/* One packet while it is being sealed. */
struct seal {
	struct path *p;
	struct pkt *pkt;
	uint64_t now_ms;
	uint32_t said;
	struct ip4 ip;
	struct layer esp, ah; /* ESP inside AH, or one alone */
	struct pmtu_cost cost;
	uint32_t mtu;
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
is_bundled(const struct sad_hit *hit)
{
	return hit->sa != NULL && (hit->sa->flags & SA_FLAG_BUNDLE) != 0;
}

/* ESP, AH, or both where they belong together; of two that don't, one came
 * when the association changed: the newer one.  False: not all there. */
static bool
find_layers(struct seal *s)
{
	const struct sad_table *t = s->p->table;
	struct sad_hit none = { 0 }, *esp = &s->esp.hit, *ah = &s->ah.hit;

	if (!sad_out(t, s->said, SA_ESP, &s->ip.dst, esp))
		*esp = none;
	if (!sad_out(t, s->said, SA_AH, &s->ip.dst, ah))
		*ah = none;
	if (esp->sa != NULL && ah->sa != NULL &&
	    !(is_bundled(esp) && is_bundled(ah))) {
		if (esp->sa->installed_ms > ah->sa->installed_ms)
			*ah = none;
		else
			*esp = none;
	}
	return is_bundled(esp) == is_bundled(ah) &&
	       (esp->sa != NULL || ah->sa != NULL);
}

static bool
refuse_layer(struct seal *s, struct layer *l, enum reason *why)
{
	const struct sa *sa = l->hit.sa;

	if (sa == NULL)
		return false;
	*why = REASON_address;
	if (!selector_matches(sa, &s->ip.src, &s->ip.dst))
		return true;
	if (sa->mode == SA_TRANSPORT)
		l->suite = suites_get(s->p->suites, &l->hit);
	*why = REASON_crypto;
	return l->suite == NULL;
}

static bool
refuse_sa(struct seal *s, enum reason *why)
{
	if (!find_layers(s)) {
		*why = path_missing(s->p, s->said, s->pkt, &s->ip, s->now_ms);
		return true;
	}
	if (refuse_layer(s, &s->esp, why) || refuse_layer(s, &s->ah, why))
		return true;
	if (s->esp.suite != NULL)
		s->cost.esp = s->esp.suite->sizes;
	if (s->ah.suite == NULL)
		return false;
	s->cost.ah_octets = ahpath_octets(s->ah.suite->sizes);
	*why = REASON_options;
	return !ahpath_allows(s->ah.suite->sizes, s->pkt->octets, s->ip.header);
}

/* The one that routers see, and that keeps what they say. */
static struct sa *
outer_sa(struct seal *s)
{
	return s->ah.suite != NULL ? s->ah.hit.sa : s->esp.hit.sa;
}

/* Would it fit when sealed?  Clears DF where the kernel would use it against
 * us (pmtu.h). */
static bool
refuse_size(struct seal *s, struct path_result *r)
{
	struct sa *sa = outer_sa(s);
	uint32_t header = s->ip.header;
	uint32_t sealed = pmtu_sealed(s->cost, header, s->ip.total - header);
	bool df = (s->ip.fragment & IP_DF) != 0;

	s->mtu = pmtu_effective(sa, s->pkt->mtu, s->now_ms);
	if (sealed <= IP_TOTAL_MAX && sealed <= s->cap &&
	    (!df || sealed <= s->mtu))
		return false;
	if (df) {
		r->tell_mtu = pmtu_inner(s->cost, header, s->mtu);
		pmtu_tell(sa, s->now_ms);
	}
	return true;
}

/* The one place that takes from an SA's counters. */
static bool
refuse_use(struct seal *s, struct layer *l, struct path_result *r)
{
	if (l->suite == NULL)
		return false;
	r->about = (struct path_about){
		.protocol = l->hit.sa->protocol,
		.spi = l->hit.sa->spi,
		.seq = atomic_load_explicit(&l->hit.sa->seq_next,
					    memory_order_relaxed),
		.said = s->said,
		.local = s->ip.src,
		.peer = s->ip.dst,
	};
	r->reason = REASON_seq_exhausted;
	if (!seq_take(l->hit.sa, 1, &l->seq) ||
	    !seq_iv_counter(l->hit.sa, l->seq, &l->iv_counter))
		return true;
	r->reason = REASON_lifetime;
	return !path_use(s->p, &l->hit, s->ip.total, s->now_ms);
}

enum { UDP_MIN = 8 };

/* A datagram says how long it is; what follows it in the payload the receiver
 * can tell apart (RFC 4303 2.7). */
static bool
has_own_length(const struct seal *s)
{
	struct cursor c = cursor_make(s->pkt->octets + s->ip.header,
				      (size_t)s->ip.total - s->ip.header);
	size_t payload = c.left;
	uint16_t len;

	/* Less than a header's length is no length that the receiver takes. */
	return s->ip.protocol == IP_UDP && payload >= UDP_MIN &&
	       cursor_skip(&c, 4) && cursor_u16(&c, &len) && len == payload;
}

/* Octets of payload and TFC padding together, and of the text around them:
 * where no length is inside, ESP's own padding must do, 255 octets at most. */
static size_t
pad_text(const struct seal *s, size_t *text_len)
{
	size_t payload = (size_t)s->ip.total - s->ip.header;
	size_t want = s->esp.hit.sa->tfc_pad, room, longest;
	unsigned block = s->esp.suite->sizes.block;

	*text_len = esp_text_len(payload, block);
	if (want == 0)
		return payload;
	room = pmtu_inner(s->cost, s->ip.header,
			  s->mtu < s->cap ? s->mtu : (uint32_t)s->cap);
	if (want > room)
		want = room;
	if (want <= s->ip.total)
		return payload;
	want -= s->ip.header;
	longest = esp_text_len(want, block);
	if (has_own_length(s)) {
		*text_len = longest;
		return want;
	}
	while (longest - payload > ESP_PADDED_MAX)
		longest -= esp_alignment(block);
	if (longest > *text_len)
		*text_len = longest;
	return payload;
}

/* Where payload, TFC padding and trailer stand in a row: behind the packet
 * itself where there is room, else in dst. */
static const uint8_t *
join_trailer(struct seal *s, uint8_t *text, size_t padded, size_t text_len)
{
	struct pkt *pkt = s->pkt;
	size_t payload = (size_t)s->ip.total - s->ip.header;
	uint8_t *src = pkt->octets + s->ip.header;

	if (pkt->room < text_len - payload) {
		memcpy(text, src, payload);
		src = text;
	}
	memset(src + payload, 0, padded - payload);
	esp_build_trailer(src + padded, padded, text_len, s->ip.protocol);
	return src;
}

/* Payload -> ESP, at `at` in dst.  Its octets, 0 when the library failed. */
static size_t
seal_esp(struct seal *s, uint8_t *at)
{
	struct suite_sizes z = s->esp.suite->sizes;
	size_t text_len, padded = pad_text(s, &text_len);
	uint8_t *iv = at + ESP_SPI_OCTETS + z.seq_octets;
	uint8_t *text = iv + z.iv_octets;
	struct suite_job job = {
		.spi = s->esp.hit.sa->spi,
		.seq = s->esp.seq,
		.iv = iv,
		.src = join_trailer(s, text, padded, text_len),
		.dst = text,
		.len = text_len,
		.icv = text + text_len,
	};

	/* By RFC 1829 the IV then stands where the number was. */
	esp_build_head(at, job.spi, job.seq);
	/* 32 bits (RFC 1829) hold no start counter: the number itself. */
	suite_make_iv(s->esp.suite->suite,
		      z.iv_octets < 8 ? s->esp.seq : s->esp.iv_counter, iv);
	if (suite_seal(s->esp.suite->suite, &job) != 0)
		return 0;
	return (size_t)(job.icv + z.icv_octets - at);
}

/* The IP header as it is sent. */
static void
finish_header(struct seal *s, size_t len)
{
	struct ip4 ip = s->ip;

	ip.total = (uint16_t)len;
	ip.protocol = s->ah.suite != NULL ? IP_AH : IP_ESP;
	if (pmtu_told(outer_sa(s), s->now_ms)) {
		/* Fragments of two packets must not share an identification;
		 * with DF it meant nothing until now (RFC 6864). */
		if ((ip.fragment & IP_DF) != 0)
			ip.id = (uint16_t)(s->ah.suite != NULL ? s->ah.seq
							       : s->esp.seq);
		ip.fragment &= (uint16_t)~IP_DF;
	}
	ip_finish(s->dst, &ip);
}

static bool
seal(struct seal *s, struct path_result *r)
{
	size_t header = s->ip.header, front = header + s->cost.ah_octets;
	size_t n = (size_t)s->ip.total - header;
	struct ahpath_packet signed_packet = { s->dst, header, 0 };

	memcpy(s->dst, s->pkt->octets, header);
	if (s->esp.suite != NULL) {
		n = seal_esp(s, s->dst + front);
		if (n == 0)
			return false;
	} else {
		memcpy(s->dst + front, s->pkt->octets + header, n);
	}
	r->len = signed_packet.len = front + n;
	finish_header(s, r->len);
	return s->ah.suite == NULL ||
	       ahpath_sign(s->ah.suite->suite, s->ah.suite->sizes,
			   &signed_packet,
			   s->esp.suite != NULL ? IP_ESP : s->ip.protocol,
			   s->ah.hit.sa->spi, s->ah.seq, s->ah.iv_counter) == 0;
}

void
out_create(struct path *p, enum store_queue_kind kind, struct pkt *pkt,
	   uint64_t now_ms, uint8_t *dst, size_t cap, struct path_result *r)
{
	const struct store_head *h = p->store->head;
	struct seal s = { .p = p,
			  .pkt = pkt,
			  .now_ms = now_ms,
			  .said = store_said_of(h, pkt->mark),
			  .dst = dst,
			  .cap = cap };

	*r = (struct path_result){ .action = PATH_DROP };
	if ((pkt->mark & h->said_mask) == h->probe_mark) {
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
	if (refuse_use(&s, &s.esp, r) || refuse_use(&s, &s.ah, r))
		return;
	if (s.ip.protocol == IP_TCP)
		pmtu_lower_mss(pkt->octets + s.ip.header,
			       s.ip.total - s.ip.header, s.cost, s.mtu);
	if (!seal(&s, r)) {
		r->reason = REASON_crypto;
		return;
	}
	r->action = PATH_REPLACE;
	r->mark = (pkt->mark & ~h->said_mask) | h->done_mark;
}
