/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keynegd remembers of its peers, and what it tells of it. */
#include "base/keyview.h"
#include "keyneg/core/peertab.h"
#include "keyneg/kink/kinkview.h"
#include "kinksim.h"

static struct ipaddr
address(const char *text)
{
	struct ipaddr a;

	cr_assert_eq(ipaddr_parse(text, &a), 0);
	return a;
}

Test(peertab, the_longest_untouched_makes_room)
{
	struct ipaddr me = address("10.0.0.1"), a = address("10.0.0.2"),
		      b = address("10.0.0.3"), c = address("10.0.0.4");
	struct peertab t;

	cr_assert_eq(peertab_init(&t, 2), 0);
	peertab_done(&t, "x", &me, &a, "kink/a@R", 10);
	peertab_done(&t, "x", &me, &b, "kink/b@R", 20);
	peertab_failed(&t, "x", &me, &a, "", "no answer", 30);
	peertab_done(&t, "x", &me, &c, "kink/c@R", 40);
	cr_assert_eq(t.n, 2);
	cr_assert_eq(peertab_find(&t, "x", &b), NULL);
	/* A failure forgets neither who it was nor what went well. */
	cr_assert_str_eq(peertab_find(&t, "x", &a)->principal, "kink/a@R");
	cr_assert_eq(peertab_find(&t, "x", &a)->exchanges, 1);
	cr_assert_str_eq(peertab_find(&t, "x", &a)->why, "no answer");
	peertab_done(&t, "x", &me, &a, "kink/a@R", 50);
	cr_assert_str_eq(peertab_find(&t, "x", &a)->why, "");
	peertab_fini(&t);
}

Test(peertab, the_refused_push_nobody_out)
{
	struct ipaddr me = address("10.0.0.1"), a = address("10.0.0.2");
	struct peertab t;

	cr_assert_eq(peertab_init(&t, 4), 0);
	peertab_done(&t, "x", &me, &a, "kink/a@R", 10);
	for (int i = 0; i < 3 * PEERTAB_REFUSED; i++) {
		struct ipaddr m = a;

		m.octets[1] = (uint8_t)(1 + i / 250);
		m.octets[3] = (uint8_t)(i % 250);
		peertab_failed(&t, "", &me, &m, "mallory@R", "no", 20);
	}
	cr_assert_eq(t.refused, PEERTAB_REFUSED);
	cr_assert_eq(t.n, PEERTAB_REFUSED + 1);
	cr_assert_neq(peertab_find(&t, "x", &a), NULL);
	peertab_fini(&t);
}

Test(peertab, associations_that_are_gone)
{
	struct ipaddr me = address("10.0.0.1"), a = address("10.0.0.2");
	struct keyconf_assoc stays = { .name = "stays" };
	struct keyconf c = { 0 };
	struct peertab t;

	cr_assert_eq(peertab_init(&t, 4), 0);
	cr_assert_eq(keyconf_add_assoc(&c, &stays), 0);
	peertab_done(&t, "stays", &me, &a, "kink/a@R", 10);
	peertab_done(&t, "goes", &me, &a, "kink/a@R", 10);
	peertab_failed(&t, "", &me, &a, "mallory@R", "no", 10);
	peertab_prune(&t, &c);
	cr_assert_eq(t.n, 2);
	cr_assert_eq(peertab_find(&t, "goes", &a), NULL);
	keyconf_fini(&c);
	peertab_fini(&t);
}

/* ---- the view ----------------------------------------------------------- */

static char *
view_of(struct sim_host *h, size_t peers)
{
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	cr_assert_eq(kinkview_print(&h->k, sim.now_ms, peers, out),
		     peers >= h->k.peers.n);
	fclose(out);
	return text;
}

/* The value of a key in the line that holds both texts; "" is none. */
static const char *
told(const char *view, const char *of, const char *key)
{
	static char line[2048];
	char want[64], *at;
	const char *p = strstr(view, of);

	cr_assert_neq(p, NULL, "%s: %s", of, view);
	while (p > view && p[-1] != '\n')
		p--;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(p, "\n"), p);
	snprintf(want, sizeof(want), "\t%s=", key);
	at = strstr(line, want);
	cr_assert_neq(at, NULL, "%s: %s", key, line);
	at += strlen(want);
	at[strcspn(at, "\t")] = '\0';
	return at;
}

Test(kinkview, tells_of_keys_of_failures_and_of_who_was_refused)
{
	char *text;

	sim_start(4, 1);
	sim.host[2].up = false; /* nobody answers there */
	cr_assert_eq(sim_acquire(&sim.host[0], &sim.host[1]), 0);
	cr_assert_eq(sim_acquire(&sim.host[0], &sim.host[2]), 0);
	sim_run(2000);
	text = view_of(&sim.host[0], 100);
	cr_assert_str_eq(told(text, "peer=10.0.0.2", "state"), "up");
	cr_assert_str_eq(told(text, "peer=10.0.0.2", "role"), "initiator");
	cr_assert_str_eq(told(text, "peer=10.0.0.2", "principal"),
			 "kink/h1.test@TEST");
	cr_assert_str_eq(told(text, "peer=10.0.0.2", "algorithms"),
			 "esp aes128-gcm");
	cr_assert_str_eq(told(text, "peer=10.0.0.2", "expires_secs"), "3598");
	cr_assert_str_eq(told(text, "peer=10.0.0.3", "state"), "negotiating");
	cr_assert_str_eq(told(text, "peer=10.0.0.3", "heard_secs"), "-1");
	cr_assert_str_eq(told(text, "result=done-initiator", "count"), "1");
	free(text);
	text = view_of(&sim.host[1], 100);
	cr_assert_str_eq(told(text, "peer=10.0.0.1", "role"), "responder");
	cr_assert_str_eq(told(text, "peer=10.0.0.1", "rekey_secs"), "-1");
	free(text);
	/* Long after, the reason is still there. */
	sim_run(60000);
	text = view_of(&sim.host[0], 100);
	cr_assert_str_eq(told(text, "peer=10.0.0.3", "state"), "failed");
	cr_assert_neq(strstr(told(text, "peer=10.0.0.3", "why"), "UDP port"),
		      NULL);
	cr_assert_str_eq(told(text, "result=failed", "count"), "1");
	free(text);
	/* A host that speaks for another's address. */
	strcpy(sim.host[3].conf.assoc[0].local_principal, "kink/evil\x1b@TEST");
	cr_assert_eq(sim_acquire(&sim.host[3], &sim.host[1]), 0);
	sim_run(2000);
	text = view_of(&sim.host[1], 100);
	cr_assert_str_eq(told(text, "peer=10.0.0.4", "state"), "refused");
	cr_assert_str_eq(told(text, "peer=10.0.0.4", "principal"),
			 "kink/evil?@TEST");
	cr_assert_str_eq(told(text, "peer=10.0.0.4", "association"), "");
	free(text);
	free(view_of(&sim.host[1], 1));
	sim_stop();
}
