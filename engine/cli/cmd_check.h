/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_check: `nfipsec check` and `nfipsec export conf FILE`: a configuration
 * file, without a daemon and (but for reading the file) without root.  The
 * command itself, cmd_check_run, stands in cli.h.
 */
#ifndef ENGINE_CLI_CMD_CHECK_H
#define ENGINE_CLI_CMD_CHECK_H

#include "engine/cli/cli.h"

#define CMD_CHECK_FILE "/etc/nfipsec/nfipsec.conf"

/* The normal form of a file, keys hidden unless --show-keys by root. */
int cmd_check_export(const char *file, const struct cli *cli);

#endif
