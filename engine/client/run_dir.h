/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_dir: where an application finds the daemons' sockets.
 *
 * Reads the environment of the process; owns nothing.
 */
#ifndef ENGINE_CLIENT_RUN_DIR_H
#define ENGINE_CLIENT_RUN_DIR_H

/* $NFIPSEC_RUN_DIR, but not for a program with more rights than its caller;
 * else /run/nfipsec. */
const char *run_dir_get(void);

#endif
