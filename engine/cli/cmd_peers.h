/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_peers: the table of `show` that does not come from nfipsecd.
 *
 * Owns nothing.  One thread, one command a process.
 */
#ifndef ENGINE_CLI_CMD_PEERS_H
#define ENGINE_CLI_CMD_PEERS_H

#include "engine/cli/cli.h"

/* Asks the keynegd of the run-dir and prints; the exit status. */
int cmd_peers_show(const struct cli *cli);

#endif
