/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/privs.h"
#include "base/proc.h"
#include "base/secret.h"
#include "entropyd/sampler.h"

enum sampler_op { SAMPLER_READ = 1, SAMPLER_SAVE = 2 };

#define SAVE_MAX 256

struct request {
	uint8_t op, zero;
	uint16_t count;
	uint8_t octets[SAVE_MAX];
};
#define REQUEST_HEAD offsetof(struct request, octets)

/* What every source needs; the filter of the pool, inherited, allows more. */
static const struct privs_call read_calls[] = {
	{ .nr = SYS_read },
	{ .nr = SYS_sendto },
	{ .nr = SYS_recvfrom },
	{ .nr = SYS_poll },
	{ .nr = SYS_ppoll },
	{ .nr = SYS_clock_nanosleep },
	{ .nr = SYS_clock_gettime },
	{ .nr = SYS_close },
	{ .nr = SYS_mmap },
	{ .nr = SYS_munmap },
	{ .nr = SYS_write, .test = true, .arg = 0, .value = STDERR_FILENO },
	{ .nr = SYS_rt_sigreturn },
	{ .nr = SYS_restart_syscall },
	{ .nr = SYS_exit_group },
};

/* The seed's process: a file in the one directory that it was given. */
static const struct privs_call save_calls[] = {
	{ .nr = SYS_read },
	{ .nr = SYS_write },
	{ .nr = SYS_sendto },
	{ .nr = SYS_recvfrom },
	{ .nr = SYS_openat },
	{ .nr = SYS_renameat },
	{ .nr = SYS_renameat2 },
	{ .nr = SYS_unlinkat },
	{ .nr = SYS_fsync },
	{ .nr = SYS_close },
	{ .nr = SYS_clock_gettime },
	{ .nr = SYS_rt_sigreturn },
	{ .nr = SYS_restart_syscall },
	{ .nr = SYS_exit_group },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool
answer(int fd, int32_t err, const uint8_t *samples, size_t n)
{
	uint8_t packet[sizeof(err) + NOISE_BATCH_MAX];
	ssize_t put;

	memcpy(packet, &err, sizeof(err));
	if (n != 0)
		memcpy(packet + sizeof(err), samples, n);
	put = send(fd, packet, sizeof(err) + n, MSG_NOSIGNAL);
	secret_wipe(packet, sizeof(err) + n);
	return put == (ssize_t)(sizeof(err) + n);
}

static bool
serve(struct noise *noise, int fd)
{
	const struct source_kind *kind = noise->source->kind;
	uint8_t samples[NOISE_BATCH_MAX];
	struct request request;
	ssize_t got = recv(fd, &request, sizeof(request), 0);
	ssize_t n;
	bool good;

	if (got < 0 && errno == EINTR)
		return true;
	if (got < (ssize_t)REQUEST_HEAD || request.count > sizeof(samples))
		return false; /* the pool is gone */
	if (request.op == SAMPLER_SAVE && kind->save != NULL &&
	    request.count <= (size_t)got - REQUEST_HEAD) {
		int err = kind->save(noise, request.octets, request.count);

		secret_wipe(&request, sizeof(request));
		return answer(fd, err, NULL, 0);
	}
	if (request.op != SAMPLER_READ)
		return false;
	n = kind->read(noise, samples, request.count);
	good = n < 0 ? answer(fd, (int32_t)n, NULL, 0)
		     : answer(fd, 0, samples, (size_t)n);
	secret_wipe(samples, sizeof(samples));
	return good;
}

void
sampler_refuse(int fd, int err)
{
	(void)answer(fd, err, NULL, 0);
}

void
sampler_work(const struct source *source, int fd, int source_fd)
{
	struct noise noise = { .source = source, .fd = source_fd };
	bool saves = source->kind->save != NULL;
	int err;

	proc_title("entropyd: %s", source->name);
	/* Ends when the pool does, not with it: the seed is saved last. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	err = saves ? privs_confine(save_calls, COUNT(save_calls))
		    : privs_confine(read_calls, COUNT(read_calls));
	if (err == 0)
		err = source->kind->open(&noise);
	if (!answer(fd, err, NULL, 0) || err != 0)
		return;
	while (serve(&noise, fd))
		;
	source->kind->close(&noise);
}

void
sampler_close_others(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;

	(void)close_range(0, STDERR_FILENO - 1, 0);
	if (low > STDERR_FILENO)
		(void)close_range(STDERR_FILENO + 1, (unsigned)low - 1, 0);
	else
		low = STDERR_FILENO;
	if (high > low + 1)
		(void)close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	(void)close_range((unsigned)high + 1, ~0u, 0);
}

int
sampler_start(struct sampler *s, const struct source *source, int source_fd)
{
	pid_t parent = getpid(), child;
	int pair[2], err = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		err = -errno;
		if (source_fd >= 0)
			close(source_fd);
		return err;
	}
	/* The child does not have *s: those pages are not inherited. */
	child = fork();
	if (child == 0) {
		sampler_close_others(pair[1], source_fd);
		proc_die_with(parent, SIGKILL);
		sampler_work(source, pair[1], source_fd);
		_exit(0);
	}
	if (child < 0) {
		err = -errno;
		close(pair[0]);
	} else {
		s->pid = child;
		s->fd = pair[0];
		(void)fcntl(s->fd, F_SETFL, O_NONBLOCK);
	}
	close(pair[1]);
	if (source_fd >= 0)
		close(source_fd);
	return err;
}

void
sampler_stop(struct sampler *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		s->leaving = s->pid;
	}
	s->fd = -1;
	s->pid = 0;
}

bool
sampler_gone(struct sampler *s)
{
	if (s->leaving != 0 && waitpid(s->leaving, NULL, WNOHANG) != 0)
		s->leaving = 0;
	return s->pid == 0 && s->leaving == 0;
}

static int
request_send(struct sampler *s, const struct request *request, size_t n)
{
	if (s->fd < 0)
		return -EPIPE;
	return send(s->fd, request, n, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int
sampler_ask(struct sampler *s, size_t n)
{
	struct request request = { .op = SAMPLER_READ };

	if (n > NOISE_BATCH_MAX)
		n = NOISE_BATCH_MAX;
	request.count = (uint16_t)n;
	return request_send(s, &request, REQUEST_HEAD);
}

int
sampler_save(struct sampler *s, const uint8_t *octets, size_t n)
{
	struct request request = { .op = SAMPLER_SAVE };
	int err;

	if (n > SAVE_MAX)
		return -EINVAL;
	request.count = (uint16_t)n;
	memcpy(request.octets, octets, n);
	err = request_send(s, &request, REQUEST_HEAD + n);
	secret_wipe(&request, sizeof(request));
	return err;
}

int
sampler_reply(struct sampler *s, struct sampler_reply *reply)
{
	uint8_t packet[sizeof(int32_t) + NOISE_BATCH_MAX];
	int32_t err;
	ssize_t got = recv(s->fd, packet, sizeof(packet), 0);

	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (got == 0)
		return -EPIPE;
	if (got < (ssize_t)sizeof(err))
		return -EPROTO;
	memcpy(&err, packet, sizeof(err));
	reply->err = err > 0 ? -EPROTO : err;
	reply->n = (size_t)got - sizeof(err);
	memcpy(reply->samples, packet + sizeof(err), reply->n);
	secret_wipe(packet, (size_t)got);
	return 0;
}
