/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel_shim: a library that stands between entropyd and the kernel's clocks
 * and its generator.  For LD_PRELOAD.  The file that $KERNEL_SHIM names is
 * mapped by the program and by its test: there the test sets the clocks ahead,
 * and reads which requests the generator had.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CALLS 64

static struct {
	int64_t ahead_secs; /* of all clocks: the machine slept */
	int64_t wall_secs;  /* of the wall clock, on top of it */
	int32_t reseed_err; /* what RNDRESEEDCRNG fails with, 0 */
	uint32_t n;         /* requests so far */
	struct {
		uint32_t request;
		int32_t bits, octets; /* of RNDADDENTROPY */
	} calls[CALLS];
} * shared;

static void __attribute__((constructor)) map(void)
{
	const char *path = getenv("KERNEL_SHIM");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		abort();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	if (shared == MAP_FAILED)
		abort();
	close(fd);
}

__attribute__((visibility("default"))) int
clock_gettime(clockid_t which, struct timespec *ts)
{
	long ret = syscall(SYS_clock_gettime, which, ts);

	if (ret != 0)
		return -1;
	ts->tv_sec += shared->ahead_secs;
	if (which == CLOCK_REALTIME)
		ts->tv_sec += shared->wall_secs;
	return 0;
}

__attribute__((visibility("default"))) int
ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == RNDADDENTROPY || request == RNDRESEEDCRNG) {
		uint32_t i = shared->n % CALLS;

		shared->calls[i].request = (uint32_t)request;
		shared->calls[i].bits = shared->calls[i].octets = 0;
		if (request == RNDADDENTROPY) {
			shared->calls[i].bits = ((const int *)arg)[0];
			shared->calls[i].octets = ((const int *)arg)[1];
		}
		shared->n++;
		if (request == RNDRESEEDCRNG && shared->reseed_err != 0) {
			errno = shared->reseed_err;
			return -1;
		}
	}
	return (int)syscall(SYS_ioctl, fd, request, arg);
}
