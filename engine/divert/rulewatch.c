/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/divert/rulewatch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/trace.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/nftgen.h"

int
rulewatch_open(struct rulewatch *w)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int group = NFNLGRP_NFTRACE, r;

	w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_NETFILTER);
	if (w->fd < 0)
		return -errno;
	if (bind(w->fd, (struct sockaddr *)&any, sizeof(any)) != 0 ||
	    setsockopt(w->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		       sizeof(group)) != 0) {
		r = -errno;
		rulewatch_close(w);
		return r;
	}
	return 0;
}

void
rulewatch_close(struct rulewatch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

static const char *
family_name(uint32_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip ";
	case NFPROTO_IPV6:
		return "ip6 ";
	case NFPROTO_INET:
		return "inet ";
	}
	return "";
}

static bool
is_foreign_drop(const struct nlmsghdr *nlh, char where[256])
{
	struct nftnl_trace *t = nftnl_trace_alloc();
	const char *table, *chain;
	bool drop = false;

	if (t == NULL)
		return false;
	if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE) &&
	    nftnl_trace_nlmsg_parse(nlh, t) == 0 &&
	    (nftnl_trace_get_u32(t, NFTNL_TRACE_TYPE) == NFT_TRACETYPE_RULE
		 ? nftnl_trace_get_u32(t, NFTNL_TRACE_VERDICT)
		 : nftnl_trace_get_u32(t, NFTNL_TRACE_POLICY)) == NF_DROP) {
		table = nftnl_trace_get_str(t, NFTNL_TRACE_TABLE);
		chain = nftnl_trace_get_str(t, NFTNL_TRACE_CHAIN);
		drop = table != NULL && chain != NULL &&
		       strcmp(table, NFTGEN_MAIN) != 0 &&
		       strcmp(table, NFTGEN_GUARD) != 0;
		if (drop)
			snprintf(where, 256, "table %s%.100s, chain %.100s",
				 family_name(nftnl_trace_get_u32(
				     t, NFTNL_TRACE_FAMILY)),
				 table, chain);
	}
	nftnl_trace_free(t);
	return drop;
}

bool
rulewatch_find_drop(struct rulewatch *w, char where[256])
{
	uint8_t octets[16384];
	const struct nlmsghdr *nlh;
	bool found = false;
	ssize_t got;
	int len;

	while ((got = recv(w->fd, octets, sizeof(octets), 0)) > 0 ||
	       (got < 0 && (errno == EINTR || errno == ENOBUFS))) {
		nlh = (const struct nlmsghdr *)octets;
		for (len = (int)got; got > 0 && mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len))
			found = is_foreign_drop(nlh, where) || found;
	}
	return found;
}
