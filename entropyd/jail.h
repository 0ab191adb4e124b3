/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail: who the pool's process is and which system calls it has left.
 *
 * Main thread, once.  Never gives anything back.
 */
#ifndef ENTROPYD_JAIL_H
#define ENTROPYD_JAIL_H

#define JAIL_USER "_entropyd"

/* Becomes JAIL_USER when it was root.  0 or -errno. */
int jail_user(void);
/* Sockets, memory, and the forking of sources; no file can be opened.  0 or
 * -errno. */
int jail_pool(void);

#endif
