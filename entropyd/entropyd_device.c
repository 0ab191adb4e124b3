/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entropyd-device: a character device that reads from entropyd's pool, for
 * programs that can open a file and nothing else.  Through CUSE: the kernel
 * makes /dev/NAME and asks this process for each open, read and poll.
 *
 * One thread, which never waits for a reader, and for the pool a moment after
 * it has connected (readq_look): reads that have to wait stand in a queue
 * (readq), polls are kept with their open file until there is something to
 * say.  A signal to a reader ends his wait.
 */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fuse3/cuse_lowlevel.h>
#include <fuse3/fuse_opt.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/privs.h"
#include "entropyd/jail.h"
#include "entropyd/readq.h"

/* An open file, and who polls it: the kernel gives a new handle with every
 * poll, the last one counts. */
struct file {
	struct file *next, **at;
	struct fuse_pollhandle *poller;
};

static const char *run_dir = ENTROPY_RUN_DIR;
static const char *device = "entropy";
static struct readq *queue;
static struct file *files;
static volatile sig_atomic_t stop_wanted;

static void
note_stop(int sig)
{
	(void)sig;
	stop_wanted = 1;
}

/* ---- files --------------------------------------------------------------- */

static struct file *
file_of(const struct fuse_file_info *fi)
{
	return (struct file *)(uintptr_t)fi->fh;
}

static void
file_free(struct file *f)
{
	if (f->poller != NULL)
		fuse_pollhandle_destroy(f->poller);
	*f->at = f->next;
	if (f->next != NULL)
		f->next->at = f->at;
	free(f);
}

static void
device_open(fuse_req_t req, struct fuse_file_info *fi)
{
	struct file *f;

	if ((fi->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EACCES);
		return;
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	f->next = files;
	f->at = &files;
	if (files != NULL)
		files->at = &f->next;
	files = f;
	fi->fh = (uintptr_t)f;
	if (fuse_reply_open(req, fi) == -ENOENT)
		file_free(f); /* interrupted: no release will come */
}

static void
device_release(fuse_req_t req, struct fuse_file_info *fi)
{
	file_free(file_of(fi));
	fuse_reply_err(req, 0);
}

/* ---- reads --------------------------------------------------------------- */

static void
read_done(struct readq_read *rd, int err, const uint8_t *octets, size_t n)
{
	fuse_req_t req = rd->arg;

	free(rd);
	if (err == 0)
		fuse_reply_buf(req, (const char *)octets, n);
	else
		fuse_reply_err(req, err);
}

static void
read_interrupted(fuse_req_t req, void *arg)
{
	(void)req;
	readq_cancel(queue, arg);
}

static void
device_read(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct readq_read *rd;

	(void)off;
	if (size == 0) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	if (fuse_req_interrupted(req)) {
		fuse_reply_err(req, EINTR);
		return;
	}
	rd = calloc(1, sizeof(*rd));
	if (rd == NULL) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	rd->done = read_done;
	rd->arg = req;
	rd->uid = fuse_req_ctx(req)->uid;
	rd->size = size < READQ_OCTETS_MAX ? size : READQ_OCTETS_MAX;
	rd->nowait = (fi->flags & O_NONBLOCK) != 0;
	/* An interrupt comes as a request of its own, so not before it is in
	 * the queue. */
	fuse_req_interrupt_func(req, read_interrupted, rd);
	readq_add(queue, rd, clock_now_ms());
}

/* ---- polls --------------------------------------------------------------- */

static void
device_poll(fuse_req_t req, struct fuse_file_info *fi,
	    struct fuse_pollhandle *ph)
{
	struct file *f = file_of(fi);
	uint64_t now = clock_now_ms();
	bool ready;

	if (!readq_ready(queue, now))
		readq_look(queue, now);
	ready = readq_ready(queue, clock_now_ms());
	if (ph != NULL) {
		if (f->poller != NULL)
			fuse_pollhandle_destroy(f->poller);
		f->poller = ph;
	}
	fuse_reply_poll(req, ready ? POLLIN | POLLRDNORM : 0);
}

/* Tells those who poll, once, when there is something to read. */
static void
wake_pollers(uint64_t now)
{
	bool ready = readq_ready(queue, now), waits = false;

	for (struct file *f = files; f != NULL; f = f->next) {
		if (f->poller == NULL)
			continue;
		waits |= !ready;
		if (ready) {
			(void)fuse_lowlevel_notify_poll(f->poller);
			fuse_pollhandle_destroy(f->poller);
			f->poller = NULL;
		}
	}
	readq_watch(queue, waits);
}

/* ---- the process --------------------------------------------------------- */

/* What is left to it: requests from the kernel, one socket. */
static int
confine(int kernel)
{
	const struct privs_call calls[] = {
		{ .nr = SYS_ppoll },
		{ .nr = SYS_poll },
		{ .nr = SYS_read,
		  .test = true,
		  .arg = 0,
		  .value = (unsigned)kernel },
		{ .nr = SYS_writev,
		  .test = true,
		  .arg = 0,
		  .value = (unsigned)kernel },
		{ .nr = SYS_write,
		  .test = true,
		  .arg = 0,
		  .value = STDERR_FILENO },
		{ .nr = SYS_socket, .test = true, .arg = 0, .value = AF_UNIX },
		{ .nr = SYS_connect },
		{ .nr = SYS_sendto },
		{ .nr = SYS_recvfrom },
		{ .nr = SYS_close },
		{ .nr = SYS_clock_gettime },
		{ .nr = SYS_brk },
		{ .nr = SYS_mmap },
		{ .nr = SYS_munmap },
		{ .nr = SYS_mlock },
		{ .nr = SYS_madvise },
		{ .nr = SYS_futex },
		{ .nr = SYS_rt_sigaction },
		{ .nr = SYS_rt_sigprocmask },
		{ .nr = SYS_rt_sigreturn },
		{ .nr = SYS_restart_syscall },
		{ .nr = SYS_exit_group },
	};

	return privs_confine(calls, sizeof(calls) / sizeof(calls[0]));
}

static void
device_init_done(void *arg)
{
	int *kernel = arg;
	char path[64];
	int err;

	/* devtmpfs gives it to root alone; all it does is be read. */
	snprintf(path, sizeof(path), "/dev/%s", device);
	for (int i = 0; i < 50 && chmod(path, 0444) != 0; i++)
		poll(NULL, 0, 20); /* the node comes a moment later */
	notify_send("READY=1");
	err = privs_become(JAIL_USER);
	if (err == 0)
		err = confine(*kernel);
	if (err != 0)
		log_fatalx("cannot give up privileges: %s", strerror(-err));
	log_info("%s is there", path);
}

static const struct cuse_lowlevel_ops ops = {
	.init_done = device_init_done,
	.open = device_open,
	.release = device_release,
	.read = device_read,
	.poll = device_poll,
};

static int
wait_ms(uint64_t now)
{
	uint64_t wake = readq_wake_ms(queue);

	if (wake == UINT64_MAX)
		return -1;
	return wake <= now            ? 0
	       : wake - now > INT_MAX ? INT_MAX
				      : (int)(wake - now);
}

/* One request of the kernel's.  False: the device is gone. */
static bool
serve_kernel(struct fuse_session *se, struct fuse_buf *buf)
{
	int got = fuse_session_receive_buf(se, buf);

	if (got > 0)
		fuse_session_process_buf(se, buf);
	return got > 0 || got == -EINTR || got == -EAGAIN;
}

static void
run(struct fuse_session *se, const sigset_t *mask)
{
	struct fuse_buf buf = { .mem = NULL };
	bool there = true;

	while (there && !stop_wanted && !fuse_session_exited(se)) {
		struct pollfd fds[2] = {
			{ .fd = fuse_session_fd(se), .events = POLLIN },
			readq_poll(queue),
		};
		int ms = wait_ms(clock_now_ms());
		const struct timespec t = { .tv_sec = ms / 1000,
					    .tv_nsec =
						(long)(ms % 1000) * 1000000 };

		if (ppoll(fds, 2, ms < 0 ? NULL : &t, mask) < 0)
			continue; /* a signal */
		if (fds[0].revents != 0)
			there = serve_kernel(se, &buf);
		readq_serve(queue, clock_now_ms());
		wake_pollers(clock_now_ms());
	}
	free(buf.mem);
}

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
	const struct sigaction act = { .sa_handler = note_stop };
	struct fuse_session *se;
	sigset_t stops, mask;
	int status, threads, kernel;

	log_init("entropyd-device", false);
	status = parse_options(argc, argv);
	if (status >= 0)
		return status;
	queue = readq_new(run_dir);
	if (queue == NULL)
		log_fatal("%s", run_dir);
	snprintf(name, sizeof(name), "DEVNAME=%s", device);
	if (access("/dev/cuse", R_OK | W_OK) != 0)
		log_fatal("/dev/cuse (root, and the module cuse)");
	se = cuse_lowlevel_setup(2, cuse_argv, &ci, &ops, &threads, &kernel);
	if (se == NULL)
		return 1; /* it has said why */
	kernel = fuse_session_fd(se);
	(void)fcntl(kernel, F_SETFL, O_NONBLOCK);
	/* They come in ppoll alone, so that none is missed before it. */
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGHUP);
	sigprocmask(SIG_BLOCK, &stops, &mask);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	run(se, &mask);
	readq_free(queue);
	while (files != NULL)
		file_free(files);
	cuse_lowlevel_teardown(se);
	return !stop_wanted;
}
