/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <gcrypt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/privs.h"
#include "base/secret.h"
#include "keyneg/core/enginelink.h"
#include "keyneg/keymsg.h"
#include "keyneg/kink/kink.h"
#include "keyneg/kink/kinkmsg.h"
#include "keyneg/kink/kinkview.h"
#include "keyneg/netproc.h"
#include "keyneg/udp.h"
#include "keyneg/viewout.h"

enum {
	POLL_PARENT,
	POLL_KRB,
	POLL_UDP4,
	POLL_UDP6,
	POLL_ENGINE,
	POLL_VIEW,
	POLLS
};
enum { BATCH = 64, VIEW_PEERS = 16384, SETTLE_MS = 100, WATCH_MS = 1000 };
enum { SURVEY_MS = 5000, SURVEY_PAIR_MS = 5 };

static struct netproc {
	struct pollfd poll[POLLS];
	struct kink kink;
	struct keyconf conf, coming;
	struct enginelink engine;
	struct viewout view;
	uint64_t started_ms;
	bool configured;
	bool wants_engine; /* the parent does not know it yet */
} net;

/* ---- what the state machines want done ---------------------------------- */

static void
send_datagram(void *ctx, const struct exchange_path *path, const void *octets,
	      size_t n)
{
	int fd =
	    net.poll[path->peer.family == IP_FAMILY_4 ? POLL_UDP4 : POLL_UDP6]
		.fd;

	(void)ctx;
	/* What is lost is sent again. */
	if (fd >= 0)
		(void)udp_send(fd, path, octets, n);
}

static int
ask_krb(void *ctx, const struct krbreq *r)
{
	(void)ctx;
	if (send(net.poll[POLL_KRB].fd, r, krbreq_size(r),
		 MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

static const struct kink_ops kink_ops = { .send = send_datagram,
					  .krb = ask_krb };

/* ---- what the engine says ----------------------------------------------- */

static void
on_acquire(void *ctx, const char *association, const struct ipaddr *local,
	   const struct ipaddr *peer)
{
	static struct log_limit limit = { .burst = 5, .every_ms = 5000 };
	uint64_t now = clock_now_ms();
	int ret = kink_acquire(&net.kink, now, association, local, peer);

	(void)ctx;
	if (ret != 0 && ret != -EALREADY && ret != -EAGAIN && ret != -ENOENT &&
	    log_limit_take(&limit, now)) {
		errno = -ret;
		log_warn("%s: no negotiation", association);
	}
}

static struct sapair *
pair_of(enum sainstall_direction d, uint8_t protocol, const struct ipaddr *peer,
	uint32_t spi)
{
	return d == SAINSTALL_IN
		   ? sapair_by_spi_in(&net.kink.pairs, spi)
		   : sapair_by_spi_out(&net.kink.pairs, peer, protocol, spi);
}

static void
on_limit(void *ctx, enum sainstall_direction d, uint8_t protocol,
	 const struct ipaddr *peer, uint32_t spi, bool hard)
{
	struct sapair *p = pair_of(d, protocol, peer, spi);

	(void)ctx;
	if (p == NULL)
		return;
	if (hard)
		kink_hard_limit(&net.kink, clock_now_ms(), p->id);
	else
		kink_soft_limit(&net.kink, clock_now_ms(), p->id);
}

static void
on_added(void *ctx, uint32_t pair)
{
	(void)ctx;
	kink_sa_added(&net.kink, clock_now_ms(), pair);
}

static void
on_failed(void *ctx, uint32_t pair, int err)
{
	(void)ctx;
	kink_sa_failed(&net.kink, clock_now_ms(), pair, err);
}

/* What an earlier run has left in the engine is of another epoch: it goes,
 * and its peer is told so by a STATUS.  So does what was to be removed while
 * there was no connection. */
static bool
is_known(void *ctx, const struct proto_sa *sa)
{
	enum sainstall_direction d =
	    sa->direction == PROTO_IN ? SAINSTALL_IN : SAINSTALL_OUT;
	struct sapair *p =
	    pair_of(d, (uint8_t)sa->protocol, &sa->peer, sa->spi);

	(void)ctx;
	if (p != NULL && (d == SAINSTALL_IN ? p->in_there : p->out_there)) {
		kink_engine_has(&net.kink, p->id, d == SAINSTALL_OUT);
		return true;
	}
	if (p != NULL)
		return false;
	if (keyconf_by_name(&net.conf, sa->association) == NULL)
		return true;
	(void)kink_probe(&net.kink, clock_now_ms(), sa->association, &sa->local,
			 &sa->peer);
	return false;
}

static void
on_listed(void *ctx)
{
	(void)ctx;
	kink_engine_listed(&net.kink, clock_now_ms(),
			   (uint32_t)clock_wall_secs());
}

static void
on_seen(void *ctx, const struct proto_sa *sa)
{
	enum sainstall_direction d =
	    sa->direction == PROTO_IN ? SAINSTALL_IN : SAINSTALL_OUT;
	struct sapair *p =
	    pair_of(d, (uint8_t)sa->protocol, &sa->peer, sa->spi);

	(void)ctx;
	if (p != NULL)
		kink_seen(&net.kink, clock_now_ms(), p->id, d == SAINSTALL_OUT,
			  sa->packets);
}

static const struct enginelink_ops engine_ops = { .acquire = on_acquire,
						  .limit = on_limit,
						  .added = on_added,
						  .failed = on_failed,
						  .known = is_known,
						  .listed = on_listed,
						  .seen = on_seen };

/* ---- what comes in ------------------------------------------------------ */

static void
take_fd(int place, int fd)
{
	if (fd < 0)
		log_fatalx("the parent forgot a descriptor");
	if (net.poll[place].fd >= 0)
		close(net.poll[place].fd);
	net.poll[place].fd = fd;
}

static void
on_configuration(void)
{
	if (net.configured)
		kink_set_conf(&net.kink, clock_now_ms(), &net.coming);
	keyconf_fini(&net.conf);
	net.conf = net.coming;
	net.coming = (struct keyconf){ 0 };
	net.kink.conf = &net.conf;
	net.configured = true;
	log_info("%zu associations, %zu principals", net.conf.assocs,
		 net.conf.maps);
}

static void
use_entropy(int fd)
{
	int ret;

	if (fd < 0)
		log_fatalx("the parent forgot a descriptor");
	ret = entropy_use_supply(fd);
	if (ret != 0) {
		errno = -ret;
		log_warn("entropyd's pool is not used");
	}
	entropy_settle(SETTLE_MS);
}

static void
on_parent_message(const struct keymsg *m, int fd)
{
	int ret = 0;

	switch ((enum keymsg_type)m->type) {
	case KEYMSG_CONF_BEGIN:
		keyconf_fini(&net.coming);
		break;
	case KEYMSG_CONF_ASSOC:
		ret = keyconf_add_assoc(&net.coming, &m->assoc);
		break;
	case KEYMSG_CONF_MAP:
		ret = keyconf_add_map(&net.coming, &m->map);
		break;
	case KEYMSG_CONF_END:
		on_configuration();
		break;
	case KEYMSG_UDP:
		take_fd(m->number == 4 ? POLL_UDP4 : POLL_UDP6, fd);
		return;
	case KEYMSG_KRB:
		take_fd(POLL_KRB, fd);
		kink_krb_restarted(&net.kink, clock_now_ms());
		return;
	case KEYMSG_ENGINE:
		net.poll[POLL_ENGINE].fd = fd;
		enginelink_attach(&net.engine, fd);
		kink_engine_new(&net.kink);
		return;
	case KEYMSG_ENTROPY:
		use_entropy(fd);
		return;
	case KEYMSG_VIEW:
		viewout_set_listener(&net.view, fd);
		return;
	case KEYMSG_ENGINE_LOST:
	case KEYMSG_ALIVE:
		break;
	}
	if (fd >= 0)
		close(fd);
	if (ret != 0)
		log_fatalx("no memory for the configuration");
}

static void
on_parent(void)
{
	struct keymsg m;
	int fd, ret;

	while ((ret = keymsg_receive(net.poll[POLL_PARENT].fd, &m, &fd)) == 1)
		on_parent_message(&m, fd);
	if (ret == -EAGAIN || ret == -EINTR)
		return;
	if (ret != 0)
		log_fatalx("the parent does not make sense");
	exit(0);
}

static void
on_krb(void)
{
	static struct krbans a;

	for (int i = 0; i < BATCH; i++) {
		ssize_t n =
		    recv(net.poll[POLL_KRB].fd, &a, sizeof(a), MSG_DONTWAIT);

		if (n < 0)
			return;
		if (n == 0) {
			/* The parent sends the pair of its successor. */
			close(net.poll[POLL_KRB].fd);
			net.poll[POLL_KRB].fd = -1;
			return;
		}
		if (krbans_check(&a, (size_t)n))
			kink_krb_answer(&net.kink, clock_now_ms(), &a);
		secret_wipe(a.key, sizeof(a.key));
	}
}

static void
on_udp(int fd)
{
	static uint8_t octets[65536];

	for (int i = 0; i < BATCH; i++) {
		struct exchange_path path;
		ssize_t n = udp_receive(fd, &path, octets, sizeof(octets));

		if (n < 0)
			return;
		if (net.configured)
			kink_receive(&net.kink, clock_now_ms(), &path, octets,
				     (size_t)n);
	}
}

static void
on_engine(void)
{
	if (enginelink_read(&net.engine))
		return;
	net.poll[POLL_ENGINE].fd = -1;
	log_warnx("the engine is gone");
	net.wants_engine = true;
}

/* Until the parent, which looks for another, has it. */
static void
tell_engine_lost(void)
{
	struct keymsg m = { .type = KEYMSG_ENGINE_LOST };

	if (net.wants_engine)
		net.wants_engine =
		    keymsg_send(net.poll[POLL_PARENT].fd, &m, -1) != 0;
}

/* ---- who looks at it ---------------------------------------------------- */

static void
print_view(void *ctx, FILE *out)
{
	uint64_t now = clock_now_ms();
	bool complete;

	(void)ctx;
	(void)fprintf(out, "keynegd\tversion=%s\tup_secs=%llu\tengine=%d\n",
		      NFIPSEC_VERSION,
		      (unsigned long long)((now - net.started_ms) / 1000),
		      net.engine.greeted);
	complete = kinkview_print(&net.kink, now, VIEW_PEERS, out);
	(void)fprintf(out, "end\tcomplete=%d\n", complete);
}

/* ---- the process -------------------------------------------------------- */

/* What is left once everything is set up: read, write, wait, die. */
static int
confine(void)
{
	static const struct privs_call calls[] = {
		{ .nr = SYS_read },          { .nr = SYS_write },
		{ .nr = SYS_close },         { .nr = SYS_recvfrom },
		{ .nr = SYS_recvmsg },       { .nr = SYS_sendto },
		{ .nr = SYS_sendmsg },       { .nr = SYS_poll },
		{ .nr = SYS_ppoll },         { .nr = SYS_restart_syscall },
		{ .nr = SYS_clock_gettime }, { .nr = SYS_getrandom },
		{ .nr = SYS_getpid },        { .nr = SYS_brk },
		{ .nr = SYS_mmap },          { .nr = SYS_munmap },
		{ .nr = SYS_mremap },        { .nr = SYS_madvise },
		{ .nr = SYS_mlock },         { .nr = SYS_munlock },
		{ .nr = SYS_futex },         { .nr = SYS_rt_sigreturn },
		{ .nr = SYS_accept4 },       { .nr = SYS_exit },
		{ .nr = SYS_exit_group },
	};

	return privs_confine(calls, sizeof(calls) / sizeof(calls[0]));
}

/* RFC 4430 section 3.7: the second of the start tells this run from the last
 * one, which may have begun a moment ago: a new second is waited for. */
static uint32_t
fresh_epoch(void)
{
	struct timespec now, rest = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	rest.tv_nsec = 999999999 - now.tv_nsec;
	while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
		;
	return (uint32_t)now.tv_sec + 1;
}

static void
set_up(int channel, const char *user)
{
	static const struct kink_limits limits = {
		.exchanges = 4096,
		.octets = 32 << 20,
		.pairs = 65536,
		.burst = 50,
		.per_second = 20,
	};
	int ret;

	for (int i = 0; i < POLLS; i++)
		net.poll[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	net.poll[POLL_PARENT].fd = channel;
	if (gcry_check_version("1.10.0") == NULL)
		log_fatalx("libgcrypt is too old");
	gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	enginelink_init(&net.engine, &engine_ops, NULL);
	viewout_init(&net.view);
	net.started_ms = clock_now_ms();
	ret = kink_init(&net.kink, &kink_ops, NULL, &enginelink_sa_ops,
			&net.engine, &net.conf, fresh_epoch(), &limits);
	if (ret == 0)
		ret = privs_become(user);
	if (ret == 0)
		ret = confine();
	if (ret != 0) {
		errno = -ret;
		log_fatal("cannot give up privileges");
	}
}

/* Now and then the engine's counters are looked at, some hundred SAs a
 * second at most. */
static void
survey(uint64_t now)
{
	static uint64_t last;
	uint64_t every = net.kink.pairs.n * SURVEY_PAIR_MS;

	if (net.kink.pairs.n == 0 ||
	    now - last < (every < SURVEY_MS ? SURVEY_MS : every))
		return;
	last = now;
	(void)enginelink_survey(&net.engine);
}

/* The parent ends who is silent. */
static void
tell_alive(uint64_t now)
{
	struct keymsg m = { .type = KEYMSG_ALIVE };
	static uint64_t told;

	if (!net.configured || net.poll[POLL_UDP4].fd < 0 ||
	    (told != 0 && now - told < WATCH_MS))
		return;
	told = now;
	/* A full socket is a parent that does not read: it hears later. */
	(void)keymsg_send(net.poll[POLL_PARENT].fd, &m, -1);
}

/* Until something is due: an exchange, a reader's patience. */
static int
wait_ms(uint64_t now)
{
	int64_t timers = kink_run_timers(&net.kink, now);
	int64_t view = viewout_wait(&net.view, now);

	if (timers < 0 || (view >= 0 && view < timers))
		timers = view;
	return timers < 0 || timers > WATCH_MS ? WATCH_MS : (int)timers;
}

int
netproc_run(int channel, const char *user)
{
	set_up(channel, user);
	for (;;) {
		int wait = wait_ms(clock_now_ms()), n;

		entropy_watch();
		survey(clock_now_ms());
		tell_alive(clock_now_ms());
		tell_engine_lost();
		net.poll[POLL_VIEW] = viewout_poll(&net.view);
		n = poll(net.poll, POLLS, wait);
		if (n < 0 && errno != EINTR)
			log_fatal("poll");
		viewout_run(&net.view, clock_now_ms(),
			    n > 0 && net.poll[POLL_VIEW].revents != 0,
			    print_view, NULL);
		if (n <= 0)
			continue;
		if (net.poll[POLL_PARENT].revents != 0)
			on_parent();
		if (net.poll[POLL_KRB].revents != 0)
			on_krb();
		if (net.poll[POLL_UDP4].revents != 0)
			on_udp(net.poll[POLL_UDP4].fd);
		if (net.poll[POLL_UDP6].revents != 0)
			on_udp(net.poll[POLL_UDP6].fd);
		if (net.poll[POLL_ENGINE].revents != 0)
			on_engine();
	}
}
