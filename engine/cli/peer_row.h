/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer_row: one line of `nfipsec peer`.  Plain data.
 */
#ifndef ENGINE_CLI_PEER_ROW_H
#define ENGINE_CLI_PEER_ROW_H

#include "engine/client/info.h"

struct peer_row {
	struct nfipsec_info info;
	struct ipaddr local, peer;
	uint32_t mode; /* enum proto_mode */
	bool mixed;    /* see info.h */
};

#endif
