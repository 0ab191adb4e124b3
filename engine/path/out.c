/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "engine/path/ahpath.h"
#include "engine/path/locals.h"
#include "engine/path/out.h"
#include "engine/path/pmtu.h"
#include "engine/sa/selector.h"
#include "engine/sa/seq.h"
#include "engine/wire/esp.h"
#include "engine/wire/ip.h"
#include "engine/wire/tcp.h"
#include "engine/wire/tcpcut.h"

/* What one SA adds; suite NULL: nothing. */
struct layer {
	struct sad_hit hit;
	struct suites_entry *suite;
	uint64_t first; /* of the numbers taken */
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
	bool is_train; /* goes out beside the queue */
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
find_layers(const struct sad_table *t, uint32_t said, const struct ipaddr *peer,
	    struct sad_hit *esp, struct sad_hit *ah)
{
	struct sad_hit none = { 0 };

	if (!sad_out(t, said, SA_ESP, peer, esp))
		*esp = none;
	if (!sad_out(t, said, SA_AH, peer, ah))
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

bool
out_has_layers(const struct path *p, uint32_t said, const struct ipaddr *peer)
{
	struct sad_hit esp, ah;

	return find_layers(p->table, said, peer, &esp, &ah);
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
refuse_sa(struct seal *s, struct path_result *r)
{
	enum reason *why = &r->reason;

	if (!find_layers(s->p->table, s->said, &s->ip.dst, &s->esp.hit,
			 &s->ah.hit)) {
		path_missing(s->p, s->said, s->pkt, &s->ip, s->now_ms, r);
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

/* The one place that takes from an SA's counters: n numbers. */
static bool
refuse_numbers(struct seal *s, struct layer *l, uint32_t n,
	       struct path_result *r)
{
	uint64_t last;

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
	return !seq_take(l->hit.sa, n, &l->first) ||
	       !seq_iv_counter(l->hit.sa, l->first + n - 1, &last);
}

/* The packet's own one of the numbers, and its part of the SA's life. */
static bool
refuse_use(struct seal *s, struct layer *l, uint32_t at, struct path_result *r)
{
	if (l->suite == NULL)
		return false;
	l->seq = l->first + at;
	r->reason = REASON_seq_exhausted;
	if (!seq_iv_counter(l->hit.sa, l->seq, &l->iv_counter))
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
	if (s->is_train) {
		/* The kernel would put in one of its own for 0. */
		if (ip.id == 0)
			ip.id = 1;
	} else if (pmtu_told(outer_sa(s), s->now_ms)) {
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

/* What is asked before an SA's counters are touched. */
static bool
refuse(struct seal *s, enum store_queue_kind kind, struct path_result *r)
{
	const struct store_head *h = s->p->store->head;

	*r = (struct path_result){ .action = PATH_DROP };
	s->said = store_said_of(h, s->pkt->mark);
	r->mark = (s->pkt->mark & ~h->said_mask) | h->done_mark;
	if ((s->pkt->mark & h->said_mask) == h->probe_mark) {
		path_see_probe(s->p, kind);
		r->reason = REASON_probe;
		return true;
	}
	if (s->said < h->said_first || s->said > h->said_last) {
		r->reason = REASON_queue_mark;
		return true;
	}
	return refuse_packet(s, &r->reason) || refuse_sa(s, r);
}

/* TCP is changed before it is sealed. */
static void
prepare_tcp(struct seal *s)
{
	uint8_t *octets = s->pkt->octets + s->ip.header;
	size_t len = (size_t)s->ip.total - s->ip.header;
	struct tcp tcp;

	if (s->ip.protocol != IP_TCP || !tcp_parse(octets, len, &tcp))
		return;
	locals_see(s->p->store->head, &s->ip, &tcp, s->pkt->in == 0);
	if (s->pkt->unsummed)
		tcp_finish(octets, len, &s->ip);
	if ((tcp.flags & TCP_SYN) != 0)
		pmtu_lower_mss(octets, len, s->cost, s->mtu);
}

void
out_create(struct path *p, enum store_queue_kind kind, struct pkt *pkt,
	   uint64_t now_ms, uint8_t *dst, size_t cap, struct path_result *r)
{
	struct seal s = {
		.p = p, .pkt = pkt, .now_ms = now_ms, .dst = dst, .cap = cap
	};

	if (refuse(&s, kind, r))
		return;
	if (pkt->is_train) {
		r->reason = REASON_train;
		return;
	}
	if (refuse_size(&s, r)) {
		r->reason = REASON_too_big;
		return;
	}
	if (refuse_numbers(&s, &s.esp, 1, r) ||
	    refuse_numbers(&s, &s.ah, 1, r) || refuse_use(&s, &s.esp, 0, r) ||
	    refuse_use(&s, &s.ah, 0, r))
		return;
	prepare_tcp(&s);
	if (!seal(&s, r)) {
		r->reason = REASON_crypto;
		return;
	}
	r->action = PATH_REPLACE;
}

/* ---- trains ---- */

/* The longest packet that fits when sealed, and that the peer wants. */
static size_t
longest_segment(struct seal *s)
{
	struct sa *sa = outer_sa(s);
	uint32_t mss, longest;

	s->mtu = pmtu_effective(sa, s->pkt->mtu, s->now_ms);
	if (s->mtu > IP_TOTAL_MAX)
		s->mtu = IP_TOTAL_MAX;
	longest = pmtu_inner(s->cost, s->ip.header, s->mtu);
	mss = atomic_load_explicit(&sa->peer_mss, memory_order_relaxed);
	/* Not heard of yet by this SA: no jumbo frames. */
	if (mss == 0)
		mss = PMTU_DEFAULT - IP_HEADER_MIN - TCP_HEADER_MIN;
	/* Without options on either layer (RFC 6691). */
	if (longest > IP_HEADER_MIN + TCP_HEADER_MIN + mss)
		longest = IP_HEADER_MIN + TCP_HEADER_MIN + mss;
	return longest;
}

static bool
send_segment(struct seal *s, const struct tcpcut_segment *one, uint32_t at,
	     const struct path_sink *sink, struct path_result *r)
{
	struct pkt view = *s->pkt, *whole = s->pkt;
	bool sealed;

	view.octets = one->octets;
	view.len = view.whole = one->len;
	view.room = one->room;
	s->ip.total = (uint16_t)one->len;
	s->ip.id = one->id;
	if (refuse_use(s, &s->esp, at, r) || refuse_use(s, &s->ah, at, r))
		return false;
	s->cap = (one->len > s->mtu ? one->len : s->mtu) + PATH_GROWTH;
	s->dst = sink->place(sink->arg, s->cap);
	s->pkt = &view;
	sealed = seal(s, r);
	s->pkt = whole;
	r->reason = REASON_crypto;
	if (sealed)
		sink->send(sink->arg, r->len, r->mark);
	return sealed;
}

void
out_train(struct path *p, enum store_queue_kind kind, struct pkt *pkt,
	  uint64_t now_ms, const struct path_sink *sink, struct path_result *r)
{
	struct seal s = {
		.p = p, .pkt = pkt, .now_ms = now_ms, .is_train = true
	};
	struct tcpcut_segment one;
	struct tcpcut cut;
	uint32_t n;

	if (refuse(&s, kind, r))
		return;
	if (!tcpcut_begin(&cut, pkt->octets, &s.ip, pkt->room,
			  longest_segment(&s))) {
		r->reason = REASON_train;
		return;
	}
	locals_see(p->store->head, &s.ip, &cut.tcp, pkt->in == 0);
	n = tcpcut_count(&cut);
	if (refuse_numbers(&s, &s.esp, n, r) || refuse_numbers(&s, &s.ah, n, r))
		return;
	for (n = 0; tcpcut_next(&cut, &one); n++)
		if (!send_segment(&s, &one, n, sink, r))
			return;
	r->action = PATH_SENT;
}
