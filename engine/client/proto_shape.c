/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which attribute is which member of which record.  Order is the order on
 * the wire.
 */
#include "engine/client/proto.h"

#define MEMBER(type, member) sizeof(((struct type *)0)->member)
#define FIELD(name_, kind_, type, member, required_)                           \
	{                                                                      \
		.attr = PROTO_ATTR_##name_, .kind = PROTO_KIND_##kind_,        \
		.offset = offsetof(struct type, member),                       \
		.size = MEMBER(type, member), .required = (required_)          \
	}
#define U32(name, type, member)        FIELD(name, U32, type, member, false)
#define U64(name, type, member)        FIELD(name, U64, type, member, false)
#define TEXT(name, type, member)       FIELD(name, TEXT, type, member, false)
#define OCTETS(name, type, member)     FIELD(name, OCTETS, type, member, false)
#define ADDRESS(name, type, member)    FIELD(name, ADDRESS, type, member, false)
#define MUST(name, kind, type, member) FIELD(name, kind, type, member, true)
#define NESTED(name_, type, member, shape_)                                    \
	{                                                                      \
		.attr = PROTO_ATTR_##name_, .kind = PROTO_KIND_NESTED,         \
		.offset = offsetof(struct type, member),                       \
		.size = MEMBER(type, member), .required = true,                \
		.nested = (shape_)                                             \
	}
#define LIMITS(type)                                                           \
	U64(SOFT_SECS, type, limits.soft_secs),                                \
	    U64(SOFT_OCTETS, type, limits.soft_octets),                        \
	    U64(SOFT_PACKETS, type, limits.soft_packets),                      \
	    U64(HARD_SECS, type, limits.hard_secs),                            \
	    U64(HARD_OCTETS, type, limits.hard_octets),                        \
	    U64(HARD_PACKETS, type, limits.hard_packets)
#define SHAPE(name)                                                            \
	const struct proto_shape proto_shape_##name = {                        \
		.fields = name##_fields,                                       \
		.n = sizeof(name##_fields) / sizeof(name##_fields[0]),         \
		.size = sizeof(struct proto_##name)                            \
	}

static const struct proto_field hello_fields[] = {
	MUST(VERSION, U32, proto_hello, version),
	U32(RIGHTS, proto_hello, rights),
	TEXT(SOFTWARE, proto_hello, software),
};
SHAPE(hello);

static const struct proto_field status_fields[] = {
	U32(READY, proto_status, ready),
	U32(WORKERS, proto_status, workers),
	U32(MAX_SA, proto_status, max_sa),
	U32(N_ASSOCS, proto_status, n_assocs),
	U32(N_SAS, proto_status, n_sas),
	U32(SAID_MASK, proto_status, said_mask),
	U32(SAID_FIRST, proto_status, said_first),
	U32(SAID_LAST, proto_status, said_last),
	U32(GENERATION, proto_status, generation),
	U64(STARTED, proto_status, started),
	U64(SERVICE_STARTED, proto_status, service_started),
	U64(STARTS, proto_status, starts),
	TEXT(DIVERT, proto_status, divert),
	TEXT(RANDOMNESS, proto_status, randomness),
	TEXT(TEXT, proto_status, text),
	U64(PARKED, proto_status, parked),
	U64(GOES_BACK, proto_status, goes_back),
};
SHAPE(status);

static const struct proto_field assoc_fields[] = {
	MUST(ASSOCIATION, TEXT, proto_assoc, name),
	U32(SAID, proto_assoc, said),
	U32(MODE, proto_assoc, mode),
	U32(KEYING, proto_assoc, keying),
	U32(N_SAS, proto_assoc, n_sas),
	U32(REPLAY_WINDOW, proto_assoc, replay_window),
	U32(FLAGS, proto_assoc, flags),
	ADDRESS(LOCAL, proto_assoc, local),
	ADDRESS(PEER, proto_assoc, peer),
	TEXT(ENCRYPTION, proto_assoc, encryption),
	TEXT(INTEGRITY, proto_assoc, integrity),
	TEXT(AH_INTEGRITY, proto_assoc, ah_integrity),
	LIMITS(proto_assoc),
	U64(PARKED, proto_assoc, parked),
	TEXT(INSTANCE_OF, proto_assoc, instance_of),
	TEXT(PRINCIPAL, proto_assoc, principal),
	U64(IN_PACKETS, proto_assoc, in_packets),
	U64(IN_OCTETS, proto_assoc, in_octets),
	U64(OUT_PACKETS, proto_assoc, out_packets),
	U64(OUT_OCTETS, proto_assoc, out_octets),
};
SHAPE(assoc);

static const struct proto_field show_fields[] = {
	U32(FLAGS, proto_show, flags),
	TEXT(ASSOCIATION, proto_show, association),
};
SHAPE(show);

static const struct proto_field sa_fields[] = {
	TEXT(ASSOCIATION, proto_sa, association),
	TEXT(PRINCIPAL, proto_sa, principal),
	U32(SAID, proto_sa, said),
	U32(DIRECTION, proto_sa, direction),
	U32(PROTOCOL, proto_sa, protocol),
	MUST(SPI, U32, proto_sa, spi),
	U32(MODE, proto_sa, mode),
	U32(STATE, proto_sa, state),
	U32(FLAGS, proto_sa, flags),
	TEXT(ENCRYPTION, proto_sa, encryption),
	TEXT(INTEGRITY, proto_sa, integrity),
	ADDRESS(LOCAL, proto_sa, local),
	ADDRESS(PEER, proto_sa, peer),
	U32(SPORT, proto_sa, sport),
	U32(DPORT, proto_sa, dport),
	U64(PACKETS, proto_sa, packets),
	U64(OCTETS, proto_sa, octets),
	U64(SEQUENCE, proto_sa, sequence),
	U32(REPLAY_WINDOW, proto_sa, replay_window),
	U64(REPLAYS, proto_sa, replays),
	U64(BAD_ICV, proto_sa, bad_icv),
	U64(AGE_MS, proto_sa, age_ms),
	U64(IDLE_MS, proto_sa, idle_ms),
	LIMITS(proto_sa),
	OCTETS(KEY, proto_sa, key),
	OCTETS(AUTH_KEY, proto_sa, auth_key),
};
SHAPE(sa);

static const struct proto_field drop_fields[] = {
	U32(DIRECTION, proto_drop, direction),
	MUST(REASON, TEXT, proto_drop, reason),
	TEXT(SENTENCE, proto_drop, sentence),
	U64(PACKETS, proto_drop, packets),
};
SHAPE(drop);

static const struct proto_field queue_fields[] = {
	MUST(NUMBER, U32, proto_queue, number),
	U32(QUEUE_KIND, proto_queue, kind),
	U64(QUEUE_LENGTH, proto_queue, length),
	U64(KERNEL_DROPS, proto_queue, kernel_drops),
	U64(USER_DROPS, proto_queue, user_drops),
	U64(RECEIVED, proto_queue, received),
	U64(VERDICTS, proto_queue, verdicts),
	U64(PASSED, proto_queue, passed),
	U64(INJECTED, proto_queue, injected),
	U64(MERGED, proto_queue, merged),
	U64(ERRORS, proto_queue, errors),
	U64(HEARD_MS, proto_queue, heard_ms),
};
SHAPE(queue);

static const struct proto_field flow_fields[] = {
	MUST(NUMBER, U32, proto_flow, number),
	U32(DIRECTION, proto_flow, direction),
	TEXT(TARGET, proto_flow, target),
	TEXT(EXPRESSION, proto_flow, expression),
	TEXT(PLACE, proto_flow, place),
	U64(PACKETS, proto_flow, packets),
	U64(OCTETS, proto_flow, octets),
};
SHAPE(flow);

static const struct proto_field export_fields[] = {
	MUST(WHICH, U32, proto_export, which),
};
SHAPE(export);

static const struct proto_field text_fields[] = {
	TEXT(TEXT, proto_text, text),
};
SHAPE(text);

static const struct proto_field reload_fields[] = {
	U32(FLAGS, proto_reload, flags),
	U32(SECS, proto_reload, secs),
};
SHAPE(reload);

static const struct proto_field half_fields[] = {
	MUST(SPI, U32, proto_half, spi),
	OCTETS(KEY, proto_half, key),
	OCTETS(AUTH_KEY, proto_half, auth_key),
};
SHAPE(half);

static const struct proto_field pair_fields[] = {
	MUST(ASSOCIATION, TEXT, proto_pair, association),
	TEXT(PRINCIPAL, proto_pair, principal),
	MUST(LOCAL, ADDRESS, proto_pair, local),
	MUST(PEER, ADDRESS, proto_pair, peer),
	U32(FLAGS, proto_pair, flags),
	U32(PROTOCOL, proto_pair, protocol),
	TEXT(ENCRYPTION, proto_pair, encryption),
	TEXT(INTEGRITY, proto_pair, integrity),
	U32(REPLAY_WINDOW, proto_pair, replay_window),
	U32(SPORT, proto_pair, sport),
	U32(DPORT, proto_pair, dport),
	LIMITS(proto_pair),
	NESTED(OUT, proto_pair, out, &proto_shape_half),
	NESTED(IN, proto_pair, in, &proto_shape_half),
};
SHAPE(pair);

static const struct proto_field delete_fields[] = {
	MUST(DIRECTION, U32, proto_delete, direction),
	MUST(PROTOCOL, U32, proto_delete, protocol),
	MUST(SPI, U32, proto_delete, spi),
	MUST(PEER, ADDRESS, proto_delete, peer),
};
SHAPE(delete);

static const struct proto_field rekey_fields[] = {
	MUST(ASSOCIATION, TEXT, proto_rekey, association),
	ADDRESS(PEER, proto_rekey, peer),
};
SHAPE(rekey);

static const struct proto_field fail_fields[] = {
	MUST(ASSOCIATION, TEXT, proto_fail, association),
	MUST(PEER, ADDRESS, proto_fail, peer),
	TEXT(TEXT, proto_fail, text),
};
SHAPE(fail);

static const struct proto_field instance_fields[] = {
	MUST(ASSOCIATION, TEXT, proto_instance, association),
	MUST(PRINCIPAL, TEXT, proto_instance, principal),
	TEXT(INSTANCE_OF, proto_instance, instance_of),
	U32(SAID, proto_instance, said),
};
SHAPE(instance);

static const struct proto_field subscribe_fields[] = {
	MUST(MASK, U32, proto_subscribe, mask),
};
SHAPE(subscribe);

static const struct proto_field event_fields[] = {
	MUST(EVENT, U32, proto_event, kind),
	U64(WALL_MS, proto_event, wall_ms),
	TEXT(ASSOCIATION, proto_event, association),
	U32(SAID, proto_event, said),
	ADDRESS(LOCAL, proto_event, local),
	ADDRESS(PEER, proto_event, peer),
	U32(PROTOCOL, proto_event, protocol),
	U32(SPORT, proto_event, sport),
	U32(DPORT, proto_event, dport),
	U32(UID, proto_event, uid),
	U32(DIRECTION, proto_event, direction),
	U32(SPI, proto_event, spi),
	TEXT(ENCRYPTION, proto_event, encryption),
	TEXT(INTEGRITY, proto_event, integrity),
	TEXT(REASON, proto_event, reason),
	TEXT(TEXT, proto_event, text),
	U64(PACKETS, proto_event, packets),
	U64(OCTETS, proto_event, octets),
	U64(TOTAL, proto_event, total),
	U64(LOST, proto_event, lost),
	U64(SEQUENCE, proto_event, sequence),
	U32(READY, proto_event, ready),
	U32(NUMBER, proto_event, number),
};
SHAPE(event);

static const struct proto_field bind_fields[] = {
	MUST(ASSOCIATION, TEXT, proto_bind, association),
};
SHAPE(bind);

static const struct proto_field run_fields[] = {
	MUST(ASSOCIATION, TEXT, proto_run, association),
	U32(FLAGS, proto_run, flags),
};
SHAPE(run);

static const struct proto_field bound_fields[] = {
	MUST(SAID, U32, proto_bound, said),
	TEXT(ASSOCIATION, proto_bound, association),
};
SHAPE(bound);
