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
/* The strings that were where the title is now, in one piece: setenv and its
 * like let go of single ones, and never free them. */
static char *moved;

static char *
move(char **at, char *string)
{
	size_t octets = strlen(string) + 1;
	char *to = memcpy(*at, string, octets);

	*at += octets;
	return to;
}

void
proc_title_init(int argc, char **argv)
{
	char *end, *at, **copy;
	size_t octets = 0;
	int n = 0;

	if (argc < 1)
		return;
	end = argv[0];
	for (int i = 0; i < argc; i++) {
		octets += strlen(argv[i]) + 1;
		if (argv[i] == end)
			end += strlen(argv[i]) + 1;
	}
	for (; environ[n] != NULL; n++) {
		octets += strlen(environ[n]) + 1;
		if (environ[n] == end)
			end += strlen(environ[n]) + 1;
	}
	copy = calloc((size_t)n + 1, sizeof(*copy));
	at = moved = malloc(octets);
	if (copy == NULL || moved == NULL) {
		free(copy);
		free(moved);
		moved = NULL;
		return; /* at the start of a program: no title then */
	}
	title = argv[0];
	title_room = (size_t)(end - argv[0]);
	/* A title overwrites these strings, and options point into them. */
	for (int i = 0; i < argc; i++)
		argv[i] = move(&at, argv[i]);
	for (int i = 0; i < n; i++)
		copy[i] = move(&at, environ[i]);
	environ = copy;
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
