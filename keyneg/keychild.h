/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keychild: starts keynegd's own program again, as one of its other two
 * processes: a fresh address space, a descriptor or two, no memory
 * of the configuration's keys.
 *
 * Parent's thread; keychild_main in the new process.
 */
#ifndef KEYNEG_KEYCHILD_H
#define KEYNEG_KEYCHILD_H

#include <sys/types.h>

#define KEYCHILD_USER "_keynegd"

enum {
	KEYCHILD_FD = 3,    /* where its channel is */
	KEYCHILD_ALIVE = 4, /* where it says that it lives; krb alone */
};

/* `role`: "net" or "krb"; `alive` -1: none; args ends with NULL, at most two.
 * Fatal when it cannot be started. */
pid_t keychild_start(const char *role, int fd, int alive,
		     const char *const *args);
/* In main: if we are such a process, serves and gives the exit status;
 * -1: we are not. */
int keychild_main(int argc, char **argv);

#endif
