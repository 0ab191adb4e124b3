/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peerstat: keynegd's view of its peers (base/keyview.h), as rows.
 *
 * A struct peerstat owns its rows.  One thread.  Never waits longer than ten
 * seconds, never fails for a line or a key that it does not know, and lets
 * nothing through that a terminal would take for a command.
 */
#ifndef ENGINE_CLI_PEERSTAT_H
#define ENGINE_CLI_PEERSTAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/client/proto.h"

struct peerstat_peer {
	char association[PROTO_NAME_MAX];
	uint32_t said;
	char local[IPADDR_TEXT], peer[IPADDR_TEXT];
	char principal[PROTO_PRINCIPAL_MAX];
	char method[16], state[16], role[16];
	char algorithms[96], forward_secrecy[24];
	uint32_t spi_in, spi_out;                   /* 0: none */
	int64_t age_secs, rekey_secs, expires_secs; /* -1: none */
	int64_t heard_secs, why_secs;
	uint64_t exchanges, failures;
	char why[PROTO_SENTENCE_MAX];
};

struct peerstat_count {
	bool exchange; /* else: of a message */
	char method[16], what[32];
	uint64_t count;
};

struct peerstat {
	struct peerstat_peer *peers;
	size_t n;
	struct peerstat_count counts[64];
	size_t n_counts;
	bool engine, complete;
};

/* Asks the keynegd of run_dir.  0; -ECONNREFUSED or -ENOENT: there is none;
 * -EPROTO: it broke off; -errno.  peerstat_free is due in any case. */
int peerstat_read(struct peerstat *s, const char *run_dir);
void peerstat_free(struct peerstat *s);
/* The keynegd_* families in OpenMetrics text on stdout; nothing when there is
 * no keynegd. */
void peerstat_metrics(const char *run_dir);

#endif
