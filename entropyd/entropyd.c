/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entropyd: the random number pool.  The way of an octet:
 *
 *   source (a process each: sampler, jitter, stream, cpurand, seedfile; the
 *     keeper opens it and says its nature, the nurse starts the seed's)
 *     -> feeder: health tests, credit         (pool process, poolproc)
 *     -> conditioner: HMAC-SHA-256, 256 bits a block
 *     -> the kernel, through keeper: RNDADDENTROPY
 *     -> or pool: HMAC_DRBG -> outlet: entropy.sock, egd.sock
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/entropy.h"
#include "base/log.h"
#include "base/proc.h"
#include "entropyd/jail.h"
#include "entropyd/keeper.h"
#include "entropyd/options.h"
#include "entropyd/poolproc.h"
#include "entropyd/rawout.h"
#include "entropyd/settings.h"

#define STATUS_SECS 5 /* for a daemon that does not answer */

struct plan {
	struct source sources[NOISE_MAX];
	size_t n;
	char seed_dir[PATH_MAX];
};

/* What the configuration says where the command line says nothing.  A file
 * that was asked for has to be good; the usual one may be absent, and if it
 * is wrong entropyd is still needed. */
static int
apply_configuration(struct options *o)
{
	static struct settings s;
	int err;

	if (o->config == NULL && access(OPTIONS_CONFIG, F_OK) != 0)
		return 0;
	err = settings_read(&s, o->config != NULL ? o->config : OPTIONS_CONFIG);
	if (err != 0 && o->config != NULL)
		return err;
	if (err != 0) {
		log_warnx("%s is not good: none of it is used", OPTIONS_CONFIG);
		return 0;
	}
	if (o->hwrng == NULL && s.hwrng[0] != '\0')
		o->hwrng = s.hwrng;
	o->no_kernel |= s.no_kernel;
	for (size_t i = 0; i < s.n_streams; i++) {
		bool known = false;

		for (size_t k = 0; k < o->n_streams; k++)
			known |=
			    strcmp(o->streams[k].name, s.streams[i].name) == 0;
		if (known)
			continue;
		if (o->n_streams == OPTIONS_STREAMS_MAX) {
			log_warnx("stream %s: too many", s.streams[i].name);
			continue;
		}
		noise_stream_parts(&o->streams[o->n_streams++],
				   s.streams[i].name, s.streams[i].path,
				   s.streams[i].mbits);
	}
	return 0;
}

static void
make_plan(struct plan *plan, const struct options *o)
{
	plan->n = 0;
	noise_hwrng(&plan->sources[plan->n++],
		    o->hwrng != NULL ? o->hwrng : OPTIONS_HWRNG);
	noise_jitter(&plan->sources[plan->n++]);
	noise_cpu(&plan->sources[plan->n++]);
	for (size_t i = 0; i < o->n_streams; i++)
		plan->sources[plan->n++] = o->streams[i];
	snprintf(plan->seed_dir, sizeof(plan->seed_dir), "%s/entropyd",
		 o->state_dir);
	noise_seed(&plan->sources[plan->n++], plan->seed_dir);
}

/* The seed's directory, owned by the user that will write there; -1 without
 * one: entropyd works without.  Root's group may look into it, for a root
 * without CAP_DAC_OVERRIDE is no more than that. */
static int
open_seed_dir(const struct options *o, const char *path)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
	const struct passwd *pw;
	struct stat st;
	int fd;

	if ((mkdir(o->state_dir, 0755) != 0 && errno != EEXIST) ||
	    (mkdir(path, 0750) != 0 && errno != EEXIST)) {
		log_warn("%s: no seed is kept", path);
		return -1;
	}
	fd = open(path, flags);
	/* A umask has kept the group out when it was made: taken back. */
	if (fd < 0 && errno == EACCES &&
	    fchownat(AT_FDCWD, path, geteuid(), 0, AT_SYMLINK_NOFOLLOW) == 0)
		fd = open(path, flags);
	if (fd < 0) {
		log_warn("%s: no seed is kept", path);
		return -1;
	}
	if (geteuid() == 0) {
		if (fstat(fd, &st) == 0 && st.st_uid == 0 &&
		    fchmod(fd, 0750) != 0)
			log_warn("%s", path);
		pw = getpwnam(JAIL_USER);
		if (pw == NULL)
			pw = getpwnam("nobody");
		if (pw != NULL && fchown(fd, pw->pw_uid, 0) != 0)
			log_warn("%s", path);
	}
	return fd;
}

static void
listen_all(const struct options *o, int listeners[OUTLET_KINDS])
{
	static const char *const names[OUTLET_KINDS] = {
		ENTROPY_SOCKET, ENTROPY_EGD_SOCKET, ENTROPY_STATUS_SOCKET
	};

	if (mkdir(o->run_dir, 0755) != 0 && errno != EEXIST)
		log_fatal("%s", o->run_dir);
	for (int i = 0; i < OUTLET_KINDS; i++) {
		listeners[i] = outlet_listen(o->run_dir, names[i]);
		if (listeners[i] < 0)
			log_fatalx("%s/%s: %s", o->run_dir, names[i],
				   listeners[i] == -EADDRINUSE
				       ? "another entropyd answers there"
				       : strerror(-listeners[i]));
	}
}

static int
run_daemon(const struct options *o)
{
	static struct plan plan;
	struct poolproc_plan pool = { .listeners = { -1, -1, -1 } };
	struct keeper_plan keeper = { .kernel_fd = -1 };
	pid_t parent = getpid(), child;
	int pair[2];

	make_plan(&plan, o);
	pool.sources = keeper.sources = plan.sources;
	pool.n_sources = keeper.n_sources = plan.n;
	pool.credits = keeper.credits =
	    !o->no_kernel && o->mode != OPTIONS_STDOUT;
	pool.serves = o->mode == OPTIONS_DAEMON;
	pool.once = o->mode == OPTIONS_ONCE;
	pool.stdout_octets = o->stdout_octets;
	pool.seed_fd =
	    o->mode == OPTIONS_STDOUT ? -1 : open_seed_dir(o, plan.seed_dir);
	if (pool.serves)
		listen_all(o, pool.listeners);
	if (keeper.credits) {
		keeper.kernel_fd = open("/dev/random", O_WRONLY | O_CLOEXEC);
		if (keeper.kernel_fd < 0)
			log_warn("/dev/random");
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		log_fatal("socketpair");
	child = fork();
	if (child < 0)
		log_fatal("fork");
	if (child == 0) {
		close(pair[0]);
		if (keeper.kernel_fd >= 0)
			close(keeper.kernel_fd);
		pool.keeper_fd = pair[1];
		pool.keeper_pid = parent;
		exit(poolproc_run(&pool));
	}
	close(pair[1]);
	for (int i = 0; i < OUTLET_KINDS; i++)
		if (pool.listeners[i] >= 0)
			close(pool.listeners[i]);
	if (pool.seed_fd >= 0)
		close(pool.seed_fd);
	return keeper_run(&keeper, pair[0], child);
}

static int
run_raw(const struct options *o)
{
	static struct plan plan;

	make_plan(&plan, o);
	for (size_t i = 0; i < plan.n; i++)
		if (strcmp(plan.sources[i].name, o->raw_source) == 0 &&
		    plan.sources[i].kind->save == NULL)
			return rawout_run(&plan.sources[i], o->raw_samples);
	fprintf(stderr, "entropyd: no source %s (try --help)\n", o->raw_source);
	return 2;
}

static int
show_status(const struct options *o)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = STATUS_SECS };
	char text[ENTROPY_STATUS_MAX];
	ssize_t n = -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", o->run_dir,
		     ENTROPY_STATUS_SOCKET) >= (int)sizeof(at.sun_path)) {
		fprintf(stderr, "entropyd: %s: name too long\n", o->run_dir);
		return 2;
	}
	/* A daemon that stands still accepts nobody and says nothing. */
	if (fd >= 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		       sizeof(patience)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) == 0 &&
	    connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		while ((n = read(fd, text, sizeof(text))) > 0)
			fwrite(text, 1, (size_t)n, stdout);
	if (n < 0) {
		fprintf(stderr, "entropyd: %s: %s\n", at.sun_path,
			errno == EAGAIN ? "it does not answer"
					: strerror(errno));
		return 3;
	}
	close(fd);
	return fflush(stdout) != 0;
}

int
main(int argc, char **argv)
{
	struct options o;

	proc_title_init(argc, argv);
	log_init("entropyd", false);
	if (options_parse(&o, argc, argv) != 0)
		return 2;
	switch (o.mode) {
	case OPTIONS_HELP:
		fputs(options_help, stdout);
		return 0;
	case OPTIONS_VERSION:
		puts("entropyd " NFIPSEC_VERSION);
		return 0;
	case OPTIONS_SHOW_STATUS:
		return show_status(&o);
	case OPTIONS_RAW:
	case OPTIONS_DAEMON:
	case OPTIONS_ONCE:
	case OPTIONS_STDOUT:
		break;
	}
	if (apply_configuration(&o) != 0)
		return 1;
	return o.mode == OPTIONS_RAW ? run_raw(&o) : run_daemon(&o);
}
