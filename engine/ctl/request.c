/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "engine/ctl/broker.h"
#include "engine/ctl/install.h"
#include "engine/ctl/request.h"
#include "engine/ctl/rows.h"

/* Any request's record. */
union record {
	struct proto_hello hello;
	struct proto_show show;
	struct proto_export export;
	struct proto_reload reload;
	struct proto_pair pair;
	struct proto_delete delete;
	struct proto_rekey rekey;
	struct proto_fail fail;
	struct proto_instance instance;
	struct proto_subscribe subscribe;
	struct proto_bind bind;
	struct proto_run run;
};

static struct server_ticket
ticket_of(const struct server *s, const struct session *c)
{
	return (struct server_ticket){
		.client = (uint32_t)(c - s->sessions),
		.generation = c->generation,
		.serial = c->serial,
		.type = c->type,
	};
}

static void
handle_hello(struct server *s, struct session *c, const union record *r)
{
	if (r->hello.version != PROTO_VERSION) {
		c->hang_up = true;
		session_end(c, -EPROTONOSUPPORT,
			    "this is version %u of the protocol",
			    PROTO_VERSION);
		return;
	}
	c->greeted = true;
	session_end(c, 0, "%s", "");
}

static void
handle_rows(struct server *s, struct session *c, const union record *r)
{
	c->flags = 0;
	c->association[0] = '\0';
	c->error = 0;
	c->text[0] = '\0';
	c->phase = SESSION_ROWS;
}

static void
handle_sas(struct server *s, struct session *c, const union record *r)
{
	struct store_assoc a;

	if (r->show.flags & ~(uint32_t)PROTO_SHOW_KEYS) {
		session_end(c, -EINVAL, "unknown flags");
		return;
	}
	if ((r->show.flags & PROTO_SHOW_KEYS) && c->uid != 0) {
		session_end(c, -EPERM, "keys are for root");
		return;
	}
	if (r->show.association[0] != '\0' &&
	    rows_find_assoc(s->config.store, r->show.association, &a) ==
		-ENOENT) {
		session_end(c, -ENOENT, "no association %s",
			    r->show.association);
		return;
	}
	handle_rows(s, c, r);
	c->flags = r->show.flags;
	memcpy(c->association, r->show.association, sizeof(c->association));
}

/* Waits for the answer to a ticket, unless the call itself was the answer.
 * The callee may have answered already: then the phase is another one. */
static void
await(struct session *c, int err)
{
	if (err == 0)
		return;
	session_end(c, err, "%s",
		    err == -ENOSYS ? "this service can't do that" : "");
}

static void
handle_drops(struct server *s, struct session *c, const union record *r)
{
	const struct ctl_ops *ops = s->config.ops;

	handle_rows(s, c, r);
	if (ops->rule_drops == NULL)
		return;
	c->phase = SESSION_WAIT;
	/* Whatever goes wrong there, the engine's own counters follow. */
	if (ops->rule_drops(s->config.ctx, ticket_of(s, c)) != 0)
		handle_rows(s, c, r);
}

static void
handle_flows(struct server *s, struct session *c, const union record *r)
{
	const struct ctl_ops *ops = s->config.ops;

	c->phase = SESSION_WAIT;
	await(c, ops->flows == NULL
		     ? -ENOSYS
		     : ops->flows(s->config.ctx, ticket_of(s, c)));
}

static void
handle_export(struct server *s, struct session *c, const union record *r)
{
	const struct ctl_ops *ops = s->config.ops;

	if (r->export.which != PROTO_EXPORT_CONF &&
	    r->export.which != PROTO_EXPORT_NFT) {
		session_end(c, -EINVAL, "neither conf nor nft");
		return;
	}
	c->phase = SESSION_WAIT;
	await(c, ops->export == NULL
		     ? -ENOSYS
		     : ops->export(s->config.ctx, ticket_of(s, c),
				   (enum proto_export_which)r->export.which));
}

static void
handle_reload(struct server *s, struct session *c, const union record *r)
{
	const struct ctl_ops *ops = s->config.ops;

	if (r->reload.flags > PROTO_RELOAD_CONFIRM ||
	    (r->reload.flags != 0 && r->reload.secs != 0)) {
		session_end(c, -EINVAL, "unknown flags");
		return;
	}
	if (r->reload.secs > PROTO_RELOAD_SECS_MAX) {
		session_end(c, -EINVAL, "a day is the longest time to confirm");
		return;
	}
	c->phase = SESSION_WAIT;
	await(c, ops->reload == NULL
		     ? -ENOSYS
		     : ops->reload(s->config.ctx, ticket_of(s, c), &r->reload));
}

static void
handle_disable(struct server *s, struct session *c, const union record *r)
{
	const struct ctl_ops *ops = s->config.ops;

	log_warnx("uid %u asks to let plaintext through", c->uid);
	c->phase = SESSION_WAIT;
	await(c, ops->disable == NULL
		     ? -ENOSYS
		     : ops->disable(s->config.ctx, ticket_of(s, c)));
}

static void
end_change(struct server *s, struct session *c, int err, const char *why)
{
	session_end(c, err, "%s", why);
	if (err == 0 && s->config.ops->sas_changed != NULL)
		s->config.ops->sas_changed(s->config.ctx);
}

/* A service without connections: the fake of the tests. */
static int
cut_nothing(void *ctx, uint32_t said, const struct ipaddr *peer, bool known)
{
	return 0;
}

static void
handle_pair(struct server *s, struct session *c, const union record *r)
{
	struct install_cutter cutter = { s->config.ops->cut, s->config.ctx };
	const char *why = "";
	int err;

	if (cutter.cut == NULL)
		cutter.cut = cut_nothing;
	err = install_pair(s->config.store, &s->shadow, &cutter, &r->pair,
			   clock_now_ms(), &why);

	end_change(s, c, err, why);
}

static void
handle_delete(struct server *s, struct session *c, const union record *r)
{
	const char *why = "";
	int err = install_delete(s->config.store, &s->shadow, &r->delete, &why);

	end_change(s, c, err, why);
}

/* Key daemons are told as if the soft limit had come. */
static void
handle_rekey(struct server *s, struct session *c, const union record *r)
{
	struct store_assoc a;
	int err;

	err = rows_find_assoc(s->config.store, r->rekey.association, &a);
	if (err < 0) {
		session_end(c, err, "no association %s", r->rekey.association);
		return;
	}
	if (a.keying == PROTO_KEYING_MANUAL) {
		session_end(
		    c, -EOPNOTSUPP,
		    "its keys stand in the configuration: change them there");
		return;
	}
	if (server_listeners(s, PROTO_EVENT_SA_SOFT) == 0) {
		session_end(c, -ENOTCONN, "no key daemon listens");
		return;
	}
	if (feed_ask_rekey(s, &a, &r->rekey.peer) == 0)
		session_end(c, -ENOENT, "it has no SA to replace");
	else
		session_end(c, 0, "%s", "");
}

static void
handle_fail(struct server *s, struct session *c, const union record *r)
{
	const struct ctl_ops *ops = s->config.ops;
	struct proto_event e = { .kind = PROTO_EVENT_FAILED,
				 .peer = r->fail.peer };
	struct store_assoc a;
	int err;

	err = rows_find_assoc(s->config.store, r->fail.association, &a);
	if (err < 0) {
		session_end(c, err, "no association %s", r->fail.association);
		return;
	}
	if (a.keying == PROTO_KEYING_MANUAL) {
		session_end(c, -EOPNOTSUPP,
			    "its keys stand in the configuration");
		return;
	}
	if (!ipaddr_is_host(&r->fail.peer) ||
	    !ipaddr_contains(&a.peer, &r->fail.peer)) {
		session_end(c, -EINVAL,
			    "the peer is not one of this association");
		return;
	}
	if (ops->keys_failed != NULL)
		ops->keys_failed(s->config.ctx, a.said, &r->fail.peer);
	e.said = a.said;
	memcpy(e.association, a.name, sizeof(e.association));
	memcpy(e.text, r->fail.text, sizeof(e.text));
	(void)server_publish(s, &e);
	session_end(c, 0, "%s", "");
}

static void
handle_instance(struct server *s, struct session *c, const union record *r)
{
	const struct ctl_ops *ops = s->config.ops;

	if (r->instance.instance_of[0] != '\0' || r->instance.said != 0 ||
	    r->instance.principal[0] == '\0') {
		session_end(c, -EINVAL, "an association and a principal");
		return;
	}
	c->phase = SESSION_WAIT;
	await(c, ops->instance == NULL
		     ? -ENOSYS
		     : ops->instance(s->config.ctx, ticket_of(s, c),
				     &r->instance));
}

static void
handle_subscribe(struct server *s, struct session *c, const union record *r)
{
	if (r->subscribe.mask & ~PROTO_EVENT_ALL) {
		session_end(c, -EINVAL, "unknown kinds of events");
		return;
	}
	c->mask = r->subscribe.mask;
	feed_listeners_changed(s);
	session_end(c, 0, "%s", "");
}

/* The one row and the end, or why not. */
static void
end_bound(struct server *s, struct session *c, int err, const char *why,
	  const struct proto_bound *bound)
{
	if (err == 0)
		err = session_append(s, c, PROTO_SHAPE(bound), bound);
	session_end(c, err, "%s", why);
}

static void
handle_bind(struct server *s, struct session *c, const union record *r)
{
	struct proto_bound bound = { 0 };
	const char *why = "";
	int err = broker_bind(s, c, r->bind.association, &bound, &why);

	end_bound(s, c, err, why, &bound);
}

static void
handle_run(struct server *s, struct session *c, const union record *r)
{
	const struct ctl_ops *ops = s->config.ops;
	struct ctl_run what;
	const char *why = "";
	int err;

	if (r->run.flags &
	    ~(uint32_t)(PROTO_RUN_OTHERS_CLEAR | PROTO_RUN_OTHERS_TOLD)) {
		session_end(c, -EINVAL, "unknown flags");
		return;
	}
	err = broker_run(s, c, &r->run, &what, &why);
	if (err < 0) {
		session_end(c, err, "%s", why);
		return;
	}
	c->phase = SESSION_WAIT;
	await(c, ops->run == NULL
		     ? -ENOSYS
		     : ops->run(s->config.ctx, ticket_of(s, c), &what));
}

static void
handle_said(struct server *s, struct session *c, const union record *r)
{
	struct proto_bound bound = { 0 };
	const char *why = "";
	int err = broker_said(s, c, &bound, &why);

	end_bound(s, c, err, why, &bound);
}

static void
handle_peer(struct server *s, struct session *c, const union record *r)
{
	uint32_t said;
	struct ipaddr peer;
	const char *why = "";
	int err = broker_peer(s, c, &said, &peer, &why);

	if (err < 0) {
		session_end(c, err, "%s", why);
		return;
	}
	handle_rows(s, c, r);
	c->said = said;
	c->peer = peer;
}

/* Who may ask for what.  Everything that is not here is refused. */
static const struct request {
	enum proto_type type;
	enum proto_rights rights; /* at least */
	const struct proto_shape *shape;
	void (*handle)(struct server *s, struct session *c,
		       const union record *r);
} requests[] = {
	{ PROTO_HELLO, PROTO_RIGHTS_OWN, &proto_shape_hello, handle_hello },
	{ PROTO_STATUS, PROTO_RIGHTS_ALL, NULL, handle_rows },
	{ PROTO_ASSOCS, PROTO_RIGHTS_ALL, NULL, handle_rows },
	{ PROTO_SAS, PROTO_RIGHTS_ALL, &proto_shape_show, handle_sas },
	{ PROTO_DROPS, PROTO_RIGHTS_ALL, NULL, handle_drops },
	{ PROTO_QUEUES, PROTO_RIGHTS_ALL, NULL, handle_rows },
	{ PROTO_FLOWS, PROTO_RIGHTS_ALL, NULL, handle_flows },
	{ PROTO_EXPORT, PROTO_RIGHTS_ALL, &proto_shape_export, handle_export },
	{ PROTO_RELOAD, PROTO_RIGHTS_ALL, &proto_shape_reload, handle_reload },
	{ PROTO_DISABLE, PROTO_RIGHTS_ALL, NULL, handle_disable },
	{ PROTO_ADD_PAIR, PROTO_RIGHTS_ALL, &proto_shape_pair, handle_pair },
	{ PROTO_DELETE_SA, PROTO_RIGHTS_ALL, &proto_shape_delete,
	  handle_delete },
	{ PROTO_REKEY, PROTO_RIGHTS_ALL, &proto_shape_rekey, handle_rekey },
	{ PROTO_FAIL, PROTO_RIGHTS_ALL, &proto_shape_fail, handle_fail },
	{ PROTO_INSTANCE, PROTO_RIGHTS_ALL, &proto_shape_instance,
	  handle_instance },
	{ PROTO_SUBSCRIBE, PROTO_RIGHTS_ALL, &proto_shape_subscribe,
	  handle_subscribe },
	{ PROTO_BIND, PROTO_RIGHTS_OWN, &proto_shape_bind, handle_bind },
	{ PROTO_SAID, PROTO_RIGHTS_OWN, NULL, handle_said },
	{ PROTO_PEER, PROTO_RIGHTS_OWN, NULL, handle_peer },
	{ PROTO_RUN, PROTO_RIGHTS_OWN, &proto_shape_run, handle_run },
};

static const struct request *
find_request(uint16_t type)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (requests[i].type == type)
			return &requests[i];
	return NULL;
}

static void
refuse_malformed(struct session *c)
{
	c->hang_up = true;
	session_end(c, -EBADMSG, "the message does not add up");
}

void
request_handle(struct server *s, struct session *c, const void *msg, size_t len)
{
	const struct request *q;
	struct proto_head head;
	union record r;
	int err;

	if (proto_read_head(msg, len, &head) < 0) {
		refuse_malformed(c);
		return;
	}
	c->type = head.type;
	c->serial = head.serial;
	q = find_request(head.type);
	if (head.flags != 0 || head.error != 0) {
		refuse_malformed(c);
		return;
	}
	if (!c->greeted && head.type != PROTO_HELLO) {
		c->hang_up = true;
		session_end(c, -EPROTO, "hello comes first");
		return;
	}
	if (q == NULL) {
		session_end(c, -EOPNOTSUPP, "unknown request %u", head.type);
		return;
	}
	if (c->rights != PROTO_RIGHTS_ALL && c->rights != q->rights) {
		session_end(c, -EPERM, "not permitted: this needs root");
		return;
	}
	err = proto_read(msg, len, q->shape, PROTO_STRICT, &r);
	if (err == -EBADMSG)
		refuse_malformed(c);
	else if (err == -EOPNOTSUPP)
		session_end(c, err, "an attribute that this request lacks");
	else if (err < 0)
		session_end(c, err, "a value that is not legal");
	else
		q->handle(s, c, &r);
	secret_wipe(&r, sizeof(r));
}
