/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/random.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/notify.h"
#include "base/privs.h"
#include "base/proc.h"
#include "base/secret.h"
#include "entropyd/keeper.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define OPEN_SECS 4 /* less than the pool's patience */

static volatile sig_atomic_t stop_wanted;

/* Who opens a source now; 0: nobody. */
static pid_t openers[NOISE_MAX];

static void
note_stop(int sig)
{
	(void)sig;
	stop_wanted = 1;
}

/* Makes ppoll return: somebody is to be fetched. */
static void
note_child(int sig)
{
	(void)sig;
}

/* What is left to it: a reader of fixed requests with two ioctls. */
static int
confine(void)
{
	const struct privs_call calls[] = {
		{ SYS_ppoll, false, 0, 0 },
		{ SYS_recvfrom, false, 0, 0 },
		{ SYS_sendmsg, false, 0, 0 },
		{ SYS_ioctl, true, 1, RNDADDENTROPY },
		{ SYS_ioctl, true, 1, RNDRESEEDCRNG },
		{ SYS_openat, false, 0, 0 },
		{ SYS_fstat, false, 0, 0 },
		{ SYS_newfstatat, false, 0, 0 },
		{ SYS_fstatfs, false, 0, 0 },
		{ SYS_readlinkat, false, 0, 0 },
		{ SYS_socket, true, 0, AF_UNIX },
		{ SYS_close, false, 0, 0 },
		{ SYS_wait4, false, 0, 0 },
		{ SYS_shutdown, false, 0, 0 },
		{ SYS_write, true, 0, STDERR_FILENO },
		{ SYS_rt_sigreturn, false, 0, 0 },
		/* who opens: a fork, which ends with us or by a timer */
		{ SYS_clone, false, 0, 0 },
		{ SYS_set_robust_list, false, 0, 0 },
		{ SYS_rseq, false, 0, 0 },
		{ SYS_prctl, true, 0, PR_SET_PDEATHSIG },
		{ SYS_getppid, false, 0, 0 },
		{ SYS_gettid, false, 0, 0 },
		{ SYS_getpid, false, 0, 0 },
		{ SYS_tgkill, false, 0, 0 },
		{ SYS_setitimer, false, 0, 0 },
		{ SYS_restart_syscall, false, 0, 0 },
		{ SYS_clock_gettime, false, 0, 0 },
		{ SYS_exit_group, false, 0, 0 },
		{ SYS_exit, false, 0, 0 },
	};

	return privs_confine(calls, COUNT(calls));
}

/* RNDADDENTROPY takes the bits credited, the octets and the octets' number;
 * RNDRESEEDCRNG makes getrandom(2) use them now instead of in a minute. */
static int
credit(const struct keeper_plan *plan, const uint8_t block[KEEPER_BLOCK])
{
	struct {
		int bits, octets;
		uint8_t block[KEEPER_BLOCK];
	} info = { .bits = KEEPER_BLOCK * 8, .octets = KEEPER_BLOCK };
	int err = 0;

	if (!plan->credits || plan->kernel_fd < 0)
		return -EOPNOTSUPP;
	memcpy(info.block, block, KEEPER_BLOCK);
	if (ioctl(plan->kernel_fd, RNDADDENTROPY, &info) != 0)
		err = -errno;
	secret_wipe(&info, sizeof(info));
	/* EAGAIN: the kernel's generator waits for more; not our failure */
	if (err == 0 && ioctl(plan->kernel_fd, RNDRESEEDCRNG) != 0 &&
	    errno != EAGAIN)
		err = -errno;
	return err;
}

static int
open_source(const struct keeper_plan *plan, unsigned number)
{
	const struct source *s;
	int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, fd;

	if (number >= plan->n_sources)
		return -EINVAL;
	s = &plan->sources[number];
	if (!s->kind->needs_fd || s->path == NULL)
		return -EINVAL;
	if (s->kind->save != NULL)
		flags |= O_DIRECTORY;
	fd = open(s->path, flags);
	return fd < 0 ? -errno : fd;
}

static void
reply_send(int fd, const struct keeper_reply *reply, int passed_fd)
{
	struct iovec iov = { (void *)(uintptr_t)reply, sizeof(*reply) };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (passed_fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.room);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &passed_fd, sizeof(int));
	}
	(void)sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static void
reply_open(int fd, unsigned source, int err, int passed_fd)
{
	struct keeper_reply reply = { .op = KEEPER_OPEN,
				      .source = (uint8_t)source,
				      .err = err };

	if (passed_fd >= 0)
		reply.nature = (uint8_t)nature_of(passed_fd);
	reply_send(fd, &reply, passed_fd);
}

/* The opener's whole life. */
static void
open_and_reply(const struct keeper_plan *plan, int fd, unsigned source,
	       pid_t keeper)
{
	const struct itimerval limit = { .it_value.tv_sec = OPEN_SECS };
	int opened;

	(void)setitimer(ITIMER_REAL, &limit, NULL);
	if (proc_die_with(keeper, SIGKILL) != 0)
		return;
	opened = open_source(plan, source);
	reply_open(fd, source, opened < 0 ? opened : 0, opened);
}

static void
start_opener(const struct keeper_plan *plan, int fd, unsigned source)
{
	pid_t keeper = getpid(), pid;

	if (source >= NOISE_MAX) {
		reply_open(fd, source, -EINVAL, -1);
		return;
	}
	if (openers[source] != 0) {
		reply_open(fd, source, -EALREADY, -1);
		return;
	}
	pid = fork();
	if (pid == 0) {
		open_and_reply(plan, fd, source, keeper);
		_exit(0);
	}
	if (pid < 0)
		reply_open(fd, source, -errno, -1);
	else
		openers[source] = pid;
}

static void
fetch_openers(int fd)
{
	for (unsigned i = 0; i < NOISE_MAX; i++) {
		int status = 0;

		if (openers[i] == 0 ||
		    waitpid(openers[i], &status, WNOHANG) == 0)
			continue;
		openers[i] = 0;
		if (WIFSIGNALED(status))
			reply_open(fd, i, -ETIMEDOUT, -1);
	}
}

static void
obey(const struct keeper_plan *plan, int fd, const struct keeper_request *rq)
{
	struct keeper_reply reply = { .op = rq->op, .source = rq->source };

	switch ((enum keeper_op)rq->op) {
	case KEEPER_CREDIT:
		reply.err = credit(plan, rq->block);
		reply_send(fd, &reply, -1);
		return;
	case KEEPER_OPEN:
		start_opener(plan, fd, rq->source);
		return;
	case KEEPER_READY:
		notify_send("READY=1");
		return;
	case KEEPER_ALIVE:
		notify_send("WATCHDOG=1");
		return;
	}
}

static int
child_status(pid_t pool)
{
	int status;

	while (waitpid(pool, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_warnx("the pool ended by signal %d", WTERMSIG(status));
	return 1;
}

int
keeper_run(const struct keeper_plan *plan, int fd, pid_t pool)
{
	const int keep[] = { CAP_SYS_ADMIN };
	struct sigaction act = { .sa_handler = note_stop };
	struct sigaction child = { .sa_handler = note_child };
	struct keeper_request request;
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	sigset_t stops, before;
	bool told = false;

	proc_title("entropyd: keeper");
	log_init("entropyd: keeper", false);
	/* They come in ppoll alone, so that none is missed before it. */
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGCHLD);
	sigprocmask(SIG_BLOCK, &stops, &before);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGCHLD, &child, NULL);
	signal(SIGHUP, SIG_IGN);
	if (privs_keep(keep, plan->credits ? 1 : 0) != 0 || confine() != 0) {
		log_warnx("cannot give up privileges");
		kill(pool, SIGKILL);
		return 1;
	}
	for (;;) {
		ssize_t got;

		if (stop_wanted && !told) {
			told = true;
			notify_send("STOPPING=1");
			/* The pool reads the end; a signal to another user
			 * would need one more capability. */
			shutdown(fd, SHUT_WR);
		}
		if (ppoll(&wait, 1, NULL, &before) < 0)
			wait.revents = 0;
		fetch_openers(fd);
		if (wait.revents == 0)
			continue;
		got = recv(fd, &request, sizeof(request), MSG_DONTWAIT);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got != (ssize_t)sizeof(request))
			break; /* the pool is gone */
		obey(plan, fd, &request);
		secret_wipe(&request, sizeof(request));
	}
	return child_status(pool);
}

static int
ask(int fd, const struct keeper_request *request)
{
	return send(fd, request, sizeof(*request),
		    MSG_NOSIGNAL | MSG_DONTWAIT) < 0
		   ? -errno
		   : 0;
}

int
keeper_credit(int fd, const uint8_t block[KEEPER_BLOCK])
{
	struct keeper_request request = { .op = KEEPER_CREDIT };
	int err;

	memcpy(request.block, block, KEEPER_BLOCK);
	err = ask(fd, &request);
	secret_wipe(&request, sizeof(request));
	return err;
}

int
keeper_open(int fd, unsigned source)
{
	const struct keeper_request request = { .op = KEEPER_OPEN,
						.source = (uint8_t)source };

	return ask(fd, &request);
}

int
keeper_ready(int fd)
{
	const struct keeper_request request = { .op = KEEPER_READY };

	return ask(fd, &request);
}

int
keeper_alive(int fd)
{
	const struct keeper_request request = { .op = KEEPER_ALIVE };

	return ask(fd, &request);
}

int
keeper_reply(int fd, struct keeper_reply *reply, int *source_fd)
{
	struct iovec iov = { reply, sizeof(*reply) };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t got = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*source_fd = -1;
	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (got == 0)
		return -EPIPE;
	c = CMSG_FIRSTHDR(&msg);
	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(source_fd, CMSG_DATA(c), sizeof(int));
	return got == (ssize_t)sizeof(*reply) ? 0 : -EPROTO;
}
