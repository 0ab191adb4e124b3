/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nature: is what was opened noise at all?
 *
 * Octets that the kernel's generator or a pool has made are expanded from what
 * went in before: no estimator and no health test can tell them from noise,
 * and crediting them would credit that generator for itself.  What is stored
 * is the same at the next start.  Asked of the open descriptor, at each
 * opening, so that no name, link or second node hides it; a pipe into which
 * somebody writes such octets can't be told from others.
 *
 * Any thread; keeps nothing.
 */
#ifndef ENTROPYD_NATURE_H
#define ENTROPYD_NATURE_H

enum nature {
	NATURE_NOISE,   /* a device or a pipe: taken at its word */
	NATURE_KERNEL,  /* the kernel's generator or memory devices, /proc */
	NATURE_PROGRAM, /* made by a program through CUSE: entropyd-device */
	NATURE_STORED,  /* a regular file, a disk */
};

enum nature nature_of(int fd);
/* "PATH is ...", for a message. */
const char *nature_text(enum nature nature);

#endif
