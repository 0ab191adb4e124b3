/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cursor.h"
#include "engine/path/hold.h"
#include "engine/wire/ip.h"

#define NONE UINT16_MAX
_Static_assert(HOLD_CHUNKS < NONE && HOLD_PACKETS < NONE, "16-bit places");

#define CHUNKS_OCTETS ((size_t)HOLD_CHUNKS * HOLD_CHUNK_OCTETS)
#define FIRST_SET     (1ull << 63)

/* What conntrack tells connections apart by. */
struct flow {
	uint8_t src[4], dst[4], protocol, type, code, pad;
	uint8_t ids[4]; /* ports, or an ICMP identifier */
};

struct entry {
	struct pkt pkt;
	uint64_t at_ms, whose;
	struct flow flow;
	uint32_t id;
	uint8_t kind;
	bool in_kernel, dropped;
	uint16_t first;       /* its place in the row */
	uint16_t chunk, next; /* NONE: the last */
};

struct list {
	uint16_t head, tail;
};

struct pair {
	struct hold_pair who;
	struct list packets;
	uint32_t n, place;
	uint64_t asked_ms;
};

struct hold {
	struct store_head *head;
	struct store_parked *row;
	unsigned n_pairs, n_firsts;
	/* Entries: each is in one of these, or in its pair's list.  Sent: the
	 * kernel may yet say that it lost them. */
	struct list free, sent, lost;
	uint16_t free_chunk, n_free_chunks;
	struct pair pairs[HOLD_PAIRS];
	struct entry entries[HOLD_PACKETS];
	uint16_t next_chunk[HOLD_CHUNKS];
	uint8_t *chunks;
};

/* ---- lists ----------------------------------------------------------------
 */

static void
list_add(struct hold *h, struct list *l, uint16_t e)
{
	h->entries[e].next = NONE;
	if (l->head == NONE)
		l->head = e;
	else
		h->entries[l->tail].next = e;
	l->tail = e;
}

static uint16_t
list_take(struct hold *h, struct list *l)
{
	uint16_t e = l->head;

	if (e != NONE)
		l->head = h->entries[e].next;
	return e;
}

/* ---- memory ---------------------------------------------------------------
 */

struct hold *
hold_new(struct store *s, unsigned worker)
{
	struct hold *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->head = s->head;
	h->row = &s->head->parked[worker];
	/* Pages that nothing ever waited in are never touched. */
	h->chunks = mmap(NULL, CHUNKS_OCTETS, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (h->chunks == MAP_FAILED) {
		free(h);
		return NULL;
	}
	(void)madvise(h->chunks, CHUNKS_OCTETS, MADV_DONTDUMP);
	h->free = h->sent = h->lost = (struct list){ NONE, NONE };
	for (uint16_t i = 0; i < HOLD_PACKETS; i++)
		list_add(h, &h->free, i);
	for (unsigned i = 0; i < HOLD_CHUNKS; i++)
		h->next_chunk[i] =
		    i + 1 == HOLD_CHUNKS ? NONE : (uint16_t)(i + 1);
	h->n_free_chunks = HOLD_CHUNKS;
	for (unsigned i = 0; i < HOLD_PAIRS; i++)
		h->pairs[i].packets = h->free;
	for (unsigned i = 0; i < HOLD_PAIRS; i++)
		h->pairs[i].packets.head = NONE;
	return h;
}

void
hold_free(struct hold *h)
{
	if (h == NULL)
		return;
	munmap(h->chunks, CHUNKS_OCTETS);
	free(h);
}

static void
give_chunks(struct hold *h, struct entry *e)
{
	while (e->chunk != NONE) {
		uint16_t next = h->next_chunk[e->chunk];

		h->next_chunk[e->chunk] = h->free_chunk;
		h->free_chunk = e->chunk;
		h->n_free_chunks++;
		e->chunk = next;
	}
}

static void
give_entry(struct hold *h, uint16_t at)
{
	give_chunks(h, &h->entries[at]);
	list_add(h, &h->free, at);
}

/* Those that the kernel has had the time to miss. */
static void
forget_sent(struct hold *h, uint64_t now_ms)
{
	while (h->sent.head != NONE &&
	       now_ms - h->entries[h->sent.head].at_ms >= HOLD_TRUST_MS)
		give_entry(h, list_take(h, &h->sent));
}

/* Room for one more packet; what waits goes before what was sent. */
static bool
make_room(struct hold *h, unsigned chunks, uint64_t now_ms)
{
	forget_sent(h, now_ms);
	while ((h->free.head == NONE || h->n_free_chunks < chunks) &&
	       h->sent.head != NONE)
		give_entry(h, list_take(h, &h->sent));
	return h->free.head != NONE && h->n_free_chunks >= chunks;
}

static void
copy_in(struct hold *h, struct entry *e, const uint8_t *octets, size_t len)
{
	uint16_t *link = &e->chunk;

	while (len > 0) {
		uint16_t c = h->free_chunk;
		size_t n = len < HOLD_CHUNK_OCTETS ? len : HOLD_CHUNK_OCTETS;

		h->free_chunk = h->next_chunk[c];
		h->n_free_chunks--;
		memcpy(h->chunks + (size_t)c * HOLD_CHUNK_OCTETS, octets, n);
		*link = c;
		link = &h->next_chunk[c];
		octets += n;
		len -= n;
	}
	*link = NONE;
}

static void
copy_out(const struct hold *h, const struct entry *e, uint8_t *buf,
	 struct hold_packet *out)
{
	size_t at = 0;

	for (uint16_t c = e->chunk; c != NONE; c = h->next_chunk[c]) {
		size_t n = e->pkt.len - at;

		if (n > HOLD_CHUNK_OCTETS)
			n = HOLD_CHUNK_OCTETS;
		memcpy(buf + at, h->chunks + (size_t)c * HOLD_CHUNK_OCTETS, n);
		at += n;
	}
	*out = (struct hold_packet){ .pkt = e->pkt,
				     .kind = (enum store_queue_kind)e->kind,
				     .id = e->id,
				     .in_kernel = e->in_kernel,
				     .whose = e->whose };
	out->pkt.octets = buf;
	out->pkt.room = 0;
}

/* ---- pairs ----------------------------------------------------------------
 */

static uint32_t
place_of(uint32_t said, const struct ipaddr *peer)
{
	uint32_t hash = said * 0x9e3779b1u;

	for (unsigned i = 0; i < sizeof(peer->octets); i++)
		hash = (hash ^ peer->octets[i]) * 0x01000193u;
	return (hash >> 16) % STORE_PARK_PLACES;
}

unsigned
hold_pair_from(const struct hold *h, unsigned at)
{
	if (h->n_pairs == 0)
		return HOLD_PAIRS;
	while (at < HOLD_PAIRS && h->pairs[at].n == 0)
		at++;
	return at;
}

unsigned
hold_pair_find(const struct hold *h, uint32_t said, const struct ipaddr *peer)
{
	unsigned i;

	for (i = hold_pair_from(h, 0); i < HOLD_PAIRS;
	     i = hold_pair_from(h, i + 1))
		if (h->pairs[i].who.said == said &&
		    ipaddr_equal(&h->pairs[i].who.peer, peer))
			break;
	return i;
}

const struct hold_pair *
hold_pair_at(const struct hold *h, unsigned pair)
{
	return &h->pairs[pair].who;
}

static unsigned
new_pair(struct hold *h, const struct hold_pair *who, uint64_t now_ms)
{
	unsigned i = 0;

	while (i < HOLD_PAIRS && h->pairs[i].n != 0)
		i++;
	if (i == HOLD_PAIRS)
		return i;
	h->pairs[i].who = *who;
	h->pairs[i].asked_ms = now_ms;
	h->pairs[i].place = place_of(who->said, &who->peer);
	h->pairs[i].packets = (struct list){ NONE, NONE };
	atomic_store_explicit(&h->row->pairs[i].said, who->said,
			      memory_order_relaxed);
	return i;
}

bool
hold_is_empty(const struct hold *h)
{
	return h->n_pairs == 0 && h->lost.head == NONE;
}

/* ---- packets --------------------------------------------------------------
 */

/* Ports where conntrack looks at them; an ICMP query's type, code and id. */
static struct flow
flow_of(const struct pkt *pkt)
{
	struct flow f = { 0 };
	struct cursor c;
	struct ip4 ip;

	if (ip_parse(pkt->octets, pkt->len, &ip) != IP_OK)
		return f;
	c = cursor_make(pkt->octets + ip.header, (size_t)ip.total - ip.header);
	memcpy(f.src, ip.src.octets, 4);
	memcpy(f.dst, ip.dst.octets, 4);
	f.protocol = ip.protocol;
	switch (ip.protocol) {
	case IP_TCP:
	case IP_UDP:
	case 33:  /* DCCP */
	case 132: /* SCTP */
	case 136: /* UDP-Lite */
		(void)cursor_copy(&c, f.ids, 4);
		break;
	case IP_ICMP:
		(void)(cursor_u8(&c, &f.type) && cursor_u8(&c, &f.code) &&
		       cursor_skip(&c, 2) && cursor_copy(&c, f.ids, 2));
		break;
	default: /* a number of a protocol, nobody's enum */
		break;
	}
	return f;
}

/* Is one of its flow in the kernel, to be confirmed before it? */
static bool
has_first(const struct hold *h, const struct pair *p, const struct flow *f)
{
	for (uint16_t e = p->packets.head; e != NONE; e = h->entries[e].next)
		if (h->entries[e].in_kernel &&
		    memcmp(&h->entries[e].flow, f, sizeof(*f)) == 0)
			return true;
	return false;
}

/* A place for one more in the kernel; NONE: it would eat the queue. */
static uint16_t
find_first(const struct hold *h)
{
	uint32_t most = h->head->queue_length / 4;

	if (most == 0 || most > HOLD_FIRSTS)
		most = HOLD_FIRSTS;
	if (h->n_firsts >= most)
		return NONE;
	for (uint16_t i = 0; i < HOLD_FIRSTS; i++)
		if (atomic_load_explicit(&h->row->firsts[i],
					 memory_order_relaxed) == 0)
			return i;
	return NONE;
}

/* Of all workers' packets of this pair one more. */
static bool
take_place(struct hold *h, uint32_t place)
{
	_Atomic uint32_t *n = &h->head->park_places[place];

	if (atomic_fetch_add(n, 1) < h->head->park_packets)
		return true;
	atomic_fetch_sub(n, 1);
	return false;
}

static void
show_pair(struct hold *h, unsigned pair, int more)
{
	atomic_fetch_add(&h->row->packets, (uint32_t)more);
	atomic_store(&h->row->pairs[pair].packets, h->pairs[pair].n);
}

static void
set_first(struct hold *h, uint16_t first, uint64_t value)
{
	atomic_store(&h->row->firsts[first], value);
	h->n_firsts += value != 0 ? 1 : -1u;
}

enum hold_taken
hold_put(struct hold *h, const struct hold_pair *who,
	 enum store_queue_kind kind, uint32_t id, const struct pkt *pkt,
	 uint64_t now_ms)
{
	unsigned i = hold_pair_find(h, who->said, &who->peer);
	size_t chunks = (pkt->len + HOLD_CHUNK_OCTETS - 1) / HOLD_CHUNK_OCTETS;
	struct flow flow = flow_of(pkt);
	uint16_t first = NONE, at;
	struct entry *e;

	if (pkt->len > HOLD_PACKET_MAX ||
	    !make_room(h, (unsigned)chunks, now_ms))
		return HOLD_FULL;
	if (i == HOLD_PAIRS || !has_first(h, &h->pairs[i], &flow)) {
		first = find_first(h);
		if (first == NONE)
			return HOLD_FULL;
	}
	if (i == HOLD_PAIRS)
		i = new_pair(h, who, now_ms);
	if (i == HOLD_PAIRS || !take_place(h, h->pairs[i].place))
		return HOLD_FULL;
	at = list_take(h, &h->free);
	e = &h->entries[at];
	*e = (struct entry){ .pkt = *pkt,
			     .at_ms = now_ms,
			     .whose = who->whose,
			     .flow = flow,
			     .id = id,
			     .kind = (uint8_t)kind,
			     .in_kernel = first != NONE,
			     .first = first };
	copy_in(h, e, pkt->octets, pkt->len);
	list_add(h, &h->pairs[i].packets, at);
	h->n_pairs += h->pairs[i].n++ == 0;
	show_pair(h, i, 1);
	if (first == NONE) {
		atomic_fetch_add(&h->row->copies, 1);
		return HOLD_COPIED;
	}
	set_first(h, first, FIRST_SET | (uint64_t)kind << 32 | id);
	return HOLD_KEPT;
}

bool
hold_head(const struct hold *h, unsigned pair, uint8_t *buf,
	  struct hold_packet *out)
{
	if (h->pairs[pair].n == 0)
		return false;
	copy_out(h, &h->entries[h->pairs[pair].packets.head], buf, out);
	return true;
}

void
hold_pop(struct hold *h, unsigned pair, bool sent, uint64_t now_ms)
{
	struct pair *p = &h->pairs[pair];
	uint16_t at = list_take(h, &p->packets);
	struct entry *e = &h->entries[at];

	h->n_pairs -= --p->n == 0;
	show_pair(h, pair, -1);
	atomic_fetch_sub(&h->head->park_places[p->place], 1);
	if (!e->in_kernel) {
		atomic_fetch_sub(&h->row->copies, 1);
		give_entry(h, at);
		return;
	}
	set_first(h, e->first, 0);
	e->at_ms = now_ms;
	e->dropped = !sent;
	if (!sent)
		give_chunks(h, e);
	list_add(h, &h->sent, at);
}

/* ---- time -----------------------------------------------------------------
 */

static uint64_t
deadline_of(const struct hold *h, const struct pair *p)
{
	return h->entries[p->packets.head].at_ms +
	       h->head->park_secs * (uint64_t)1000;
}

unsigned
hold_late(const struct hold *h, uint64_t now_ms)
{
	unsigned i;

	for (i = hold_pair_from(h, 0); i < HOLD_PAIRS;
	     i = hold_pair_from(h, i + 1))
		if (now_ms >= deadline_of(h, &h->pairs[i]))
			break;
	return i;
}

unsigned
hold_ask(struct hold *h, uint64_t now_ms)
{
	unsigned i;

	for (i = hold_pair_from(h, 0); i < HOLD_PAIRS;
	     i = hold_pair_from(h, i + 1))
		if (now_ms - h->pairs[i].asked_ms >= HOLD_ASK_MS) {
			h->pairs[i].asked_ms = now_ms;
			break;
		}
	return i;
}

int
hold_wait_ms(const struct hold *h, uint64_t now_ms, int at_most)
{
	uint64_t wait = (uint64_t)at_most;

	for (unsigned i = hold_pair_from(h, 0); i < HOLD_PAIRS;
	     i = hold_pair_from(h, i + 1)) {
		const struct pair *p = &h->pairs[i];
		uint64_t late = deadline_of(h, p);
		uint64_t ask = p->asked_ms + HOLD_ASK_MS;
		uint64_t next = late < ask ? late : ask;

		if (next <= now_ms)
			return 0;
		if (next - now_ms < wait)
			wait = next - now_ms;
	}
	return (int)wait;
}

/* ---- what the kernel lost -------------------------------------------------
 */

bool
hold_lost(struct hold *h, enum store_queue_kind kind, uint32_t id)
{
	uint16_t before = NONE, at = h->sent.head;

	while (at != NONE &&
	       (h->entries[at].id != id || h->entries[at].kind != kind)) {
		before = at;
		at = h->entries[at].next;
	}
	if (at == NONE)
		return false;
	if (before == NONE)
		h->sent.head = h->entries[at].next;
	else
		h->entries[before].next = h->entries[at].next;
	if (h->sent.tail == at)
		h->sent.tail = before;
	if (h->entries[at].dropped)
		give_entry(h, at);
	else
		list_add(h, &h->lost, at);
	return true;
}

bool
hold_lost_head(struct hold *h, uint8_t *buf, struct hold_packet *out)
{
	uint16_t at = list_take(h, &h->lost);

	if (at == NONE)
		return false;
	copy_out(h, &h->entries[at], buf, out);
	out->in_kernel = false;
	give_entry(h, at);
	return true;
}

uint32_t
hold_sweep(struct store *s, unsigned worker,
	   void (*fn)(void *arg, enum store_queue_kind kind, uint32_t id),
	   void *arg)
{
	struct store_parked *row = &s->head->parked[worker];

	for (unsigned i = 0; i < STORE_PARK_FIRSTS; i++) {
		uint64_t first = atomic_exchange(&row->firsts[i], 0);

		if (first != 0)
			fn(arg,
			   (enum store_queue_kind)(first >> 32 & UINT16_MAX),
			   (uint32_t)first);
	}
	atomic_store(&row->packets, 0);
	for (unsigned i = 0; i < STORE_PARK_PAIRS; i++)
		atomic_store(&row->pairs[i].packets, 0);
	return atomic_exchange(&row->copies, 0);
}
