/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_check: `nfipsec check` and `nfipsec export conf`: a configuration file,
 * without a daemon and (but for reading the file) without root.
 *
 * One thread.  argv[0] is the command's last word; both print to stdout, and
 * what is wrong to stderr.  They return the command's exit status:
 * 0 good, 1 refused, 2 usage, 4 not permitted.
 */
#ifndef ENGINE_CLI_CMD_CHECK_H
#define ENGINE_CLI_CMD_CHECK_H

#include <stdbool.h>

#define CMD_CHECK_FILE "/etc/nfipsec/nfipsec.conf"

/* check [FILE].  json: one object on stdout instead, errors in it. */
int cmd_check_run(int argc, char **argv, bool json);
/* export conf [--show-keys] [FILE]: the normal form. */
int cmd_check_export(int argc, char **argv);

#endif
