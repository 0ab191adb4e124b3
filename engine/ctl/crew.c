/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/privs.h"
#include "base/proc.h"
#include "engine/ctl/crew.h"

#define CREW_LINGER_US 2000

#define CALL(name)                                                             \
	{                                                                      \
		.nr = SYS_##name                                               \
	}

static const struct privs_call calls[] = {
	CALL(read),         CALL(close),           CALL(getppid),
	CALL(getsockopt),   CALL(shutdown),        CALL(rt_sigtimedwait),
	CALL(rt_sigreturn), CALL(restart_syscall), CALL(exit_group),
	CALL(setitimer),
};

/* As libcap-ng, which remembers whose capabilities it has looked at and is
 * not told of a clone(2). */
static int
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	memset(none, 0, sizeof(none));
	return syscall(SYS_capset, &head, none) < 0 ? -errno : 0;
}

static int
settle(const char *name, pid_t maker, int death)
{
	sigset_t all;
	int err = drop_capabilities();

	/* A service manager's word goes to all processes: the maker's alone is
	 * followed.  The alarm is one's own. */
	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	if (err == 0 && sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		err = -errno;
	if (err == 0)
		err = proc_die_with(maker, death);
	proc_title("nfipsecd: %s", name);
	return err != 0
		   ? err
		   : privs_confine(calls, sizeof(calls) / sizeof(calls[0]));
}

/* What lingers is cut short, again and again; what hangs is not. */
static void
set_alarm(long us)
{
	struct itimerval t = { { 0, us }, { 0, us } };

	(void)setitimer(ITIMER_REAL, &t, NULL);
}

static ssize_t
next_burial(int from, struct crew_burial *b)
{
	ssize_t n;

	do
		n = read(from, b, sizeof(*b));
	while (n < 0 && errno == EINTR);
	return n;
}

static void
close_for_others(struct crew_board *board, int from)
{
	struct crew_burial b;

	while (next_burial(from, &b) == (ssize_t)sizeof(b)) {
		set_alarm(CREW_LINGER_US);
		close(b.fd);
		set_alarm(0);
		if (b.place < CREW_PLACES)
			atomic_store(&board->owner[b.place], 0);
		if (b.counted)
			atomic_fetch_sub(&board->waiting, 1);
	}
}

/* Not a listener: that is the supervisor's, too. */
static bool
is_connection(int fd)
{
	int domain = 0, listens = 1;
	socklen_t len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 &&
	       listens == 0;
}

/* Not by closing, where it might hang itself. */
static void
end_connections(pid_t maker, int fds)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	while (getppid() == maker)
		(void)sigtimedwait(&term, NULL, NULL);
	for (int fd = 0; fd < fds; fd++)
		if (is_connection(fd))
			(void)shutdown(fd, SHUT_RDWR);
}

/* As fork(2), but for the descriptors; when it ends, so does its maker. */
static pid_t
hire(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_FILES | SIGKILL, 0, 0, 0, 0);
}

static int
widen(struct rlimit *limit)
{
	if (getrlimit(RLIMIT_NOFILE, limit) < 0)
		return -errno;
	if (limit->rlim_cur < CREW_TABLE) {
		limit->rlim_cur =
		    limit->rlim_max < CREW_TABLE ? limit->rlim_max : CREW_TABLE;
		if (setrlimit(RLIMIT_NOFILE, limit) < 0)
			return -errno;
	}
	return 0;
}

int
crew_hire(struct crew_board **board, int *to)
{
	struct rlimit limit;
	pid_t maker = getpid(), pid;
	int ends[2];

	*board = mmap(NULL, sizeof(**board), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (*board == MAP_FAILED)
		return -errno;
	if (widen(&limit) < 0 || pipe2(ends, O_CLOEXEC) < 0 ||
	    fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	/* Room in the pipe for all of the table: else what does not fit would
	 * stay when nothing hangs any more.  The kernel may refuse it where
	 * there are many pipes. */
	(void)fcntl(ends[1], F_SETPIPE_SZ,
		    (int)(CREW_TABLE * sizeof(struct crew_burial)));
	for (unsigned i = 0; i <= CREW_CLOSERS; i++) {
		pid = hire();
		if (pid < 0)
			return -errno;
		if (pid > 0)
			continue;
		if (i == CREW_CLOSERS) {
			if (settle("undertaker", maker, SIGTERM) == 0)
				end_connections(maker, (int)limit.rlim_cur);
		} else if (settle("closer", maker, SIGKILL) == 0) {
			close_for_others(*board, ends[0]);
		}
		_exit(1);
	}
	*to = ends[1];
	return 0;
}
