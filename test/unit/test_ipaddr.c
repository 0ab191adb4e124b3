/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as sockets of both families tell them. */
#include <criterion/criterion.h>

#include "base/ipaddr.h"

static struct ipaddr
unmapped(const char *text)
{
	struct ipaddr a;

	cr_assert_eq(ipaddr_parse(text, &a), 0, "%s", text);
	ipaddr_unmap(&a);
	return a;
}

Test(ipaddr, unmap)
{
	static const char *const same[] = {
		"10.77.0.2",    "::1",           "fd77::ffff:a4d:2",
		"::10.77.0.2",  "::fffe:0:0/95", "::fffe:a4d:2",
		"10.77.0.0/24",
	};
	static const struct {
		const char *mapped, *plain;
	} others[] = {
		{ "::ffff:10.77.0.2", "10.77.0.2" },
		{ "::ffff:10.77.0.0/120", "10.77.0.0/24" },
		{ "::ffff:0:0/96", "0.0.0.0/0" },
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct ipaddr a = unmapped(same[i]), want;

		cr_assert_eq(ipaddr_parse(same[i], &want), 0);
		cr_assert(ipaddr_equal(&a, &want), "%s", same[i]);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct ipaddr a = unmapped(others[i].mapped), want;

		cr_assert_eq(ipaddr_parse(others[i].plain, &want), 0);
		cr_assert(ipaddr_equal(&a, &want), "%s", others[i].mapped);
	}
}
