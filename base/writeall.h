/* SPDX-License-Identifier: GPL-2.0-or-later */
/* writeall: write(2) until all is written.  Any thread. */
#ifndef BASE_WRITEALL_H
#define BASE_WRITEALL_H

#include <stddef.h>

/* 0 or -errno; then some of it may be written. */
int write_all(int fd, const void *octets, size_t len);

#endif
