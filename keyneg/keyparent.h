/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyparent: the process that starts keynegd's other two and keeps them.
 *
 * Reads the configuration, opens the UDP sockets, connects to the engine,
 * watches the keytab; hands all that over and parses nothing that came from a
 * network.  One thread.
 */
#ifndef KEYNEG_KEYPARENT_H
#define KEYNEG_KEYPARENT_H

struct keyparent_options {
	const char *conf, *run_dir, *state_dir;
	const char *keytab; /* NULL: Kerberos' default */
};

/* Until SIGTERM; the exit status. */
int keyparent_run(const struct keyparent_options *options);
/* Reads the configuration and says what is wrong with it: 0, or 1. */
int keyparent_check(const char *conf);

#endif
