/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "policy/answers.h"
#include "policy/flowtext.h"

static const struct {
	const char *out, *in;
	bool caught;
} cases[] = {
	{ "ip daddr 10.77.0.2", "ip saddr 10.77.0.2", true },
	{ "ip daddr 10.77.0.2", "ip saddr 10.77.0.3", false },
	{ "ip daddr 10.77.0.2", "ip daddr 10.77.0.2", false },
	{ "ip daddr 10.77.0.2 udp dport 53", "ip saddr 10.77.0.2", true },
	{ "ip daddr 10.77.0.2", "ip saddr 10.77.0.2 udp sport 53", false },
	{ "udp dport 53 ip daddr 10.77.0.2", "ip saddr 10.77.0.2 udp sport 53",
	  true },
	/* what others ask of us, and not what answers us */
	{ "ip daddr 10.77.0.2 udp dport 53", "ip saddr 10.77.0.2 udp dport 53",
	  false },
	{ "ip daddr 10.77.0.2", "ip saddr 10.77.0.0/24", true },
	{ "ip daddr 10.77.0.0/24", "ip saddr 10.77.0.2", false },
	{ "ip daddr 10.77.0.0/24", "ip saddr 10.77.0.0/16", true },
	{ "ip daddr 10.77.0.2 udp dport 53", "ip protocol udp", true },
	{ "ip daddr 10.77.0.2 udp dport 53", "meta l4proto udp", true },
	{ "ip daddr 10.77.0.2 meta l4proto udp", "ip protocol udp", true },
	{ "ip daddr 10.77.0.2 udp dport 53", "ip protocol icmp", false },
	{ "udp dport 53", "meta l4proto udp", true },
	{ "udp dport 53", "ip protocol udp", false }, /* IPv6's is not */
	{ "ip daddr { 10.77.0.2, 10.77.0.3 }",
	  "ip saddr { 10.77.0.2, 10.77.0.3 }", true },
	{ "ip daddr $admins", "ip saddr $admins", true },
	{ "ip daddr . udp dport @servers", "ip saddr . udp sport @servers",
	  true },
	{ "ip daddr . udp dport @servers", "ip saddr @servers", false },
	{ "oifname \"eth0 ip\" udp dport 5", "iifname \"eth0 ip\"", true },
	{ "meta skuid 1000 ip daddr 10.77.0.2", "ip saddr 10.77.0.2", true },
	{ "meta skuid 1000", "ip saddr 10.77.0.2", false },
	{ "ip daddr 10.77.0.2", "ip saddr 10.77.0.2 ct state established",
	  false },
	{ "ip daddr != 10.1.0.0/16", "ip saddr != 10.1.0.0/16", true },
	{ "ip daddr != 10.1.2.3", "ip saddr != 10.1.0.0/16", false },
	{ "ip  daddr\t10.77.0.2", "ip saddr 10.77.0.2", true },
};

Test(answers, are_what_goes_the_other_way)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(answers_are_caught(cases[i].out, cases[i].in),
			     cases[i].caught, "%s | %s", cases[i].out,
			     cases[i].in);
}

Test(answers, of_tcp_have_a_number)
{
	cr_assert(answers_are_numbered("ip daddr 10.77.0.2 tcp dport 80"));
	cr_assert(answers_are_numbered("ip protocol tcp"));
	cr_assert(answers_are_numbered("meta l4proto tcp meta skuid 1"));
	cr_assert_not(answers_are_numbered("ip daddr 10.77.0.2"));
	cr_assert_not(answers_are_numbered("udp dport 80"));
	cr_assert_not(answers_are_numbered("meta l4proto { tcp, udp }"));
	cr_assert_not(answers_are_numbered("ip protocol != tcp"));
	cr_assert_not(answers_are_numbered("tcpudp"));
}

/* Nothing is seen of what is too long or has too many parts. */
Test(answers, of_what_is_too_much)
{
	static char text[FLOWTEXT_MAX + 1], many[600];

	for (unsigned i = 0; i < 20; i++)
		strcat(many, "meta skuid 1000 ");
	cr_assert_not(answers_are_caught(many, many));
	memset(text, 'x', FLOWTEXT_MAX);
	cr_assert_not(answers_are_caught(text, text));
	memset(text, ' ', FLOWTEXT_MAX);
	(void)answers_are_caught(text, text);
	cr_assert_not(answers_are_caught("ip daddr 10.77.0.2",
					 "ip saddr 10.77.0.2 { x \" y"));
}
