/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path: what happens to one packet, for either direction.
 *
 * A struct path is one worker's: its view of the SA tables, its keyed ciphers,
 * its row of counters.  No socket, no clock (time is a parameter), no lock.
 * No memory is allocated per packet; the first packet of an SA on a worker
 * makes that SA's cipher handle (suites.h).  Never gives a verdict other than
 * DROP unless it decided so: a result starts as a drop.  Every drop is
 * counted here, by direction and reason.
 *
 *   path_begin                      batch: a table that stays for its length
 *     path_out / path_in            a packet -> a result, perhaps octets in dst
 *   path_end
 *
 * Start-up's proof.  What carries head->probe_mark in a seal queue is dropped
 * (reason probe) and raises head->probe_seen[kind][worker].  So does ESP in
 * the decap queue with an SPI of 1 to 255 whose octets 8 to 23, behind SPI and
 * sequence number, are head->probe_token; other ESP with such SPIs is dropped
 * as reserved_spi.
 *
 * ICMP errors about ESP.  One that quotes a live outbound SA's SPI, both its
 * addresses, and a sequence number among the last 65536 sent is dropped
 * (reason icmp) after "fragmentation needed" has lowered the SA's path MTU
 * (pmtu.h says how far it is believed).  Any other is not ours: accepted as it
 * was and counted as passed.
 */
#ifndef ENGINE_PATH_PATH_H
#define ENGINE_PATH_PATH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ipaddr.h"
#include "base/log.h"
#include "engine/path/hold.h"
#include "engine/path/pkt.h"
#include "engine/path/pmtu.h"
#include "engine/path/reason.h"
#include "engine/sa/sad.h"
#include "engine/sa/store.h"
#include "engine/sa/suites.h"

enum path_action {
	PATH_DROP = 0,
	PATH_ACCEPT,  /* as it was */
	PATH_REPLACE, /* by `len` octets in dst, and the mark by `mark` */
	PATH_SENT,    /* all of it went to the sink; nothing is left of it */
	PATH_PARK,    /* keys may come: hold it, or drop it (path_drop); `pair`
			 says for whom it waits */
};

/* What an audit trail wants to know (RFC 4301 4.4.1, 4302 4, 4303 4). */
struct path_about {
	uint8_t protocol; /* SA_ESP, SA_AH; 0: neither */
	uint32_t spi;     /* 0: not known, as in a later fragment */
	uint64_t seq;     /* all of it where the SA is known */
	uint32_t said;    /* 0: no SA */
	struct ipaddr local, peer;
};

struct path_result {
	enum path_action action;
	enum reason reason; /* of a DROP */
	uint32_t mark;      /* of a REPLACE */
	size_t len;
	struct path_about about; /* of a DROP, as far as it was read */
	struct hold_pair pair;   /* of a PARK */
	/* Not 0: the caller sends the packet's sender ICMP "fragmentation
	 * needed" with this MTU, quoting the packet as it came. */
	uint32_t tell_mtu;
};

/* What control wants to know.  Acquire: at most one a second for the same
 * SAID and peer.  Soft and hard: once an SA.  Audit: a drop that the RFCs call
 * auditable, PATH_AUDIT_BURST at once and then one each PATH_AUDIT_EVERY_MS of
 * a worker; those between are only counted.  Packet: any drop but that of our
 * own test packets, while somebody asked for them, and as AUDIT not more than
 * so many. */
enum path_event_kind {
	PATH_ACQUIRE,
	PATH_SOFT,
	PATH_HARD,
	PATH_AUDIT,
	PATH_PACKET
};
#define PATH_AUDIT_BURST     20
#define PATH_AUDIT_EVERY_MS  100
#define PATH_PACKET_BURST    64
#define PATH_PACKET_EVERY_MS 10
struct path_event {
	enum path_event_kind kind;
	uint32_t said;
	struct ipaddr local, peer; /* as in the packet */
	uint8_t protocol;          /* ACQUIRE: of the packet inside, */
	uint16_t sport, dport;     /* and its ports, or 0 */
	/* SOFT, HARD: the SA, which may be gone when this is read */
	uint64_t packets, octets;
	/* AUDIT, SOFT, HARD: protocol is ESP's or AH's */
	enum sa_direction direction;
	enum reason reason;
	uint32_t spi, lost; /* lost: others since the last event */
	uint64_t seq;
	uint16_t id; /* PACKET: IPv4's identification */
	bool sent;   /* PACKET: a train, no drop: it left in segments */
};
/* Called on the worker's thread; must not block. */
typedef void path_notify(void *arg, const struct path_event *e);

struct path_recent {
	uint32_t said;
	struct ipaddr peer;
	uint64_t at_ms;
};
#define PATH_RECENT 64

struct path {
	struct store *store;
	struct sad *sad;
	const struct sad_table *table; /* between begin and end */
	struct suites *suites;
	unsigned worker;
	path_notify *notify;
	void *notify_arg;
	uint32_t purged; /* table generation of the last purge */
	struct path_recent recent[PATH_RECENT];
	struct log_limit audit_limit, packet_limit, sent_limit;
	uint32_t audit_lost, packet_lost;
	/* Does anybody want to hear of PACKETs?  NULL: nobody.  The caller's,
	 * who may set it after path_init and change it at any time. */
	const _Atomic bool *packets_wanted;
};

/* Octets that dst must hold for a packet of len octets: the longest IV, ICV
 * and padding of any suite and a UDP header; see path.c. */
#define PATH_GROWTH 128

/* 0 or -ENOMEM.  notify may be NULL. */
int path_init(struct path *p, struct store *s, struct sad *sad, unsigned worker,
	      path_notify *notify, void *arg);
void path_fini(struct path *p);

/* Around a batch.  begin may rebuild the table when SAs came or went. */
void path_begin(struct path *p, uint64_t now_ms);
void path_end(struct path *p);

/* From a seal queue.  dst must not overlap the packet and must hold
 * pkt->len + PATH_GROWTH octets, else reason crypto.  A train is dropped. */
void path_out(struct path *p, enum store_queue_kind kind, struct pkt *pkt,
	      uint64_t now_ms, uint8_t *dst, size_t cap, struct path_result *r);
/* Where the packets go that a train becomes. */
struct path_sink {
	/* A place for so many octets that lasts until the next call; never
	 * NULL. */
	uint8_t *(*place)(void *arg, size_t octets);
	/* There are len octets in it now, to be sent with this mark. */
	void (*send)(void *arg, size_t len, uint32_t mark);
	void *arg;
};
/* From a seal queue, a packet with is_train: cut to what the path takes, and
 * each segment sealed, into the sink.  SENT, or DROP: then a part of it may
 * have gone there all the same.  Writes over the packet. */
void path_out_train(struct path *p, enum store_queue_kind kind, struct pkt *pkt,
		    uint64_t now_ms, const struct path_sink *sink,
		    struct path_result *r);
/* From the decap queue.  dst must hold pkt->len octets. */
void path_in(struct path *p, struct pkt *pkt, uint64_t now_ms, uint8_t *dst,
	     size_t cap, struct path_result *r);
/* Has the SAID become another association's, or another principal's, than
 * it was for a packet that waited (hold_pair's)?  False, too, where it is
 * nobody's. */
bool path_is_moved(const struct path *p, uint32_t said, uint64_t whose);
/* The same of packets that waited in a queue, unread, while SAIDs were given
 * on (store's fences): was one with this id among them, and was its mark's
 * SAID given on then?  Behind path_begin, so that whatever SA the table has was
 * there before the fence, or is seen behind it. */
bool path_is_before(const struct path *p, enum store_queue_kind kind,
		    uint32_t id);
bool path_was_given_on(const struct path *p, uint32_t mark);
/* Is there an SA now for what waits?  Between begin and end. */
bool path_has_keys(const struct path *p, const struct hold_pair *pair);
/* Asks control for keys once more. */
void path_ask(const struct path *p, const struct hold_pair *pair);
/* A drop that the worker itself decides on, counted. */
void path_drop(struct path *p, enum sa_direction d, enum reason why,
	       uint64_t n);

/* The same of a packet that waited, or should have: told to who watches. */
void path_refuse(struct path *p, enum reason why, const struct pkt *pkt,
		 uint64_t now_ms);

/* ---- for out.c, in.c and quote.c alone ---- */

struct ip4;

void path_see_probe(struct path *p, enum store_queue_kind kind);
/* Counts a packet of so many octets against the SA's lifetime and tells
 * control what it has to know.  False: over; the SA is dead from now on. */
bool path_use(struct path *p, const struct sad_hit *hit, uint32_t octets,
	      uint64_t now_ms);
/* The live inbound SA of a packet.  An SA whose sender knows that it was
 * installed is found, even if this batch began with an older table: the caller
 * holds no other one. */
bool path_find_in(struct path *p, uint8_t protocol, uint32_t spi,
		  const struct ip4 *ip, uint64_t now_ms, struct sad_hit *hit);
/* Why there is no SA for this packet: a drop with its reason, or, where keys
 * could bring one, PATH_PARK after control was asked for them. */
void path_missing(struct path *p, uint32_t said, const struct pkt *pkt,
		  const struct ip4 *ip, uint64_t now_ms, struct path_result *r);
/* A TCP segment that came from peer under this SAID.  If it is a SYN, its MSS
 * becomes what fits when sealed, and what the peer wants is noted. */
void path_see_syn(const struct path *p, uint32_t said,
		  const struct ipaddr *peer, uint8_t *tcp, size_t len,
		  struct pmtu_cost cost, uint32_t device, uint64_t now_ms);

#endif
