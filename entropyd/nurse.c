/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/privs.h"
#include "base/proc.h"
#include "entropyd/nurse.h"

/* Its own, and what the seed's process inherits and then narrows. */
static const struct privs_call calls[] = {
	{ .nr = SYS_recvmsg },
	{ .nr = SYS_sendto },
	{ .nr = SYS_recvfrom },
	{ .nr = SYS_clone },
	{ .nr = SYS_set_robust_list },
	{ .nr = SYS_rseq },
	{ .nr = SYS_wait4 },
	{ .nr = SYS_kill },
	{ .nr = SYS_close },
	{ .nr = SYS_close_range },
	{ .nr = SYS_getpid },
	{ .nr = SYS_gettid },
	{ .nr = SYS_prctl },
	{ .nr = SYS_seccomp },
	{ .nr = SYS_brk },
	{ .nr = SYS_mmap },
	{ .nr = SYS_munmap },
	{ .nr = SYS_mprotect },
	{ .nr = SYS_rt_sigaction },
	{ .nr = SYS_rt_sigprocmask },
	{ .nr = SYS_rt_sigreturn },
	{ .nr = SYS_restart_syscall },
	{ .nr = SYS_clock_gettime },
	{ .nr = SYS_exit_group },
	/* the seed's process */
	{ .nr = SYS_read },
	{ .nr = SYS_write },
	{ .nr = SYS_openat },
	{ .nr = SYS_renameat },
	{ .nr = SYS_renameat2 },
	{ .nr = SYS_unlinkat },
	{ .nr = SYS_fsync },
};

/* Room for one descriptor. */
union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

/* The end for a new process; -1: the pool is gone. */
static int
receive_end(int fd)
{
	union control control;
	char octet;
	struct iovec iov = { &octet, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	const struct cmsghdr *c;
	ssize_t got;
	int end = -1;

	do {
		got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got <= 0)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&end, CMSG_DATA(c), sizeof(int));
	return end;
}

/* The one before, which the pool has given up.  Not fetched unasked, so that
 * its number can't be another's. */
static bool
is_gone(pid_t before)
{
	if (before == 0)
		return true;
	kill(before, SIGKILL);
	return waitpid(before, NULL, WNOHANG) != 0;
}

static void
run(const struct source *seed, int fd, int dir_fd)
{
	pid_t child = 0;
	int end;

	proc_title("entropyd: nurse");
	/* It ends when the pool does: the seed is saved last. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (privs_confine(calls, sizeof(calls) / sizeof(calls[0])) != 0)
		return;
	while ((end = receive_end(fd)) >= 0) {
		if (!is_gone(child)) {
			sampler_refuse(end, -EALREADY);
		} else {
			child = fork();
			if (child == 0) {
				sampler_work(seed, end, dir_fd);
				_exit(0);
			}
			if (child < 0) {
				sampler_refuse(end, -errno);
				child = 0;
			}
		}
		close(end);
	}
}

int
nurse_start(const struct source *seed, int dir_fd)
{
	pid_t parent = getpid(), child = -1;
	int pair[2], err = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		err = -errno;
		close(dir_fd);
		return err;
	}
	child = fork();
	if (child == 0) {
		sampler_close_others(pair[1], dir_fd);
		if (proc_die_with(parent, SIGKILL) == 0)
			run(seed, pair[1], dir_fd);
		_exit(0);
	}
	if (child < 0) {
		err = -errno;
		close(pair[0]);
	}
	close(pair[1]);
	close(dir_fd);
	return child < 0 ? err : pair[0];
}

int
nurse_ask(int nurse_fd, struct sampler *s)
{
	union control control = { .room = { 0 } };
	char octet = 0;
	struct iovec iov = { &octet, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control.room) };
	int pair[2], err = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -errno;
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &pair[1], sizeof(int));
	if (sendmsg(nurse_fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		err = -errno;
	close(pair[1]);
	if (err != 0) {
		close(pair[0]);
		return err;
	}
	s->fd = pair[0];
	(void)fcntl(s->fd, F_SETFL, O_NONBLOCK);
	return 0;
}
