/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/main/leaves.h"

#define LEAF  "nfipsec."     /* how the names begin */
#define NOTE  "user.nfipsec" /* "UID\nRUN_DIR\nRULE" */
#define DEPTH 32             /* folders below each other that are looked into */

int
leaves_mount(char path[LEAVES_PATH])
{
	char line[2 * LEAVES_PATH];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	int fd = -1;

	while (f != NULL && fd < 0 && fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, " - cgroup2 ") != NULL &&
		    sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1)
			fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f != NULL)
		fclose(f);
	return fd;
}

/* Digits before `end`, at least one; where they begin, NULL for none. */
static const char *
digits_before(const char *begin, const char *end)
{
	const char *at = end;

	while (at > begin && isdigit((unsigned char)at[-1]))
		at--;
	return at == end ? NULL : at;
}

/* nfipsec.ASSOCIATION.PID-SERIAL */
static bool
is_name(const char *name, size_t len)
{
	const char *end = name + len, *at;

	if (len <= strlen(LEAF) || strncmp(name, LEAF, strlen(LEAF)) != 0)
		return false;
	name += strlen(LEAF);
	at = digits_before(name, end);
	if (at == NULL || at == name || *--at != '-')
		return false;
	at = digits_before(name, at);
	return at != NULL && at > name + 1 && at[-1] == '.';
}

int
leaves_name(char *name, size_t cap, const char *association, uint32_t pid,
	    unsigned serial)
{
	return snprintf(name, cap, LEAF "%s.%u-%u", association, pid, serial);
}

bool
leaves_is_of(const char *path, const char *association)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	size_t octets = strlen(association);

	if (!is_name(name, strlen(name)))
		return false;
	name += strlen(LEAF);
	/* Dots may stand in an association's name, and behind it one alone. */
	return strncmp(name, association, octets) == 0 && name[octets] == '.' &&
	       strchr(name + octets + 1, '.') == NULL;
}

void
leaves_parent(char *path)
{
	char *at = path;

	while (*at != '\0') {
		size_t len = strcspn(at, "/");

		if (is_name(at, len)) {
			*at = '\0';
			break;
		}
		at += len + (at[len] == '/');
	}
	for (size_t n = strlen(path); n > 0 && path[n - 1] == '/';)
		path[--n] = '\0';
}

int
leaves_note(int leaf, uint32_t uid, const char *run_dir, const char *rule)
{
	char *text;
	int len = asprintf(&text, "%u\n%s\n%s", uid, run_dir, rule), err = 0;

	if (len < 0)
		return -ENOMEM;
	if (fsetxattr(leaf, NOTE, text, (size_t)len, 0) < 0)
		err = -errno;
	free(text);
	return err;
}

struct walk {
	const char *run_dir;
	leaves_fn *fn;
	void *arg;
	char path[LEAVES_PATH];
};

/* Tells of a folder whose note is ours. */
static void
tell(struct walk *w, int dir)
{
	static char text[LEAVES_PATH + LEAVES_RULE + 32]; /* one thread */
	ssize_t n = fgetxattr(dir, NOTE, text, sizeof(text) - 1);
	char *run_dir, *rule;
	struct stat st;

	if (n < 0 || fstat(dir, &st) < 0 || st.st_uid != geteuid())
		return;
	text[n] = '\0';
	run_dir = strchr(text, '\n');
	rule = run_dir == NULL ? NULL : strchr(run_dir + 1, '\n');
	if (rule == NULL)
		return;
	*run_dir++ = *rule++ = '\0';
	if (strcmp(run_dir, w->run_dir) == 0)
		w->fn(w->arg, w->path, (uint32_t)strtoul(text, NULL, 10), rule);
}

static void
look_into(struct walk *w, int dir, unsigned depth)
{
	size_t len = strlen(w->path);
	DIR *list = fdopendir(dir);
	const struct dirent *e;

	if (list == NULL) {
		close(dir);
		return;
	}
	while ((e = readdir(list)) != NULL) {
		int more = snprintf(w->path + len, sizeof(w->path) - len,
				    "%s%s", len == 0 ? "" : "/", e->d_name);
		int fd = -1;

		if (e->d_type == DT_DIR && e->d_name[0] != '.' && more > 0 &&
		    (size_t)more < sizeof(w->path) - len)
			fd = openat(dirfd(list), e->d_name,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					O_CLOEXEC);
		if (fd >= 0 && is_name(e->d_name, strlen(e->d_name)))
			tell(w, fd);
		if (fd >= 0 && depth > 0)
			look_into(w, fd, depth - 1);
		else if (fd >= 0)
			close(fd);
		w->path[len] = '\0';
	}
	closedir(list);
}

void
leaves_find(int mount, const char *run_dir, leaves_fn *fn, void *arg)
{
	struct walk w = { .run_dir = run_dir, .fn = fn, .arg = arg };
	int dir = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0)
		look_into(&w, dir, DEPTH);
}
