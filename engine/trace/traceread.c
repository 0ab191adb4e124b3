/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/trace/traceread.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/trace.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/builder.h"

/* A message for each rule of each packet: room for a few thousand of them. */
#define BUFFER_OCTETS (4 << 20)

int
traceread_open(struct traceread *r)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int group = NFNLGRP_NFTRACE, size = BUFFER_OCTETS, err;

	r->lost = 0;
	r->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_NETFILTER);
	if (r->fd < 0)
		return -errno;
	(void)setsockopt(r->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
			 sizeof(size));
	if (bind(r->fd, (struct sockaddr *)&any, sizeof(any)) == 0 &&
	    setsockopt(r->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		       sizeof(group)) == 0)
		return 0;
	err = -errno;
	traceread_close(r);
	return err;
}

void
traceread_close(struct traceread *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

/* The two headers that the kernel copies, as one packet again. */
static void
read_packet(const struct nftnl_trace *t, struct traceread_step *out)
{
	uint8_t octets[256];
	struct builder b = builder_make(octets, sizeof(octets));
	uint32_t len;
	const void *at;

	at = nftnl_trace_get_data(t, NFTNL_TRACE_NETWORK_HEADER, &len);
	if (at == NULL)
		return;
	builder_octets(&b, at, len);
	at = nftnl_trace_get_data(t, NFTNL_TRACE_TRANSPORT_HEADER, &len);
	if (at != NULL)
		builder_octets(&b, at, len);
	out->seen = sighting_take(octets, b.len, &out->packet);
}

static int32_t
read_verdict(const struct nftnl_trace *t, uint16_t which)
{
	int32_t v = (int32_t)nftnl_trace_get_u32(t, which);

	/* A queue's number or an errno stands in the high half. */
	return v < 0 ? v : v & 0xff;
}

static void
read_name(const struct nftnl_trace *t, uint16_t which,
	  char out[TRACEREAD_NAME_MAX])
{
	const char *name = nftnl_trace_get_str(t, which);

	(void)snprintf(out, TRACEREAD_NAME_MAX, "%s", name ? name : "");
}

static bool
read_trace(const struct nftnl_trace *t, struct traceread_step *out)
{
	switch (nftnl_trace_get_u32(t, NFTNL_TRACE_TYPE)) {
	case NFT_TRACETYPE_RULE:
		out->kind = TRACEREAD_RULE;
		out->verdict = read_verdict(t, NFTNL_TRACE_VERDICT);
		break;
	case NFT_TRACETYPE_RETURN:
		out->kind = TRACEREAD_RETURN;
		out->verdict = read_verdict(t, NFTNL_TRACE_VERDICT);
		break;
	case NFT_TRACETYPE_POLICY:
		out->kind = TRACEREAD_POLICY;
		out->verdict = read_verdict(t, NFTNL_TRACE_POLICY);
		break;
	default:
		return false;
	}
	out->id = nftnl_trace_get_u32(t, NFTNL_TRACE_ID);
	out->family = (uint8_t)nftnl_trace_get_u32(t, NFTNL_TRACE_FAMILY);
	out->handle = nftnl_trace_get_u64(t, NFTNL_TRACE_RULE_HANDLE);
	out->iif = nftnl_trace_get_u32(t, NFTNL_TRACE_IIF);
	out->oif = nftnl_trace_get_u32(t, NFTNL_TRACE_OIF);
	out->mark = nftnl_trace_get_u32(t, NFTNL_TRACE_MARK);
	read_name(t, NFTNL_TRACE_TABLE, out->table);
	read_name(t, NFTNL_TRACE_CHAIN, out->chain);
	read_packet(t, out);
	/* A chain's end is told as a rule that has no handle. */
	if (out->kind == TRACEREAD_RULE && out->handle == 0)
		out->kind = TRACEREAD_RETURN;
	return true;
}

bool
traceread_parse(const struct nlmsghdr *nlh, struct traceread_step *out)
{
	struct nftnl_trace *t;
	bool good;

	memset(out, 0, sizeof(*out));
	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE))
		return false;
	t = nftnl_trace_alloc();
	if (t == NULL)
		return false;
	good = nftnl_trace_nlmsg_parse(nlh, t) == 0 && read_trace(t, out);
	nftnl_trace_free(t);
	return good;
}

int
traceread_all(struct traceread *r,
	      void (*fn)(void *arg, const struct traceread_step *step),
	      void *arg)
{
	uint8_t octets[16384];
	const struct nlmsghdr *nlh;
	struct traceread_step step;
	ssize_t got;
	int len;

	for (;;) {
		got = recv(r->fd, octets, sizeof(octets), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == ENOBUFS) {
			r->lost++;
			continue;
		}
		if (got <= 0)
			return got < 0 && errno != EAGAIN ? -errno : 0;
		nlh = (const struct nlmsghdr *)octets;
		for (len = (int)got; mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len))
			if (traceread_parse(nlh, &step))
				fn(arg, &step);
	}
}
