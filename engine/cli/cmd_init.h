/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_init: the way in, for who has nothing yet.
 *
 * One thread.  Makes files in /etc/nfipsec, or where --dir says.
 */
#ifndef ENGINE_CLI_CMD_INIT_H
#define ENGINE_CLI_CMD_INIT_H

#include "engine/cli/cli.h"

/* No nfipsecd answers: what to do, on stderr.  Silent with -j, and about
 * another run-dir than the default. */
void cmd_init_advise(const struct cli *cli);

#endif
