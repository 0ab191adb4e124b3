/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy: what the administrator wrote, checked and in memory.
 *
 * A struct policy owns every string and array in it, keys too (wiped when it
 * is freed).  One thread.  It never touches the network or the kernel, and it
 * never changes once check_policy has accepted it: a reload makes a new one.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/algo.h"
#include "base/ipaddr.h"

#define POLICY_NAME_MAX 63 /* octets of an association's name */

enum policy_mode { POLICY_MODE_TRANSPORT = 1, POLICY_MODE_TUNNEL = 2 };

enum policy_keying {
	POLICY_KEYING_NONE,   /* SAs come over the control socket only */
	POLICY_KEYING_MANUAL,
	POLICY_KEYING_KERBEROS,
	POLICY_KEYING_PHOTURIS,
};

enum policy_unknown_spi { POLICY_UNKNOWN_SPI_PASS, POLICY_UNKNOWN_SPI_DROP };
enum policy_default { POLICY_DEFAULT_ALLOW, POLICY_DEFAULT_DISCARD };

/* Where a statement stands, for messages. */
struct policy_place {
	const char *file; /* owned by the policy */
	unsigned line, column; /* from 1 */
};

struct policy_options {
	uint32_t said_mask;
	uint32_t said_first, said_last;
	uint32_t dynamic_first, dynamic_last;
	unsigned workers;      /* 0: one per processor */
	unsigned queue_length;
	unsigned max_sa;
	uint16_t udp_encap_port;
	enum policy_unknown_spi unknown_spi;
	enum policy_default by_default;
	unsigned park_packets, park_secs;
	bool allow_capture, allow_historic;
};

/* One direction of manual keying. */
struct policy_key {
	uint32_t spi;             /* 256..2^32-1 */
	uint8_t key[ALGO_KEYMAT_MAX];
	unsigned key_octets;      /* key and salt, RFC order */
	uint8_t auth_key[ALGO_KEYMAT_MAX];
	unsigned auth_key_octets;
	char *key_file;           /* absolute path, or NULL: key written out */
	char *auth_key_file;
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
	struct ipaddr local, peer;       /* family NONE: any */
	enum policy_mode mode;
	enum algo esp_enc, esp_auth;     /* NONE: no ESP; no second algorithm */
	enum algo ah_auth;               /* NONE: no AH */
	bool esn;                        /* default yes */
	unsigned replay_window;          /* packets, 0 off, default 1024 */
	struct policy_lifetime lifetime;
	enum policy_keying keying;
	struct policy_key out, in;       /* keying manual */
	char *local_principal, *peer_principal; /* keying kerberos */
	bool accept_any_address;
	char **bind_users, **bind_groups; /* NULL ended; NULL: root only */
};

enum policy_target {
	POLICY_TARGET_ASSOC,
	POLICY_TARGET_BYPASS,
	POLICY_TARGET_DISCARD,
};

struct policy_flow {
	struct policy_place place;
	bool inbound;                    /* flow in / flow out */
	enum policy_target target;
	size_t assoc;                    /* index, for POLICY_TARGET_ASSOC */
	char *expression;                /* nft's, verbatim */
};

/* `define NAME = TEXT`, kept verbatim for nft. */
struct policy_define {
	struct policy_place place;
	char *name, *text;
};

/* A line of `principals`: an address with its name, or a source. */
enum policy_principal_kind {
	POLICY_PRINCIPAL_ADDRESS,
	POLICY_PRINCIPAL_HOSTS,
	POLICY_PRINCIPAL_DNS,
};
struct policy_principal {
	enum policy_principal_kind kind;
	struct ipaddr address;
	char *principal;
};

struct policy {
	struct policy_options options;
	struct policy_assoc *assocs;
	size_t n_assocs;
	struct policy_flow *flows;       /* file order, in and out together */
	size_t n_flows;
	struct policy_define *defines;
	size_t n_defines;
	struct policy_principal *principals;
	size_t n_principals;
	char **files;                    /* every file read, absolute paths */
	size_t n_files;
};

/* The defaults of the contract, no associations.  NULL: no memory. */
struct policy *policy_new(void);
/* Wipes the keys. */
void policy_free(struct policy *p);
/* NULL when there is none. */
const struct policy_assoc *policy_assoc_by_name(const struct policy *p,
    const char *name);
const struct policy_assoc *policy_assoc_by_said(const struct policy *p,
    uint32_t said);

#endif
