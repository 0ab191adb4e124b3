/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/keyview.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/privs.h"
#include "engine/client/proto.h"
#include "keyneg/keychild.h"
#include "keyneg/keyload.h"
#include "keyneg/keymsg.h"
#include "keyneg/keyparent.h"
#include "keyneg/kink/kinkmsg.h"
#include "keyneg/udp.h"
#include "keyneg/viewout.h"
#include "policy/check.h"
#include "policy/parse.h"

enum {
	TICK_MS = 500,
	ABSENCE_MS = 4 * TICK_MS, /* of this process itself */
	KEYTAB_TICKS = 10,
	RESTART_MS = 1000,
	TELL_MS = 5000
};
enum {
	PATIENCE_MS = 10000, /* with who says every second that it lives */
	KRB_START_MS = 50000,
	STOP_MS = 2000, /* until SIGTERM has ended one */
	KILL_MS = 1000, /* and SIGKILL: it may hang in the kernel */
};

static struct keyparent {
	const struct keyparent_options *options;
	struct keyconf conf;
	uid_t uid;
	pid_t net, krb;
	int channel;                   /* to net */
	int krb_alive;                 /* from krb; -1: none */
	int view;                      /* where its view is read; -1: not yet */
	struct entropy_supply entropy; /* of net */
	bool engine_wanted, stopping, told_engine, told_view;
	struct timespec keytab_time;
	uint64_t heard_ms, heard_krb_ms; /* from net, from krb */
	uint64_t looked_ms;              /* whether it was */
	struct notify_pace pace;
	bool ready; /* as the service manager knows */
	unsigned ticks;
} parent;

/* ---- configuration ------------------------------------------------------ */

static int
load(const char *path, struct keyconf *out)
{
	struct diag *d = diag_new();
	struct policy *p = d == NULL ? NULL : parse_file(path, d);
	int ret = -EINVAL;

	if (p == NULL || check_policy(p, d) != 0)
		diag_print(d, stderr);
	else
		ret = keyload_from_policy(p, out);
	policy_free(p);
	diag_free(d);
	return ret;
}

int
keyparent_check(const char *conf)
{
	struct keyconf c;
	int ret = load(conf, &c);

	if (ret != 0)
		return 1;
	printf("%zu associations, %zu principals\n", c.assocs, c.maps);
	keyconf_fini(&c);
	return 0;
}

/* A large configuration does not fit the socket at once: it is waited for, a
 * bounded time. */
static void
tell(const struct keymsg *m, int fd)
{
	struct pollfd p = { .fd = parent.channel, .events = POLLOUT };
	int ret;

	while ((ret = keymsg_send(parent.channel, m, fd)) == -EAGAIN)
		if (poll(&p, 1, TELL_MS) == 0)
			break;
	if (ret != 0) {
		errno = -ret;
		log_warn("the network process does not listen");
	}
}

static void
send_conf(void)
{
	struct keymsg m = { .type = KEYMSG_CONF_BEGIN };

	tell(&m, -1);
	m.type = KEYMSG_CONF_ASSOC;
	for (size_t i = 0; i < parent.conf.assocs; i++) {
		m.assoc = parent.conf.assoc[i];
		tell(&m, -1);
	}
	m.type = KEYMSG_CONF_MAP;
	for (size_t i = 0; i < parent.conf.maps; i++) {
		m.map = parent.conf.map[i];
		tell(&m, -1);
	}
	m.type = KEYMSG_CONF_END;
	tell(&m, -1);
}

static void
reload(void)
{
	struct keyconf fresh;

	if (load(parent.options->conf, &fresh) != 0) {
		log_warnx("the old configuration stays in force");
		return;
	}
	keyconf_fini(&parent.conf);
	parent.conf = fresh;
	send_conf();
}

/* ---- children ----------------------------------------------------------- */

static void
pair(int fd[2])
{
	int room = 1 << 20;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
		log_fatal("socketpair");
	for (int i = 0; i < 2; i++)
		(void)setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &room,
				 sizeof(room));
}

static void
note_keytab_time(struct timespec *out)
{
	const char *path = parent.options->keytab;
	struct stat st;

	if (path == NULL)
		path = getenv("KRB5_KTNAME");
	if (path == NULL)
		path = "/etc/krb5.keytab";
	if (strncmp(path, "FILE:", 5) == 0)
		path += 5;
	*out = (struct timespec){ 0 };
	if (stat(path, &st) == 0)
		*out = st.st_mtim;
}

static void
start_krb(void)
{
	struct keymsg m = { .type = KEYMSG_KRB };
	char rcache[4096];
	int fd[2], alive[2];

	pair(fd);
	if (pipe2(alive, O_CLOEXEC | O_NONBLOCK) != 0)
		log_fatal("pipe");
	if (parent.krb_alive >= 0)
		close(parent.krb_alive);
	parent.krb_alive = alive[0];
	/* Its first word comes when it has read its files. */
	parent.heard_krb_ms = clock_now_ms() + KRB_START_MS;
	note_keytab_time(&parent.keytab_time);
	snprintf(rcache, sizeof(rcache), "%s/replay",
		 parent.options->state_dir);
	parent.krb = keychild_start(
	    "krb", fd[1], alive[1],
	    (const char *const[]){
		rcache,
		parent.options->keytab == NULL ? "" : parent.options->keytab,
		NULL });
	close(fd[1]);
	close(alive[1]);
	tell(&m, fd[0]);
	close(fd[0]);
}

static void
send_udp(int family, uint32_t number)
{
	struct keymsg m = { .type = KEYMSG_UDP, .number = number };
	int fd = udp_open(family, KINKMSG_PORT, parent.uid);

	if (fd < 0 && family == AF_INET6) {
		log_warnx("no IPv6 socket: %s", strerror(-fd));
		return;
	}
	if (fd < 0)
		log_fatalx("UDP port %d: %s", KINKMSG_PORT, strerror(-fd));
	tell(&m, fd);
	close(fd);
}

/* Before the first configuration: what is drawn then has it already. */
static void
send_entropy(void)
{
	struct keymsg m = { .type = KEYMSG_ENTROPY };
	int fd = entropy_supply_open(&parent.entropy, parent.options->run_dir);

	if (fd < 0)
		log_fatalx("no socket for entropy: %s", strerror(-fd));
	tell(&m, fd);
	close(fd);
}

/* The run-dir may come with nfipsecd: tried again, like the engine. */
static void
try_view(void)
{
	struct keymsg m = { .type = KEYMSG_VIEW };

	parent.view = viewout_listen(parent.options->run_dir);
	if (parent.view >= 0) {
		tell(&m, parent.view);
	} else if (parent.view == -EADDRINUSE) {
		log_fatalx("%s: another keynegd serves this run-dir",
			   parent.options->run_dir);
	} else if (!parent.told_view) {
		parent.told_view = true;
		log_warnx("%s/%s: %s", parent.options->run_dir, KEYVIEW_SOCKET,
			  strerror(-parent.view));
	}
}

static void
start_net(void)
{
	struct keymsg view = { .type = KEYMSG_VIEW };
	int fd[2];

	pair(fd);
	parent.channel = fd[0];
	if (fcntl(fd[0], F_SETFL, O_NONBLOCK) != 0)
		log_fatal("fcntl");
	parent.net =
	    keychild_start("net", fd[1], -1, (const char *const[]){ NULL });
	close(fd[1]);
	parent.heard_ms = clock_now_ms();
	send_entropy();
	send_conf();
	send_udp(AF_INET, 4);
	send_udp(AF_INET6, 6);
	start_krb();
	if (parent.view >= 0)
		tell(&view, parent.view);
	parent.engine_wanted = true;
}

/* Has it ended by then? */
static bool
ends_by(pid_t pid, uint64_t due_ms)
{
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (clock_now_ms() >= due_ms)
			return false;
		poll(NULL, 0, 5);
	}
	return true;
}

/* SIGTERM, and SIGKILL for who has not heard it by then: a bounded time. */
static void
stop_child(pid_t *pid, uint64_t due_ms)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	if (!ends_by(*pid, due_ms)) {
		log_warnx("process %d does not end: it is killed", (int)*pid);
		kill(*pid, SIGKILL);
		if (!ends_by(*pid, clock_now_ms() + KILL_MS))
			log_warnx("process %d hangs in the kernel", (int)*pid);
	}
	*pid = 0;
}

static void
stop_children(void)
{
	uint64_t due = clock_now_ms() + STOP_MS;

	if (parent.krb > 0)
		kill(parent.krb, SIGTERM);
	stop_child(&parent.net, due);
	stop_child(&parent.krb, due);
}

static void
reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		const char *what = pid == parent.net ? "network" : "Kerberos";

		if (pid != parent.net && pid != parent.krb)
			continue;
		if (WIFSIGNALED(status))
			log_warnx("the %s process was ended by signal %d", what,
				  WTERMSIG(status));
		else
			log_warnx("the %s process has ended with %d", what,
				  WEXITSTATUS(status));
		/* Not at once: what fails at its start would fail again. */
		poll(NULL, 0, RESTART_MS);
		if (pid == parent.krb) {
			parent.krb = 0;
			start_krb();
			continue;
		}
		parent.net = 0;
		close(parent.channel);
		entropy_supply_close(&parent.entropy);
		stop_child(&parent.krb, clock_now_ms() + STOP_MS);
		start_net();
	}
}

/* ---- the engine --------------------------------------------------------- */

/* Connected here, for rights go by who connects; never read here. */
static void
try_engine(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct keymsg m = { .type = KEYMSG_ENGINE };
	int fd;

	if (snprintf(to.sun_path, sizeof(to.sun_path), "%s/%s",
		     parent.options->run_dir,
		     PROTO_SOCKET) >= (int)sizeof(to.sun_path))
		log_fatalx("run-dir is too long a path");
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		log_fatal("socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0) {
		parent.engine_wanted = parent.told_engine = false;
		tell(&m, fd);
	} else if (!parent.told_engine) {
		parent.told_engine = true;
		log_warn("%s: waiting for nfipsecd", to.sun_path);
	}
	close(fd);
}

/* The engine may come later: who waits for us would wait for it. */
static void
on_alive(void)
{
	parent.heard_ms = clock_now_ms();
	if (parent.ready)
		return;
	parent.ready = true;
	notify_send("READY=1\nSTATUS=%zu associations", parent.conf.assocs);
}

static void
on_channel(void)
{
	struct keymsg m;
	int fd;

	while (keymsg_receive(parent.channel, &m, &fd) == 1) {
		if (fd >= 0)
			close(fd);
		if (m.type == KEYMSG_ENGINE_LOST)
			parent.engine_wanted = true;
		else if (m.type == KEYMSG_ALIVE)
			on_alive();
	}
}

/* ---- the process -------------------------------------------------------- */

static void
hear_krb(uint64_t now)
{
	char octets[64];

	while (read(parent.krb_alive, octets, sizeof(octets)) > 0)
		parent.heard_krb_ms = now;
}

/* One that hangs is ended; reap() starts another. */
static void
watch(pid_t pid, const char *what, uint64_t *heard_ms, uint64_t now)
{
	if (pid <= 0 || now < *heard_ms + PATIENCE_MS)
		return;
	log_warnx("the %s process hangs: it is ended", what);
	*heard_ms = now;
	kill(pid, SIGKILL);
}

static void
watch_children(uint64_t now)
{
	/* What they have said while we were late. */
	on_channel();
	hear_krb(now);
	/* None ran, maybe: a suspended machine, a stopped service. */
	if (now - parent.looked_ms > ABSENCE_MS)
		parent.heard_ms = parent.heard_krb_ms = now;
	parent.looked_ms = now;
	watch(parent.net, "network", &parent.heard_ms, now);
	watch(parent.krb, "Kerberos", &parent.heard_krb_ms, now);
}

static void
on_tick(void)
{
	struct timespec now;

	watch_children(clock_now_ms());
	notify_alive(&parent.pace, clock_now_ms());
	if (parent.engine_wanted)
		try_engine();
	entropy_supply_tick(&parent.entropy, clock_now_ms());
	if (parent.view < 0)
		try_view();
	if (++parent.ticks % KEYTAB_TICKS != 0)
		return;
	note_keytab_time(&now);
	if (now.tv_sec == parent.keytab_time.tv_sec &&
	    now.tv_nsec == parent.keytab_time.tv_nsec)
		return;
	log_info("the keytab has changed: it is read again");
	stop_child(&parent.krb, clock_now_ms() + STOP_MS);
	start_krb();
}

static void
on_signal(int fd)
{
	struct signalfd_siginfo s;

	while (read(fd, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGTERM || s.ssi_signo == SIGINT)
			parent.stopping = true;
		else if (s.ssi_signo == SIGHUP)
			reload();
		else if (s.ssi_signo == SIGCHLD)
			reap();
	}
}

static int
open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		log_fatal("sigprocmask");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		log_fatal("signalfd");
	return fd;
}

/* systemd gives the folder that it finds another's back to root, with what is
 * in it, at each start. */
static void
return_cache(const char *dir, const struct passwd *pw)
{
	char path[4096];
	struct stat st;
	int fd;

	if (snprintf(path, sizeof(path), "%s/replay", dir) >= (int)sizeof(path))
		return;
	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return; /* there is none yet */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	    fchownat(fd, "", pw->pw_uid, pw->pw_gid, AT_EMPTY_PATH) != 0)
		log_warn("%s", path);
	close(fd);
}

/* The replay cache is the Kerberos process's, which is nobody special. */
static void
make_state_dir(void)
{
	const char *dir = parent.options->state_dir;
	const struct passwd *pw = getpwnam(KEYCHILD_USER);

	if (pw == NULL)
		pw = getpwnam("nobody");
	parent.uid = pw == NULL || geteuid() != 0 ? geteuid() : pw->pw_uid;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		log_fatal("%s", dir);
	/* First what is in it: then the folder may be closed to us. */
	if (geteuid() == 0 && pw != NULL)
		return_cache(dir, pw);
	if (geteuid() == 0 && pw != NULL &&
	    chown(dir, pw->pw_uid, pw->pw_gid) != 0)
		log_fatal("%s", dir);
}

/* What starting and stopping the other two takes, and the port. */
static void
drop_rights(void)
{
	static const int caps[] = { CAP_SETUID,           CAP_SETGID,
				    CAP_SETPCAP,          CAP_CHOWN,
				    CAP_NET_BIND_SERVICE, CAP_KILL };
	int ret = privs_keep(caps, sizeof(caps) / sizeof(caps[0]));

	if (ret != 0) {
		errno = -ret;
		log_fatal("cannot give up privileges");
	}
}

int
keyparent_run(const struct keyparent_options *options)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	uint64_t tick;

	parent.options = options;
	if (load(options->conf, &parent.conf) != 0)
		return 1;
	make_state_dir();
	drop_rights();
	p[0].fd = open_signals();
	parent.view = parent.krb_alive = -1;
	start_net();
	try_view();
	try_engine();
	tick = clock_now_ms() + TICK_MS;
	while (!parent.stopping) {
		uint64_t now = clock_now_ms();

		p[1].fd = parent.channel;
		if (now >= tick) {
			on_tick();
			tick = now + TICK_MS;
			continue;
		}
		if (poll(p, 2, (int)(tick - now)) <= 0)
			continue;
		if (p[0].revents != 0)
			on_signal(p[0].fd);
		else if ((p[1].revents & POLLIN) != 0)
			on_channel();
	}
	notify_send("STOPPING=1");
	stop_children();
	viewout_remove(options->run_dir, parent.view);
	keyconf_fini(&parent.conf);
	return 0;
}
