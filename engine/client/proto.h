/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proto: the messages of the control socket, for both ends.
 *
 * run-dir/control.sock is a SOCK_SEQPACKET socket: one message is one record
 * of the socket, in host byte order, never longer than PROTO_MESSAGE_MAX.
 *
 *      0               4       6       8               12              16
 *      +---------------+-------+-------+---------------+---------------+
 *      | length        | type  | flags | serial        | error         |
 *      +---------------+-------+-------+---------------+---------------+
 *      | attributes ...
 *      +-------+-------+-----------------------+---------------+
 *      | number| length| value, `length` octets| zeros to 4    |  (each)
 *      +-------+-------+-----------------------+---------------+
 *
 * The server speaks first (PROTO_HELLO, before it reads anything), the client
 * answers with PROTO_HELLO and the version it wants, then sends requests, one
 * at a time.  A reply is any number of records flagged MORE and one last
 * message without it, whose `error` is 0 or an errno value and whose TEXT, if
 * any, is a sentence for people.  Events (PROTO_EVENT, serial 0) may come
 * between replies once PROTO_SUBSCRIBE was answered.
 *
 * A record is a plain struct below with a shape that says which attribute
 * goes where; numbers that are 0, empty texts and "any" are left out of the
 * message.  A server refuses attributes it does not know, a client skips
 * them: requests never lose a word on the way, replies may grow.
 *
 * Owns nothing.  Any thread.  Never allocates, never reads past what it was
 * given; nothing in a message is believed before proto_read has accepted it.
 */
#ifndef ENGINE_CLIENT_PROTO_H
#define ENGINE_CLIENT_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/algo.h"
#include "base/ipaddr.h"

#define PROTO_VERSION     1u
#define PROTO_MESSAGE_MAX 8192u /* octets, head included, either way */
#define PROTO_HEAD_OCTETS 16u
#define PROTO_SOCKET      "control.sock"

#define PROTO_NAME_MAX        64 /* texts: octets with the final 0 */
#define PROTO_ALGO_MAX        24
#define PROTO_PRINCIPAL_MAX   256
#define PROTO_SENTENCE_MAX    256
#define PROTO_CHUNK_MAX       4096
#define PROTO_EXPRESSION_MAX  4096
#define PROTO_RELOAD_SECS_MAX 86400

/* Append only.  Types from 32 on are for clients without privilege: with the
 * message comes one descriptor (SCM_RIGHTS), a socket that the client holds. */
enum proto_type {
	PROTO_HELLO = 1,     /* struct proto_hello both ways */
	PROTO_STATUS = 2,    /* -> struct proto_status */
	PROTO_ASSOCS = 3,    /* -> struct proto_assoc each */
	PROTO_SAS = 4,       /* struct proto_show -> struct proto_sa each */
	PROTO_DROPS = 5,     /* -> struct proto_drop each */
	PROTO_QUEUES = 6,    /* -> struct proto_queue each */
	PROTO_FLOWS = 7,     /* -> struct proto_flow each */
	PROTO_EXPORT = 8,    /* struct proto_export -> struct proto_text each */
	PROTO_RELOAD = 9,    /* struct proto_reload -> struct proto_text each */
	PROTO_DISABLE = 10,  /* -> nothing but the end */
	PROTO_ADD_PAIR = 11, /* struct proto_pair -> the end */
	PROTO_DELETE_SA = 12, /* struct proto_delete -> the end */
	PROTO_REKEY = 13,     /* struct proto_rekey -> the end */
	PROTO_SUBSCRIBE = 14, /* struct proto_subscribe -> the end */
	PROTO_EVENT = 15,     /* struct proto_event, unasked */
	PROTO_FAIL = 16,      /* struct proto_fail -> the end */
	PROTO_INSTANCE = 17,  /* struct proto_instance -> the same, whole */
	PROTO_BIND = 32,      /* struct proto_bind -> struct proto_bound */
	PROTO_SAID = 33,      /* -> struct proto_bound */
	PROTO_PEER = 34, /* -> struct proto_sa each, without what it counts */
	PROTO_RUN = 35,  /* struct proto_run -> the end */
};

enum proto_flag {
	PROTO_FLAG_REPLY = 1u << 0,
	PROTO_FLAG_MORE = 1u << 1, /* this reply goes on */
};

struct proto_head {
	uint32_t length; /* of the whole message, 16..PROTO_MESSAGE_MAX */
	uint16_t type, flags;
	uint32_t serial; /* the client's choice, the same in the reply */
	int32_t error;   /* last message of a reply: errno value, or 0 */
};

enum proto_attr {
#define PROTO_ATTR(number, name, kind) PROTO_ATTR_##name = (number),
#include "engine/client/proto_attr.def"
#undef PROTO_ATTR
	PROTO_ATTR_END /* one more than the last */
};

enum proto_kind {
	PROTO_KIND_U32,
	PROTO_KIND_U64,
	PROTO_KIND_TEXT,    /* UTF-8 without control characters but \n and \t;
			     * no final 0 on the wire */
	PROTO_KIND_OCTETS,  /* struct proto_octets */
	PROTO_KIND_ADDRESS, /* struct ipaddr, its 20 octets */
	PROTO_KIND_NESTED,  /* attributes again */
};

/* ---- values of numbers ----------------------------------------------------
 */
enum proto_direction { PROTO_IN = 0, PROTO_OUT = 1 };
enum proto_mode { PROTO_TRANSPORT = 1, PROTO_TUNNEL = 2 };
enum proto_state { PROTO_LIVE = 2, PROTO_DEAD = 3 };
enum proto_keying {
	PROTO_KEYING_NONE = 0, /* over this socket */
	PROTO_KEYING_MANUAL = 1,
	PROTO_KEYING_KERBEROS = 2,
	PROTO_KEYING_PHOTURIS = 3,
};
enum proto_queue_kind {
	PROTO_QUEUE_SEAL_TCP = 0,
	PROTO_QUEUE_SEAL = 1,
	PROTO_QUEUE_DECAP = 2,
};
enum proto_rights {
	PROTO_RIGHTS_NONE = 0, /* the connection is closed */
	PROTO_RIGHTS_ALL = 1,  /* uid 0, or the service's own */
	PROTO_RIGHTS_OWN = 2,  /* anybody: what concerns its own sockets */
};
enum proto_export_which { PROTO_EXPORT_CONF = 1, PROTO_EXPORT_NFT = 2 };
enum proto_event_kind {
	PROTO_EVENT_ACQUIRE = 1, /* a packet waits for keys */
	PROTO_EVENT_SA_ADDED = 2,
	PROTO_EVENT_SA_SOFT = 3,    /* time for new keys, or rekey asked */
	PROTO_EVENT_SA_EXPIRED = 4, /* hard limit: the SA is dead */
	PROTO_EVENT_SA_DELETED = 5, /* by request, replacement, reload */
	PROTO_EVENT_DROP = 6,       /* counters of drops that moved */
	PROTO_EVENT_STATE = 7,      /* ready or not, policy changed */
	PROTO_EVENT_LOST = 8,       /* the reader was too slow */
	PROTO_EVENT_AUDIT = 9,      /* a packet that RFC 4301-4303 record */
	PROTO_EVENT_PACKET = 10,    /* a packet that the engine dropped */
	PROTO_EVENT_FAILED = 11,    /* a key daemon has no keys for a peer */
	PROTO_EVENT_DEAD_PEER = 12, /* we send and nothing comes back */
};
/* Of a PACKET that was not dropped: TCP that left in segments. */
#define PROTO_REASON_SENT     "sent"
#define PROTO_EVENT_BIT(kind) (1u << (kind))
#define PROTO_EVENT_ALL       0x1ffeu

enum proto_pair_flag {
	PROTO_PAIR_REPLACE = 1u << 0, /* the old outbound SA of this
				       * association and peer dies now, the
				       * old inbound one lives on */
	PROTO_PAIR_NO_ESN = 1u << 1,
};
enum proto_show_flag { PROTO_SHOW_KEYS = 1u << 0 };
enum proto_reload_flag {
	PROTO_RELOAD_DRY_RUN = 1u << 0,
	PROTO_RELOAD_CONFIRM = 1u << 1, /* reads nothing: what runs may stay */
};
enum proto_run_flag {
	PROTO_RUN_OTHERS_CLEAR = 1u << 0,
	PROTO_RUN_OTHERS_TOLD = 1u << 1, /* no word about them is wanted */
};
enum proto_sa_flag {
	PROTO_SA_ESN = 1u << 0,
	PROTO_SA_MANUAL = 1u << 1,
	PROTO_SA_ENCAP_UDP = 1u << 2,
	PROTO_SA_SOFT = 1u << 3, /* its soft limit is over */
};

/* ---- records --------------------------------------------------------------
 */
struct proto_octets {
	uint16_t len;
	uint8_t at[ALGO_KEYMAT_MAX];
};

struct proto_hello {
	uint32_t version; /* the server's highest; the client's choice */
	uint32_t rights;  /* from the server: enum proto_rights */
	char software[PROTO_NAME_MAX];
};

struct proto_status {
	uint32_t ready;  /* 1: rules in place and proven */
	uint64_t parked; /* packets that wait for keys */
	uint32_t workers, max_sa, n_assocs, n_sas;
	uint32_t said_mask, said_first, said_last;
	uint32_t generation;               /* of the policy */
	uint64_t started, service_started; /* engine, supervisor; wall secs */
	uint64_t starts;                   /* engines so far */
	uint64_t goes_back; /* an unconfirmed reload, wall secs; 0: none */
	char divert[PROTO_NAME_MAX];       /* "nft queue", "xt NFQUEUE" */
	char randomness[PROTO_NAME_MAX];   /* "kernel", ... and entropyd */
	char text[PROTO_SENTENCE_MAX];     /* why not ready */
};

struct proto_limits {
	uint64_t soft_secs, soft_octets, soft_packets;
	uint64_t hard_secs, hard_octets, hard_packets; /* 0: none */
};

struct proto_assoc {
	char name[PROTO_NAME_MAX];
	uint32_t said, mode, keying, n_sas, replay_window, flags;
	struct ipaddr local, peer;
	char encryption[PROTO_ALGO_MAX], integrity[PROTO_ALGO_MAX];
	char ah_integrity[PROTO_ALGO_MAX];
	struct proto_limits limits;
	uint64_t parked;                     /* packets that wait for keys */
	char instance_of[PROTO_NAME_MAX];    /* "": configured */
	char principal[PROTO_PRINCIPAL_MAX]; /* whose instance */
	/* of all SAs that it ever had */
	uint64_t in_packets, in_octets, out_packets, out_octets;
};

struct proto_show {
	uint32_t flags;                   /* enum proto_show_flag */
	char association[PROTO_NAME_MAX]; /* "": all */
};

struct proto_sa {
	char association[PROTO_NAME_MAX];
	char principal[PROTO_PRINCIPAL_MAX];
	uint32_t said, direction, protocol, spi, mode, state, flags;
	char encryption[PROTO_ALGO_MAX], integrity[PROTO_ALGO_MAX];
	struct ipaddr local, peer;
	uint32_t sport, dport; /* ESP in UDP */
	uint64_t packets, octets;
	uint64_t sequence; /* last sent; right edge */
	uint32_t replay_window;
	uint64_t replays, bad_icv;
	uint64_t age_ms, idle_ms;
	struct proto_limits limits;
	struct proto_octets key, auth_key; /* only for PROTO_SHOW_KEYS */
};

struct proto_drop {
	uint32_t direction;
	char reason[PROTO_NAME_MAX];
	char sentence[PROTO_SENTENCE_MAX];
	uint64_t packets;
};

struct proto_queue {
	uint32_t number, kind;
	uint64_t length, kernel_drops, user_drops;
	uint64_t received, verdicts, passed, errors;
	uint64_t injected, merged;
	uint64_t heard_ms; /* ago */
};

struct proto_flow {
	uint32_t number; /* place in file order, from 1 */
	uint32_t direction;
	char target[PROTO_NAME_MAX]; /* association, "bypass", "discard" */
	char expression[PROTO_EXPRESSION_MAX];
	char place[PROTO_SENTENCE_MAX]; /* file:line */
	uint64_t packets, octets;
};

struct proto_export {
	uint32_t which; /* enum proto_export_which */
};

struct proto_text { /* a piece of a longer text */
	char text[PROTO_CHUNK_MAX];
};

struct proto_reload {
	uint32_t flags; /* enum proto_reload_flag */
	uint32_t secs;  /* until it goes back by itself; 0: it does not */
};

/* One direction of a new pair. */
struct proto_half {
	uint32_t spi; /* 256..2^32-1 */
	struct proto_octets key, auth_key;
};

/* Both directions at once; the inbound SA is live before the outbound one.
 * What is 0 or empty is taken from the association.  One half may be left
 * out (an SPI of 0): negotiations install the inbound SA first and the
 * outbound one when the peer has confirmed. */
struct proto_pair {
	char association[PROTO_NAME_MAX];
	char principal[PROTO_PRINCIPAL_MAX]; /* the peer's, if known */
	struct ipaddr local, peer;           /* host addresses */
	uint32_t flags;                      /* enum proto_pair_flag */
	uint32_t protocol;                   /* 50 (default) or 51 */
	char encryption[PROTO_ALGO_MAX], integrity[PROTO_ALGO_MAX];
	uint32_t replay_window;
	uint32_t sport, dport; /* ESP in UDP */
	struct proto_limits limits;
	struct proto_half out, in;
};

struct proto_delete {
	uint32_t direction, protocol, spi;
	struct ipaddr peer;
};

struct proto_rekey {
	char association[PROTO_NAME_MAX];
	struct ipaddr peer; /* any: all its peers */
};

/* The answer to an ACQUIRE when there are no keys: what waits is dropped, its
 * senders are told. */
struct proto_fail {
	char association[PROTO_NAME_MAX];
	struct ipaddr peer;            /* a host address */
	char text[PROTO_SENTENCE_MAX]; /* why, for people */
};

/* An association as one user principal uses it.  Asked for with its name and
 * the principal; what comes back is the instance. */
struct proto_instance {
	char association[PROTO_NAME_MAX];
	char principal[PROTO_PRINCIPAL_MAX];
	char instance_of[PROTO_NAME_MAX]; /* in the answer */
	uint32_t said;                    /* in the answer */
};

struct proto_subscribe {
	uint32_t mask; /* PROTO_EVENT_BIT of each kind wanted; 0: none */
};

struct proto_bind {
	char association[PROTO_NAME_MAX];
};

struct proto_run {
	char association[PROTO_NAME_MAX];
	uint32_t flags; /* enum proto_run_flag */
};

struct proto_bound {
	uint32_t said; /* 0: the socket has none */
	char association[PROTO_NAME_MAX];
};

struct proto_event {
	uint32_t kind; /* enum proto_event_kind */
	uint64_t wall_ms;
	char association[PROTO_NAME_MAX];
	uint32_t said;
	struct ipaddr local, peer;
	uint32_t protocol; /* acquire: of the packet; SA: 50, 51 */
	uint32_t sport, dport, uid;
	uint32_t direction, spi;
	char encryption[PROTO_ALGO_MAX], integrity[PROTO_ALGO_MAX];
	char reason[PROTO_NAME_MAX];
	char text[PROTO_SENTENCE_MAX];
	uint64_t packets, octets, total;
	uint64_t lost;     /* LOST: how many; AUDIT, PACKET: others since */
	uint64_t sequence; /* AUDIT, PACKET */
	uint32_t ready;
	uint32_t number; /* PACKET: IPv4's identification */
};

/* ---- shapes: which attribute is which member ------------------------------
 */
struct proto_field {
	uint16_t attr, offset, size; /* size of the member */
	uint8_t kind;                /* enum proto_kind */
	bool required;
	const struct proto_shape *nested;
};

struct proto_shape {
	const struct proto_field *fields;
	unsigned n;
	size_t size;
};

extern const struct proto_shape proto_shape_hello, proto_shape_status,
    proto_shape_assoc, proto_shape_show, proto_shape_sa, proto_shape_drop,
    proto_shape_queue, proto_shape_flow, proto_shape_export, proto_shape_text,
    proto_shape_reload, proto_shape_half, proto_shape_pair, proto_shape_delete,
    proto_shape_rekey, proto_shape_fail, proto_shape_instance,
    proto_shape_subscribe, proto_shape_event, proto_shape_bind, proto_shape_run,
    proto_shape_bound;

/* The shape that belongs to the struct p points to. */
#define PROTO_SHAPE(p)                                                         \
	_Generic(*(p), struct proto_hello                                      \
		 : &proto_shape_hello, struct proto_status                     \
		 : &proto_shape_status, struct proto_assoc                     \
		 : &proto_shape_assoc, struct proto_show                       \
		 : &proto_shape_show, struct proto_sa                          \
		 : &proto_shape_sa, struct proto_drop                          \
		 : &proto_shape_drop, struct proto_queue                       \
		 : &proto_shape_queue, struct proto_flow                       \
		 : &proto_shape_flow, struct proto_export                      \
		 : &proto_shape_export, struct proto_text                      \
		 : &proto_shape_text, struct proto_reload                      \
		 : &proto_shape_reload, struct proto_half                      \
		 : &proto_shape_half, struct proto_pair                        \
		 : &proto_shape_pair, struct proto_delete                      \
		 : &proto_shape_delete, struct proto_rekey                     \
		 : &proto_shape_rekey, struct proto_fail                       \
		 : &proto_shape_fail, struct proto_instance                    \
		 : &proto_shape_instance, struct proto_subscribe               \
		 : &proto_shape_subscribe, struct proto_event                  \
		 : &proto_shape_event, struct proto_bind                       \
		 : &proto_shape_bind, struct proto_run                         \
		 : &proto_shape_run, struct proto_bound                        \
		 : &proto_shape_bound)

/* Writes a whole message: the head (its length is set here) and, unless
 * shape is NULL, the record.  Returns its octets, 0 when it does not fit cap
 * or PROTO_MESSAGE_MAX, or when a text or address is not a legal one. */
size_t proto_build(void *buf, size_t cap, const struct proto_head *head,
		   const struct proto_shape *shape, const void *record);

/* Takes the head off a received message and checks its length against what
 * came.  0 or -EBADMSG. */
int proto_read_head(const void *octets, size_t len, struct proto_head *out);

/* Octets of the legal character at text, of at most `left`: 1-4, or 0 when
 * what stands there may not be in a TEXT. */
size_t proto_text_step(const void *text, size_t left);

enum proto_strict {
	PROTO_STRICT, /* a server: an unknown attribute refuses the message */
	PROTO_LENIENT /* a client: it is skipped */
};

/* Reads the record behind the head; *record is zeroed first and holds no
 * half-read message on an error.  shape NULL: no attribute may follow.
 *   -EBADMSG     does not add up: lengths, kinds, an attribute twice,
 *                padding that is not zero, a required one missing
 *   -EOPNOTSUPP  an attribute that the record does not have (PROTO_STRICT)
 *   -EINVAL      an address, a text or a length that is not legal */
int proto_read(const void *octets, size_t len, const struct proto_shape *shape,
	       enum proto_strict strict, void *record);

#endif
