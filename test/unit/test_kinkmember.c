/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a member of the realm says, properly authenticated, and should not:
 * each kind is refused by its name, and nothing is left of it. */
#include "keyneg/kink/dh.h"
#include "keyneg/kink/qmbuild.h"
#include "keyneg/kink/transform.h"
#include "kinkfields.h"
#include "kinksim.h"

#define A (&sim.host[0])
#define B (&sim.host[1]) /* whom these tests play */
#define C (&sim.host[2])

static uint8_t message[8192];
static struct enctype_key key;
static uint32_t xid;
static const struct sim_host *address_of; /* where B speaks from; NULL: its */

/* B's message with a new authenticator, up to its first payload. */
static struct kinkmsg_build
begin(uint8_t type)
{
	static struct krbans a;
	struct krbreq r = { .type = KRBREQ_MAKE };
	struct kinkmsg_build m =
	    kinkmsg_build_make(message, sizeof(message), type, ++xid, false);

	strcpy(r.local, B->principal);
	strcpy(r.peer, A->principal);
	memset(&a, 0, sizeof(a));
	sim_make(B, &r, &a);
	key.etype = a.etype;
	memcpy(key.key, a.key, sizeof(key.key));
	kinkmsg_put_ap(&m, KINK_PAYLOAD_AP_REQ, 7, a.der, a.der_len);
	return m;
}

/* Signs and sends it; what A answers by: a notification, 0 without one, -1
 * without an answer. */
static int
answer_to(struct kinkmsg_build *m)
{
	static uint8_t plain[4096];
	struct exchange_path p = { .local =
				       (address_of ? address_of : B)->address,
				   .peer = A->address,
				   .local_port = 910,
				   .peer_port = 910 };
	uint8_t cksum[ENCTYPE_CKSUM_MAX];
	struct isakmp_fault fault;
	struct kinkbody body;
	struct isakmp_op op;
	struct kinkmsg msg;
	int n;

	cr_assert(kinkmsg_finish(m));
	n = enctype_cksum(&key, ENCTYPE_USAGE_KINK_CKSUM, m->b.buf, m->b.len,
			  cksum);
	cr_assert(kinkmsg_sign(m, cksum, (size_t)n));
	sim.traced = 0;
	sim_deliver(&p, message, m->b.len);
	sim_run(50);
	if (sim.traced == 0)
		return -1;
	cr_assert_eq(
	    kinkmsg_parse(cursor_make(sim.trace[0].at, sim.trace[0].n), &msg),
	    0);
	kinkmsg_parse_body(msg.payloads, msg.next, &body);
	if ((body.seen & 1u << KINK_PAYLOAD_ENCRYPT) == 0)
		return 0;
	n = enctype_decrypt(&key, ENCTYPE_USAGE_KINK_ENCRYPT, body.encrypted.at,
			    body.encrypted.left, plain, sizeof(plain));
	cr_assert_gt(n, 0);
	cr_assert_eq(kinkmsg_parse_inner(cursor_make(plain, (size_t)n), &body),
		     0);
	cr_assert(
	    isakmp_parse(body.isakmp[0], body.isakmp_next[0], &op, &fault));
	return op.notifies == 0 ? 0 : op.notify[0].type;
}

struct offer {
	uint16_t group;
	const uint8_t *ke;
	size_t ke_len;
	bool no_nonce, twice;
	void (*change)(struct isakmp_proposal p[2], unsigned *n);
	unsigned notifies; /* more payloads, */
	uint16_t notify;   /* of this type */
};

static int
offered(const struct offer *o)
{
	static const uint8_t nonce[32] = { 5 };
	struct isakmp_proposal p[2] = { 0 };
	struct kinkmsg_build m = begin(KINK_TYPE_CREATE);
	unsigned n = 1;

	transform_offer(&A->conf.assoc[0], 0x1000 + xid, o->group, &p[0]);
	if (o->change != NULL)
		o->change(p, &n);
	for (int i = 0; i <= o->twice; i++) {
		struct qmbuild q;

		kinkmsg_begin(&m, KINK_PAYLOAD_ISAKMP);
		q = qmbuild_make(&m.b);
		qmbuild_sa(&q, p, n);
		if (!o->no_nonce)
			qmbuild_nonce(&q, nonce, sizeof(nonce));
		if (o->ke_len != 0)
			qmbuild_ke(&q, o->ke, o->ke_len);
		for (unsigned j = 0; j < o->notifies; j++)
			qmbuild_notify(&q, o->notify, 3, 0, NULL, 0);
		kinkmsg_end(&m);
	}
	return answer_to(&m);
}

static void
start(enum keyconf_secrecy secrecy)
{
	sim_start(3, 1);
	for (int i = 0; i < 3; i++)
		sim.host[i].conf.assoc[0].secrecy = (uint8_t)secrecy;
	B->up = false;
}

/* The test's own offer is good, and B gets keys when it behaves. */
static void
nothing_is_left(void)
{
	sim_run(70000);
	cr_assert_eq(sim_count(A), 0);
	cr_assert_eq(A->k.pairs.n, 0);
	cr_assert_eq(A->k.exchanges.items, 0);
	cr_assert_eq(A->k.exchanges.octets, 0);
	B->up = true;
	sim_acquire(B, A);
	sim_run(1000);
	cr_assert_eq(sim_matched(A, B), 1);
}

static const char *
refused_for(void)
{
	const struct peertab_peer *p =
	    peertab_find(&A->k.peers, "", &B->address);

	return p == NULL ? "" : p->why;
}

Test(kinkmember, values_of_low_order)
{
	static const uint8_t low[][32] = {
		{ 0 },
		{ 1 },
		{ 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae,
		  0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
		  0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd,
		  0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
	};
	static uint8_t one[256];
	struct offer o = { .group = DH_GROUP_CURVE25519, .ke_len = 32 };

	start(KEYCONF_SECRECY_REQUIRE);
	for (size_t i = 0; i < sizeof(low) / sizeof(low[0]); i++) {
		o.ke = low[i];
		cr_assert_eq(offered(&o), ISAKMP_NOTIFY_PAYLOAD_MALFORMED);
		cr_assert_neq(strstr(refused_for(), "not a safe one"), NULL);
		cr_assert_eq(sim_count(A), 0);
	}
	one[255] = 1;
	o = (struct offer){ .group = DH_GROUP_MODP2048,
			    .ke = one,
			    .ke_len = sizeof(one) };
	cr_assert_eq(offered(&o), ISAKMP_NOTIFY_PAYLOAD_MALFORMED);
	/* and what is no value of the group at all */
	o.ke_len = 32;
	cr_assert_eq(offered(&o), ISAKMP_NOTIFY_PAYLOAD_MALFORMED);
	o.group = 2;
	cr_assert_eq(offered(&o), ISAKMP_NOTIFY_NO_PROPOSAL_CHOSEN);
	o = (struct offer){ 0 };
	cr_assert_eq(offered(&o), ISAKMP_NOTIFY_NO_PROPOSAL_CHOSEN);
	cr_assert_neq(strstr(refused_for(), "no forward secrecy"), NULL);
	nothing_is_left();
	sim_stop();
}

/* A value of each group that the manual names is taken, the first offer of an
 * initiator of other make may be any. */
Test(kinkmember, every_group_is_answered)
{
	static const uint16_t groups[] = { DH_GROUP_MODP2048, DH_GROUP_MODP3072,
					   DH_GROUP_MODP4096,
					   DH_GROUP_CURVE25519 };

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		uint8_t public[DH_OCTETS_MAX];
		struct dh *d = dh_new(groups[i], public);
		struct offer o = { .group = groups[i],
				   .ke = public,
				   .ke_len = dh_octets(groups[i]) };

		start(KEYCONF_SECRECY_PREFER);
		cr_assert_eq(offered(&o), 0);
		cr_assert_eq(A->k.pairs.n, 1);
		cr_assert_eq(A->k.pairs.first->group, groups[i]);
		dh_free(d);
		nothing_is_left();
		sim_stop();
	}
}

static void
tunnel(struct isakmp_proposal p[2], unsigned *n)
{
	p[0].transform[0].attrs.encap = TRANSFORM_ENCAP_TUNNEL;
}

static void
udp(struct isakmp_proposal p[2], unsigned *n)
{
	p[0].transform[0].attrs.encap = TRANSFORM_ENCAP_UDP_TRANSPORT;
}

static void
bundle(struct isakmp_proposal p[2], unsigned *n)
{
	p[1] = p[0];
	p[1].protocol = ISAKMP_PROTOCOL_AH;
	*n = 2;
}

static void
reserved_spi(struct isakmp_proposal p[2], unsigned *n)
{
	p[0].spi = 255;
}

Test(kinkmember, offers_that_are_not_taken)
{
	static const struct {
		void (*change)(struct isakmp_proposal p[2], unsigned *n);
		const char *why;
	} v[] = { { tunnel, "tunnel mode is offered" },
		  { udp, "ESP in UDP is offered" },
		  { bundle, "AH and ESP together are offered" },
		  { reserved_spi, "a reserved SPI is offered" } };

	start(KEYCONF_SECRECY_OFF);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct offer o = { .change = v[i].change };

		cr_assert_eq(offered(&o), ISAKMP_NOTIFY_NO_PROPOSAL_CHOSEN);
		cr_assert_neq(strstr(refused_for(), v[i].why), NULL, "%s",
			      refused_for());
	}
	nothing_is_left();
	sim_stop();
}

static void
same_spi(struct isakmp_proposal p[2], unsigned *n)
{
	p[0].spi = 0x12345;
}

Test(kinkmember, an_spi_that_is_in_use)
{
	struct offer o = { .change = same_spi };

	start(KEYCONF_SECRECY_OFF);
	cr_assert_eq(offered(&o), 0);
	cr_assert_eq(A->k.pairs.n, 1);
	cr_assert_eq(offered(&o), ISAKMP_NOTIFY_INVALID_SPI);
	cr_assert_eq(A->k.pairs.n, 1, "the first one stays");
	sim_stop();
}

/* RFC 4430 section 5.5: in a request they are ignored. */
Test(kinkmember, notifications_that_nobody_knows)
{
	static const uint16_t types[] = { 9999, 40000, 65535 };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct offer o = { .notifies = 2, .notify = types[i] };

		start(KEYCONF_SECRECY_OFF);
		cr_assert_eq(offered(&o), 0);
		cr_assert_eq(A->k.pairs.n, 1);
		sim_stop();
	}
}

Test(kinkmember, payloads_that_are_too_many_or_too_few)
{
	static const struct offer v[] = { { .no_nonce = true },
					  { .twice = true },
					  { .notifies = 40, .notify = 40000 } };

	start(KEYCONF_SECRECY_OFF);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		cr_assert_eq(offered(&v[i]), ISAKMP_NOTIFY_PAYLOAD_MALFORMED,
			     "%zu", i);
	nothing_is_left();
	sim_stop();
}

/* ---- lengths and counts -------------------------------------------------- */

/* A whole and good offer; where its KINK_ISAKMP is. */
static size_t
good_offer(struct kinkmsg_build *m)
{
	static uint8_t octets[32];
	struct isakmp_proposal p = { 0 };
	struct qmbuild q;
	size_t from;

	memset(octets, 0xee, sizeof(octets));
	*m = begin(KINK_TYPE_CREATE);
	from = m->b.len;
	transform_offer(&A->conf.assoc[0], 0x1000 + xid, DH_GROUP_CURVE25519,
			&p);
	kinkmsg_begin(m, KINK_PAYLOAD_ISAKMP);
	q = qmbuild_make(&m->b);
	qmbuild_sa(&q, &p, 1);
	qmbuild_nonce(&q, octets, 32);
	qmbuild_ke(&q, octets, 32);
	qmbuild_id(&q, &B->address);
	qmbuild_id(&q, &A->address);
	kinkmsg_end(m);
	return from;
}

/* It is told to be wrong, by KINK or inside, and nothing comes of it. */
static void
is_refused(unsigned field, unsigned value)
{
	uint64_t malformed = A->k.count[KINK_COUNT_MALFORMED];
	struct field f[32];
	struct kinkmsg_build m;
	size_t from = good_offer(&m);
	int answer;

	(void)offer_fields(message, from, f);
	if (f[field].octets == 2)
		message[f[field].at] = (uint8_t)(value >> 8);
	message[f[field].at + f[field].octets - 1] = (uint8_t)value;
	answer = answer_to(&m);
	cr_assert(answer > 0 || (answer == 0 &&
				 A->k.count[KINK_COUNT_MALFORMED] > malformed),
		  "a length of %u, %s, is answered by %d", value, f[field].what,
		  answer);
	cr_assert_eq(A->k.pairs.n, 0);
	sim_run(10); /* the rate of one source */
}

/* Every length and count of an offer says less, more, nothing and all, under a
 * good checksum. */
Test(kinkmember, lengths_that_lie, .timeout = 60)
{
	struct field f[32];
	struct kinkmsg_build m;
	unsigned n, tried = 0;

	start(KEYCONF_SECRECY_REQUIRE);
	n = offer_fields(message, good_offer(&m), f);
	cr_assert_eq(n, 11);
	for (unsigned i = 0; i < n; i++) {
		unsigned right;
		size_t from = good_offer(&m);

		(void)offer_fields(message, from, f);
		right = f[i].octets == 2 ? u16_at(message, f[i].at)
					 : message[f[i].at];
		for (unsigned v = 0; v < 256; v++)
			if (v != right) {
				is_refused(i, v);
				tried++;
			}
		for (unsigned v = 256; f[i].octets == 2 && v < 65536; v *= 2) {
			is_refused(i, v);
			is_refused(i, v + right);
			is_refused(i, v * 2 - 1);
		}
	}
	cr_assert_eq(tried, 11 * 255);
	/* and none of that for want of a good one */
	(void)good_offer(&m);
	cr_assert_eq(answer_to(&m), 0);
	cr_assert_eq(A->k.pairs.n, 1);
	sim_run(70000);
	nothing_is_left();
	sim_stop();
}

Test(kinkmember, deletes_what_is_anothers)
{
	struct kinkmsg_build m;
	struct qmbuild q;
	uint32_t spi;

	start(KEYCONF_SECRECY_OFF);
	sim_acquire(A, C);
	sim_run(1000);
	cr_assert_eq(sim_matched(A, C), 1);
	spi = A->k.pairs.first->spi_out;
	m = begin(KINK_TYPE_DELETE);
	kinkmsg_begin(&m, KINK_PAYLOAD_ISAKMP);
	q = qmbuild_make(&m.b);
	qmbuild_delete(&q, ISAKMP_PROTOCOL_ESP, &spi, 1);
	kinkmsg_end(&m);
	address_of = C; /* where that SPI means these keys */
	cr_assert_eq(answer_to(&m), ISAKMP_NOTIFY_INVALID_SPI);
	sim_run(10000);
	cr_assert_eq(sim_matched(A, C), 1);
	sim_stop();
}

/* ---- reflection --------------------------------------------------------- */

static bool
reflect(struct sim_host *from, uint8_t *octets, size_t n)
{
	struct sim_host *other = from == A ? C : A;
	struct exchange_path p = { .local = other->address,
				   .peer = from->address,
				   .local_port = 910,
				   .peer_port = 910 };

	sim_deliver(&p, octets, n);
	return true;
}

/* Each message comes back to its sender, as if from the peer. */
Test(kinkmember, what_comes_back_to_its_sender)
{
	for (int i = 0; i < 2; i++) {
		start(i == 0 ? KEYCONF_SECRECY_OFF : KEYCONF_SECRECY_REQUIRE);
		sim.tap = reflect;
		sim_acquire(A, C);
		sim_run(1000);
		cr_assert_eq(sim_matched(A, C), 1);
		cr_assert_eq(sim_matched(C, A), 1);
		cr_assert_eq(sim_count(A) + sim_count(C), 4);
		/* ours is no ticket for us; its answer answers nothing there */
		cr_assert_gt(A->k.count[KINK_COUNT_REFUSED], 0);
		cr_assert_gt(C->k.count[KINK_COUNT_UNEXPECTED], 0);
		/* nobody plays ping-pong */
		cr_assert_leq(sim.datagrams, 8, "%u", sim.datagrams);
		sim.tap = NULL;
		sim_run(60000);
		cr_assert_eq(A->k.exchanges.items + C->k.exchanges.items, 0);
		cr_assert_eq(sim_count(A) + sim_count(C), 4);
		sim_stop();
	}
}

/* ---- one that answers, and refuses -------------------------------------- */

/* The group that the last CREATE of A offers; B's key is set. */
static unsigned
group_asked_for(uint64_t *ctime, uint32_t *cusec)
{
	static uint8_t plain[4096];
	struct isakmp_fault fault;
	struct kinkbody body;
	struct isakmp_op op;
	struct kinkmsg msg;
	struct cursor c;
	uint64_t ticket;
	int n;

	cr_assert_gt(sim.traced, 0);
	c = cursor_make(sim.trace[sim.traced - 1].at,
			sim.trace[sim.traced - 1].n);
	cr_assert_eq(kinkmsg_parse(c, &msg), 0);
	cr_assert_eq(msg.type, KINK_TYPE_CREATE);
	xid = msg.xid;
	kinkmsg_parse_body(msg.payloads, msg.next, &body);
	cr_assert(cursor_u64(&body.ap, &ticket) &&
		  cursor_u64(&body.ap, ctime) && cursor_u32(&body.ap, cusec));
	key.etype = sim.etype;
	memcpy(key.key, sim.ticket[ticket].key, sizeof(key.key));
	n = enctype_decrypt(&key, ENCTYPE_USAGE_KINK_ENCRYPT, body.encrypted.at,
			    body.encrypted.left, plain, sizeof(plain));
	cr_assert_gt(n, 0);
	cr_assert_eq(kinkmsg_parse_inner(cursor_make(plain, (size_t)n), &body),
		     0);
	cr_assert(
	    isakmp_parse(body.isakmp[0], body.isakmp_next[0], &op, &fault));
	cr_assert_eq(op.ke.left, transform_offered_group(&op) == DH_GROUP_NONE
				     ? 0
				     : dh_octets(transform_offered_group(&op)));
	return transform_offered_group(&op);
}

static void
refuse(uint16_t notify)
{
	struct kinkmsg_build m;
	struct qmbuild q;
	uint8_t rep[512];
	uint64_t ctime;
	uint32_t cusec;

	(void)group_asked_for(&ctime, &cusec);
	m = kinkmsg_build_make(message, sizeof(message), KINK_TYPE_REPLY, xid,
			       false);
	kinkmsg_put_ap(&m, KINK_PAYLOAD_AP_REP, 7, rep,
		       sim_ap_rep(&key, ctime, cusec, rep, sizeof(rep)));
	kinkmsg_begin(&m, KINK_PAYLOAD_ISAKMP);
	q = qmbuild_make(&m.b);
	qmbuild_notify(&q, notify, ISAKMP_PROTOCOL_ESP, 0, NULL, 0);
	kinkmsg_end(&m);
	(void)answer_to(&m);
}

/* Curve25519, the group that all have, and none where that is allowed. */
Test(kinkmember, groups_that_the_peer_lacks)
{
	static const enum keyconf_secrecy secrecy[] = {
		KEYCONF_SECRECY_PREFER, KEYCONF_SECRECY_REQUIRE
	};
	uint64_t ctime;
	uint32_t cusec;

	for (int i = 0; i < 2; i++) {
		start(secrecy[i]);
		sim_acquire(A, B);
		sim_run(50);
		cr_assert_eq(group_asked_for(&ctime, &cusec),
			     DH_GROUP_CURVE25519);
		refuse(ISAKMP_NOTIFY_NO_PROPOSAL_CHOSEN);
		cr_assert_eq(group_asked_for(&ctime, &cusec),
			     DH_GROUP_MODP2048);
		refuse(ISAKMP_NOTIFY_NO_PROPOSAL_CHOSEN);
		if (secrecy[i] == KEYCONF_SECRECY_PREFER) {
			cr_assert_eq(group_asked_for(&ctime, &cusec),
				     DH_GROUP_NONE);
			refuse(ISAKMP_NOTIFY_NO_PROPOSAL_CHOSEN);
		}
		cr_assert_eq(A->give_ups, 1);
		cr_assert_neq(strstr(A->why, "`forward-secrecy`"), NULL, "%s",
			      A->why);
		sim_run(70000);
		cr_assert_eq(A->k.pairs.n, 0);
		cr_assert_eq(A->k.exchanges.items, 0);
		sim_stop();
	}
}

Test(kinkmember, refusals_of_every_sort)
{
	static const struct {
		uint16_t notify;
		const char *says;
	} v[] = {
		{ ISAKMP_NOTIFY_INVALID_ID_INFORMATION, "`principals`" },
		{ ISAKMP_NOTIFY_PAYLOAD_MALFORMED, "the log there" },
		{ 9999, "the log there" }, /* 5.5: an error all the same */
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		start(KEYCONF_SECRECY_PREFER);
		sim_acquire(A, B);
		sim_run(50);
		refuse(v[i].notify);
		cr_assert_eq(A->give_ups, 1, "%zu", i);
		cr_assert_neq(strstr(A->why, v[i].says), NULL, "%s", A->why);
		cr_assert_eq(A->k.pairs.n, 0);
		sim_stop();
	}
}

Test(kinkmember, an_spi_of_ours_that_the_peer_has)
{
	uint64_t ctime;
	uint32_t cusec, first;

	start(KEYCONF_SECRECY_OFF);
	sim_acquire(A, B);
	sim_run(50);
	first = A->k.pairs.first->spi_in;
	refuse(ISAKMP_NOTIFY_INVALID_SPI);
	(void)group_asked_for(&ctime, &cusec); /* it asks again, */
	cr_assert_neq(A->k.pairs.first->spi_in, first);
	refuse(ISAKMP_NOTIFY_INVALID_SPI); /* and once */
	cr_assert_eq(A->give_ups, 1);
	cr_assert_neq(strstr(A->why, "SPI"), NULL, "%s", A->why);
	cr_assert_eq(A->k.pairs.n, 0);
	sim_stop();
}
