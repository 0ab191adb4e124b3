/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log: one line to stderr a call, with the <N> priority that systemd reads.
 *
 * Owns the process's log level and name.  Any thread.  Never used on the
 * packet path without log_limit.  Verbs as in OpenBSD: warn and fatal append
 * strerror(errno), the x forms do not; debug is silent unless asked for.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

void log_init(const char *process, bool debug);
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));
void log_fatalx(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* A token bucket for lines that outsiders can provoke: at most `burst` at
 * once and one more each `every_ms`.  Static storage, zero initialised but
 * for the two limits; one per call site and thread. */
struct log_limit {
	uint32_t burst, every_ms;
	uint64_t refilled_ms, suppressed;
	uint32_t tokens;
	bool started;
};
/* True when a line may be written now; false counts it in `suppressed`. */
bool log_limit_take(struct log_limit *l, uint64_t now_ms);

#endif
