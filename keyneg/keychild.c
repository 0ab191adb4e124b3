/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "keyneg/keychild.h"
#include "keyneg/krb/krbproc.h"
#include "keyneg/netproc.h"

#define MARK "keynegd: "

pid_t
keychild_start(const char *role, int fd, int alive, const char *const *args)
{
	char name[32], ppid[16];
	char *argv[6] = { name, ppid };
	pid_t self = getpid(), pid;
	sigset_t none;

	snprintf(name, sizeof(name), MARK "%s", role);
	snprintf(ppid, sizeof(ppid), "%d", (int)self);
	for (int i = 0; i < 2 && args[i] != NULL; i++)
		argv[2 + i] = (char *)(uintptr_t)args[i];
	pid = fork();
	if (pid < 0)
		log_fatal("fork");
	if (pid > 0)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Everything else is closed on exec; out of the way first, lest one
	 * has the other's number. */
	fd = fcntl(fd, F_DUPFD_CLOEXEC, KEYCHILD_ALIVE + 1);
	if (alive >= 0)
		alive = fcntl(alive, F_DUPFD_CLOEXEC, KEYCHILD_ALIVE + 1);
	if (dup2(fd, KEYCHILD_FD) < 0 ||
	    (alive >= 0 && dup2(alive, KEYCHILD_ALIVE) < 0))
		_exit(127);
	execv("/proc/self/exe", argv);
	_exit(127);
}

int
keychild_main(int argc, char **argv)
{
	char *role;
	int parent;

	if (argc < 2 || strncmp(argv[0], MARK, strlen(MARK)) != 0)
		return -1;
	role = strdup(argv[0]);
	if (role == NULL)
		return 1;
	parent = atoi(argv[1]);
	log_init(role, getenv("KEYNEGD_DEBUG") != NULL);
	proc_title("%s", role);
	signal(SIGPIPE, SIG_IGN);
	if (proc_die_with(parent, SIGTERM) != 0)
		return 1;
	if (strcmp(role, MARK "net") == 0)
		return netproc_run(KEYCHILD_FD, KEYCHILD_USER);
	if (strcmp(role, MARK "krb") == 0 && argc == 4) {
		struct krbproc_config c = { .fd = KEYCHILD_FD,
					    .alive = KEYCHILD_ALIVE,
					    .keytab = argv[3][0] == '\0'
							  ? NULL
							  : argv[3],
					    .rcache = argv[2],
					    .user = KEYCHILD_USER };

		return krbproc_run(&c);
	}
	log_warnx("no such process");
	return 1;
}
