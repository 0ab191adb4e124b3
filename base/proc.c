/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/proc.h"

extern char **environ;

static char *title;
static size_t title_room;

void
proc_title_init(int argc, char **argv)
{
	char *end = NULL, **copy;
	int n = 0;

	if (argc < 1)
		return;
	for (int i = 0; i < argc; i++)
		if (i == 0 || argv[i] == end)
			end = argv[i] + strlen(argv[i]) + 1;
	while (environ[n] != NULL) {
		if (environ[n] == end)
			end = environ[n] + strlen(environ[n]) + 1;
		n++;
	}
	copy = calloc((size_t)n + 1, sizeof(*copy));
	if (copy == NULL)
		return;
	for (int i = 0; i < n; i++) {
		copy[i] = strdup(environ[i]);
		if (copy[i] == NULL)
			return; /* at the start of a program: no title then */
	}
	environ = copy;
	title = argv[0];
	title_room = (size_t)(end - argv[0]);
	/* A title overwrites these strings, and options point into them. */
	for (int i = 0; i < argc; i++) {
		char *kept = strdup(argv[i]);

		if (kept == NULL) {
			title_room = 0;
			return;
		}
		argv[i] = kept;
	}
}

void
proc_title(const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* 15 characters, the thread's name */
	prctl(PR_SET_NAME, text, 0, 0, 0);
	if (title == NULL || title_room < 2)
		return;
	memset(title, 0, title_room);
	snprintf(title, title_room, "%s", text);
}

int
proc_die_with(pid_t parent, int sig)
{
	if (prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0) != 0)
		return -errno;
	if (getppid() != parent)
		raise(sig);
	return 0;
}
