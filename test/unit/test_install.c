/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/ctl/install.h"
#include "engine/ctl/nfqueue.h"

#define NOW 5000

static struct store store;
static struct shadow shadow;
static struct proto_pair pair;
static const char *why;

static struct ipaddr
address(const char *text)
{
	struct ipaddr a;

	cr_assert_eq(ipaddr_parse(text, &a), 0);
	return a;
}

static void
add_assoc(const char *name, uint32_t said, enum algo enc, enum algo auth,
	  enum proto_keying keying)
{
	struct store_assoc *a = &store.head->assocs[store.head->n_assocs];

	snprintf(a->name, sizeof(a->name), "%s", name);
	a->said = said;
	a->mode = SA_TRANSPORT;
	a->enc = (uint8_t)enc;
	a->auth = (uint8_t)auth;
	a->keying = (uint8_t)keying;
	a->esn = 1;
	a->replay_window = 128;
	a->local = address("10.0.0.0/24");
	a->peer = address("10.0.1.0/24");
	a->limits.hard_secs = 3600;
	atomic_fetch_add(&store.head->n_assocs, 1);
}

static void
fill(struct proto_half *h, uint32_t spi, uint8_t octet, uint16_t octets)
{
	h->spi = spi;
	h->key.len = octets;
	memset(h->key.at, octet, octets);
}

static unsigned cuts, live_at_cut;
static int cut_err;

static void
begin(void)
{
	cr_assert_eq(store_create(&store, 8, 1), 0);
	cr_assert_eq(shadow_init(&shadow, &store), 0);
	add_assoc("gcm", 0x100, ALGO_AES128_GCM, ALGO_NONE,
		  PROTO_KEYING_KERBEROS);
	add_assoc("cbc", 0x101, ALGO_AES128_CBC, ALGO_HMAC_SHA256,
		  PROTO_KEYING_NONE);
	add_assoc("manual", 0x102, ALGO_AES128_GCM, ALGO_NONE,
		  PROTO_KEYING_MANUAL);
	cuts = live_at_cut = 0;
	cut_err = 0;
	memset(&pair, 0, sizeof(pair));
	snprintf(pair.association, sizeof(pair.association), "gcm");
	snprintf(pair.principal, sizeof(pair.principal), "a@B");
	pair.local = address("10.0.0.1");
	pair.peer = address("10.0.1.1");
	fill(&pair.out, 0x1001, 1, 20);
	fill(&pair.in, 0x1002, 2, 20);
}

static void
end(void)
{
	shadow_fini(&shadow);
	store_unmap(&store);
}

TestSuite(install, .init = begin, .fini = end);

static unsigned live(void);

static int
cut(void *ctx, uint32_t said, const struct ipaddr *peer, bool known)
{
	cr_expect_eq(said, 0x100);
	cr_expect(ipaddr_equal(peer, &pair.peer));
	live_at_cut = live();
	cuts++;
	return cut_err;
}

static int
install(void)
{
	static const struct install_cutter cutter = { cut, NULL };

	why = NULL;
	return install_pair(&store, &shadow, &cutter, &pair, NOW, &why);
}

static unsigned
live(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < store_slots(&store); i++)
		n += atomic_load(&store_sa(&store, i)->state) == SA_LIVE;
	return n;
}

static const struct sa *
find(enum sa_direction direction, uint32_t spi)
{
	for (uint32_t i = 0; i < store_slots(&store); i++) {
		const struct sa *sa = store_sa(&store, i);

		if (atomic_load(&sa->state) == SA_LIVE &&
		    sa->direction == direction && sa->protocol == SA_ESP &&
		    sa->spi == spi && ipaddr_equal(&sa->peer, &pair.peer))
			return sa;
	}
	return NULL;
}

Test(install, fills_both_slots)
{
	const struct sa *in, *out;

	cr_assert_eq(install(), 0, "%s", why);
	in = find(SA_IN, 0x1002);
	out = find(SA_OUT, 0x1001);
	cr_assert(in != NULL && out != NULL && live() == 2);
	cr_assert(in->said == 0x100 && out->said == 0x100);
	cr_assert(in->enc == ALGO_AES128_GCM && in->auth == ALGO_NONE);
	cr_assert(in->key_octets == 20 && in->key[19] == 2);
	cr_assert(out->key_octets == 20 && out->key[0] == 1);
	cr_assert(in->replay_window == 128 && out->replay_window == 0);
	cr_assert(in->flags == SA_FLAG_ESN && out->flags == SA_FLAG_ESN);
	cr_assert_eq(atomic_load(&out->seq_next), 1);
	/* manual keys' IVs begin there */
	cr_assert_eq(atomic_load(&out->seq_limit), 1ull << SA_IV_LOW_BITS);
	cr_assert(in->limits.hard_secs == 3600 && in->installed_ms == NOW);
	cr_assert_str_eq(in->association, "gcm");
	cr_assert_str_eq(in->principal, "a@B");
	cr_assert(ipaddr_equal(&in->local, &pair.local));
}

Test(install, without_esn_the_counter_ends_at_32_bits)
{
	pair.flags = PROTO_PAIR_NO_ESN;
	cr_assert_eq(install(), 0);
	cr_assert_eq(find(SA_OUT, 0x1001)->flags, 0);
	cr_assert_eq(atomic_load(&find(SA_OUT, 0x1001)->seq_limit), 1ull << 32);
}

Test(install, one_half_alone)
{
	memset(&pair.out, 0, sizeof(pair.out));
	cr_assert_eq(install(), 0, "%s", why);
	cr_assert(live() == 1 && find(SA_IN, 0x1002) != NULL);
	fill(&pair.out, 0x1001, 1, 20);
	memset(&pair.in, 0, sizeof(pair.in));
	cr_assert_eq(install(), 0, "%s", why);
	cr_assert(live() == 2 && find(SA_OUT, 0x1001) != NULL);
	memset(&pair.out, 0, sizeof(pair.out));
	cr_assert_eq(install(), -EINVAL);
}

#define REFUSED(err, text)                                                     \
	do {                                                                   \
		cr_assert_eq(install(), err);                                  \
		cr_assert(why != NULL && strstr(why, text) != NULL, "%s",      \
			  why);                                                \
		cr_assert_eq(live(), before);                                  \
	} while (0)
#define WITH(member, value, err, text)                                         \
	do {                                                                   \
		struct proto_pair saved = pair;                                \
                                                                               \
		pair.member = value;                                           \
		REFUSED(err, text);                                            \
		pair = saved;                                                  \
	} while (0)

Test(install, refuses_what_does_not_fit_the_association)
{
	unsigned before = 0;

	WITH(peer, address("10.0.2.1"), -EINVAL, "peer");
	WITH(peer, address("10.0.1.0/24"), -EINVAL, "addresses");
	WITH(peer, address("any"), -EINVAL, "addresses");
	WITH(peer, address("fd00::1"), -EINVAL, "addresses");
	WITH(peer, pair.local, -EINVAL, "same address");
	WITH(local, address("10.0.9.1"), -EINVAL, "local");
	WITH(protocol, 51, -EINVAL, "protocol");
	WITH(protocol, 6, -EINVAL, "protocol");
	WITH(replay_window, 32769, -EINVAL, "window");
	WITH(sport, 65536, -EINVAL, "port");
	WITH(sport, 4500, -EINVAL, "both ports");
	WITH(out.spi, 255, -EINVAL, "reserved");
	WITH(in.spi, 1, -EINVAL, "reserved");
	WITH(out.key.len, 16, -EINVAL, "length");
	WITH(in.key.len, 0, -EINVAL, "length");
	WITH(in.auth_key.len, 32, -EINVAL, "length");
	WITH(association[0], 'x', -ENOENT, "no such");
	snprintf(pair.encryption, sizeof(pair.encryption), "aes256-gcm");
	REFUSED(-EINVAL, "another encryption");
	snprintf(pair.encryption, sizeof(pair.encryption), "aes128-gcm");
	snprintf(pair.integrity, sizeof(pair.integrity), "hmac-sha1");
	REFUSED(-EINVAL, "another integrity");
	pair.encryption[0] = pair.integrity[0] = '\0';
	snprintf(pair.association, sizeof(pair.association), "manual");
	REFUSED(-EOPNOTSUPP, "configuration");
	snprintf(pair.association, sizeof(pair.association), "cbc");
	REFUSED(-EINVAL, "length");
	store.head->assocs[0].replay_window = 0;
	snprintf(pair.association, sizeof(pair.association), "gcm");
	REFUSED(-EINVAL, "ESN");
}

Test(install, refuses_a_key_or_spi_in_use)
{
	unsigned before = 0;

	WITH(in.key, pair.out.key, -EEXIST, "both directions");
	cr_assert_eq(install(), 0);
	before = 2;
	REFUSED(-EEXIST, "key is in use");
	fill(&pair.in, 0x1002, 3, 20);
	fill(&pair.out, 0x2001, 4, 20);
	pair.flags = PROTO_PAIR_REPLACE;
	REFUSED(-EEXIST, "inbound SPI");
	fill(&pair.in, 0x2002, 3, 20);
	fill(&pair.out, 0x1001, 4, 20);
	REFUSED(-EEXIST, "outbound SPI");
	/* A dead SA's key is still one that was used. */
	cr_assert(store_kill(&store, 0) && store_kill(&store, 1));
	before = 0;
	fill(&pair.in, 0x2002, 2, 20);
	REFUSED(-EEXIST, "key is in use");
}

static void
fill_number(struct proto_half *h, uint32_t spi, uint32_t number)
{
	fill(h, spi, 7, 20);
	memcpy(h->key.at, &number, sizeof(number));
}

/* One pair after the other, as a long life of rekeys goes through the slots. */
static void
live_through(uint32_t from, uint32_t pairs)
{
	for (uint32_t n = from; n < from + pairs; n++) {
		fill_number(&pair.in, 0x100000 + n, 2 * n);
		fill_number(&pair.out, 0x100000 + n, 2 * n + 1);
		cr_assert_eq(install(), 0, "%u: %s", n, why);
		for (uint32_t i = 0; i < store_slots(&store); i++)
			if (store_kill(&store, i))
				store_release(&store, i);
	}
}

Test(install, refuses_a_key_whose_slot_is_somebody_elses)
{
	unsigned before = 0;

	live_through(0, 8); /* the store remembers 32 keys and more */
	for (uint32_t n = 0; n < 8; n++) {
		fill_number(&pair.in, 0x5000, 1000 + 2 * n);
		fill_number(&pair.out, 0x5001, 2 * n + 1);
		REFUSED(-EEXIST, "was another SA's");
		fill_number(&pair.in, 0x5000, 2 * n);
		fill_number(&pair.out, 0x5001, 1001 + 2 * n);
		REFUSED(-EEXIST, "was another SA's");
	}
	live_through(10000, 500); /* a full memory refuses nothing new */
	live_through(0, 1);       /* and has forgotten what is oldest */
}

Test(install, remembers_keys_of_another_engine)
{
	unsigned before = 0;

	live_through(0, 1);
	shadow_fini(&shadow);
	cr_assert_eq(shadow_init(&shadow, &store), 0);
	fill_number(&pair.in, 0x5000, 0);
	fill_number(&pair.out, 0x5001, 77);
	REFUSED(-EEXIST, "was another SA's");
}

Test(install, an_integrity_key_is_no_more_to_come_again)
{
	unsigned before = 0;

	snprintf(pair.association, sizeof(pair.association), "cbc");
	fill(&pair.in, 0x1002, 1, 16);
	fill(&pair.out, 0x1001, 2, 16);
	pair.in.auth_key = (struct proto_octets){ .len = 32, .at = { 3 } };
	pair.out.auth_key = (struct proto_octets){ .len = 32, .at = { 4 } };
	pair.principal[0] = '\0';
	cr_assert_eq(install(), 0, "%s", why);
	for (uint32_t i = 0; i < 2; i++) {
		cr_assert(store_kill(&store, i));
		store_release(&store, i);
	}
	fill(&pair.in, 0x1002, 5, 16);
	fill(&pair.out, 0x1001, 6, 16);
	REFUSED(-EEXIST, "was another SA's");
}

Test(install, replaces_the_outbound_one_and_keeps_the_inbound_one)
{
	unsigned before = 2;

	cr_assert_eq(install(), 0);
	fill(&pair.in, 0x2002, 3, 20);
	fill(&pair.out, 0x2001, 4, 20);
	REFUSED(-EEXIST, "replace it");
	pair.flags = PROTO_PAIR_REPLACE;
	cr_assert_eq(install(), 0, "%s", why);
	cr_assert(find(SA_OUT, 0x1001) == NULL && find(SA_OUT, 0x2001) != NULL);
	cr_assert(find(SA_IN, 0x1002) != NULL && find(SA_IN, 0x2002) != NULL);
	/* Another peer of the same association stands beside it. */
	pair.flags = 0;
	pair.peer = address("10.0.1.2");
	fill(&pair.in, 0x3002, 5, 20);
	fill(&pair.out, 0x3001, 6, 20);
	cr_assert_eq(install(), 0, "%s", why);
	cr_assert_eq(live(), 5);
}

/* As the supervisor does with manual keys, behind the shadow's back. */
static uint32_t
install_by_other(uint32_t spi, uint8_t octet)
{
	uint32_t slot;
	struct sa *sa;

	cr_assert_eq(store_claim(&store, 64, &slot), 0);
	sa = store_sa(&store, slot);
	sa->spi = spi;
	sa->direction = SA_IN;
	sa->protocol = SA_ESP;
	sa->key_octets = 20;
	memset(sa->key, octet, 20);
	sa->peer = pair.peer;
	store_publish(&store, slot);
	return slot;
}

Test(install, sees_what_others_did)
{
	unsigned before = 1;
	uint32_t slot = install_by_other(0x1002, 9);

	REFUSED(-EEXIST, "inbound SPI");
	cr_assert(store_kill(&store, slot));
	store_release(&store, slot);
	cr_assert_eq(install(), 0, "gone is gone");
	/* Between two changes of our own. */
	slot = install_by_other(0x2002, 3);
	fill(&pair.in, 0x3002, 4, 20);
	fill(&pair.out, 0x3001, 5, 20);
	pair.flags = PROTO_PAIR_REPLACE;
	cr_assert_eq(install(), 0, "%s", why);
	before = live();
	fill(&pair.in, 0x4002, 3, 20);
	fill(&pair.out, 0x4001, 6, 20);
	REFUSED(-EEXIST, "key");
	fill(&pair.in, 0x2002, 7, 20);
	REFUSED(-EEXIST, "inbound SPI");
	/* The same slot with another SA in it. */
	cr_assert(store_kill(&store, slot));
	store_release(&store, slot);
	cr_assert_eq(install_by_other(0x5002, 8), slot);
	fill(&pair.in, 0x6002, 8, 20);
	REFUSED(-EEXIST, "key");
}

Test(install, a_full_store_takes_no_half)
{
	uint32_t slot;
	unsigned before = 0;

	for (unsigned i = 0; i < 7; i++)
		cr_assert_eq(store_claim(&store, 0, &slot), 0);
	REFUSED(-ENOSPC, "");
	store_release(&store, slot);
	cr_assert_eq(install(), 0, "the slot of the refused half was freed");
}

Test(install, a_full_store_kills_and_cuts_nothing)
{
	unsigned before = 2, cut_before;
	uint32_t slot;

	cr_assert_eq(install(), 0);
	cut_before = cuts;
	for (unsigned i = 0; i < 5; i++)
		cr_assert_eq(store_claim(&store, 0, &slot), 0);
	snprintf(pair.principal, sizeof(pair.principal), "c@B");
	fill(&pair.in, 0x2002, 3, 20);
	fill(&pair.out, 0x2001, 4, 20);
	pair.flags = PROTO_PAIR_REPLACE;
	REFUSED(-ENOSPC, "");
	cr_expect_eq(cuts, cut_before);
	/* And nobody is remembered who did not come. */
	store_release(&store, slot);
	cr_assert_eq(install(), 0, "%s", why);
	cr_expect_eq(cuts, cut_before + 1);
}

Test(install, waits_for_no_policy_that_is_being_changed)
{
	store_policy_begin(&store);
	cr_assert_eq(install(), -EAGAIN);
	store_policy_end(&store);
	cr_assert_eq(install(), 0);
}

Test(install, deletes_one_and_never_a_manual_one)
{
	struct proto_delete d = { .direction = PROTO_IN,
				  .protocol = SA_ESP,
				  .spi = 0x1002,
				  .peer = pair.peer };

	cr_assert_eq(install(), 0);
	d.peer = address("10.0.1.9");
	cr_assert_eq(install_delete(&store, &shadow, &d, &why), -ENOENT);
	d.peer = pair.peer;
	d.protocol = SA_ESP + 256; /* must not become ESP when it is cut */
	cr_assert_eq(install_delete(&store, &shadow, &d, &why), -ENOENT);
	d.protocol = SA_ESP;
	d.spi = 0; /* names none */
	cr_assert_eq(install_delete(&store, &shadow, &d, &why), -ENOENT);
	d.spi = 0x1002;
	cr_assert_eq(install_delete(&store, &shadow, &d, &why), 0);
	cr_assert_eq(live(), 1);
	d.direction = PROTO_OUT;
	d.spi = 0x1001;
	store_sa(&store, 1)->flags |= SA_FLAG_MANUAL;
	cr_assert_eq(install_delete(&store, &shadow, &d, &why), -EOPNOTSUPP);
	cr_assert_eq(live(), 1);
}

Test(nfqueue, reads_the_kernels_lines)
{
	static const char text[] =
	    " 4303   1234     7 2 65531    11    22    5000  1\n"
	    "\nnonsense\n 4304 x\n"
	    "65535 4294967295 4294967295 2 65531 18446744073709551615 1 2  1";
	struct nfqueue_row rows[3];

	cr_assert_eq(nfqueue_parse(text, sizeof(text) - 1, rows, 3), 2);
	cr_assert(rows[0].number == 4303 && rows[0].length == 7 &&
		  rows[0].kernel_drops == 11 && rows[0].user_drops == 22 &&
		  rows[0].last_id == 5000);
	cr_assert(rows[1].number == 65535 && rows[1].length == UINT32_MAX &&
		  rows[1].kernel_drops == UINT64_MAX);
	cr_assert_eq(nfqueue_parse(text, sizeof(text) - 1, rows, 1), 1);
	cr_assert_eq(nfqueue_parse(text, 20, rows, 3), 0);
	cr_assert_eq(nfqueue_read(-1, rows, 3), 0);
}

static void
rekey_as(const char *principal, uint32_t spi)
{
	snprintf(pair.principal, sizeof(pair.principal), "%s", principal);
	pair.flags = PROTO_PAIR_REPLACE;
	fill(&pair.out, spi, (uint8_t)spi, 20);
	fill(&pair.in, spi + 1, (uint8_t)(spi + 1), 20);
}

Test(install, the_same_principal_keeps_its_connections)
{
	/* Before the first one somebody else may have been there. */
	cr_assert_eq(install(), 0);
	cr_expect_eq(cuts, 1);
	rekey_as("a@B", 0x2010);
	cr_assert_eq(install(), 0);
	cr_expect_eq(cuts, 1);
	/* All its SAs are over: it is remembered all the same. */
	for (uint32_t i = 0; i < store_slots(&store); i++)
		store_kill(&store, i);
	rekey_as("a@B", 0x2020);
	cr_assert_eq(install(), 0);
	cr_expect_eq(cuts, 1);
}

Test(install, another_principal_breaks_what_was_before)
{
	cr_assert_eq(install(), 0);
	rekey_as("mallory@B", 0x2010);
	cr_assert_eq(install(), 0);
	cr_expect_eq(cuts, 2);
	cr_expect_eq(live_at_cut, 0, "the former's SAs are dead by then");
	cr_expect_eq(live(), 2);
	/* Nor may one without a name go on with what was mallory's. */
	rekey_as("", 0x2020);
	cr_assert_eq(install(), 0);
	cr_expect_eq(cuts, 3);
	/* And after that nobody has a name to keep. */
	rekey_as("", 0x2030);
	cr_assert_eq(install(), 0);
	cr_expect_eq(cuts, 3);
}

Test(install, who_never_had_a_name_breaks_nothing)
{
	rekey_as("", 0x2010);
	cr_assert_eq(install(), 0);
	cr_expect_eq(cuts, 0);
}

Test(install, what_can_not_be_cut_is_not_taken_over)
{
	cr_assert_eq(install(), 0);
	rekey_as("mallory@B", 0x2010);
	cut_err = -EOPNOTSUPP;
	cr_expect_eq(install(), -EOPNOTSUPP);
	cr_expect_eq(live(), 0);
	/* Tried again, it is cut again. */
	cut_err = 0;
	cr_expect_eq(install(), 0);
	cr_expect_eq(cuts, 3);
}

Test(install, other_addresses_are_other_peers)
{
	cr_assert_eq(install(), 0);
	pair.peer = address("10.0.1.2");
	rekey_as("b@B", 0x2010);
	pair.flags = 0;
	cr_assert_eq(install(), 0);
	cr_expect_eq(cuts, 2);
	cr_expect_eq(live(), 4, "the first one's stay");
	pair.peer = address("10.0.1.1");
	rekey_as("a@B", 0x2020);
	cr_assert_eq(install(), 0);
	cr_expect_eq(cuts, 2);
}
