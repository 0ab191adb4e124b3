/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* syslog(3) severities, as sd-daemon(3) wants them at the start of a line */
enum { LOG_PRI_ERR = 3, LOG_PRI_WARNING = 4, LOG_PRI_INFO = 6, LOG_PRI_DEBUG };

static const char *process_name = "nfipsec";
static bool debug_wanted;

void
log_init(const char *process, bool debug)
{
	process_name = process;
	debug_wanted = debug;
}

/* One write(2) a line, so that lines of several processes do not mix. */
__attribute__((format(printf, 2, 0))) static void
put_line(int pri, const char *fmt, va_list ap, int err)
{
	char line[1024];
	int n, m;

	n = snprintf(line, sizeof(line), "<%d>%s: ", pri, process_name);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	if (m < 0)
		return;
	n += m;
	if (n > (int)sizeof(line) - 1)
		n = (int)sizeof(line) - 1;
	if (err != 0) {
		m = snprintf(line + n, sizeof(line) - (size_t)n, ": %s",
			     strerror(err));
		if (m > 0)
			n += m;
	}
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	/* What came from outside must not forge a second line. */
	for (int i = 0; i < n; i++)
		if (line[i] == '\n' || line[i] == '\r')
			line[i] = ' ';
	line[n++] = '\n';
	while (write(STDERR_FILENO, line, (size_t)n) < 0 && errno == EINTR)
		;
}

#define PUT(pri, err)                                                          \
	do {                                                                   \
		va_list ap;                                                    \
		va_start(ap, fmt);                                             \
		put_line((pri), fmt, ap, (err));                               \
		va_end(ap);                                                    \
	} while (0)

void
log_debug(const char *fmt, ...)
{
	if (debug_wanted)
		PUT(LOG_PRI_DEBUG, 0);
}

void
log_info(const char *fmt, ...)
{
	PUT(LOG_PRI_INFO, 0);
}

void
log_warn(const char *fmt, ...)
{
	int err = errno;

	PUT(LOG_PRI_WARNING, err);
}

void
log_warnx(const char *fmt, ...)
{
	PUT(LOG_PRI_WARNING, 0);
}

void
log_fatal(const char *fmt, ...)
{
	int err = errno;

	PUT(LOG_PRI_ERR, err);
	exit(1);
}

void
log_fatalx(const char *fmt, ...)
{
	PUT(LOG_PRI_ERR, 0);
	exit(1);
}

bool
log_limit_take(struct log_limit *l, uint64_t now_ms)
{
	if (!l->started) {
		l->started = true;
		l->tokens = l->burst;
		l->refilled_ms = now_ms;
	}
	if (now_ms > l->refilled_ms && l->every_ms != 0) {
		uint64_t n = (now_ms - l->refilled_ms) / l->every_ms;

		l->refilled_ms += n * l->every_ms;
		n += l->tokens;
		l->tokens = n > l->burst ? l->burst : (uint32_t)n;
	}
	if (l->tokens == 0) {
		l->suppressed++;
		return false;
	}
	l->tokens--;
	return true;
}
