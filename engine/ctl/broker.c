/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/ctl/broker.h"
#include "engine/ctl/rows.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#define GROUPS_MAX 65536 /* NGROUPS_MAX of the kernel */

/* What is known of a passed socket. */
struct passed {
	int fd, type, protocol;
	uint32_t mark;
};

static int
option(int fd, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -errno
								  : value;
}

uint64_t
broker_netns(void)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		cookie = 0;
	close(fd);
	return cookie;
}

/* ---- who ------------------------------------------------------------------
 */

static bool
holds(const uint32_t *ids, uint32_t n, uint32_t id)
{
	for (uint32_t i = 0; i < n && i < STORE_BIND_MAX; i++)
		if (ids[i] == id)
			return true;
	return false;
}

bool
broker_admits(const struct session *c, const struct store_assoc *a)
{
	static gid_t groups[GROUPS_MAX]; /* one thread */
	socklen_t len = sizeof(groups);
	struct ucred who;
	socklen_t who_len = sizeof(who);

	if (c->rights == PROTO_RIGHTS_ALL)
		return true;
	if (holds(a->bind_uids, a->n_bind_uids, c->uid))
		return true;
	if (a->n_bind_gids == 0 ||
	    getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len) < 0)
		return false;
	if (holds(a->bind_gids, a->n_bind_gids, who.gid))
		return true;
	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (holds(a->bind_gids, a->n_bind_gids, groups[i]))
			return true;
	return false;
}

/* ---- what -----------------------------------------------------------------
 */

/* A socket of IPv4 or IPv6, in our network namespace. */
static int
look(const struct server *s, const struct session *c, struct passed *p,
     const char **why)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie), mark_len = sizeof(p->mark);
	int domain;

	p->fd = c->passed;
	if (p->fd < 0 && c->cut) {
		*why = "too many descriptors wait to be closed";
		return -EBUSY;
	}
	if (p->fd < 0) {
		*why = "no socket came with the request";
		return -EBADF;
	}
	domain = option(p->fd, SO_DOMAIN);
	if (domain < 0) {
		*why = "what was passed is no socket";
		return domain == -EBADF ? -EBADF : -ENOTSOCK;
	}
	if (domain != AF_INET && domain != AF_INET6) {
		*why = "neither an IPv4 nor an IPv6 socket";
		return -EPROTONOSUPPORT;
	}
	p->type = option(p->fd, SO_TYPE);
	p->protocol = option(p->fd, SO_PROTOCOL);
	if (p->type < 0 || p->protocol < 0 ||
	    getsockopt(p->fd, SOL_SOCKET, SO_MARK, &p->mark, &mark_len) < 0)
		return -errno;
	if (getsockopt(p->fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0 ||
	    cookie != s->netns || cookie == 0) {
		*why = "a socket of another network namespace";
		return -EXDEV;
	}
	return 0;
}

/* The SAID in a mark; 0: none of ours. */
static uint32_t
said_in(const struct server *s, uint32_t mark)
{
	const struct store_head *h = s->config.store->head;
	uint32_t said = store_said_of(h, mark);

	return said >= h->said_first && said <= h->said_last ? said : 0;
}

/* Whatever it has to be read came before the mark. */
static int
is_empty(const struct passed *p, const char **why)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(p->fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0)
		return -errno;
	if (info[SK_MEMINFO_RMEM_ALLOC] == 0)
		return 0;
	*why = "datagrams wait in it already: bind it before bind(2)";
	return -EISCONN;
}

/* Not a packet may have come, and no connection may wait, that is older than
 * the mark. */
static int
is_fresh(const struct passed *p, const char **why)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (p->type != SOCK_STREAM)
		return is_empty(p, why);
	if (p->protocol != IPPROTO_TCP) {
		*why = "a stream of another protocol than TCP";
		return -EPROTONOSUPPORT;
	}
	if (getsockopt(p->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	if (info.tcpi_state == TCP_CLOSE)
		return 0;
	*why = info.tcpi_state == TCP_LISTEN
		   ? "it listens already: bind it before listen(2)"
		   : "it is connected already: bind it before connect(2)";
	return -EISCONN;
}

/* ---- requests -------------------------------------------------------------
 */

static int
set_mark(const struct passed *p, uint32_t mark, const char **why)
{
	if (setsockopt(p->fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0) {
		*why = "the kernel refuses the mark";
		return -errno;
	}
	return 0;
}

static int
bind_to(struct server *s, const struct session *c, const struct store_assoc *a,
	const char **why)
{
	const struct store_head *h = s->config.store->head;
	struct passed p;
	int err = look(s, c, &p, why);

	if (err == 0)
		err = is_fresh(&p, why);
	if (err < 0)
		return err;
	if ((p.mark & h->said_mask) != 0 && said_in(s, p.mark) != a->said &&
	    c->rights != PROTO_RIGHTS_ALL) {
		*why = "the socket has another mark already";
		return -EBUSY;
	}
	err = set_mark(&p, (p.mark & ~h->said_mask) | store_mark_of(h, a->said),
		       why);
	if (err < 0)
		return err;
	/* The caller may have connected it meanwhile. */
	err = is_fresh(&p, why);
	if (err < 0)
		(void)set_mark(&p, p.mark, why);
	return err;
}

/* The association, if the client may use it. */
static int
find(struct server *s, const struct session *c, const char *name,
     struct store_assoc *a, const char **why)
{
	int err = rows_find_assoc(s->config.store, name, a);

	/* What the client called it has no business in the log. */
	if (err < 0)
		a->name[0] = '\0';
	if (err == -EAGAIN)
		*why = "the configuration is being changed";
	else if (err < 0)
		*why = "no such association";
	if (err == 0 && !broker_admits(c, a)) {
		*why = "its `bind` does not admit you";
		err = -EPERM;
	}
	return err;
}

static int
log_refusal(struct server *s, const struct session *c, const char *request,
	    const struct store_assoc *a, int err, const char *why)
{
	if (log_limit_take(&s->refusals, clock_now_ms()))
		log_warnx("uid %u, %s to %s: refused: %s", c->uid, request,
			  a->name[0] != '\0' ? a->name : "?",
			  *why != '\0' ? why : strerror(-err));
	return err;
}

int
broker_bind(struct server *s, const struct session *c, const char *name,
	    struct proto_bound *out, const char **why)
{
	struct store_assoc a;
	int err = find(s, c, name, &a, why);

	if (err == 0)
		err = bind_to(s, c, &a, why);
	if (err < 0)
		return log_refusal(s, c, "bind", &a, err, *why);
	out->said = a.said;
	memcpy(out->association, a.name, sizeof(out->association));
	return 0;
}

int
broker_run(struct server *s, const struct session *c, const struct proto_run *r,
	   struct ctl_run *out, const char **why)
{
	struct store_assoc a;
	struct ucred who = { 0 };
	uint64_t cookie = 0;
	socklen_t len = sizeof(who), cookie_len = sizeof(cookie);
	int err = find(s, c, r->association, &a, why);

	/* The connection's own socket was made where its client was. */
	if (err == 0 && (getsockopt(c->fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie,
				    &cookie_len) < 0 ||
			 cookie != s->netns || cookie == 0)) {
		*why = "you are in another network namespace";
		err = -EXDEV;
	}
	if (err == 0 &&
	    (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 ||
	     who.pid <= 0)) {
		*why = "you are in another process id namespace";
		err = -ESRCH;
	}
	if (err < 0)
		return log_refusal(s, c, "run", &a, err, *why);
	*out = (struct ctl_run){
		.said = a.said,
		.uid = who.uid,
		.pid = (uint32_t)who.pid,
		.others_clear = (r->flags & PROTO_RUN_OTHERS_CLEAR) != 0,
		.others_told = (r->flags & PROTO_RUN_OTHERS_TOLD) != 0,
		.peer = a.peer,
	};
	memcpy(out->association, a.name, sizeof(out->association));
	return 0;
}

int
broker_said(struct server *s, const struct session *c, struct proto_bound *out,
	    const char **why)
{
	struct store_assoc a;
	struct passed p;
	int err = look(s, c, &p, why);

	if (err < 0)
		return err;
	out->said = said_in(s, p.mark);
	if (out->said != 0 &&
	    rows_find_said(s->config.store, out->said, &a) == 0)
		memcpy(out->association, a.name, sizeof(out->association));
	return 0;
}

/* The other end, IPv4 also of a socket for both families. */
static int
peer_of(const struct passed *p, struct ipaddr *peer)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} at;
	socklen_t len = sizeof(at);

	if (getpeername(p->fd, &at.any, &len) < 0)
		return -errno;
	if (at.any.sa_family == AF_INET) {
		*peer = ipaddr_from_be32(at.in.sin_addr.s_addr);
		return 0;
	}
	if (at.any.sa_family != AF_INET6)
		return -ENOTCONN;
	*peer = (struct ipaddr){ .family = IP_FAMILY_6, .prefix = 128 };
	memcpy(peer->octets, &at.in6.sin6_addr, sizeof(peer->octets));
	ipaddr_unmap(peer);
	return 0;
}

int
broker_peer(struct server *s, const struct session *c, uint32_t *said,
	    struct ipaddr *peer, const char **why)
{
	const struct store *store = s->config.store;
	struct passed p;
	int err = look(s, c, &p, why);

	if (err < 0)
		return err;
	err = peer_of(&p, peer);
	if (err < 0) {
		*why = "the socket is not connected";
		return err;
	}
	*said = said_in(s, p.mark);
	if (*said == 0) {
		*why = "the socket has no SAID: nothing protects it";
		return -ENODATA;
	}
	for (uint32_t i = 0; i < store_slots(store); i++)
		if (rows_protects(store_sa(store, i), *said, peer))
			return 0;
	*why = "no SA for its SAID and peer is there";
	return -ENOKEY;
}
