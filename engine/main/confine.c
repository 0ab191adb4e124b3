/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine calls once it runs, as strace saw it over a start, traffic
 * both ways, a reload, every nfipsec command and a stop; beside it what libc
 * calls on its way out of trouble.
 */
#include <sys/syscall.h>

#include "base/privs.h"
#include "engine/main/engine.h"

#define CALL(name)                                                             \
	{                                                                      \
		.nr = SYS_##name                                               \
	}

static const struct privs_call calls[] = {
	/* packets, clients, the supervisor */
	CALL(recvmmsg),
	CALL(recvmsg),
	CALL(recvfrom),
	CALL(sendmsg),
	CALL(sendto),
	CALL(accept4),
	CALL(getsockopt),
	CALL(shutdown),
	CALL(poll),
	CALL(ppoll),
	CALL(epoll_wait),
	CALL(epoll_pwait),
	CALL(epoll_ctl),
	CALL(read),
	CALL(pread64),
	CALL(lseek),
	CALL(write),
	CALL(close),
	CALL(ioctl),
	CALL(fcntl),
	/* time, randomness, threads, memory */
	CALL(clock_gettime),
	CALL(gettimeofday),
	CALL(clock_nanosleep),
	CALL(getrandom),
	CALL(futex),
	CALL(sched_yield),
	CALL(brk),
	CALL(mmap),
	CALL(munmap),
	CALL(mremap),
	CALL(madvise),
	CALL(mprotect),
	CALL(mlock),
	CALL(munlock),
	CALL(getpid),
	CALL(gettid),
	CALL(geteuid),
	/* the end */
	CALL(exit),
	CALL(exit_group),
	CALL(rt_sigreturn),
	CALL(rt_sigprocmask),
	CALL(tgkill),
	CALL(restart_syscall),
};

int
confine_engine(void)
{
	return privs_confine(calls, sizeof(calls) / sizeof(calls[0]));
}
