/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/syscall.h>

#include "base/privs.h"
#include "entropyd/jail.h"

int
jail_user(void)
{
	return privs_become(JAIL_USER);
}

int
jail_pool(void)
{
	static const struct privs_call calls[] = {
		/* the loop, sockets, the keeper */
		{ .nr = SYS_ppoll },
		{ .nr = SYS_poll },
		{ .nr = SYS_accept4 },
		{ .nr = SYS_getsockopt },
		{ .nr = SYS_recvfrom },
		{ .nr = SYS_recvmsg },
		{ .nr = SYS_sendto },
		{ .nr = SYS_sendmsg },
		{ .nr = SYS_read },
		{ .nr = SYS_write },
		{ .nr = SYS_close },
		{ .nr = SYS_clock_gettime },
		{ .nr = SYS_clock_nanosleep },
		{ .nr = SYS_setitimer },
		{ .nr = SYS_getrandom },
		{ .nr = SYS_rt_sigaction },
		{ .nr = SYS_rt_sigprocmask },
		{ .nr = SYS_rt_sigreturn },
		{ .nr = SYS_restart_syscall },
		{ .nr = SYS_exit_group },
		/* memory */
		{ .nr = SYS_brk },
		{ .nr = SYS_mmap },
		{ .nr = SYS_munmap },
		{ .nr = SYS_mprotect },
		{ .nr = SYS_mlock },
		{ .nr = SYS_madvise },
		/* sources: a socket pair, a fork, and their own filter */
		{ .nr = SYS_socketpair },
		{ .nr = SYS_clone },
		{ .nr = SYS_set_robust_list },
		{ .nr = SYS_rseq },
		{ .nr = SYS_wait4 },
		{ .nr = SYS_kill },
		{ .nr = SYS_fcntl },
		{ .nr = SYS_close_range },
		{ .nr = SYS_getpid },
		{ .nr = SYS_getppid },
		{ .nr = SYS_gettid },
		{ .nr = SYS_tgkill },
		{ .nr = SYS_prctl },
		{ .nr = SYS_seccomp },
	};

	return privs_confine(calls, sizeof(calls) / sizeof(calls[0]));
}
