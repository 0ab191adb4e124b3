/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * columns: what is shown of associations, SAs, drops, queues and flows, and
 * under which names.  Constant data.  The JSON keys and their order, which is
 * that of --dump too, are part of the contract with users: add at the end.
 */
#ifndef ENGINE_CLI_COLUMNS_H
#define ENGINE_CLI_COLUMNS_H

#include "engine/cli/cell.h"

extern const struct columns columns_assoc;   /* of struct proto_assoc */
extern const struct columns columns_sa;      /* of struct proto_sa */
extern const struct columns columns_sa_keys; /* the same, keys for people too */
extern const struct columns columns_drop;    /* of struct proto_drop */
extern const struct columns columns_queue;   /* of struct proto_queue */
extern const struct columns columns_flow;    /* of struct proto_flow */
extern const struct columns columns_peer;    /* of struct peerstat_peer */
extern const struct columns columns_socket;  /* of struct socket_row */
extern const struct columns columns_who;     /* the same, by process */
extern const struct columns columns_connection; /* of struct peer_row */

#endif
