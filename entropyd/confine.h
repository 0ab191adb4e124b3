/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confine: who the pool's process is and which system calls it has left.
 *
 * Main thread, once.  Never gives anything back.
 */
#ifndef ENTROPYD_CONFINE_H
#define ENTROPYD_CONFINE_H

#define CONFINE_USER "_entropyd"

/* Becomes CONFINE_USER when it was root.  0 or -errno. */
int confine_user(void);
/* Sockets, memory, and the forking of sources; no file can be opened.  0 or
 * -errno. */
int confine_pool(void);

#endif
