/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/cli/columns.h"
#include "engine/cli/peer_row.h"
#include "engine/cli/sockets.h"
#include "engine/cli/peerstat.h"

#define COLUMN(title_, key_, kind_, type, member, where_, bit_)                \
	{                                                                      \
		.title = (title_), .key = (key_), .kind = COLUMN_##kind_,      \
		.offset = offsetof(struct type, member), .where = (where_),    \
		.bit = (bit_)                                                  \
	}
#define ALL       (COLUMN_PEOPLE | COLUMN_BRIEF | COLUMN_DATA)
#define SHOWN     (COLUMN_PEOPLE | COLUMN_DATA)
#define DATA      COLUMN_DATA
#define LOOKS     (COLUMN_PEOPLE | COLUMN_BRIEF) /* JSON says it otherwise */
#define DIGITS(n) (n)
#define LIMITS(type)                                                           \
	COLUMN("", "soft_seconds", U64, type, limits.soft_secs, DATA, 0),      \
	    COLUMN("", "hard_seconds", U64, type, limits.hard_secs, DATA, 0),  \
	    COLUMN("", "soft_bytes", U64, type, limits.soft_octets, DATA, 0),  \
	    COLUMN("", "hard_bytes", U64, type, limits.hard_octets, DATA, 0),  \
	    COLUMN("", "soft_packets", U64, type, limits.soft_packets, DATA,   \
		   0),                                                         \
	    COLUMN("", "hard_packets", U64, type, limits.hard_packets, DATA,   \
		   0)
#define COLUMNS(name, object_, none_)                                          \
	const struct columns columns_##name = {                                \
		.object = (object_),                                           \
		.column = name##_columns,                                      \
		.n = sizeof(name##_columns) / sizeof(name##_columns[0]),       \
		.none = (none_)                                                \
	}

static const struct column assoc_columns[] = {
	COLUMN("NAME", "name", TEXT, proto_assoc, name, ALL, 0),
	COLUMN("SAID", "said", HEX, proto_assoc, said, ALL, DIGITS(3)),
	COLUMN("LOCAL", "local", ADDRESS, proto_assoc, local, SHOWN, 0),
	COLUMN("PEER", "peer", ADDRESS, proto_assoc, peer, ALL, 0),
	COLUMN("MODE", "mode", MODE, proto_assoc, mode, SHOWN, 0),
	COLUMN("PROTECT", "protect", PROTECT, proto_assoc, name, ALL, 0),
	COLUMN("KEYING", "keying", KEYING, proto_assoc, keying, ALL, 0),
	COLUMN("SAS", "sas", U32, proto_assoc, n_sas, ALL, 0),
	COLUMN("", "esn", FLAG, proto_assoc, flags, DATA, PROTO_SA_ESN),
	COLUMN("", "replay_window", U32, proto_assoc, replay_window, DATA, 0),
	LIMITS(proto_assoc),
	COLUMN("PARKED", "parked", U64, proto_assoc, parked, SHOWN, 0),
	COLUMN("", "instance_of", TEXT, proto_assoc, instance_of, DATA, 0),
	COLUMN("", "principal", TEXT, proto_assoc, principal, DATA, 0),
	COLUMN("", "in_packets", U64, proto_assoc, in_packets, DATA, 0),
	COLUMN("", "in_bytes", U64, proto_assoc, in_octets, DATA, 0),
	COLUMN("", "out_packets", U64, proto_assoc, out_packets, DATA, 0),
	COLUMN("", "out_bytes", U64, proto_assoc, out_octets, DATA, 0),
};
COLUMNS(assoc, "association", "No associations.");

#define SA_COLUMNS(key_where)                                                  \
	COLUMN("ASSOCIATION", "association", TEXT, proto_sa, association, ALL, \
	       0),                                                             \
	    COLUMN("SAID", "said", HEX, proto_sa, said, SHOWN, DIGITS(3)),     \
	    COLUMN("DIR", "direction", DIRECTION, proto_sa, direction, ALL,    \
		   0),                                                         \
	    COLUMN("PROTO", "protocol", PROTOCOL, proto_sa, protocol, ALL, 0), \
	    COLUMN("SPI", "spi", HEX, proto_sa, spi, ALL, DIGITS(8)),          \
	    COLUMN("", "mode", MODE, proto_sa, mode, DATA, 0),                 \
	    COLUMN("ALGORITHMS", "", ALGORITHMS, proto_sa, encryption, LOOKS,  \
		   0),                                                         \
	    COLUMN("", "encryption", TEXT, proto_sa, encryption, DATA, 0),     \
	    COLUMN("", "integrity", TEXT, proto_sa, integrity, DATA, 0),       \
	    COLUMN("LOCAL", "local", ADDRESS, proto_sa, local, ALL, 0),        \
	    COLUMN("PEER", "peer", ADDRESS, proto_sa, peer, ALL, 0),           \
	    COLUMN("", "principal", TEXT, proto_sa, principal, DATA, 0),       \
	    COLUMN("STATE", "state", STATE, proto_sa, state, SHOWN, 0),        \
	    COLUMN("PACKETS", "packets", COUNT, proto_sa, packets, ALL, 0),    \
	    COLUMN("BYTES", "bytes", COUNT, proto_sa, octets, ALL, 0),         \
	    COLUMN("SEQUENCE", "sequence", U64, proto_sa, sequence, SHOWN, 0), \
	    COLUMN("", "replay_window", U32, proto_sa, replay_window, DATA,    \
		   0),                                                         \
	    COLUMN("REPLAYS", "replays", COUNT, proto_sa, replays, SHOWN, 0),  \
	    COLUMN("BAD-ICV", "bad_icv", COUNT, proto_sa, bad_icv, SHOWN, 0),  \
	    COLUMN("AGE", "age_seconds", MS, proto_sa, age_ms, SHOWN, 0),      \
	    LIMITS(proto_sa),                                                  \
	    COLUMN("", "idle_seconds", MS, proto_sa, idle_ms, DATA, 0),        \
	    COLUMN("", "esn", FLAG, proto_sa, flags, DATA, PROTO_SA_ESN),      \
	    COLUMN("", "udp_source_port", U32, proto_sa, sport, DATA, 0),      \
	    COLUMN("", "udp_destination_port", U32, proto_sa, dport, DATA, 0), \
	    COLUMN("KEY", "key", KEY, proto_sa, key, key_where, 0),            \
	    COLUMN("AUTH-KEY", "auth_key", KEY, proto_sa, auth_key, key_where, \
		   0)

static const struct column sa_columns[] = { SA_COLUMNS(DATA) };
COLUMNS(sa, "sa", "No SAs.");
static const struct column sa_keys_columns[] = { SA_COLUMNS(SHOWN) };
COLUMNS(sa_keys, "sa", "No SAs.");

static const struct column drop_columns[] = {
	COLUMN("DIR", "direction", DIRECTION, proto_drop, direction, ALL, 0),
	COLUMN("REASON", "reason", TEXT, proto_drop, reason, ALL, 0),
	COLUMN("PACKETS", "packets", COUNT, proto_drop, packets, ALL, 0),
	COLUMN("WHY", "sentence", TEXT, proto_drop, sentence, SHOWN, 0),
};
COLUMNS(drop, "drop", "Nothing was dropped.");

static const struct column queue_columns[] = {
	COLUMN("QUEUE", "number", U32, proto_queue, number, ALL, 0),
	COLUMN("KIND", "kind", QUEUE_KIND, proto_queue, kind, ALL, 0),
	COLUMN("LENGTH", "length", COUNT, proto_queue, length, ALL, 0),
	COLUMN("KERNEL-DROPS", "kernel_drops", COUNT, proto_queue, kernel_drops,
	       ALL, 0),
	COLUMN("USER-DROPS", "user_drops", COUNT, proto_queue, user_drops, ALL,
	       0),
	COLUMN("RECEIVED", "received", COUNT, proto_queue, received, ALL, 0),
	COLUMN("VERDICTS", "verdicts", COUNT, proto_queue, verdicts, SHOWN, 0),
	COLUMN("ERRORS", "errors", COUNT, proto_queue, errors, SHOWN, 0),
	COLUMN("", "passed", COUNT, proto_queue, passed, DATA, 0),
	COLUMN("", "injected", COUNT, proto_queue, injected, DATA, 0),
	COLUMN("", "merged", COUNT, proto_queue, merged, DATA, 0),
	COLUMN("", "heard_ms", U64, proto_queue, heard_ms, DATA, 0),
};
COLUMNS(queue, "queue", "No queues.");

static const struct column flow_columns[] = {
	COLUMN("#", "number", U32, proto_flow, number, SHOWN, 0),
	COLUMN("DIR", "direction", DIRECTION, proto_flow, direction, ALL, 0),
	COLUMN("TARGET", "target", TEXT, proto_flow, target, ALL, 0),
	COLUMN("PACKETS", "packets", COUNT, proto_flow, packets, ALL, 0),
	COLUMN("BYTES", "bytes", COUNT, proto_flow, octets, SHOWN, 0),
	COLUMN("EXPRESSION", "expression", TEXT, proto_flow, expression, ALL,
	       0),
	COLUMN("PLACE", "place", TEXT, proto_flow, place, SHOWN, 0),
};
COLUMNS(flow, "flow", "No flows.");

static const struct column peer_columns[] = {
	COLUMN("ASSOCIATION", "association", TEXT, peerstat_peer, association,
	       ALL, 0),
	COLUMN("", "said", HEX, peerstat_peer, said, DATA, DIGITS(3)),
	COLUMN("", "local", TEXT, peerstat_peer, local, DATA, 0),
	COLUMN("PEER", "peer", TEXT, peerstat_peer, peer, ALL, 0),
	COLUMN("PRINCIPAL", "principal", TEXT, peerstat_peer, principal, ALL,
	       0),
	COLUMN("", "method", TEXT, peerstat_peer, method, DATA, 0),
	COLUMN("STATE", "state", TEXT, peerstat_peer, state, ALL, 0),
	COLUMN("", "role", TEXT, peerstat_peer, role, DATA, 0),
	COLUMN("ALGORITHMS", "algorithms", TEXT, peerstat_peer, algorithms,
	       SHOWN, 0),
	COLUMN("SECRECY", "forward_secrecy", TEXT, peerstat_peer,
	       forward_secrecy, SHOWN, 0),
	COLUMN("", "spi_in", SPI, peerstat_peer, spi_in, DATA, 0),
	COLUMN("", "spi_out", SPI, peerstat_peer, spi_out, DATA, 0),
	COLUMN("AGE", "age_seconds", SECS, peerstat_peer, age_secs, SHOWN, 0),
	COLUMN("REKEY", "rekey_seconds", SECS, peerstat_peer, rekey_secs, SHOWN,
	       0),
	COLUMN("", "expires_seconds", SECS, peerstat_peer, expires_secs, DATA,
	       0),
	COLUMN("", "heard_seconds", SECS, peerstat_peer, heard_secs, DATA, 0),
	COLUMN("DONE", "exchanges", COUNT, peerstat_peer, exchanges, ALL, 0),
	COLUMN("FAILED", "failures", COUNT, peerstat_peer, failures, ALL, 0),
	COLUMN("WHY", "why", TEXT, peerstat_peer, why, SHOWN, 0),
	COLUMN("", "why_seconds", SECS, peerstat_peer, why_secs, DATA, 0),
};
COLUMNS(peer, "peer", "No peers yet.");

static const struct column socket_columns[] = {
	COLUMN("PID", "pid", U32, socket_row, pid, ALL, 0),
	COLUMN("COMMAND", "command", TEXT, socket_row, command, ALL, 0),
	COLUMN("", "uid", U32, socket_row, uid, DATA, 0),
	COLUMN("PROTO", "protocol", PROTOCOL, socket_row, protocol, ALL, 0),
	COLUMN("LOCAL", "local", ADDRESS, socket_row, local, ALL, 0),
	COLUMN("PORT", "local_port", U32, socket_row, lport, ALL, 0),
	COLUMN("PEER", "peer", ADDRESS, socket_row, peer, ALL, 0),
	COLUMN("PORT", "peer_port", U32, socket_row, pport, ALL, 0),
	COLUMN("SAID", "said", HEX, socket_row, said, ALL, DIGITS(3)),
	COLUMN("ASSOCIATION", "association", TEXT, socket_row, association, ALL,
	       0),
	COLUMN("USER", "user", TEXT, socket_row, user, SHOWN, 0),
	COLUMN("FD", "fd", U32, socket_row, fd, SHOWN, 0),
	COLUMN("", "listens", FLAG, socket_row, listens, DATA, 1),
};
COLUMNS(socket, "socket", "No socket has a SAID.");

static const struct column who_columns[] = {
	COLUMN("PID", "pid", U32, socket_row, pid, ALL, 0),
	COLUMN("COMMAND", "command", TEXT, socket_row, command, ALL, 0),
	COLUMN("", "uid", U32, socket_row, uid, DATA, 0),
	COLUMN("USER", "user", TEXT, socket_row, user, ALL, 0),
	COLUMN("SAID", "said", HEX, socket_row, said, ALL, DIGITS(3)),
	COLUMN("ASSOCIATION", "association", TEXT, socket_row, association, ALL,
	       0),
	COLUMN("SOCKETS", "sockets", U32, socket_row, count, ALL, 0),
};
COLUMNS(who, "who", "Nobody uses a SAID.");

static const struct column connection_columns[] = {
	COLUMN("ASSOCIATION", "association", TEXT, peer_row, info.association,
	       ALL, 0),
	COLUMN("SAID", "said", HEX, peer_row, info.said, SHOWN, DIGITS(3)),
	COLUMN("PEER", "peer", ADDRESS, peer_row, peer, ALL, 0),
	COLUMN("PRINCIPAL", "principal", TEXT, peer_row, info.principal, ALL,
	       0),
	COLUMN("ENCRYPTION", "encryption", TEXT, peer_row, info.encryption, ALL,
	       0),
	COLUMN("INTEGRITY", "integrity", TEXT, peer_row, info.integrity, SHOWN,
	       0),
	COLUMN("AH", "ah_integrity", TEXT, peer_row, info.ah_integrity, SHOWN,
	       0),
	COLUMN("MODE", "mode", MODE, peer_row, mode, SHOWN, 0),
	COLUMN("SPI-IN", "spi_in", HEX, peer_row, info.spi_in, SHOWN,
	       DIGITS(8)),
	COLUMN("SPI-OUT", "spi_out", HEX, peer_row, info.spi_out, SHOWN,
	       DIGITS(8)),
	COLUMN("", "local", ADDRESS, peer_row, local, DATA, 0),
};
COLUMNS(connection, "connection", "No SA.");
