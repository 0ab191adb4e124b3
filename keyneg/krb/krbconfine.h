/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * krbconfine: the system calls of the Kerberos process.
 *
 * What libkrb5, its plug-ins and the C library's resolver do: files (profile,
 * replay cache, host tables), sockets to KDCs and name servers, threads.  No
 * other program, no other process, no other user, no namespace, nothing that
 * listens, no key ring.  The main thread, before there are others.
 */
#ifndef KEYNEG_KRB_KRBCONFINE_H
#define KEYNEG_KRB_KRBCONFINE_H

/* From now on these alone; anything else ends the process.  0 or -errno. */
int krbconfine(void);

#endif
