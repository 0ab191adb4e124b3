/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * krbproc: the process that holds the keytab and speaks to the KDC.
 *
 * One thread reads requests and answers at once what needs no KDC; tickets
 * are fetched by others (krbqueue.h), so that a silent KDC delays only what
 * needs it.  Never listens on the network, never sees a KINK
 * message.
 */
#ifndef KEYNEG_KRB_KRBPROC_H
#define KEYNEG_KRB_KRBPROC_H

enum { KRBPROC_ALIVE_MS = 1000 };

struct krbproc_config {
	int fd;             /* SOCK_SEQPACKET, to the network process */
	int alive;          /* non-blocking: an octet every KRBPROC_ALIVE_MS */
	const char *keytab; /* NULL: the library's default */
	const char *rcache; /* file of the replay cache */
	const char *user;   /* whom to become once the keytab is read */
};

/* Reads the keytab into memory (a new process reads a new one), gives up its
 * rights, serves until the other end closes.  The exit status. */
int krbproc_run(const struct krbproc_config *config);

#endif
