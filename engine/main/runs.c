/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/main/leaves.h"
#include "engine/main/runs.h"
#include "engine/main/sockprog.h"
#include "engine/main/sockrule.h"

struct run {
	char *path; /* below the mount */
	char *rule; /* of sockrule.h; "": it has programs */
	uint32_t uid;
};

struct runs {
	char *run_dir;
	int mount; /* of cgroup v2; -1: there is none */
	char mount_path[LEAVES_PATH];
	struct run at[RUNS_MAX];
	size_t n;
	uint64_t ticked_ms;
	unsigned serial;
};

/* What one run is made of. */
struct start {
	const struct ctl_run *what;
	int proc;               /* /proc/PID: that process, or nothing */
	char path[LEAVES_PATH]; /* of the leaf */
	char rule[LEAVES_RULE];
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

/* ---- the leaves -----------------------------------------------------------
 */

static void
forget(const struct run *run)
{
	free(run->path);
	free(run->rule);
}

static bool
add(struct runs *r, const char *path, uint32_t uid, const char *rule)
{
	struct run run = { strdup(path), strdup(rule), uid };

	if (r->n == RUNS_MAX || run.path == NULL || run.rule == NULL) {
		forget(&run);
		return false;
	}
	r->at[r->n++] = run;
	return true;
}

static void
adopt(void *runs, const char *path, uint32_t uid, const char *rule)
{
	(void)add(runs, path, uid, rule);
}

static bool
has_rules(const struct runs *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->at[i].rule[0] != '\0')
			return true;
	return false;
}

/* The rules of all runs that have one. */
static int
load_rules(const struct runs *r, struct table_why *why)
{
	const char *rules[RUNS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->at[i].rule[0] != '\0')
			rules[n++] = r->at[i].rule;
	return sockrule_load(rules, n, why);
}

static void
load_rules_again(const struct runs *r)
{
	struct table_why why = { "" };
	int err = load_rules(r, &why);

	if (err < 0)
		log_warnx("the rules of runs: %s",
			  why.text[0] != '\0' ? why.text : strerror(-err));
}

struct runs *
runs_open(const char *run_dir)
{
	struct runs *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->run_dir = realpath(run_dir, NULL);
	if (r->run_dir == NULL) {
		free(r);
		return NULL;
	}
	r->mount = leaves_mount(r->mount_path);
	if (r->mount >= 0)
		leaves_find(r->mount, r->run_dir, adopt, r);
	if (has_rules(r))
		load_rules_again(r);
	return r;
}

void
runs_close(struct runs *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++)
		forget(&r->at[i]);
	if (r->mount >= 0)
		close(r->mount);
	free(r->run_dir);
	free(r);
}

/* Removes what is empty.  True: a rule is to go, too. */
static bool
remove_empty(struct runs *r)
{
	size_t kept = 0;
	bool had_rule = false;

	for (size_t i = 0; i < r->n; i++) {
		/* EBUSY: somebody is in it. */
		if (unlinkat(r->mount, r->at[i].path, AT_REMOVEDIR) < 0 &&
		    errno == EBUSY) {
			r->at[kept++] = r->at[i];
			continue;
		}
		had_rule |= r->at[i].rule[0] != '\0';
		forget(&r->at[i]);
	}
	r->n = kept;
	return had_rule;
}

void
runs_tick(struct runs *r, uint64_t now_ms)
{
	if (r == NULL || r->n == 0 || now_ms - r->ticked_ms < RUNS_TICK_MS)
		return;
	r->ticked_ms = now_ms;
	if (remove_empty(r))
		load_rules_again(r);
	else
		runs_look(r);
}

void
runs_look(struct runs *r)
{
	if (!has_rules(r) || sockrule_is_whole())
		return;
	log_warnx("somebody touched the rules of runs; they are loaded again");
	load_rules_again(r);
}

bool
runs_under(struct runs *r, const char *association)
{
	if (remove_empty(r))
		load_rules_again(r);
	for (size_t i = 0; i < r->n; i++)
		if (leaves_is_of(r->at[i].path, association))
			return true;
	return false;
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

/* Below where the caller is. */
static int
place_leaf(struct runs *r, struct start *s)
{
	char text[LEAVES_PATH], *at, *end;
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
	while (*at == '/')
		at++;
	leaves_parent(at);
	len = snprintf(s->path, sizeof(s->path), "%s%s", at,
		       *at == '\0' ? "" : "/");
	if (len < (int)sizeof(s->path))
		len += leaves_name(s->path + len, sizeof(s->path) - (size_t)len,
				   s->what->association, s->what->pid,
				   r->serial++);
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

/* Programs, or where they are refused a rule. */
static int
bind_sockets(const struct runs *r, struct start *s, int leaf,
	     const struct sockprog *prog)
{
	int err = sockprog_attach(leaf, prog);

	s->rule[0] = '\0';
	if (err == 0)
		return 0;
	if (sockrule_make(s->rule, r->mount_path, s->path, prog) == 0) {
		(void)snprintf(s->why, PROTO_SENTENCE_MAX,
			       "by nft, since BPF is refused: sockets show no "
			       "SAID, and who listens also hears what comes in "
			       "clear");
		return 0;
	}
	return refuse(s, err,
		      "the kernel refuses programs on cgroups (BPF): %s, and "
		      "nft can't name this one",
		      strerror(-err));
}

static int
fill_leaf(struct runs *r, struct start *s, int leaf,
	  const struct sockprog *prog)
{
	struct table_why why = { "" };
	int err = bind_sockets(r, s, leaf, prog);

	if (err < 0)
		return err;
	err = leaves_note(leaf, s->what->uid, r->run_dir, s->rule);
	if (err < 0)
		return refuse(s, err, "its cgroup takes no note: %s",
			      strerror(-err));
	if (!add(r, s->path, s->what->uid, s->rule))
		return refuse(s, -ENOMEM, "no memory");
	if (s->rule[0] != '\0')
		err = load_rules(r, &why);
	if (err < 0) {
		forget(&r->at[--r->n]);
		return refuse(s, err,
			      "BPF is refused, and nft's socket cgroupv2: %.*s",
			      (int)strcspn(why.text, "\n"), why.text);
	}
	err = move_caller(s, leaf);
	if (err < 0) {
		forget(&r->at[--r->n]);
		if (s->rule[0] != '\0')
			load_rules_again(r);
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
	size_t mine = 0, of_users = 0;
	int err;

	if (remove_empty(r))
		load_rules_again(r);
	for (size_t i = 0; i < r->n; i++) {
		mine += r->at[i].uid == what->uid;
		of_users += r->at[i].uid != 0;
	}
	if (r->mount < 0)
		return refuse(&s, -ENOTSUP,
			      "no cgroup v2 is mounted on this machine");
	if (r->n == RUNS_MAX ||
	    (what->uid != 0 &&
	     (mine >= RUNS_PER_USER || of_users >= RUNS_MAX - RUNS_OF_ROOT)))
		return refuse(&s, -EBUSY, "too many programs run already");
	err = start(r, &s, &prog);
	if (s.proc >= 0)
		close(s.proc);
	return err;
}
