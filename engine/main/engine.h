/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine: the process that does cryptography on packets.
 *
 * One thread for each worker and the control thread (the main one).  Gets all
 * it works with as inherited descriptors, keeps CAP_NET_ADMIN and CAP_NET_RAW,
 * and may use the system calls of confine.c alone.  Never reads configuration
 * text.  Dies with the supervisor; may be killed at any instant.
 */
#ifndef ENGINE_MAIN_ENGINE_H
#define ENGINE_MAIN_ENGINE_H

/* Descriptors from here on, see child.c. */
enum engine_fd {
	ENGINE_FD_STORE = 3,
	ENGINE_FD_LINK,
	ENGINE_FD_LISTEN,
	ENGINE_FD_ENTROPY, /* connections to entropyd come over it */
	ENGINE_FD_QUEUES,  /* kind by kind, worker by worker */
};

/* argv: nfipsecd --engine WORKERS SUPERVISOR-PID [--debug] */
int engine_main(int argc, char **argv);

/* confine.c: what libc does once and never again, before the filter forbids
 * it.  0 or -errno. */
int confine_prepare(void);
/* confine.c: from now on the engine's system calls alone.  0 or -errno. */
int confine_engine(void);

#endif
