/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entropyd-device: a character device that reads from entropyd's pool, for
 * programs that can open a file and nothing else.  Through CUSE: the kernel
 * makes /dev/NAME and asks this process for each read and poll.
 *
 * Each read has a connection of its own to the pool.  It waits as
 * long as the pool does, in steps, so that a signal to the reader ends it; a
 * read that may not wait gives EAGAIN.  Threads share nothing but the list of
 * those who poll.
 */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fuse3/cuse_lowlevel.h>
#include <fuse3/fuse_opt.h>

#include "base/entropy.h"
#include "base/log.h"
#include "base/privs.h"
#include "base/secret.h"
#include "entropyd/jail.h"
#include "entropyd/poolclient.h"

#define READ_MAX  (128u * 1024) /* octets of one read */
#define STEP_MS   100           /* between looks at a reader's signals */
#define NOWAIT_MS 20            /* an answer of a ready pool takes less */
#define POLL_MS   250           /* between looks at a pool not ready */
#define WAITERS   64

static const char *run_dir = ENTROPY_RUN_DIR;
static const char *device = "entropy";

/* Those who poll for a pool that is not ready. */
static pthread_mutex_t waiters_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fuse_pollhandle *waiters[WAITERS];
static atomic_bool over;

static void
device_open(fuse_req_t req, struct fuse_file_info *fi)
{
	if ((fi->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EACCES);
		return;
	}
	fuse_reply_open(req, fi);
}

/* n octets into out; 0 or an errno. */
static int
draw(fuse_req_t req, int fd, uint8_t *out, size_t n, bool nowait)
{
	size_t have = 0;

	if (poolclient_ask(fd, n) != 0)
		return EPIPE;
	while (have < n) {
		int got = poolclient_wait(fd, out + have, n - have,
					  nowait ? NOWAIT_MS : STEP_MS);

		if (got < 0)
			return EPIPE;
		if (got == 0 && nowait)
			return EAGAIN;
		if (got == 0 && fuse_req_interrupted(req))
			return EINTR;
		have += (size_t)got;
	}
	return 0;
}

/* Parts of at most a request's length, on a connection of this read's own:
 * several threads may read one open file. */
static int
draw_all(fuse_req_t req, uint8_t *out, size_t n, bool nowait, size_t *have)
{
	int fd = poolclient_connect(run_dir, ENTROPY_SOCKET), err = 0;

	if (fd < 0)
		return nowait ? EAGAIN : EIO;
	*have = 0;
	while (*have < n && err == 0) {
		size_t part = n - *have < ENTROPY_REQUEST_MAX
				  ? n - *have
				  : ENTROPY_REQUEST_MAX;

		err = draw(req, fd, out + *have, part, nowait);
		if (err == 0)
			*have += part;
	}
	close(fd);
	/* What came is the reader's; the error comes with the next read. */
	return *have != 0 ? 0 : err == EPIPE ? EIO : err;
}

static void
device_read(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi)
{
	size_t n = size < READ_MAX ? size : READ_MAX, have = 0;
	uint8_t *out;
	int err;

	(void)off;
	if (n == 0) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	out = malloc(n);
	if (out == NULL) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	err = draw_all(req, out, n, (fi->flags & O_NONBLOCK) != 0, &have);
	if (err == 0)
		fuse_reply_buf(req, (char *)out, have);
	else
		fuse_reply_err(req, err);
	secret_wipe(out, n);
	free(out);
}

static void
device_poll(fuse_req_t req, struct fuse_file_info *fi,
	    struct fuse_pollhandle *ph)
{
	bool ready = poolclient_ready(run_dir);

	(void)fi;
	if (ph != NULL) {
		bool kept = false;

		pthread_mutex_lock(&waiters_lock);
		for (int i = 0; i < WAITERS && !ready && !kept; i++) {
			if (waiters[i] == NULL) {
				waiters[i] = ph;
				kept = true;
			}
		}
		pthread_mutex_unlock(&waiters_lock);
		if (!kept)
			fuse_pollhandle_destroy(ph);
	}
	fuse_reply_poll(req, ready ? POLLIN | POLLRDNORM : 0);
}

/* Tells those who wait when the pool has become ready. */
static void *
watch(void *arg)
{
	(void)arg;
	while (!over) {
		struct fuse_pollhandle *woken[WAITERS];
		int n = 0, waiting = 0;

		poll(NULL, 0, POLL_MS);
		pthread_mutex_lock(&waiters_lock);
		for (int i = 0; i < WAITERS; i++)
			waiting += waiters[i] != NULL;
		pthread_mutex_unlock(&waiters_lock);
		if (waiting == 0 || !poolclient_ready(run_dir))
			continue;
		pthread_mutex_lock(&waiters_lock);
		for (int i = 0; i < WAITERS; i++) {
			if (waiters[i] != NULL)
				woken[n++] = waiters[i];
			waiters[i] = NULL;
		}
		pthread_mutex_unlock(&waiters_lock);
		for (int i = 0; i < n; i++) {
			(void)fuse_lowlevel_notify_poll(woken[i]);
			fuse_pollhandle_destroy(woken[i]);
		}
	}
	return NULL;
}

static void
device_init_done(void *arg)
{
	pthread_t *watcher = arg;
	char path[64];
	int err;

	/* devtmpfs gives it to root alone; all it does is be read. */
	snprintf(path, sizeof(path), "/dev/%s", device);
	for (int i = 0; i < 50 && chmod(path, 0444) != 0; i++)
		poll(NULL, 0, 20); /* the node comes a moment later */
	err = privs_become(JAIL_USER);
	if (err != 0)
		log_fatalx("cannot become another user: %s", strerror(-err));
	if (pthread_create(watcher, NULL, watch, NULL) != 0)
		log_fatalx("no thread");
	log_info("%s is there", path);
}

static const struct cuse_lowlevel_ops ops = {
	.init_done = device_init_done,
	.open = device_open,
	.read = device_read,
	.poll = device_poll,
};

static const char help[] =
    "Usage: entropyd-device [OPTION]...\n"
    "A character device that reads from entropyd's pool.\n"
    "\n"
    "  --run-dir DIR   entropyd's sockets (default " ENTROPY_RUN_DIR ")\n"
    "  --name NAME     the device is /dev/NAME (default entropy)\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 usage.\n";

static bool
name_is_good(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n < 32 && name[n] == '\0';
}

static const struct option long_options[] = {
	{ "run-dir", required_argument, NULL, 'r' },
	{ "name", required_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* The exit status, or -1: go on. */
static int
parse_options(int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "+hV", long_options, NULL)) !=
	       -1) {
		switch (opt) {
		case 'r':
			run_dir = optarg;
			break;
		case 'n':
			device = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'V':
			puts("entropyd-device " NFIPSEC_VERSION);
			return 0;
		default:
			return 2;
		}
	}
	if (optind != argc || !name_is_good(device)) {
		fprintf(stderr, "entropyd-device: %s (try --help)\n",
			optind != argc ? "a word too many" : "not a good name");
		return 2;
	}
	return -1;
}

int
main(int argc, char **argv)
{
	char name[48], program[] = "entropyd-device", foreground[] = "-f";
	const char *info[] = { name };
	const struct cuse_info ci = { .dev_info_argc = 1,
				      .dev_info_argv = info };
	char *cuse_argv[] = { program, foreground, NULL };
	pthread_t watcher;
	int status;

	log_init("entropyd-device", false);
	status = parse_options(argc, argv);
	if (status >= 0)
		return status;
	snprintf(name, sizeof(name), "DEVNAME=%s", device);
	if (access("/dev/cuse", R_OK | W_OK) != 0)
		log_fatal("/dev/cuse (root, and the module cuse)");
	status = cuse_lowlevel_main(2, cuse_argv, &ci, &ops, &watcher);
	over = true;
	return status != 0;
}
