/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netproc: the process that speaks KINK: UDP, parsers, state machines.
 *
 * Gets everything from its parent over one socket: configuration, the UDP
 * sockets, the pair to the Kerberos process, the connection to the engine.
 * One thread.  No privileges, no files, few system calls; it never waits for
 * Kerberos or the engine.
 */
#ifndef KEYNEG_NETPROC_H
#define KEYNEG_NETPROC_H

/* Serves until the parent's end closes; the exit status. */
int netproc_run(int channel, const char *user);

#endif
