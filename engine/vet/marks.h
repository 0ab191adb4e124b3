/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * marks: who else in this network namespace looks at the bits of a SAID?
 *
 * Asks the kernel over rtnetlink and generic netlink; changes nothing.  One
 * thread.  Never an error: what the kernel does not tell is passed over.
 */
#ifndef ENGINE_VET_MARKS_H
#define ENGINE_VET_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/diag.h"
#include "policy/policy.h"

struct nlmsghdr;

/* What a routing rule asks of a mark. */
struct marks_rule {
	uint32_t priority, mark, mask;
	bool inverted; /* `ip rule add not fwmark ...` */
};

/* A warning for each `ip rule` with a fwmark that a mark with a SAID in it
 * can meet, and for each WireGuard interface whose fwmark is such a mark (the
 * kernel tells those to root alone). */
void marks_warn(const struct policy *p, struct diag *d);

/* One message of a dump of rules.  False: no rule, or none with a mark. */
bool marks_parse_rule(const struct nlmsghdr *nlh, struct marks_rule *out);
/* A WireGuard device as WG_CMD_GET_DEVICE answers.  False: no fwmark. */
bool marks_parse_wireguard(const struct nlmsghdr *nlh, uint32_t *fwmark);

#endif
