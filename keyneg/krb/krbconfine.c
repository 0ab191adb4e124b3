/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/syscall.h>

#include "base/privs.h"
#include "keyneg/krb/krbconfine.h"

#define CALL(name)                                                             \
	{                                                                      \
		.nr = SYS_##name                                               \
	}

static const struct privs_call calls[] = {
	/* files */
	CALL(openat),
	CALL(read),
	CALL(pread64),
	CALL(readv),
	CALL(write),
	CALL(pwrite64),
	CALL(writev),
	CALL(close),
	CALL(lseek),
	CALL(fsync),
	CALL(fdatasync),
	CALL(ftruncate),
	CALL(fcntl),
	CALL(flock),
	CALL(fstat),
	CALL(newfstatat),
	CALL(statx),
	CALL(statfs),
	CALL(fstatfs),
	CALL(faccessat),
	CALL(faccessat2),
	CALL(readlinkat),
	CALL(getdents64),
	CALL(getcwd),
	CALL(umask),
	CALL(ioctl),
	/* sockets; the resolver binds its netlink socket */
	CALL(socket),
	CALL(bind),
	CALL(connect),
	CALL(shutdown),
	CALL(sendto),
	CALL(sendmsg),
	CALL(sendmmsg),
	CALL(recvfrom),
	CALL(recvmsg),
	CALL(recvmmsg),
	CALL(getsockname),
	CALL(getpeername),
	CALL(getsockopt),
	CALL(setsockopt),
	CALL(ppoll),
	CALL(pselect6),
	CALL(epoll_create1),
	CALL(epoll_ctl),
	/* memory and threads */
	CALL(brk),
	CALL(mmap),
	CALL(munmap),
	CALL(mremap),
	CALL(mprotect),
	CALL(madvise),
	CALL(mlock),
	CALL(munlock),
	CALL(clone),
	CALL(clone3),
	CALL(set_robust_list),
	CALL(rseq),
	CALL(futex),
	CALL(sched_yield),
	CALL(sched_getaffinity),
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(sigaltstack),
	CALL(restart_syscall),
	CALL(prctl),
	/* time and who we are */
	CALL(clock_gettime),
	CALL(clock_nanosleep),
	CALL(nanosleep),
	CALL(gettimeofday),
	CALL(getrandom),
	CALL(uname),
	CALL(sysinfo),
	CALL(prlimit64),
	CALL(getpid),
	CALL(gettid),
	CALL(getuid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getegid),
	CALL(getresuid),
	CALL(getresgid),
	CALL(exit),
	CALL(exit_group),
#ifdef SYS_open /* the older names, where there are any */
	CALL(open),
	CALL(stat),
	CALL(lstat),
	CALL(access),
	CALL(readlink),
	CALL(unlink),
	CALL(rename),
	CALL(poll),
	CALL(select),
	CALL(epoll_wait),
	CALL(time),
#endif
};

int
krbconfine(void)
{
	return privs_confine(calls, sizeof(calls) / sizeof(calls[0]));
}
