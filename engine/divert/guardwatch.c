/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/divert/guardwatch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/nftgen.h"

/* A flush of a large rule set is some hundred kilobytes of events. */
#define RECEIVE_OCTETS (4 << 20)

/* Every nftables event names its table in attribute 1. */
_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 &&
		   NFTA_RULE_TABLE == 1 && NFTA_SET_TABLE == 1 &&
		   NFTA_SET_ELEM_LIST_TABLE == 1 && NFTA_OBJ_TABLE == 1,
	       "the table's name is attribute 1");

int
guardwatch_open(struct guardwatch *w)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int group = NFNLGRP_NFTABLES, octets = RECEIVE_OCTETS, r;

	w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_NETFILTER);
	if (w->fd < 0)
		return -errno;
	if (setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &octets,
		       sizeof(octets)) != 0 ||
	    bind(w->fd, (struct sockaddr *)&any, sizeof(any)) != 0 ||
	    setsockopt(w->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		       sizeof(group)) != 0) {
		r = -errno;
		guardwatch_close(w);
		return r;
	}
	return 0;
}

void
guardwatch_close(struct guardwatch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

static bool
is_about_guard(const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *g;
	const struct nlattr *a;

	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*g))
		return false;
	g = mnl_nlmsg_get_payload(nlh);
	if (g->nfgen_family != NFPROTO_INET)
		return false;
	mnl_attr_for_each(a, nlh, sizeof(*g))
	{
		if (mnl_attr_get_type(a) == NFTA_TABLE_NAME &&
		    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
			return strcmp(mnl_attr_get_str(a), NFTGEN_GUARD) == 0;
	}
	return false;
}

bool
guardwatch_read(struct guardwatch *w, uint32_t own_portid)
{
	uint8_t octets[32768];
	struct sockaddr_nl from;
	socklen_t from_len = sizeof(from);
	const struct nlmsghdr *nlh;
	bool touched = false;
	ssize_t got;
	int len;

	for (;;) {
		from_len = sizeof(from);
		got = recvfrom(w->fd, octets, sizeof(octets), 0,
			       (struct sockaddr *)&from, &from_len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == ENOBUFS) {
			touched = true;
			continue;
		}
		if (got <= 0)
			return touched;
		if (from_len != sizeof(from) || from.nl_pid != 0)
			continue; /* not the kernel */
		nlh = (const struct nlmsghdr *)octets;
		for (len = (int)got; mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len))
			if (nlh->nlmsg_pid != own_portid && is_about_guard(nlh))
				touched = true;
	}
}
