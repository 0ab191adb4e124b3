/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exchange: the table of exchanges under way, whatever their protocol.
 *
 * Owns the exchanges, within a number and a number of octets given at start;
 * what is over the cap is refused, nothing is pushed out.  A protocol's item
 * begins with a struct exchange.  One thread.  Never sends, never interprets
 * a message, never asks for the time.
 */
#ifndef KEYNEG_CORE_EXCHANGE_H
#define KEYNEG_CORE_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ipaddr.h"
#include "keyneg/core/timerheap.h"

enum exchange_state {
	EXCHANGE_NEW,
	EXCHANGE_WAIT_TICKET, /* initiator: Kerberos makes the first AP-REQ */
	EXCHANGE_WAIT_REPLY,  /* initiator: sent, retransmitted */
	EXCHANGE_WAIT_CHECK,  /* responder: Kerberos reads the AP-REQ */
	EXCHANGE_WAIT_ACK,    /* responder: answered, retransmitted */
	EXCHANGE_DONE,        /* kept to answer duplicates */
	EXCHANGE_FAILED,      /* kept to hold the next attempt back */
	EXCHANGE_STATE_COUNT
};

enum exchange_role { EXCHANGE_INITIATOR, EXCHANGE_RESPONDER };

/* Where its datagrams go and come from. */
struct exchange_path {
	struct ipaddr local, peer;
	uint16_t local_port, peer_port;
};

struct exchange {
	uint32_t id;               /* never 0, never twice */
	enum exchange_state state; /* exchange_move alone writes it */
	enum exchange_role role;
	uint8_t kind; /* the protocol's own, for the log */
	uint32_t xid;
	struct exchange_path path;
	struct timerheap_node timer;
	size_t cost; /* octets charged beyond the item */
	struct exchange *next_id, *next_xid, *next_peer;
};

struct exchange_table {
	size_t item, items_max, octets_max;
	size_t items, octets;
	uint32_t last_id;
	uint64_t refused;
	size_t buckets; /* power of two */
	struct exchange **by_id, **by_xid, **by_peer;
	const char *(*kind_name)(uint8_t kind);
};

/* `item`: octets of a protocol's exchange.  0 or -ENOMEM. */
int exchange_init(struct exchange_table *t, size_t item, size_t items_max,
		  size_t octets_max, const char *(*kind_name)(uint8_t kind));
void exchange_fini(struct exchange_table *t);
/* A zeroed item in state NEW, in the table; NULL: over a cap, counted. */
struct exchange *exchange_new(struct exchange_table *t, enum exchange_role role,
			      uint8_t kind, uint32_t xid,
			      const struct exchange_path *path);
/* The timer must not be set. */
void exchange_free(struct exchange_table *t, struct exchange *x);
struct exchange *exchange_by_id(struct exchange_table *t, uint32_t id);
/* The next one of this role, peer address and XID after `after` (NULL: from
 * the start). */
struct exchange *exchange_by_xid(struct exchange_table *t,
				 enum exchange_role role,
				 const struct ipaddr *peer, uint32_t xid,
				 const struct exchange *after);
/* The next one with this peer address, whatever its port. */
struct exchange *exchange_by_peer(const struct exchange_table *t,
				  const struct ipaddr *peer,
				  const struct exchange *after);
/* Charges or gives back memory that hangs on it; false: over the cap. */
bool exchange_charge(struct exchange_table *t, struct exchange *x,
		     size_t octets);
/* The one place where a state changes; a move that the table does not list
 * is refused with -EINVAL and logged.  Logs "a -> b". */
int exchange_move(struct exchange_table *t, struct exchange *x,
		  enum exchange_state to);
const char *exchange_state_name(enum exchange_state s);

#endif
