/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clock_off: a library that sets a program's wall clock ahead of the
 * machine's, by the seconds of $CLOCK_OFF.  For LD_PRELOAD. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long
ahead(void)
{
	const char *text = getenv("CLOCK_OFF");

	return text == NULL ? 0 : atol(text);
}

__attribute__((visibility("default"))) int
clock_gettime(clockid_t which, struct timespec *ts)
{
	long ret = syscall(SYS_clock_gettime, which, ts);

	if (ret == 0 && which == CLOCK_REALTIME)
		ts->tv_sec += ahead();
	return (int)ret;
}

__attribute__((visibility("default"))) int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return -1;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

__attribute__((visibility("default"))) time_t
time(time_t *out)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return -1;
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
