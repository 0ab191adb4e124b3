/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/divert/carriers.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NETLINK_OCTETS 32768
#define REQUEST_OCTETS 512
#define TUPLE_OCTETS   160 /* a CTA_TUPLE_ORIG, nested, at most */
#define NONE           (~0u)

#define BOUND_INACTIVE (1u << 13) /* a port and no more; since Linux 6.8 */
#define STATES_COUNTED ((0xfffu & ~(1u << TCP_TIME_WAIT)) | BOUND_INACTIVE)
#define STATES_CUT                                                             \
	(STATES_COUNTED & ~(1u << TCP_SYN_SENT) & ~(1u << TCP_LISTEN) &        \
	 ~(1u << TCP_CLOSE) & ~BOUND_INACTIVE)

/* One end's view. */
struct tuple {
	struct ipaddr src, dst;
	uint16_t sport_be, dport_be;
	uint8_t protocol;
};

struct entry {
	struct tuple original, reply;
	uint8_t raw[TUPLE_OCTETS]; /* CTA_TUPLE_ORIG as it came */
	uint16_t raw_octets, zone_be;
	uint32_t id_be;
};

/* One look: what is wanted, and what was found. */
struct look {
	uint32_t mark, mask;
	const struct ipaddr *peer; /* NULL: any */
	struct inet_diag_msg *sockets;
	struct entry *entries;
	size_t n_sockets, n_entries;
};

int
carriers_open(struct carriers *c)
{
	int err = 0;

	*c = (struct carriers){ 0 };
	c->diag = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	c->conntrack = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (c->diag == NULL || c->conntrack == NULL ||
	    mnl_socket_bind(c->diag, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_bind(c->conntrack, 0, MNL_SOCKET_AUTOPID) < 0)
		err = -errno;
	if (err < 0)
		carriers_close(c);
	return err;
}

void
carriers_close(struct carriers *c)
{
	if (c->diag != NULL)
		mnl_socket_close(c->diag);
	if (c->conntrack != NULL)
		mnl_socket_close(c->conntrack);
	*c = (struct carriers){ 0 };
}

/* Sends, and calls `each` for every message of the answer up to its end. */
static int
ask(struct mnl_socket *nl, const struct nlmsghdr *request, mnl_cb_t each,
    void *arg)
{
	static uint8_t octets[NETLINK_OCTETS];
	ssize_t got;
	int r;

	if (mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
		return -errno;
	do {
		got = mnl_socket_recvfrom(nl, octets, sizeof(octets));
		r = MNL_CB_OK;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0)
			r = mnl_cb_run(octets, (size_t)got, request->nlmsg_seq,
				       mnl_socket_get_portid(nl), each, arg);
		/* What is left of a question that was given up: of another
		 * number (EPROTO), or not for this socket (ESRCH). */
		if (r < 0 && (errno == EPROTO || errno == ESRCH))
			r = MNL_CB_OK;
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : 0;
}

/* ---- sockets ---- */

static struct ipaddr
address_of(uint8_t family, const void *octets)
{
	struct ipaddr a = { .family =
				family == AF_INET ? IP_FAMILY_4 : IP_FAMILY_6,
			    .prefix = family == AF_INET ? 32 : 128 };

	memcpy(a.octets, octets, family == AF_INET ? 4 : 16);
	/* a listener for both families accepts IPv4, too */
	ipaddr_unmap(&a);
	return a;
}

static int
take_mark(const struct nlattr *attr, void *mark)
{
	if (mnl_attr_get_type(attr) == INET_DIAG_MARK &&
	    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
		*(uint32_t *)mark = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

/* Room for one more than n; it doubles, a host may have a million entries. */
static void *
room_for(void *list, size_t n, size_t octets)
{
	return (n & (n - 1)) != 0 ? list
				  : reallocarray(list, 2 * n + 1, octets);
}

static int
take_socket(const struct nlmsghdr *nlh, void *arg)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	struct look *l = arg;
	struct inet_diag_msg *more;
	struct ipaddr peer;
	uint32_t mark = 0;

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*m)))
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(*m), take_mark, &mark);
	if ((mark & l->mask) != l->mark)
		return MNL_CB_OK;
	peer = address_of(m->idiag_family, m->id.idiag_dst);
	if (l->peer != NULL && !ipaddr_equal(&peer, l->peer))
		return MNL_CB_OK;
	more = room_for(l->sockets, l->n_sockets, sizeof(*more));
	if (more == NULL)
		return MNL_CB_ERROR;
	l->sockets = more;
	l->sockets[l->n_sockets++] = *m;
	return MNL_CB_OK;
}

static struct nlmsghdr *
socket_request(struct carriers *c, void *octets, uint16_t type, uint16_t flags,
	       const struct inet_diag_req_v2 *r)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(octets);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++c->seq;
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(*r)), r, sizeof(*r));
	return nlh;
}

/* The kernel compares the marks, so that it need not list what has none. */
static void
put_mark_filter(struct nlmsghdr *nlh, const struct look *l)
{
	struct {
		struct inet_diag_bc_op op;
		struct inet_diag_markcond cond;
	} code = {
		.op = { .code = INET_DIAG_BC_MARK_COND,
			.yes = sizeof(code),
			.no = sizeof(code) + 4 },
		.cond = { .mark = l->mark, .mask = l->mask },
	};

	mnl_attr_put(nlh, INET_DIAG_REQ_BYTECODE, sizeof(code), &code);
}

static int
list_sockets(struct carriers *c, struct look *l, uint8_t protocol,
	     uint32_t states)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	uint8_t octets[REQUEST_OCTETS];
	int err = 0;

	for (int i = 0; err == 0 && i < 2; i++) {
		struct inet_diag_req_v2 r = { .sdiag_family = families[i],
					      .sdiag_protocol = protocol,
					      .idiag_states = states };
		struct nlmsghdr *nlh = socket_request(
		    c, octets, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &r);

		put_mark_filter(nlh, l);
		err = ask(c->diag, nlh, take_socket, l);
		/* A kernel without IPv6. */
		if (i == 1 && (err == -ENOENT || err == -EINVAL))
			err = 0;
	}
	return err;
}

/* Ends one socket.  1: it was there; 0: it was not; -errno. */
static int
end_socket(struct carriers *c, uint8_t protocol, const struct inet_diag_msg *m)
{
	struct inet_diag_req_v2 r = { .sdiag_family = m->idiag_family,
				      .sdiag_protocol = protocol,
				      .idiag_states = NONE,
				      .id = m->id };
	uint8_t octets[REQUEST_OCTETS];
	int err =
	    ask(c->diag, socket_request(c, octets, SOCK_DESTROY, NLM_F_ACK, &r),
		NULL, NULL);

	return err == 0 ? 1 : err == -ENOENT ? 0 : err;
}

static int
cut_marked(struct carriers *c, struct look *l, struct carriers_found *found)
{
	int err = list_sockets(c, l, IPPROTO_TCP, STATES_CUT);

	for (size_t i = 0; err == 0 && i < l->n_sockets; i++) {
		int r = end_socket(c, IPPROTO_TCP, &l->sockets[i]);

		if (r < 0)
			err = r;
		else
			found->sockets += (unsigned)r;
	}
	return err;
}

/* ---- the sockets of a connection ---- */

static int
take_one(const struct nlmsghdr *nlh, void *arg)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
	    nlh->nlmsg_len >= mnl_nlmsg_size(sizeof(*m)))
		*(struct inet_diag_msg *)arg = *m;
	return MNL_CB_OK;
}

static void
turn_round(struct inet_diag_sockid *id)
{
	struct inet_diag_sockid was = *id;

	id->idiag_sport = was.idiag_dport;
	id->idiag_dport = was.idiag_sport;
	memcpy(id->idiag_src, was.idiag_dst, sizeof(id->idiag_src));
	memcpy(id->idiag_dst, was.idiag_src, sizeof(id->idiag_dst));
}

/* The connected socket whose local end is the tuple's source.  A look-up may
 * answer with a listener, which is asked for and left alone. */
static int
cut_end(struct carriers *c, const struct tuple *t, struct carriers_found *found)
{
	struct inet_diag_req_v2 r = {
		.sdiag_family =
		    t->src.family == IP_FAMILY_4 ? AF_INET : AF_INET6,
		.sdiag_protocol = t->protocol,
		.idiag_states = NONE,
		.id = { .idiag_sport = t->sport_be,
			.idiag_dport = t->dport_be,
			.idiag_cookie = { INET_DIAG_NOCOOKIE,
					  INET_DIAG_NOCOOKIE } },
	};
	struct inet_diag_msg m = { 0 };
	uint8_t octets[REQUEST_OCTETS];
	int err;

	if (t->protocol != IPPROTO_TCP && t->protocol != IPPROTO_UDP)
		return 0;
	memcpy(r.id.idiag_src, t->src.octets, sizeof(t->src.octets));
	memcpy(r.id.idiag_dst, t->dst.octets, sizeof(t->dst.octets));
	/* For UDP a question has its ends the other way round, an order to
	 * end it has not (udp_dump_one, udp_diag_destroy). */
	if (t->protocol == IPPROTO_UDP)
		turn_round(&r.id);
	err = ask(c->diag,
		  socket_request(c, octets, SOCK_DIAG_BY_FAMILY, NLM_F_ACK, &r),
		  take_one, &m);
	if (err == -ENOENT)
		return 0;
	if (err < 0)
		return err;
	if ((STATES_CUT & (1u << m.idiag_state)) == 0 ||
	    m.id.idiag_dport != t->dport_be)
		return 0;
	err = end_socket(c, t->protocol, &m);
	if (err > 0)
		found->sockets++;
	return err < 0 ? err : 0;
}

/* ---- conntrack ---- */

static int
take_nested(const struct nlattr *attr, void *arg)
{
	const struct nlattr **table = arg;

	if (mnl_attr_get_type(attr) <= CTA_MAX)
		table[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static bool
read_tuple(const struct nlattr *attr, struct tuple *t)
{
	const struct nlattr *parts[CTA_MAX + 1] = { 0 };
	const struct nlattr *ip[CTA_MAX + 1] = { 0 };
	const struct nlattr *proto[CTA_MAX + 1] = { 0 };
	bool v4;

	if (attr == NULL)
		return false;
	mnl_attr_parse_nested(attr, take_nested, parts);
	if (parts[CTA_TUPLE_IP] == NULL || parts[CTA_TUPLE_PROTO] == NULL)
		return false;
	mnl_attr_parse_nested(parts[CTA_TUPLE_IP], take_nested, ip);
	mnl_attr_parse_nested(parts[CTA_TUPLE_PROTO], take_nested, proto);
	v4 = ip[CTA_IP_V4_SRC] != NULL;
	if (proto[CTA_PROTO_NUM] == NULL ||
	    (v4 ? ip[CTA_IP_V4_DST] : ip[CTA_IP_V6_DST]) == NULL ||
	    (!v4 && ip[CTA_IP_V6_SRC] == NULL))
		return false;
	t->src = address_of(
	    v4 ? AF_INET : AF_INET6,
	    mnl_attr_get_payload(ip[v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC]));
	t->dst = address_of(
	    v4 ? AF_INET : AF_INET6,
	    mnl_attr_get_payload(ip[v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST]));
	t->protocol = mnl_attr_get_u8(proto[CTA_PROTO_NUM]);
	if (proto[CTA_PROTO_SRC_PORT] != NULL &&
	    proto[CTA_PROTO_DST_PORT] != NULL) {
		t->sport_be = mnl_attr_get_u16(proto[CTA_PROTO_SRC_PORT]);
		t->dport_be = mnl_attr_get_u16(proto[CTA_PROTO_DST_PORT]);
	}
	return true;
}

static bool
is_with(const struct entry *e, const struct ipaddr *peer)
{
	return peer == NULL || ipaddr_equal(&e->original.src, peer) ||
	       ipaddr_equal(&e->original.dst, peer) ||
	       ipaddr_equal(&e->reply.src, peer);
}

static int
take_entry(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *a[CTA_MAX + 1] = { 0 };
	struct look *l = arg;
	struct entry e = { 0 }, *more;
	size_t octets;

	if (nlh->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW))
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), take_nested, a);
	if (a[CTA_MARK] == NULL ||
	    (ntohl(mnl_attr_get_u32(a[CTA_MARK])) & l->mask) != l->mark ||
	    !read_tuple(a[CTA_TUPLE_ORIG], &e.original) ||
	    !read_tuple(a[CTA_TUPLE_REPLY], &e.reply) || !is_with(&e, l->peer))
		return MNL_CB_OK;
	octets = mnl_attr_get_payload_len(a[CTA_TUPLE_ORIG]);
	if (octets > sizeof(e.raw))
		return MNL_CB_OK;
	memcpy(e.raw, mnl_attr_get_payload(a[CTA_TUPLE_ORIG]), octets);
	e.raw_octets = (uint16_t)octets;
	if (a[CTA_ZONE] != NULL)
		e.zone_be = mnl_attr_get_u16(a[CTA_ZONE]);
	if (a[CTA_ID] != NULL)
		e.id_be = mnl_attr_get_u32(a[CTA_ID]);
	more = room_for(l->entries, l->n_entries, sizeof(e));
	if (more == NULL)
		return MNL_CB_ERROR;
	l->entries = more;
	l->entries[l->n_entries++] = e;
	return MNL_CB_OK;
}

static struct nlmsghdr *
conntrack_request(struct carriers *c, void *octets, uint16_t type,
		  uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(octets);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++c->seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

static int
list_entries(struct carriers *c, struct look *l)
{
	uint8_t octets[REQUEST_OCTETS];
	struct nlmsghdr *nlh = conntrack_request(c, octets, IPCTNL_MSG_CT_GET,
						 NLM_F_DUMP, AF_UNSPEC);

	mnl_attr_put_u32(nlh, CTA_MARK, htonl(l->mark));
	mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(l->mask));
	return ask(c->conntrack, nlh, take_entry, l);
}

static int
delete_entry(struct carriers *c, const struct entry *e)
{
	uint8_t octets[REQUEST_OCTETS];
	struct nlmsghdr *nlh = conntrack_request(
	    c, octets, IPCTNL_MSG_CT_DELETE, NLM_F_ACK,
	    e->original.src.family == IP_FAMILY_4 ? AF_INET : AF_INET6);
	int err;

	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, e->raw_octets, e->raw);
	if (e->zone_be != 0)
		mnl_attr_put_u16(nlh, CTA_ZONE, e->zone_be);
	if (e->id_be != 0)
		mnl_attr_put_u32(nlh, CTA_ID, e->id_be);
	err = ask(c->conntrack, nlh, NULL, NULL);
	return err == -ENOENT ? 0 : err;
}

/* First the sockets, whose last words their connection's mark still holds
 * back; then what conntrack knows. */
static int
cut_entries(struct carriers *c, struct look *l, struct carriers_found *found)
{
	int err = list_entries(c, l);

	for (size_t i = 0; err == 0 && i < l->n_entries; i++) {
		err = cut_end(c, &l->entries[i].original, found);
		if (err == 0)
			err = cut_end(c, &l->entries[i].reply, found);
	}
	for (size_t i = 0; err == 0 && i < l->n_entries; i++) {
		err = delete_entry(c, &l->entries[i]);
		found->connections += err == 0;
	}
	return err;
}

int
carriers_cut(struct carriers *c, uint32_t mark, uint32_t mask,
	     const struct ipaddr *peer, struct carriers_found *found)
{
	struct look l = { .mark = mark, .mask = mask, .peer = peer };
	int err;

	*found = (struct carriers_found){ 0 };
	err = cut_marked(c, &l, found);
	if (err == 0)
		err = cut_entries(c, &l, found);
	free(l.sockets);
	free(l.entries);
	return err;
}

static int
list_protocol(struct carriers *c, struct look *l, uint8_t protocol)
{
	int err = list_sockets(c, l, protocol, STATES_COUNTED);

	/* Not every kernel lists raw ones. */
	if (protocol == IPPROTO_RAW && (err == -ENOENT || err == -EINVAL))
		err = 0;
	return err;
}

static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_RAW };

int
carriers_count(struct carriers *c, uint32_t mark, uint32_t mask,
	       struct carriers_found *found)
{
	struct look l = { .mark = mark, .mask = mask };
	int err = 0;

	for (unsigned i = 0; err == 0 && i < sizeof(protocols); i++)
		err = list_protocol(c, &l, protocols[i]);
	if (err == 0)
		err = list_entries(c, &l);
	*found =
	    (struct carriers_found){ .sockets = (unsigned)l.n_sockets,
				     .connections = (unsigned)l.n_entries };
	free(l.sockets);
	free(l.entries);
	return err;
}

int
carriers_any(struct carriers *c, uint32_t mark, uint32_t mask)
{
	struct look l = { .mark = mark, .mask = mask };
	int err = 0;

	for (unsigned i = 0;
	     err == 0 && l.n_sockets == 0 && i < sizeof(protocols); i++)
		err = list_protocol(c, &l, protocols[i]);
	if (err == 0 && l.n_sockets == 0)
		err = list_entries(c, &l);
	if (err == 0)
		err = l.n_sockets != 0 || l.n_entries != 0;
	free(l.sockets);
	free(l.entries);
	return err;
}
