/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "engine/path/ahpath.h"
#include "engine/path/in.h"
#include "engine/path/pmtu.h"
#include "engine/path/quote.h"
#include "engine/path/resync.h"
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
	struct ah ah;
	struct cursor rest;      /* of the payload, not parsed yet */
	const struct sa *around; /* AH's, verified already; NULL: none */
	struct pmtu_cost cost;
	struct path_about about;
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

static void
set_about(struct open *o, uint8_t protocol, uint32_t spi, uint32_t seq)
{
	o->about.protocol = protocol;
	o->about.spi = spi;
	o->about.seq = seq;
}

static bool
refuse_sa(struct open *o, enum reason *why)
{
	struct sa *sa = o->hit.sa;

	o->about.said = sa->said;
	*why = REASON_address;
	if (!selector_matches(sa, &o->ip.dst, &o->ip.src))
		return true;
	*why = REASON_crypto;
	if (sa->mode != SA_TRANSPORT)
		return true;
	o->suite = suites_get(o->p->suites, &o->hit);
	return o->suite == NULL;
}

/* By the low half, before anything is computed. */
static bool
refuse_replay(struct open *o, uint32_t low, enum reason *why)
{
	struct sa *sa = o->hit.sa;
	enum replay_answer answer = REPLAY_OLD;

	o->replay = replay_make(sa, store_replay(o->p->store, sa));
	o->seq = 0;
	if (o->suite->sizes.seq_octets == 0) {
		o->replay.words = NULL; /* RFC 1826, 1829: no number at all */
		return false;
	}
	if (replay_guess(&o->replay, (sa->flags & SA_FLAG_ESN) != 0, low,
			 &o->seq))
		answer = replay_check(&o->replay, o->seq);
	o->about.seq = o->seq;
	if (answer == REPLAY_OK)
		return false;
	*why = replay_reason(sa, answer);
	return true;
}

/* Before a single octet is decrypted. */
static bool
refuse_esp(struct open *o, struct cursor body, enum reason *why)
{
	struct suite_sizes z = o->suite->sizes;

	if (z.seq_octets == 0)
		o->esp.seq = 0;
	else if (!cursor_skip(&body, z.seq_octets)) {
		*why = REASON_truncated;
		return true;
	}
	switch (esp_parse_body(&body, z.iv_octets, z.icv_octets, z.block,
			       &o->esp)) {
	case ESP_OK:
		return refuse_replay(o, o->esp.seq, why);
	case ESP_TRUNCATED:
	case ESP_PADDING:
		*why = REASON_truncated;
		return true;
	case ESP_UNALIGNED:
		*why = REASON_alignment;
		return true;
	}
	return true;
}

/* Is the packet genuine under this number?  0, -EBADMSG, -EIO. */
static int
try_esp(struct open *o, uint64_t seq)
{
	struct suite_job job = {
		.spi = o->esp.spi,
		.seq = seq,
		.iv = o->esp.iv,
		.src = o->esp.text,
		.dst = o->text,
		.len = o->esp.text_len,
		/* suite_open only reads it */
		.icv = (uint8_t *)(uintptr_t)o->esp.icv,
	};

	return suite_open(o->suite->suite, &job);
}

static int
try_ah(struct open *o, uint64_t seq)
{
	struct ahpath_packet p = { o->pkt->octets, o->ip.header, o->ip.total };

	return ahpath_verify(o->suite->suite, o->suite->sizes, &p, &o->ah, seq);
}

static bool
refuse_icv(struct open *o, int (*try)(struct open *, uint64_t),
	   enum reason *why)
{
	struct sa *sa = o->hit.sa;
	int err = try(o, o->seq);
	uint64_t seq = o->seq;

	if (err == -EBADMSG && resync_due(sa))
		for (unsigned n = 0;
		     n < RESYNC_TRIES && err == -EBADMSG && resync_next(&seq);
		     n++)
			err = try(o, seq);
	o->seq = seq;
	if (err == 0) {
		resync_reset(sa);
		return false;
	}
	*why = REASON_crypto;
	if (err == -EBADMSG) {
		*why = REASON_bad_icv;
		atomic_fetch_add_explicit(&sa->bad_icv, 1,
					  memory_order_relaxed);
	}
	return true;
}

/* The first writes to the SA. */
static bool
refuse_use(struct open *o, size_t payload, enum reason *why)
{
	enum replay_answer answer = replay_commit(&o->replay, o->seq);

	if (answer != REPLAY_OK) {
		*why = replay_reason(o->hit.sa, answer);
		return true;
	}
	*why = REASON_lifetime;
	return !path_use(o->p, &o->hit, (uint32_t)(o->ip.header + payload),
			 o->now_ms);
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

/* RFC 4303 2.7: what follows a datagram that says its length is padding. */
static void
trim_tfc(struct open *o)
{
	struct cursor c = cursor_make(o->text, o->payload);
	uint16_t len;

	if (o->next_header == IP_UDP && cursor_skip(&c, 4) &&
	    cursor_u16(&c, &len) && len >= UDP_MIN && len < o->payload)
		o->payload = len;
}

static bool
refuse_inside(struct open *o, enum esp_answer trimmed, enum reason *why)
{
	*why = REASON_bad_padding;
	if (trimmed != ESP_OK)
		return true;
	*why = REASON_dummy;
	if (o->next_header == IP_NONE)
		return true;
	if (o->hit.sa->tfc_pad != 0)
		trim_tfc(o);
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
		path_see_syn(o->p, sa->said, &ip.src, o->text, o->payload,
			     o->cost, o->pkt->mtu, o->now_ms);
	r->action = PATH_REPLACE;
	r->len = ip.total;
	r->mark = (o->pkt->mark & ~h->said_mask) | store_mark_of(h, sa->said);
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

/* ESP that belongs inside AH must have come there, under the same SAID, and
 * none else may (RFC 4301 4.4.1: all that the policy asks for). */
static bool
is_in_its_place(const struct open *o)
{
	const struct sa *sa = o->hit.sa;

	if ((sa->flags & SA_FLAG_BUNDLE) == 0)
		return o->around == NULL;
	return o->around != NULL && o->around->said == sa->said;
}

/* Inside AH the outer SA's table stays. */
static bool
find_esp(struct open *o)
{
	if (o->around != NULL)
		return sad_in(o->p->table, SA_ESP, o->esp.spi, &o->ip.dst,
			      &o->ip.src, &o->hit);
	return path_find_in(o->p, SA_ESP, o->esp.spi, &o->ip, o->now_ms,
			    &o->hit);
}

static void
consume_esp(struct open *o, uint8_t *dst, size_t cap, struct path_result *r)
{
	struct cursor body = o->rest;
	enum esp_answer trimmed;

	if (!esp_parse_head(&o->rest, &o->esp) ||
	    !cursor_skip(&body, ESP_SPI_OCTETS)) {
		drop(r, REASON_truncated);
		return;
	}
	set_about(o, SA_ESP, o->esp.spi, o->esp.seq);
	if (o->esp.spi <= SPI_RESERVED_MAX) {
		consume_reserved(o, r);
		return;
	}
	if (!find_esp(o)) {
		if (o->around != NULL)
			drop(r, REASON_unknown_spi);
		else
			leave_to_kernel(o->p, REASON_unknown_spi, r);
		return;
	}
	if (cap < o->ip.total || !is_in_its_place(o)) {
		drop(r, cap < o->ip.total ? REASON_crypto : REASON_bundle);
		return;
	}
	o->text = dst + o->ip.header;
	if (refuse_sa(o, &r->reason) || refuse_esp(o, body, &r->reason) ||
	    refuse_icv(o, try_esp, &r->reason))
		return;
	o->cost.esp = o->suite->sizes;
	trimmed =
	    esp_trim(o->text, o->esp.text_len, o->suite->sizes.seq_octets == 0,
		     &o->payload, &o->next_header);
	/* Octets count as the sender counted them. */
	if (refuse_use(o, trimmed == ESP_OK ? o->payload : o->esp.text_len,
		       &r->reason) ||
	    refuse_inside(o, trimmed, &r->reason)) {
		/* Nobody is to read what was in there. */
		secret_wipe(o->text, o->esp.text_len);
		return;
	}
	finish(o, dst, r);
}

static bool
refuse_ah(struct open *o, enum reason *why)
{
	struct suite_sizes z = o->suite->sizes;

	*why = REASON_ah_length;
	if (!ah_parse(o->rest, ahpath_rules(z), z.iv_octets, z.icv_octets,
		      &o->ah))
		return true;
	return refuse_replay(o, o->ah.seq, why) || refuse_icv(o, try_ah, why) ||
	       refuse_use(o, o->rest.left - o->ah.octets, why);
}

/* Verified: what stands behind AH. */
static void
consume_behind_ah(struct open *o, uint8_t *dst, size_t cap,
		  struct path_result *r)
{
	const struct sa *sa = o->hit.sa;

	cursor_skip(&o->rest, o->ah.octets);
	o->cost.ah_octets = o->ah.octets;
	if ((sa->flags & SA_FLAG_BUNDLE) != 0) {
		if (o->ah.next != IP_ESP) {
			drop(r, REASON_bundle);
			return;
		}
		o->around = sa;
		consume_esp(o, dst, cap, r);
		return;
	}
	if (!is_sane(o->ah.next, o->rest.left)) {
		drop(r, REASON_inner);
		return;
	}
	o->text = dst + o->ip.header;
	o->payload = o->rest.left;
	o->next_header = o->ah.next;
	memcpy(o->text, o->rest.at, o->payload);
	finish(o, dst, r);
}

static void
consume_ah(struct open *o, uint8_t *dst, size_t cap, struct path_result *r)
{
	uint32_t spi;

	if (!ah_peek_spi(o->rest, &spi)) {
		drop(r, REASON_truncated);
		return;
	}
	set_about(o, SA_AH, spi, 0);
	if (spi <= SPI_RESERVED_MAX) {
		drop(r, REASON_reserved_spi);
		return;
	}
	if (!path_find_in(o->p, SA_AH, spi, &o->ip, o->now_ms, &o->hit)) {
		leave_to_kernel(o->p, REASON_unknown_spi, r);
		return;
	}
	if (cap < o->ip.total) {
		drop(r, REASON_crypto);
		return;
	}
	if (refuse_sa(o, &r->reason) || refuse_ah(o, &r->reason))
		return;
	consume_behind_ah(o, dst, cap, r);
}

/* Its SPI stands in the first one alone. */
static void
set_about_fragment(struct open *o)
{
	struct cursor c = cursor_make(o->pkt->octets + o->ip.header,
				      (size_t)o->ip.total - o->ip.header);
	uint32_t spi = 0;

	if (o->ip.protocol != IP_ESP && o->ip.protocol != IP_AH)
		return;
	if ((o->ip.fragment & IP_OFFSET) == 0 &&
	    !(o->ip.protocol == IP_AH ? ah_peek_spi(c, &spi)
				      : cursor_u32(&c, &spi)))
		spi = 0;
	set_about(o, o->ip.protocol, spi, 0);
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
		set_about_fragment(o);
		drop(r, REASON_fragment);
		return true;
	}
	return false;
}

static void
consume(struct open *o, uint8_t *dst, size_t cap, struct path_result *r)
{
	struct pkt *pkt = o->pkt;

	if (judge_header(o, r))
		return;
	o->rest = cursor_make(pkt->octets + o->ip.header,
			      (size_t)o->ip.total - o->ip.header);
	if (o->ip.protocol == IP_ESP)
		consume_esp(o, dst, cap, r);
	else if (o->ip.protocol == IP_AH)
		consume_ah(o, dst, cap, r);
	else if (o->ip.protocol == IP_ICMP &&
		 quote_consume(o->p, pkt, o->rest.at, o->rest.left, o->now_ms))
		drop(r, REASON_icmp);
	else
		pass(r);
}

void
in_consume(struct path *p, struct pkt *pkt, uint64_t now_ms, uint8_t *dst,
	   size_t cap, struct path_result *r)
{
	struct open o = { .p = p, .pkt = pkt, .now_ms = now_ms };

	*r = (struct path_result){ .action = PATH_DROP };
	consume(&o, dst, cap, r);
	r->about = o.about;
	r->about.local = o.ip.dst;
	r->about.peer = o.ip.src;
}
