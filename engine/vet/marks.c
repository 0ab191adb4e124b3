/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "engine/vet/marks.h"
#include "policy/said.h"

#define ANSWER_OCTETS 65536
#define ANSWER_SECS   2

struct walk {
	const struct policy *policy;
	struct diag *diag;
	int family;
	uint16_t wireguard; /* the generic netlink family's number, or 0 */
	char name[IF_NAMESIZE];
};

bool
marks_parse_rule(const struct nlmsghdr *nlh, struct marks_rule *out)
{
	const struct fib_rule_hdr *rule = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	bool marked = false;

	if (nlh->nlmsg_type != RTM_NEWRULE ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*rule))
		return false;
	*out = (struct marks_rule){ .mask = UINT32_MAX,
				    .inverted =
					(rule->flags & FIB_RULE_INVERT) != 0 };
	mnl_attr_for_each(attr, nlh, sizeof(*rule))
	{
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			continue;
		switch (mnl_attr_get_type(attr)) {
		case FRA_FWMARK:
			out->mark = mnl_attr_get_u32(attr);
			marked = true;
			break;
		case FRA_FWMASK:
			out->mask = mnl_attr_get_u32(attr);
			break;
		case FRA_PRIORITY:
			out->priority = mnl_attr_get_u32(attr);
			break;
		}
	}
	return marked && out->mask != 0;
}

bool
marks_parse_wireguard(const struct nlmsghdr *nlh, uint32_t *fwmark)
{
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return false;
	mnl_attr_for_each(
	    attr, nlh,
	    sizeof(struct genlmsghdr)) if (mnl_attr_get_type(attr) ==
					       WGDEVICE_A_FWMARK &&
					   mnl_attr_validate(attr,
							     MNL_TYPE_U32) == 0)
	{
		*fwmark = mnl_attr_get_u32(attr);
		return *fwmark != 0;
	}
	return false;
}

/* One request, its answers to `each`; an error of the kernel ends it. */
static void
ask(struct mnl_socket *nl, struct nlmsghdr *request, mnl_cb_t each, void *arg)
{
	char *answer = malloc(ANSWER_OCTETS);
	unsigned port = mnl_socket_get_portid(nl);
	static unsigned seq;
	ssize_t n;

	request->nlmsg_seq = ++seq;
	if (answer != NULL &&
	    mnl_socket_sendto(nl, request, request->nlmsg_len) >= 0) {
		do
			n = mnl_socket_recvfrom(nl, answer, ANSWER_OCTETS);
		while (n > 0 && mnl_cb_run(answer, (size_t)n, seq, port, each,
					   arg) > MNL_CB_STOP);
	}
	free(answer);
}

static struct mnl_socket *
open_socket(int bus)
{
	struct timeval limit = { .tv_sec = ANSWER_SECS };
	struct mnl_socket *nl = mnl_socket_open2(bus, SOCK_CLOEXEC);

	if (nl == NULL)
		return NULL;
	if (setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &limit,
		       sizeof(limit)) != 0 ||
	    mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(nl);
		return NULL;
	}
	return nl;
}

static int
each_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct walk *w = arg;
	struct marks_rule rule;
	uint32_t said;

	/* `not fwmark X` is met by every mark of ours but X: that is what
	 * wg-quick wants, and no accident. */
	if (!marks_parse_rule(nlh, &rule) || rule.inverted ||
	    !said_meets(&w->policy->options, rule.mark, rule.mask, &said))
		return MNL_CB_OK;
	diag_warn(w->diag, NULL,
		  "ip%s rule %u looks at fwmark 0x%x/0x%x: "
		  "SAID 0x%x meets it, so that its packets take that route",
		  w->family == AF_INET6 ? " -6" : "", rule.priority, rule.mark,
		  rule.mask, said);
	return MNL_CB_OK;
}

static void
warn_rules(struct walk *w)
{
	struct mnl_socket *nl = open_socket(NETLINK_ROUTE);
	static const int families[] = { AF_INET, AF_INET6 };

	if (nl == NULL)
		return;
	for (size_t i = 0; i < 2; i++) {
		char buf[256];
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
		struct fib_rule_hdr *rule;

		nlh->nlmsg_type = RTM_GETRULE;
		nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		rule = mnl_nlmsg_put_extra_header(nlh, sizeof(*rule));
		rule->family = (uint8_t)families[i];
		w->family = families[i];
		ask(nl, nlh, each_rule, w);
	}
	mnl_socket_close(nl);
}

static int
each_device(const struct nlmsghdr *nlh, void *arg)
{
	struct walk *w = arg;
	uint32_t fwmark, said;

	if (marks_parse_wireguard(nlh, &fwmark)) {
		said = said_from_mark(&w->policy->options, fwmark);
		if (said_in_range(&w->policy->options, said))
			diag_warn(w->diag, NULL,
				  "WireGuard interface %s "
				  "marks its packets 0x%x, which is SAID 0x%x",
				  w->name, fwmark, said);
	}
	return MNL_CB_OK;
}

static int
each_family(const struct nlmsghdr *nlh, void *arg)
{
	struct walk *w = arg;
	const struct nlattr *attr;

	mnl_attr_for_each(
	    attr, nlh,
	    sizeof(struct genlmsghdr)) if (mnl_attr_get_type(attr) ==
					       CTRL_ATTR_FAMILY_ID &&
					   mnl_attr_validate(attr,
							     MNL_TYPE_U16) == 0)
	    w->wireguard = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static struct nlmsghdr *
put_generic(char *buf, uint16_t type, uint16_t flags, uint8_t command,
	    uint8_t version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *gen;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	gen = mnl_nlmsg_put_extra_header(nlh, sizeof(*gen));
	gen->cmd = command;
	gen->version = version;
	return nlh;
}

static void
warn_device(struct walk *w)
{
	struct mnl_socket *nl = open_socket(NETLINK_GENERIC);
	char buf[256];
	struct nlmsghdr *nlh;

	if (nl == NULL)
		return;
	w->wireguard = 0;
	nlh = put_generic(buf, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	ask(nl, nlh, each_family, w);
	if (w->wireguard != 0) {
		nlh = put_generic(buf, w->wireguard, NLM_F_DUMP,
				  WG_CMD_GET_DEVICE, WG_GENL_VERSION);
		mnl_attr_put_strz(nlh, WGDEVICE_A_IFNAME, w->name);
		ask(nl, nlh, each_device, w);
	}
	mnl_socket_close(nl);
}

/* The name of a WireGuard interface, NULL for any other link. */
static const char *
wireguard_name(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr, *info;
	const char *name = NULL;
	bool found = false;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return NULL;
	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			name = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
			continue;
		mnl_attr_for_each_nested(
		    info,
		    attr) if (mnl_attr_get_type(info) == IFLA_INFO_KIND &&
			      mnl_attr_validate(info, MNL_TYPE_NUL_STRING) == 0)
		    found = strcmp(mnl_attr_get_str(info), WG_GENL_NAME) == 0;
	}
	return found ? name : NULL;
}

static int
each_link(const struct nlmsghdr *nlh, void *arg)
{
	struct walk *w = arg;
	const char *name = wireguard_name(nlh);

	if (name != NULL) {
		snprintf(w->name, sizeof(w->name), "%s", name);
		warn_device(w);
	}
	return MNL_CB_OK;
}

static void
warn_wireguard(struct walk *w)
{
	struct mnl_socket *nl = open_socket(NETLINK_ROUTE);
	char buf[256];
	struct nlmsghdr *nlh;
	struct ifinfomsg *link;

	if (nl == NULL)
		return;
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	ask(nl, nlh, each_link, w);
	mnl_socket_close(nl);
}

void
marks_warn(const struct policy *p, struct diag *d)
{
	struct walk w = { .policy = p, .diag = d };

	warn_rules(&w);
	warn_wireguard(&w);
}
