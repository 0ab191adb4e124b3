/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify: tells the service manager how we are, in sd_notify(3)'s protocol:
 * a datagram to the socket that NOTIFY_SOCKET names.
 *
 * Any thread.  Never fails: nobody may be listening.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* "READY=1\nSTATUS=..." and the like. */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same with a descriptor, which stays the caller's: "FDSTORE=1\n...". */
void notify_send_fd(int fd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* How often the service manager wants to hear that we live: a third of
 * WATCHDOG_USEC, in ms; 0: not at all. */
uint64_t notify_watchdog_ms(void);
/* Feeds the service manager's watchdog (WatchdogSec= of the unit, 30 s), as
 * often as it is called, but every 5 s at most.  To be called where nothing
 * but the work going on leads to; begins as all zero. */
struct notify_pace {
	bool told;
	uint64_t told_ms;
};
void notify_alive(struct notify_pace *pace, uint64_t now_ms);

#endif
