/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy: what the administrator wrote, checked and in memory.
 *
 * A struct policy owns every string and array in it, keys too (wiped when it
 * is freed).  One thread.  It never touches the network or the kernel.  But for
 * instances (instance.h) it never changes once check_policy has accepted it: a
 * reload makes a new one.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/algo.h"
#include "base/ipaddr.h"

#define POLICY_NAME_MAX 63 /* octets of an association's name */
#define POLICY_BIND_MAX 16 /* users, and groups, of a `bind` */

enum policy_mode { POLICY_MODE_TRANSPORT = 1, POLICY_MODE_TUNNEL = 2 };

enum policy_keying {
	POLICY_KEYING_NONE, /* SAs come over the control socket only */
	POLICY_KEYING_MANUAL,
	POLICY_KEYING_KERBEROS,
	POLICY_KEYING_PHOTURIS,
};

/* keying kerberos: is a Diffie-Hellman exchange part of it? */
enum policy_secrecy {
	POLICY_SECRECY_PREFER, /* when both ends have it */
	POLICY_SECRECY_REQUIRE,
	POLICY_SECRECY_OFF,
};

enum policy_unknown_spi { POLICY_UNKNOWN_SPI_PASS, POLICY_UNKNOWN_SPI_DROP };
enum policy_default { POLICY_DEFAULT_ALLOW, POLICY_DEFAULT_DISCARD };

/* Where a statement stands, for messages.  line 0: it was not written. */
struct policy_place {
	const char *file;      /* owned by the policy */
	unsigned line, column; /* from 1; columns count octets */
};

/* The statements of `options`, in the order of the normal form. */
enum policy_option {
	POLICY_OPTION_SAID_MASK,
	POLICY_OPTION_SAID_RANGE,
	POLICY_OPTION_DYNAMIC_SAID,
	POLICY_OPTION_WORKERS,
	POLICY_OPTION_QUEUE_LENGTH,
	POLICY_OPTION_MAX_SA,
	POLICY_OPTION_UDP_ENCAP_PORT,
	POLICY_OPTION_UNKNOWN_SPI,
	POLICY_OPTION_DEFAULT,
	POLICY_OPTION_PARK,
	POLICY_OPTION_ALLOW_CAPTURE,
	POLICY_OPTION_ALLOW_HISTORIC,
	POLICY_OPTION_COUNT
};

/* The statements of an association, in the order of the normal form. */
enum policy_word {
	POLICY_WORD_SAID,
	POLICY_WORD_LOCAL,
	POLICY_WORD_PEER,
	POLICY_WORD_MODE,
	POLICY_WORD_PROTECT,
	POLICY_WORD_ENCAP,
	POLICY_WORD_ESN,
	POLICY_WORD_REPLAY_WINDOW,
	POLICY_WORD_TFC_PAD,
	POLICY_WORD_DUMMY,
	POLICY_WORD_DSCP,
	POLICY_WORD_DF,
	POLICY_WORD_LIFETIME,
	POLICY_WORD_KEYING,
	POLICY_WORD_BIND,
	POLICY_WORD_COUNT
};

/* Tunnel mode, RFC 4301 5.1.2 and 8.1. */
enum policy_dscp { POLICY_DSCP_COPY, POLICY_DSCP_SET };
enum policy_df { POLICY_DF_COPY, POLICY_DF_SET, POLICY_DF_CLEAR };

#define POLICY_TFC_PAD_MTU UINT32_MAX

struct policy_options {
	uint32_t said_mask;
	uint32_t said_first, said_last;
	uint32_t dynamic_first, dynamic_last;
	unsigned workers; /* 0: one per processor */
	unsigned queue_length;
	unsigned max_sa;
	uint16_t udp_encap_port;
	enum policy_unknown_spi unknown_spi;
	enum policy_default by_default;
	unsigned park_packets, park_secs;
	bool allow_capture, allow_historic;
	struct policy_place at[POLICY_OPTION_COUNT];
};

/* One direction of manual keying. */
struct policy_key {
	uint32_t spi; /* 256..2^32-1 */
	uint8_t key[ALGO_KEYMAT_MAX];
	unsigned key_octets; /* key and salt, RFC order */
	uint8_t auth_key[ALGO_KEYMAT_MAX];
	unsigned auth_key_octets;
	char *key_file; /* absolute path, or NULL: key written out */
	char *auth_key_file;
	uint8_t ah_key[ALGO_KEYMAT_MAX]; /* where auth_key is ESP's own */
	unsigned ah_key_octets;
	char *ah_key_file;
	struct policy_place place; /* of `out` or `in` */
	struct policy_place key_at, auth_key_at, ah_key_at;
};

/* 0 in a field: no such limit. */
struct policy_lifetime {
	uint64_t soft_secs, soft_octets, soft_packets;
	uint64_t hard_secs, hard_octets, hard_packets;
};

struct policy_assoc {
	char name[POLICY_NAME_MAX + 1];
	struct policy_place place;
	uint32_t said;
	struct ipaddr local, peer; /* family NONE: any */
	enum policy_mode mode;
	enum algo esp_enc, esp_auth; /* NONE: no ESP; no second algorithm */
	enum algo ah_auth;           /* NONE: no AH */
	struct ipaddr outer_local, outer_peer; /* mode tunnel */
	bool encap_udp;                        /* RFC 3948 */
	bool esn;                              /* default yes */
	unsigned replay_window; /* packets, 0 off, default 1024 */
	uint32_t tfc_pad;       /* octets, or POLICY_TFC_PAD_MTU */
	uint32_t dummy_rate;    /* packets a second, 0 none */
	enum policy_dscp dscp;
	uint8_t dscp_value; /* 0..63, POLICY_DSCP_SET */
	enum policy_df df;
	struct policy_lifetime lifetime;
	enum policy_keying keying;
	struct policy_key out, in;              /* keying manual */
	char *local_principal, *peer_principal; /* keying kerberos */
	bool accept_any_address;
	enum policy_secrecy secrecy;      /* default prefer */
	char **bind_users, **bind_groups; /* NULL ended; NULL: root only */
	/* What names_resolve (engine/vet) made of them. */
	unsigned n_bind_uids, n_bind_gids;
	uint32_t bind_uids[POLICY_BIND_MAX], bind_gids[POLICY_BIND_MAX];
	struct policy_place at[POLICY_WORD_COUNT];
	/* An instance: its association, and whose it is (instance.h). */
	char instance_of[POLICY_NAME_MAX + 1]; /* "": configured */
	char *instance_principal;
};

enum policy_target {
	POLICY_TARGET_ASSOC,
	POLICY_TARGET_BYPASS,
	POLICY_TARGET_DISCARD,
};

struct policy_flow {
	struct policy_place place;
	bool inbound; /* flow in / flow out */
	enum policy_target target;
	size_t assoc;                      /* index, for POLICY_TARGET_ASSOC */
	char *expression;                  /* nft's, verbatim, one line */
	struct policy_place expression_at; /* of its first octet */
};

/* `define NAME = TEXT`, kept for nft: one line, comments taken out. */
struct policy_define {
	struct policy_place place;
	char *name, *text;
	struct policy_place text_at;
};

/* A line of `principals`: an address with its name, or a source. */
enum policy_principal_kind {
	POLICY_PRINCIPAL_ADDRESS,
	POLICY_PRINCIPAL_HOSTS,
	POLICY_PRINCIPAL_DNS,
};
struct policy_principal {
	struct policy_place place;
	enum policy_principal_kind kind;
	struct ipaddr address;
	char *principal;
};

/* `entropy`: what entropyd reads. */
#define POLICY_STREAMS_MAX 4
struct policy_stream {
	char name[16];
	char *path;
	unsigned mbits; /* credited per octet at most, thousandths of a bit */
};
struct policy_entropy {
	struct policy_place hwrng_at, kernel_at; /* line 0: not written */
	char *hwrng;                             /* NULL: the default */
	bool no_kernel;
	struct policy_stream streams[POLICY_STREAMS_MAX];
	size_t n_streams;
};

struct policy {
	struct policy_options options;
	struct policy_assoc *assocs;
	size_t n_assocs;
	struct policy_flow *flows; /* file order, in and out together */
	size_t n_flows;
	struct policy_define *defines;
	size_t n_defines;
	struct policy_principal *principals;
	size_t n_principals;
	struct policy_entropy entropy;
	char **files; /* every file read, absolute paths */
	size_t n_files;
};

/* The defaults of the contract, no associations.  NULL: no memory. */
struct policy *policy_new(void);
/* Wipes the keys. */
void policy_free(struct policy *p);
/* What `auth-key` is for: ESP's integrity, else AH's.  NONE: nothing. */
enum algo policy_auth_key_algo(const struct policy_assoc *a);
/* What `ah-key` is for: AH around ESP that has an integrity of its own. */
enum algo policy_ah_key_algo(const struct policy_assoc *a);
/* NULL when there is none. */
const struct policy_assoc *policy_assoc_by_name(const struct policy *p,
						const char *name);
const struct policy_assoc *policy_assoc_by_said(const struct policy *p,
						uint32_t said);
/* As the configuration has it: the association's name, "bypass", "discard". */
const char *policy_flow_target(const struct policy *p,
			       const struct policy_flow *f);

#endif
