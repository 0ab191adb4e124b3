/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/main/runs.h"
#include "engine/main/sockprog.h"

#define PATH_OCTETS 4096
#define LEAF        "nfipsec." /* how the names of our leaves begin */

struct run {
	char *path; /* below the mount */
	uint32_t uid;
};

struct runs {
	char *list; /* run_dir/runs */
	int mount;  /* of cgroup v2; -1: there is none */
	struct run at[RUNS_MAX];
	size_t n;
	uint64_t ticked_ms;
	unsigned serial;
};

/* What one run is made of. */
struct start {
	const struct ctl_run *what;
	int proc;               /* /proc/PID: that process, or nothing */
	char path[PATH_OCTETS]; /* of the leaf */
	char *why;
};

static int __attribute__((format(printf, 3, 4)))
refuse(struct start *s, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(s->why, PROTO_SENTENCE_MAX, fmt, ap);
	va_end(ap);
	return err;
}

/* All of a small file.  Octets, or -errno. */
static ssize_t
read_file(int dir, const char *name, char *text, size_t cap)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n, len = 0;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, text + len, cap - 1 - (size_t)len)) > 0)
		len += n;
	if (n < 0)
		len = -errno;
	close(fd);
	text[len < 0 ? 0 : len] = '\0';
	return len;
}

static int
write_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* ---- the list -------------------------------------------------------------
 */

static int
find_mount(void)
{
	char line[PATH_OCTETS], at[PATH_OCTETS];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	int fd = -1;

	while (f != NULL && fd < 0 && fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, " - cgroup2 ") != NULL &&
		    sscanf(line, "%*s %*s %*s %*s %4095s", at) == 1)
			fd = open(at, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f != NULL)
		fclose(f);
	return fd;
}

static bool
add(struct runs *r, const char *path, uint32_t uid)
{
	char *copy = r->n < RUNS_MAX ? strdup(path) : NULL;

	if (copy != NULL)
		r->at[r->n++] = (struct run){ copy, uid };
	return copy != NULL;
}

/* A leaf of ours, and nothing that leads elsewhere. */
static bool
is_leaf(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name == NULL ? path : name + 1;
	return path[0] != '/' && strncmp(name, LEAF, strlen(LEAF)) == 0 &&
	       strstr(path, "..") == NULL;
}

static void
load_list(struct runs *r)
{
	char line[PATH_OCTETS + 16], path[PATH_OCTETS];
	FILE *f = fopen(r->list, "re");
	unsigned uid;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%u %4095[^\n]", &uid, path) == 2 &&
		    is_leaf(path))
			(void)add(r, path, uid);
	if (f != NULL)
		fclose(f);
}

static void
save_list(const struct runs *r)
{
	char new[PATH_OCTETS];
	FILE *f;

	(void)snprintf(new, sizeof(new), "%s.new", r->list);
	f = fopen(new, "we");
	for (size_t i = 0; f != NULL && i < r->n; i++)
		fprintf(f, "%u %s\n", r->at[i].uid, r->at[i].path);
	if (f == NULL || fclose(f) != 0 || rename(new, r->list) < 0)
		log_warn("%s", r->list);
}

struct runs *
runs_open(const char *run_dir)
{
	struct runs *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->mount = -1;
	if (asprintf(&r->list, "%s/runs", run_dir) < 0) {
		free(r);
		return NULL;
	}
	r->mount = find_mount();
	load_list(r);
	return r;
}

void
runs_close(struct runs *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++)
		free(r->at[i].path);
	if (r->mount >= 0)
		close(r->mount);
	free(r->list);
	free(r);
}

void
runs_tick(struct runs *r, uint64_t now_ms)
{
	size_t kept = 0;

	if (r == NULL || r->n == 0 || now_ms - r->ticked_ms < RUNS_TICK_MS)
		return;
	r->ticked_ms = now_ms;
	for (size_t i = 0; i < r->n; i++)
		/* EBUSY: somebody is in it. */
		if (unlinkat(r->mount, r->at[i].path, AT_REMOVEDIR) < 0 &&
		    errno == EBUSY)
			r->at[kept++] = r->at[i];
		else
			free(r->at[i].path);
	if (kept == r->n)
		return;
	r->n = kept;
	save_list(r);
}

/* ---- a start --------------------------------------------------------------
 */

/* The process, held by its folder in /proc: another one that gets its number
 * is not in there. */
static int
open_process(struct start *s)
{
	char name[32];
	struct stat st;

	(void)snprintf(name, sizeof(name), "/proc/%u", s->what->pid);
	s->proc = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->proc < 0)
		return refuse(s, -ESRCH, "the caller is gone");
	/* Its effective user; user 0 for one that may not be looked into. */
	if (fstat(s->proc, &st) < 0 ||
	    (s->what->uid != 0 && st.st_uid != s->what->uid))
		return refuse(s, -EPERM,
			      "the caller is not who opened the connection");
	return 0;
}

static bool
is_there(const struct start *s)
{
	char text[64];

	return read_file(s->proc, "stat", text, sizeof(text)) > 0;
}

/* Where the caller is, without leaves of ours: in a run within a run the
 * outer one would win. */
static int
place_leaf(struct runs *r, struct start *s)
{
	char text[PATH_OCTETS], *at, *end, *leaf;
	ssize_t n = read_file(s->proc, "cgroup", text, sizeof(text));
	int len;

	if (n < 0)
		return refuse(s, -ESRCH, "the caller is gone");
	at = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (at == NULL)
		return refuse(s, -ENOTSUP, "the caller is in no cgroup v2");
	at = strchr(at, '/');
	end = at == NULL ? NULL : strchr(at, '\n');
	if (end == NULL)
		return refuse(s, -ENOTSUP, "the caller is in no cgroup v2");
	*end = '\0';
	if (strstr(at, "..") != NULL)
		return refuse(s, -ENOTSUP,
			      "the caller's cgroup is out of "
			      "nfipsecd's reach");
	while ((leaf = strstr(at, "/" LEAF)) != NULL)
		*leaf = '\0';
	while (*at == '/')
		at++;
	len = snprintf(s->path, sizeof(s->path), "%s%s" LEAF "%s.%u-%u", at,
		       *at == '\0' ? "" : "/", s->what->association,
		       s->what->pid, r->serial++);
	return len < (int)sizeof(s->path)
		   ? 0
		   : refuse(s, -ENAMETOOLONG,
			    "the caller's cgroup has too "
			    "long a name");
}

static int
move_caller(const struct start *s, int leaf)
{
	char pid[16];
	int err;

	(void)snprintf(pid, sizeof(pid), "%u", s->what->pid);
	if (!is_there(s))
		return -ESRCH;
	err = write_file(leaf, "cgroup.procs", pid);
	/* It may have ended just before, and its number be another's. */
	if (err == 0 && !is_there(s))
		err = -ESRCH;
	return err;
}

/* Whoever was moved by mistake goes back to where the leaf hangs. */
static void
undo(struct runs *r, const struct start *s, int leaf)
{
	char pids[1024], *save = NULL;
	int parent = openat(leaf, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (parent >= 0 &&
	    read_file(leaf, "cgroup.procs", pids, sizeof(pids)) > 0)
		for (char *p = strtok_r(pids, "\n", &save); p != NULL;
		     p = strtok_r(NULL, "\n", &save))
			(void)write_file(parent, "cgroup.procs", p);
	if (parent >= 0)
		close(parent);
	(void)unlinkat(r->mount, s->path, AT_REMOVEDIR);
}

static int
fill_leaf(struct runs *r, struct start *s, int leaf,
	  const struct sockprog *prog)
{
	int err = sockprog_attach(leaf, prog);

	if (err < 0)
		return refuse(s, err,
			      "the kernel refuses programs on "
			      "cgroups (BPF): %s",
			      strerror(-err));
	if (!add(r, s->path, s->what->uid))
		return refuse(s, -ENOMEM, "no memory");
	save_list(r);
	err = move_caller(s, leaf);
	if (err < 0) {
		free(r->at[--r->n].path);
		save_list(r);
		return refuse(s, err, "the caller can't be moved: %s",
			      strerror(-err));
	}
	return 0;
}

/* The process may have asked a supervisor before this one, too, which counted
 * from the beginning as well. */
static int
make_leaf(struct runs *r, struct start *s)
{
	for (unsigned tries = 0; tries < RUNS_MAX; tries++) {
		int err = place_leaf(r, s);

		if (err < 0)
			return err;
		if (mkdirat(r->mount, s->path, 0755) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return refuse(s, -errno, "cgroup %s: %s", s->path, strerror(errno));
}

static int
start(struct runs *r, struct start *s, const struct sockprog *prog)
{
	int err = open_process(s), leaf;

	if (err == 0)
		err = make_leaf(r, s);
	if (err < 0)
		return err;
	leaf = openat(r->mount, s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = leaf < 0
		  ? refuse(s, -errno, "cgroup %s: %s", s->path, strerror(errno))
		  : fill_leaf(r, s, leaf, prog);
	if (err < 0 && leaf >= 0)
		undo(r, s, leaf);
	else if (err < 0)
		(void)unlinkat(r->mount, s->path, AT_REMOVEDIR);
	if (leaf >= 0)
		close(leaf);
	return err;
}

int
runs_start(struct runs *r, const struct ctl_run *what, uint32_t mask,
	   uint32_t mark, char why[PROTO_SENTENCE_MAX])
{
	struct sockprog prog = { .mask = mask,
				 .mark = mark,
				 .others_clear = what->others_clear,
				 .peer = what->peer };
	struct start s = { .what = what, .proc = -1, .why = why };
	size_t mine = 0;
	int err;

	for (size_t i = 0; i < r->n; i++)
		mine += r->at[i].uid == what->uid;
	if (r->mount < 0)
		return refuse(&s, -ENOTSUP,
			      "no cgroup v2 is mounted on this machine");
	if (r->n == RUNS_MAX || (what->uid != 0 && mine >= RUNS_PER_USER))
		return refuse(&s, -EBUSY, "too many programs run already");
	err = start(r, &s, &prog);
	if (s.proc >= 0)
		close(s.proc);
	return err;
}
