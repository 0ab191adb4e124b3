/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "keyneg/core/enginelink.h"

/* In place of a pair: a list that changes nothing. */
#define SURVEY UINT32_MAX

/* A request, built and waiting. */
struct enginelink_item {
	struct enginelink_item *next;
	uint16_t type;
	uint32_t pair; /* of an addition; 0 else */
	size_t n;
	uint8_t at[]; /* the message; its serial is written when it is sent */
};

void
enginelink_init(struct enginelink *l, const struct enginelink_ops *ops,
		void *ctx)
{
	memset(l, 0, sizeof(*l));
	l->ops = ops;
	l->ctx = ctx;
	l->fd = -1;
	l->last = &l->first;
}

static void
drop_first(struct enginelink *l)
{
	struct enginelink_item *i = l->first;

	l->first = i->next;
	if (l->first == NULL)
		l->last = &l->first;
	l->waiting--;
	secret_wipe(i->at, i->n);
	free(i);
}

static void
end_connection(struct enginelink *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->greeted = l->busy = l->surveying = false;
}

/* Whoever waits for an addition that was on its way hears that it failed:
 * nobody else would tell.  Nothing can be asked meanwhile. */
static void
detach(struct enginelink *l)
{
	end_connection(l);
	while (l->first != NULL) {
		uint32_t pair = l->first->pair;

		drop_first(l);
		if (pair != 0 && pair != SURVEY)
			l->ops->failed(l->ctx, pair, -ENOTCONN);
	}
}

void
enginelink_fini(struct enginelink *l)
{
	end_connection(l);
	while (l->first != NULL)
		drop_first(l);
	secret_wipe(l->msg, sizeof(l->msg));
}

/* Sends the next request, if none is out. */
static void
send_next(struct enginelink *l)
{
	struct enginelink_item *i = l->first;
	struct proto_head head;

	if (l->fd < 0 || !l->greeted || l->busy || i == NULL)
		return;
	memcpy(&head, i->at, sizeof(head));
	head.serial = ++l->serial;
	memcpy(i->at, &head, sizeof(head));
	if (send(l->fd, i->at, i->n, MSG_NOSIGNAL) < 0)
		return; /* the reading end sees what is wrong */
	l->busy = true;
}

static int
ask(struct enginelink *l, uint16_t type, const struct proto_shape *shape,
    const void *record, uint32_t pair)
{
	struct proto_head head = { .type = type };
	struct enginelink_item *i;
	size_t n;

	if (l->fd < 0)
		return -ENOTCONN;
	if (l->waiting >= ENGINELINK_WAITING)
		return -ENOBUFS;
	n = proto_build(l->msg, sizeof(l->msg), &head, shape, record);
	if (n == 0)
		return -EMSGSIZE;
	i = malloc(sizeof(*i) + n);
	if (i == NULL)
		return -ENOMEM;
	i->next = NULL;
	i->type = type;
	i->pair = pair;
	i->n = n;
	memcpy(i->at, l->msg, n);
	secret_wipe(l->msg, n);
	*l->last = i;
	l->last = &i->next;
	l->waiting++;
	send_next(l);
	return 0;
}

void
enginelink_attach(struct enginelink *l, int fd)
{
	struct proto_hello hello = { .version = PROTO_VERSION,
				     .software = "keynegd" };
	struct proto_subscribe events = {
		.mask = PROTO_EVENT_BIT(PROTO_EVENT_ACQUIRE) |
			PROTO_EVENT_BIT(PROTO_EVENT_SA_SOFT) |
			PROTO_EVENT_BIT(PROTO_EVENT_SA_EXPIRED)
	};
	struct proto_show all = { 0 };

	detach(l);
	l->fd = fd;
	/* They wait until the server has spoken, which it does first. */
	(void)ask(l, PROTO_HELLO, PROTO_SHAPE(&hello), &hello, 0);
	(void)ask(l, PROTO_SUBSCRIBE, PROTO_SHAPE(&events), &events, 0);
	(void)ask(l, PROTO_SAS, PROTO_SHAPE(&all), &all, 0);
}

/* What the server says first. */
static bool
is_greeting_good(struct enginelink *l, const struct proto_head *head, size_t n)
{
	struct proto_hello server;

	if (head->type != PROTO_HELLO ||
	    proto_read(l->msg, n, PROTO_SHAPE(&server), PROTO_LENIENT,
		       &server) != 0)
		return false;
	if (head->error != 0 || server.rights != PROTO_RIGHTS_ALL) {
		log_warnx("the engine does not let us: rights %u, %s",
			  server.rights, strerror(head->error));
		return false;
	}
	log_info("connected to the engine");
	return true;
}

static void
on_event(struct enginelink *l, size_t n)
{
	struct proto_event e;

	if (proto_read(l->msg, n, PROTO_SHAPE(&e), PROTO_LENIENT, &e) != 0)
		return;
	switch ((enum proto_event_kind)e.kind) {
	case PROTO_EVENT_ACQUIRE:
		l->ops->acquire(l->ctx, e.association, &e.local, &e.peer);
		return;
	case PROTO_EVENT_SA_SOFT:
	case PROTO_EVENT_SA_EXPIRED:
		l->ops->limit(l->ctx,
			      e.direction == PROTO_OUT ? SAINSTALL_OUT
						       : SAINSTALL_IN,
			      (uint8_t)e.protocol, &e.peer, e.spi,
			      e.kind == PROTO_EVENT_SA_EXPIRED);
		return;
	case PROTO_EVENT_SA_ADDED:
	case PROTO_EVENT_SA_DELETED:
	case PROTO_EVENT_DROP:
	case PROTO_EVENT_STATE:
	case PROTO_EVENT_LOST:
	case PROTO_EVENT_AUDIT:
	case PROTO_EVENT_PACKET:
	case PROTO_EVENT_FAILED:
	case PROTO_EVENT_DEAD_PEER:
		return;
	}
}

int
enginelink_survey(struct enginelink *l)
{
	struct proto_show all = { 0 };
	int ret;

	if (l->surveying)
		return -EALREADY;
	ret = ask(l, PROTO_SAS, PROTO_SHAPE(&all), &all, SURVEY);
	l->surveying = ret == 0;
	return ret;
}

static void
on_sa(struct enginelink *l, size_t n, bool survey)
{
	struct proto_delete d;
	struct proto_sa sa;

	if (proto_read(l->msg, n, PROTO_SHAPE(&sa), PROTO_LENIENT, &sa) != 0 ||
	    sa.spi == 0 || (sa.flags & PROTO_SA_MANUAL) != 0)
		return;
	if (survey) {
		l->ops->seen(l->ctx, &sa);
		return;
	}
	if (l->ops->known(l->ctx, &sa))
		return;
	d = (struct proto_delete){ .direction = sa.direction,
				   .protocol = sa.protocol,
				   .spi = sa.spi,
				   .peer = sa.peer };
	(void)ask(l, PROTO_DELETE_SA, PROTO_SHAPE(&d), &d, 0);
}

static void
on_reply(struct enginelink *l, const struct proto_head *head, size_t n)
{
	struct enginelink_item *i = l->first;
	struct proto_text text = { "" };
	uint32_t pair;

	if (i == NULL || !l->busy || head->serial != l->serial)
		return;
	if ((head->flags & PROTO_FLAG_MORE) != 0) {
		if (i->type == PROTO_SAS)
			on_sa(l, n, i->pair == SURVEY);
		return;
	}
	pair = i->pair == SURVEY ? 0 : i->pair;
	if (i->pair == SURVEY)
		l->surveying = false;
	/* What is to be deleted may be gone already: replaced, expired. */
	if (head->error != 0 &&
	    (i->type != PROTO_DELETE_SA || head->error != ENOENT)) {
		(void)proto_read(l->msg, n, PROTO_SHAPE(&text), PROTO_LENIENT,
				 &text);
		log_warnx("the engine refuses: %s (%s)", text.text,
			  strerror(head->error));
	}
	if (i->type == PROTO_SAS && i->pair != SURVEY && head->error == 0)
		l->ops->listed(l->ctx);
	l->busy = false;
	drop_first(l);
	if (head->error != 0 && pair != 0)
		l->ops->failed(l->ctx, pair, -head->error);
	else if (pair != 0)
		l->ops->added(l->ctx, pair);
	send_next(l);
}

static bool
on_message(struct enginelink *l, size_t n)
{
	struct proto_head head;

	if (proto_read_head(l->msg, n, &head) != 0)
		return false;
	if (head.type == PROTO_EVENT) {
		on_event(l, n);
		return true;
	}
	if (!l->greeted) {
		l->greeted = is_greeting_good(l, &head, n);
		send_next(l);
		return l->greeted;
	}
	on_reply(l, &head, n);
	return true;
}

bool
enginelink_read(struct enginelink *l)
{
	for (int i = 0; i < 64 && l->fd >= 0; i++) {
		ssize_t n = recv(l->fd, l->msg, sizeof(l->msg), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n <= 0 || !on_message(l, (size_t)n)) {
			detach(l);
			return false;
		}
	}
	return true;
}

/* ---- the installer ------------------------------------------------------ */

static void
fill_half(struct proto_half *h, const struct sainstall_sa *sa)
{
	h->spi = sa->spi;
	h->key.len = (uint16_t)sa->key_octets;
	if (sa->key_octets > 0)
		memcpy(h->key.at, sa->key, sa->key_octets);
	h->auth_key.len = (uint16_t)sa->auth_key_octets;
	if (sa->auth_key_octets > 0)
		memcpy(h->auth_key.at, sa->auth_key, sa->auth_key_octets);
}

static void
fill_pair(struct proto_pair *p, const struct sainstall_sa *sa)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->association, sizeof(p->association), "%s", sa->association);
	snprintf(p->principal, sizeof(p->principal), "%s", sa->principal);
	p->local = sa->local;
	p->peer = sa->peer;
	/* Only the newest outbound SA is used; older inbound ones live on. */
	p->flags = PROTO_PAIR_REPLACE | (sa->esn ? 0 : PROTO_PAIR_NO_ESN);
	p->protocol = sa->protocol;
	if (sa->enc != ALGO_NONE)
		snprintf(p->encryption, sizeof(p->encryption), "%s",
			 algo_info((enum algo)sa->enc)->name);
	if (sa->auth != ALGO_NONE)
		snprintf(p->integrity, sizeof(p->integrity), "%s",
			 algo_info((enum algo)sa->auth)->name);
	p->replay_window = sa->replay_window;
	/* Time is watched here; octets and packets there. */
	p->limits = (struct proto_limits){
		.soft_octets = sa->limits.soft_octets,
		.soft_packets = sa->limits.soft_packets,
		.hard_secs = sa->limits.hard_secs,
		.hard_octets = sa->limits.hard_octets,
		.hard_packets = sa->limits.hard_packets,
	};
}

static int
link_add(void *ctx, const struct sainstall_sa *sa)
{
	struct proto_pair p;
	int ret;

	fill_pair(&p, sa);
	fill_half(sa->direction == SAINSTALL_IN ? &p.in : &p.out, sa);
	ret = ask(ctx, PROTO_ADD_PAIR, PROTO_SHAPE(&p), &p, sa->pair);
	secret_wipe(&p, sizeof(p));
	return ret;
}

static int
link_remove(void *ctx, uint32_t pair, enum sainstall_direction direction,
	    uint8_t protocol, const struct ipaddr *local,
	    const struct ipaddr *peer, uint32_t spi)
{
	struct proto_delete d = { .direction = direction == SAINSTALL_IN
						   ? PROTO_IN
						   : PROTO_OUT,
				  .protocol = protocol,
				  .spi = spi,
				  .peer = *peer };

	(void)pair;
	(void)local;
	return ask(ctx, PROTO_DELETE_SA, PROTO_SHAPE(&d), &d, 0);
}

static int
link_add_pair(void *ctx, const struct sainstall_sa *in,
	      const struct sainstall_sa *out)
{
	struct proto_pair p;
	int ret;

	fill_pair(&p, in);
	fill_half(&p.in, in);
	fill_half(&p.out, out);
	ret = ask(ctx, PROTO_ADD_PAIR, PROTO_SHAPE(&p), &p, in->pair);
	secret_wipe(&p, sizeof(p));
	return ret;
}

/* What is parked is dropped, its senders and whoever listens are told. */
static void
link_give_up(void *ctx, const char *association, const struct ipaddr *peer,
	     const char *why)
{
	struct proto_fail f = { .peer = *peer };

	snprintf(f.association, sizeof(f.association), "%s", association);
	snprintf(f.text, sizeof(f.text), "%s", why);
	/* A library's text may hold anything. */
	for (size_t at = 0, n; f.text[at] != '\0'; at += n) {
		n = proto_text_step(f.text + at, strlen(f.text + at));
		if (n == 0)
			f.text[at] = '?', n = 1;
	}
	(void)ask(ctx, PROTO_FAIL, PROTO_SHAPE(&f), &f, 0);
}

const struct sainstall_ops enginelink_sa_ops = {
	.add = link_add,
	.add_pair = link_add_pair,
	.remove = link_remove,
	.give_up = link_give_up,
};
