/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "engine/ctl/nfqueue.h"
#include "engine/main/control.h"
#include "engine/main/engine.h"
#include "engine/main/leftovers.h"
#include "engine/sa/life.h"

void
control_notify(void *arg, const struct path_event *e)
{
	struct control_ring *r = arg;
	uint64_t one = 1;

	if (ring_put(&r->ring, e))
		(void)!write(r->wake_fd, &one, sizeof(one));
}

/* ---- events ----------------------------------------------------------------
 */

/* The association's name of a SAID; "" when a reload took it away. */
static void
name_of(const struct store *s, uint32_t said, char name[PROTO_NAME_MAX])
{
	name[0] = '\0';
	for (uint32_t i = 0; i < atomic_load(&s->head->n_assocs); i++)
		if (s->head->assocs[i].said == said)
			snprintf(name, PROTO_NAME_MAX, "%s",
				 s->head->assocs[i].name);
}

static void
tell_of_sa(struct control *c, enum proto_event_kind kind, const struct sa *sa)
{
	struct proto_event e = {
		.kind = kind,
		.said = sa->said,
		.local = sa->local,
		.peer = sa->peer,
		.protocol = sa->protocol,
		.direction = sa->direction,
		.spi = sa->spi,
		.packets = atomic_load(&sa->packets),
		.octets = atomic_load(&sa->octets),
	};

	snprintf(e.association, sizeof(e.association), "%s", sa->association);
	server_publish(c->server, &e);
}

static void
sa_over(struct control *c, uint32_t slot)
{
	const struct sa *sa = store_sa(&c->store, slot);

	if (!store_kill(&c->store, slot))
		return;
	log_info("%s: SA %s SPI 0x%08x is at its hard limit", sa->association,
		 sa->direction == SA_IN ? "in" : "out", sa->spi);
	tell_of_sa(c, PROTO_EVENT_SA_EXPIRED, sa);
}

/* Of an SA that a worker met: its slot may be free again by now, and its SAID
 * another's, whose name is told then. */
static void
tell_of_use(struct control *c, enum proto_event_kind kind,
	    const struct path_event *e)
{
	struct proto_event out = { .kind = kind,
				   .said = e->said,
				   .local = e->local,
				   .peer = e->peer,
				   .protocol = e->protocol,
				   .direction = e->direction,
				   .spi = e->spi,
				   .packets = e->packets,
				   .octets = e->octets };

	name_of(&c->store, e->said, out.association);
	server_publish(c->server, &out);
}

/* RFC 4302 4, RFC 4303 4: to the log and to whoever listens; the workers keep
 * their number low. */
static void
tell_audit(struct control *c, const struct path_event *e)
{
	struct proto_event out = { .kind = PROTO_EVENT_AUDIT,
				   .said = e->said,
				   .local = e->local,
				   .peer = e->peer,
				   .protocol = e->protocol,
				   .direction = e->direction,
				   .spi = e->spi,
				   .sequence = e->seq,
				   .lost = e->lost };
	char local[IPADDR_TEXT], peer[IPADDR_TEXT];

	(void)reason_name(e->reason, out.reason);
	name_of(&c->store, e->said, out.association);
	log_warnx("audit: %s, %s, %s - %s, SPI 0x%08x, number %" PRIu64
		  ", %u more not shown",
		  out.reason, e->protocol == SA_AH ? "AH" : "ESP",
		  ipaddr_format(&e->local, local),
		  ipaddr_format(&e->peer, peer), e->spi, e->seq, e->lost);
	server_publish(c->server, &out);
}

/* For whoever follows a packet through the rules: nft's trace ends at the
 * queue, here it goes on. */
static void
tell_packet(struct control *c, const struct path_event *e)
{
	struct proto_event out = { .kind = PROTO_EVENT_PACKET,
				   .said = e->said,
				   .local = e->local,
				   .peer = e->peer,
				   .protocol = e->protocol,
				   .sport = e->sport,
				   .dport = e->dport,
				   .direction = e->direction,
				   .spi = e->spi,
				   .sequence = e->seq,
				   .number = e->id,
				   .lost = e->lost };

	if (e->sent)
		snprintf(out.reason, sizeof(out.reason), PROTO_REASON_SENT);
	else
		(void)reason_name(e->reason, out.reason);
	snprintf(out.text, sizeof(out.text), "%s",
		 e->sent ? "sealed, and sent as packets of its own"
			 : reason_sentence(e->reason));
	name_of(&c->store, e->said, out.association);
	server_publish(c->server, &out);
}

static void
handle_event(struct control *c, const struct path_event *e)
{
	struct proto_event out = { .kind = PROTO_EVENT_ACQUIRE };

	switch (e->kind) {
	case PATH_ACQUIRE:
		out.said = e->said;
		out.local = e->local;
		out.peer = e->peer;
		out.protocol = e->protocol;
		out.sport = e->sport;
		out.dport = e->dport;
		name_of(&c->store, e->said, out.association);
		server_publish(c->server, &out);
		break;
	case PATH_AUDIT:
		tell_audit(c, e);
		break;
	case PATH_PACKET:
		tell_packet(c, e);
		break;
	case PATH_SOFT:
		tell_of_use(c, PROTO_EVENT_SA_SOFT, e);
		break;
	case PATH_HARD:
		tell_of_use(c, PROTO_EVENT_SA_EXPIRED, e);
		(void)sad_refresh(c->sad, clock_now_ms());
		break;
	}
}

static void
on_wake(void *arg)
{
	struct control *c = arg;
	struct path_event e;
	uint64_t n;

	(void)!read(c->wake_fd, &n, sizeof(n));
	for (unsigned w = 0; w < c->workers; w++)
		while (ring_get(&c->rings[w].ring, &e))
			handle_event(c, &e);
}

static bool
is_live(const struct sa *sa)
{
	return atomic_load_explicit(&sa->state, memory_order_acquire) ==
	       SA_LIVE;
}

/* Manual keys as well: nobody renews them, but somebody may want to know. */
static void
look_for_silence(struct control *c, uint64_t now)
{
	uint32_t slots = store_slots(&c->store);

	if (!silence_begin(c->silence, slots))
		return;
	for (uint32_t i = 0; i < slots; i++)
		if (is_live(store_sa(&c->store, i)))
			silence_hear(c->silence, store_sa(&c->store, i));
	for (uint32_t i = 0; i < slots; i++) {
		const struct sa *sa = store_sa(&c->store, i);

		if (is_live(sa) && silence_judge(c->silence, i, sa, now))
			tell_of_sa(c, PROTO_EVENT_DEAD_PEER, sa);
	}
}

static void
on_second(void *arg)
{
	struct control *c = arg;
	uint64_t n, now = clock_now_ms();

	(void)!read(c->second_fd, &n, sizeof(n));
	for (uint32_t i = 0; i < store_slots(&c->store); i++) {
		struct sa *sa = store_sa(&c->store, i);

		if (atomic_load_explicit(&sa->state, memory_order_acquire) !=
		    SA_LIVE)
			continue;
		switch (life_check(sa, now)) {
		case LIFE_OK:
			break;
		case LIFE_SOFT:
			tell_of_sa(c, PROTO_EVENT_SA_SOFT, sa);
			break;
		case LIFE_HARD:
			sa_over(c, i);
			break;
		}
	}
	look_for_silence(c, now);
	(void)sad_refresh(c->sad, now);
	entropy_watch();
}

static void
on_signal(void *arg)
{
	struct control *c = arg;

	c->stop = true;
}

/* ---- what the supervisor does for clients -----------------------------------
 */

/* 0 or -errno. */
static int
ask(struct control *c, const struct link_message *m)
{
	int err = link_send(&c->link, m);

	return err > 0 ? 0 : err;
}

static int
ask_reload(void *ctx, struct server_ticket t, const struct proto_reload *what)
{
	return ask(ctx, &(struct link_message){ .type = LINK_RELOAD,
						.ticket = t,
						.reload = *what });
}

static int
ask_disable(void *ctx, struct server_ticket t)
{
	return ask(ctx,
		   &(struct link_message){ .type = LINK_DISABLE, .ticket = t });
}

static int
ask_export(void *ctx, struct server_ticket t, enum proto_export_which which)
{
	return ask(ctx, &(struct link_message){
			    .type = LINK_EXPORT, .ticket = t, .arg = which });
}

static int
ask_instance(void *ctx, struct server_ticket t,
	     const struct proto_instance *wanted)
{
	return ask(ctx, &(struct link_message){ .type = LINK_INSTANCE,
						.ticket = t,
						.instance = *wanted });
}

static int
ask_flows(void *ctx, struct server_ticket t)
{
	return ask(ctx,
		   &(struct link_message){ .type = LINK_FLOWS, .ticket = t });
}

static int
ask_rule_drops(void *ctx, struct server_ticket t)
{
	return ask(ctx, &(struct link_message){ .type = LINK_RULE_DROPS,
						.ticket = t });
}

static int
ask_run(void *ctx, struct server_ticket t, const struct ctl_run *what)
{
	return ask(ctx, &(struct link_message){
			    .type = LINK_RUN, .ticket = t, .run = *what });
}

/* Workers that hold packets look again. */
static void
wake_workers(struct control *c)
{
	uint64_t one = 1;

	for (unsigned w = 0; w < c->workers; w++)
		if (atomic_load(&c->store.head->parked[w].packets) != 0)
			(void)!write(c->rings[w].order_fd, &one, sizeof(one));
}

static void
refresh(void *ctx)
{
	struct control *c = ctx;

	(void)sad_refresh(c->sad, clock_now_ms());
	wake_workers(c);
}

static void
give_up(void *ctx, uint32_t said, const struct ipaddr *peer)
{
	struct parking_order order = { said, *peer };
	struct control *c = ctx;

	/* Where the ring is full, what waits is dropped at its deadline. */
	for (unsigned w = 0; w < c->workers; w++)
		c->rings[w].ordered += ring_put(&c->rings[w].orders, &order);
	wake_workers(c);
}

static int
cut(void *ctx, uint32_t said, const struct ipaddr *peer, bool known)
{
	struct control *c = ctx;
	const struct store_head *h = c->store.head;
	struct carriers_found n;
	char text[IPADDR_TEXT];
	int err = carriers_cut(&c->carriers, store_mark_of(h, said),
			       h->said_mask, peer, &n);

	(void)ipaddr_format(peer, text);
	if (err < 0)
		log_warnx("SAID 0x%x, %s: connections of another principal "
			  "can't be cut: %s",
			  said, text, strerror(-err));
	else if (n.sockets != 0 || n.connections != 0)
		log_info("SAID 0x%x, %s: another principal; %u connections "
			 "cut, %u sockets ended",
			 said, text, n.connections, n.sockets);
	/* Of nobody known what waits may be what these keys were asked for. */
	if (err < 0 || !known)
		return err;
	err = leftovers_refuse(c, said, peer);
	if (err < 0)
		log_warnx("SAID 0x%x, %s: what the former principal's "
			  "connections had sent may still wait: %s",
			  said, text, strerror(-err));
	return err;
}

static void
give_answer(struct control *c, const struct link_message *m)
{
	char sentence[PROTO_SENTENCE_MAX];

	switch ((enum link_type)m->type) {
	case LINK_TEXT:
		server_answer_text(c->server, m->ticket, m->text, m->len);
		break;
	case LINK_FLOW:
		server_answer_flow(c->server, m->ticket, &m->flow);
		break;
	case LINK_DROP:
		server_answer_drop(c->server, m->ticket, &m->drop);
		break;
	case LINK_INSTANCE:
		server_answer_instance(c->server, m->ticket, &m->instance);
		break;
	case LINK_END:
		snprintf(sentence, sizeof(sentence), "%.*s", (int)m->len,
			 m->text);
		server_answer_end(c->server, m->ticket, m->err, sentence);
		break;
	case LINK_STARTED:
	case LINK_RELOAD:
	case LINK_DISABLE:
	case LINK_EXPORT:
	case LINK_FLOWS:
	case LINK_RULE_DROPS:
	case LINK_RUN:
		break;
	}
}

static void
on_link(void *arg)
{
	static struct link_message m; /* 5 KB, one thread */
	struct control *c = arg;
	int r;

	while ((r = link_read(&c->link, &m)) == 1)
		give_answer(c, &m);
	if (r < 0)
		c->stop = true; /* the supervisor is gone */
}

/* ---- start and stop
 * ---------------------------------------------------------- */

static const struct ctl_ops ops = {
	.reload = ask_reload,
	.disable = ask_disable,
	.export = ask_export,
	.flows = ask_flows,
	.instance = ask_instance,
	.rule_drops = ask_rule_drops,
	.run = ask_run,
	.cut = cut,
	.sas_changed = refresh,
	.keys_failed = give_up,
};

static void
watch(struct control *c, int fd, void (*fn)(void *))
{
	int err = server_watch(c->server, fd, fn, c);

	if (err < 0)
		log_fatalx("epoll: %s", strerror(-err));
}

static void
open_fds(struct control *c)
{
	struct itimerspec second = { { 1, 0 }, { 1, 0 } };
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	c->signal_fd = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->second_fd =
	    timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->signal_fd < 0 || c->wake_fd < 0 || c->second_fd < 0 ||
	    timerfd_settime(c->second_fd, 0, &second, NULL) < 0)
		log_fatal("descriptors");
	c->nfqueue_fd = open(NFQUEUE_PROC, O_RDONLY | O_CLOEXEC);
}

void
control_open(struct control *c, unsigned workers)
{
	struct server_config config = { .store = &c->store,
					.listen_fd = ENGINE_FD_LISTEN,
					.ops = &ops,
					.ctx = c };
	int err;

	memset(c, 0, sizeof(*c));
	c->workers = workers;
	err = store_map(&c->store, ENGINE_FD_STORE);
	if (err < 0)
		log_fatalx("the SA store: %s", strerror(-err));
	/* The crew has no business with keys. */
	(void)madvise(c->store.head, c->store.head->size, MADV_DONTFORK);
	/* Counts of the engine before; workers sweep their own rows. */
	for (unsigned i = 0; i < STORE_PARK_PLACES; i++)
		atomic_store(&c->store.head->park_places[i], 0);
	link_init(&c->link, ENGINE_FD_LINK);
	open_fds(c);
	for (unsigned w = 0; w < workers; w++) {
		c->rings[w].wake_fd = c->wake_fd;
		c->rings[w].order_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (c->rings[w].order_fd < 0)
			log_fatal("eventfd");
		if (ring_init(&c->rings[w].orders, sizeof(struct parking_order),
			      CONTROL_ORDERS) < 0 ||
		    ring_init(&c->rings[w].ring, sizeof(struct path_event),
			      CONTROL_RING) < 0)
			log_fatalx("no memory");
	}
	err = carriers_open(&c->carriers);
	if (err < 0)
		log_fatalx("netlink: %s", strerror(-err));
	c->sad = sad_new(&c->store);
	c->silence = silence_new(c->store.head->max_sa);
	if (c->sad == NULL || c->silence == NULL)
		log_fatalx("no memory");
	config.nfqueue_fd = c->nfqueue_fd;
	err = server_new(&c->server, &config);
	if (err < 0)
		log_fatalx("the control socket: %s", strerror(-err));
	watch(c, c->wake_fd, on_wake);
	watch(c, c->second_fd, on_second);
	watch(c, c->signal_fd, on_signal);
	watch(c, c->link.fd, on_link);
}

void
control_run(struct control *c)
{
	int err = ask(c, &(struct link_message){ .type = LINK_STARTED });

	while (err == 0 && !c->stop) {
		err = server_step(c->server, -1);
		if (err == 0)
			err = link_flush(&c->link) < 0 ? -EPIPE : 0;
		c->packets_wanted =
		    server_listeners(c->server, PROTO_EVENT_PACKET) != 0;
	}
	if (err < 0)
		log_warnx("control: %s", strerror(-err));
}

void
control_close(struct control *c)
{
	server_free(c->server);
	sad_free(c->sad);
	silence_free(c->silence);
	for (unsigned w = 0; w < c->workers; w++) {
		ring_fini(&c->rings[w].ring);
		ring_fini(&c->rings[w].orders);
		close(c->rings[w].order_fd);
	}
	link_fini(&c->link);
	carriers_close(&c->carriers);
	close(c->signal_fd);
	close(c->wake_fd);
	close(c->second_fd);
	if (c->nfqueue_fd >= 0)
		close(c->nfqueue_fd);
	store_unmap(&c->store);
}
