/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "entropyd/settings.h"
#include "policy/check.h"
#include "policy/parse.h"

static bool
copy_path(char out[SETTINGS_PATH_MAX], const char *path)
{
	return snprintf(out, SETTINGS_PATH_MAX, "%s", path) < SETTINGS_PATH_MAX;
}

static bool
take_block(struct settings *s, const struct policy_entropy *e)
{
	if (e->hwrng != NULL && !copy_path(s->hwrng, e->hwrng))
		return false;
	s->no_kernel = e->no_kernel;
	s->n_streams = e->n_streams;
	for (size_t i = 0; i < e->n_streams; i++) {
		memcpy(s->streams[i].name, e->streams[i].name,
		       sizeof(s->streams[i].name));
		s->streams[i].mbits = e->streams[i].mbits;
		if (!copy_path(s->streams[i].path, e->streams[i].path))
			return false;
	}
	return true;
}

/* The child: its exit status says whether the file is good. */
static int
read_and_send(const char *path, int fd)
{
	struct diag *d = diag_new();
	struct policy *p = d != NULL ? parse_file(path, d) : NULL;
	struct settings s = { 0 };
	int status = 1;

	if (p != NULL && check_policy(p, d) == 0) {
		if (!take_block(&s, &p->entropy))
			fprintf(stderr, "entropyd: %s: a path is too long\n",
				path);
		else if (write(fd, &s, sizeof(s)) == (ssize_t)sizeof(s))
			status = 0;
	} else if (d != NULL) {
		diag_print(d, stderr);
	}
	policy_free(p);
	return status;
}

int
settings_read(struct settings *s, const char *path)
{
	int fds[2], status = 0;
	ssize_t got;
	pid_t pid;

	if (pipe(fds) != 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		_exit(read_and_send(path, fds[1]));
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return -EAGAIN;
	}
	got = read(fds[0], s, sizeof(*s));
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -EIO;
	if (!WIFEXITED(status))
		return -EIO;
	if (WEXITSTATUS(status) != 0)
		return -EINVAL;
	return got == (ssize_t)sizeof(*s) ? 0 : -EIO;
}
