/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine calls once it runs, as strace saw it over a start, traffic
 * both ways, reloads, every nfipsec command and a stop (test_confine does it
 * again); in the last group what libc calls on its way out of trouble.
 */
#include <linux/sockios.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/privs.h"
#include "engine/main/engine.h"

#define CALL(name)                                                             \
	{                                                                      \
		.nr = SYS_##name                                               \
	}
#define CALL_IF(name, argument, is)                                            \
	{                                                                      \
		.nr = SYS_##name, .test = true, .arg = (argument),             \
		.value = (is)                                                  \
	}

static const struct privs_call calls[] = {
	/* packets */
	CALL(poll),
	CALL(recvmmsg),
	CALL(sendto),
	CALL(sendmmsg),
	CALL_IF(setsockopt, 2, IP_TOS), /* 1: of IP, or as harmless */
	CALL_IF(ioctl, 1, SIOCGIFNAME),
	CALL_IF(ioctl, 1, SIOCGIFMTU),
	/* clients, the supervisor, the kernel's figures of the queues */
	CALL(epoll_wait),
	CALL(epoll_ctl),
	CALL(timerfd_settime),
	CALL(timer_settime),
	CALL(timer_delete),
	CALL(accept4),
	CALL(recvfrom),
	CALL(recvmsg),
	CALL(getsockopt),
	CALL(getpeername),
	CALL_IF(setsockopt, 1, SOL_SOCKET),
	CALL(shutdown),
	CALL(close),
	CALL(read),
	CALL(pread64),
	CALL(write),
	/* memory, never executable; threads, time, randomness */
	CALL(brk),
	CALL_IF(mmap, 2, PROT_NONE),
	CALL_IF(mmap, 2, PROT_READ | PROT_WRITE),
	CALL_IF(mprotect, 2, PROT_READ | PROT_WRITE),
	CALL(mremap),
	CALL(munmap),
	CALL(madvise),
	CALL(mlock),
	CALL(munlock),
	CALL(futex),
	CALL(sched_yield),
	CALL(clock_gettime),
	CALL(clock_nanosleep),
	CALL(getrandom),
	/* the end, good or bad */
	CALL(exit),
	CALL(exit_group),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(restart_syscall),
	CALL(getpid),
	CALL(gettid),
	CALL(tgkill),
};

enum { BLOCKS = 32, BLOCK_OCTETS = 64 * 1024 };

static void *
grow_and_shrink(void *arg)
{
	void *blocks[BLOCKS];

	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = malloc(BLOCK_OCTETS);
	for (int i = BLOCKS; i-- > 0;)
		free(blocks[i]);
	return NULL;
}

/* When a thread's arena shrinks for the first time, libc opens a file under
 * /proc, and remembers what it says. */
int
confine_prepare(void)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, grow_and_shrink, NULL);

	return -(err != 0 ? err : pthread_join(thread, NULL));
}

int
confine_engine(void)
{
	return privs_confine(calls, sizeof(calls) / sizeof(calls[0]));
}
