/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <stdlib.h>
#include <string.h>

#include "engine/vet/marks.h"
#include "engine/vet/vet_json.h"

#define RULE(expr) "{\"rule\":{\"family\":\"inet\",\"expr\":[" expr "]}}"
#define LIST(rules)                                                            \
	"{\"nftables\":[{\"metainfo\":{\"version\":\"1.0.6\"}},"               \
	"{\"table\":{\"name\":\"vet\"}},{\"chain\":{\"name\":\"x\"}}," rules   \
	"]}"
#define MATCH                                                                  \
	"{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":"       \
	"\"tcp\",\"field\":\"dport\"}},\"right\":80}}"
#define DROP "{\"drop\":null}"

static const char *
judge(const char *text, size_t rules)
{
	static char what[100];

	return vet_json_judge(text, rules, what, sizeof(what));
}

Test(vet_json, takes_matches_before_a_drop)
{
	cr_assert_null(judge(LIST(RULE(MATCH "," DROP)), 1));
	cr_assert_null(judge(
	    LIST(RULE(MATCH "," MATCH "," DROP) "," RULE(MATCH "," DROP)), 2));
}

Test(vet_json, refuses_everything_else)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		LIST(RULE(DROP)),
		LIST(RULE(MATCH)),
		LIST(RULE("")),
		LIST(RULE(MATCH ",{\"accept\":null}")),
		LIST(RULE("{\"counter\":null}," MATCH "," DROP)),
		LIST(RULE(MATCH "," DROP "," DROP)),
		LIST(RULE(MATCH "," DROP) "," RULE(MATCH "," DROP)),
		LIST(RULE(MATCH "," DROP) ",{\"set\":{\"name\":\"x\"}}"),
		LIST("{\"rule\":{\"comment\":\"x\",\"expr\":[" MATCH "," DROP
		     "]}}"),
		LIST(RULE("{\"match\":{\"left\":{\"numgen\":{\"mod\":2}},"
			  "\"right\":0}}," DROP)),
		LIST(RULE("{\"match\":{\"left\":{\"meta\":{\"key\":\"random\"}"
			  "},\"right\":0}}," DROP)),
		LIST(RULE("{\"match\":{\"left\":1,\"right\":{\"set\":[{"
			  "\"elem\":{\"val\":1,\"limit\":{}}}]}}}," DROP)),
		LIST(RULE("{\"match\":1,\"mangle\":2}," DROP)),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_assert_not_null(judge(bad[i], 1), "%s", bad[i]);
}

Test(vet_json, deep_nesting_is_refused_not_followed)
{
	enum { DEEP = 1500 };
	static const char front[] =
	    "{\"nftables\":[{\"rule\":{\"expr\":[{\"match\":";
	static const char back[] = "}," DROP "]}}]}";
	static char text[sizeof(front) + 2 * DEEP + sizeof(back)];
	size_t n = sizeof(front) - 1;

	memcpy(text, front, n);
	memset(text + n, '[', DEEP);
	memset(text + n + DEEP, ']', DEEP);
	memcpy(text + n + 2 * DEEP, back, sizeof(back));
	cr_assert_not_null(judge(text, 1));
}

static struct nlmsghdr *
put_rule(char *buf, uint32_t flags, const uint32_t *mark, const uint32_t *mask)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct fib_rule_hdr *rule;

	nlh->nlmsg_type = RTM_NEWRULE;
	rule = mnl_nlmsg_put_extra_header(nlh, sizeof(*rule));
	rule->flags = flags;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, 77);
	if (mark != NULL)
		mnl_attr_put_u32(nlh, FRA_FWMARK, *mark);
	if (mask != NULL)
		mnl_attr_put_u32(nlh, FRA_FWMASK, *mask);
	return nlh;
}

Test(marks, reads_routing_rules)
{
	char buf[256];
	uint32_t mark = 0x100, mask = 0xff00, zero = 0;
	struct marks_rule r;
	struct nlmsghdr *nlh;

	cr_assert(!marks_parse_rule(put_rule(buf, 0, NULL, NULL), &r));
	cr_assert(!marks_parse_rule(put_rule(buf, 0, NULL, &mask), &r));
	cr_assert(!marks_parse_rule(put_rule(buf, 0, &mark, &zero), &r));
	cr_assert(marks_parse_rule(put_rule(buf, 0, &mark, NULL), &r));
	cr_assert(r.mark == 0x100 && r.mask == UINT32_MAX && !r.inverted);
	cr_assert_eq(r.priority, 77);
	nlh = put_rule(buf, FIB_RULE_INVERT, &mark, &mask);
	cr_assert(marks_parse_rule(nlh, &r));
	cr_assert(r.mask == 0xff00 && r.inverted);
	nlh->nlmsg_type = RTM_DELRULE;
	cr_assert(!marks_parse_rule(nlh, &r));
	nlh->nlmsg_type = RTM_NEWRULE;
	nlh->nlmsg_len = NLMSG_HDRLEN + 4;
	cr_assert(!marks_parse_rule(nlh, &r));
}

Test(marks, reads_wireguard_devices)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	uint32_t fwmark = 0;

	cr_assert(!marks_parse_wireguard(nlh, &fwmark));
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	cr_assert(!marks_parse_wireguard(nlh, &fwmark));
	mnl_attr_put_strz(nlh, WGDEVICE_A_IFNAME, "wg0");
	mnl_attr_put_u32(nlh, WGDEVICE_A_FWMARK, 51820);
	cr_assert(marks_parse_wireguard(nlh, &fwmark));
	cr_assert_eq(fwmark, 51820);
}
