/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/main/engine.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FILTER false /* privs.h: none in these builds */
#else
#define FILTER true
#endif

static void
call_memory(void)
{
	void *p = malloc(1 << 20);

	free(p);
}

static void
call_open(void)
{
	(void)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void
call_socket(void)
{
	(void)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static void
call_execve(void)
{
	(void)syscall(SYS_execve, "/bin/true", NULL, NULL);
}

static void
call_fork(void)
{
	(void)syscall(SYS_fork);
}

static void
call_executable_memory(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* The signal that ends a confined process which calls this; 0: none. */
static int
fate(void (*call)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (confine_engine() < 0)
			_exit(1);
		call();
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status);
	cr_assert_eq(WEXITSTATUS(status), 0);
	return 0;
}

Test(confine, kills_what_an_engine_never_calls)
{
	int want = FILTER ? SIGSYS : 0;

	cr_assert_eq(fate(call_memory), 0);
	cr_assert_eq(fate(call_open), want);
	cr_assert_eq(fate(call_socket), want);
	cr_assert_eq(fate(call_executable_memory), want);
	if (FILTER) {
		cr_assert_eq(fate(call_execve), want);
		cr_assert_eq(fate(call_fork), want);
	}
}

/* Tables are built and freed by workers: what a thread has taken it may give
 * back. */
static atomic_int phase;

static void *
grow_and_shrink(void *arg)
{
	enum { N = 400, OCTETS = 64 * 1024 };
	static void *blocks[N];

	free(malloc(1));
	atomic_store(&phase, 1);
	while (atomic_load(&phase) != 2)
		(void)usleep(1000);
	for (int i = 0; i < N; i++)
		blocks[i] = malloc(OCTETS);
	for (int i = N; i-- > 0;)
		free(blocks[i]);
	return NULL;
}

Test(confine, threads_give_memory_back)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		if (confine_prepare() < 0 ||
		    pthread_create(&thread, NULL, grow_and_shrink, NULL) != 0)
			_exit(1);
		while (atomic_load(&phase) != 1)
			(void)usleep(1000);
		if (confine_engine() < 0)
			_exit(1);
		atomic_store(&phase, 2);
		_exit(pthread_join(thread, NULL) != 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "signal %d", WTERMSIG(status));
	cr_assert_eq(WEXITSTATUS(status), 0);
}
