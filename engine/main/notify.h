/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify: tells the service manager how we are, in sd_notify(3)'s protocol:
 * a datagram to the socket that NOTIFY_SOCKET names.
 *
 * Any thread.  Never fails: nobody may be listening.
 */
#ifndef ENGINE_MAIN_NOTIFY_H
#define ENGINE_MAIN_NOTIFY_H

/* "READY=1\nSTATUS=..." and the like. */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same with a descriptor, which stays the caller's: "FDSTORE=1\n...". */
void notify_send_fd(int fd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
