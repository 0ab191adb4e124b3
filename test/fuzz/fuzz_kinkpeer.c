/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A peer that has authenticated itself and then says anything: the first octet
 * is the message's type, the rest the plaintext of its ENCRYPT, and both are
 * sealed properly around it.  Whatever it says, in the end nothing is left.
 */
#include <gcrypt.h>
#include <stdlib.h>
#include <string.h>

#include "keyneg/kink/enctype.h"
#include "keyneg/kink/kink.h"
#include "keyneg/kink/kinkmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

static const struct enctype_key key = { .etype = ENCTYPE_AES128_SHA256 };
static struct krbreq asked;
static bool is_asked;
static int sas;

static void
drop(void *ctx, const struct exchange_path *path, const void *octets, size_t n)
{
}

static int
ask(void *ctx, const struct krbreq *r)
{
	asked = *r;
	is_asked = true;
	return 0;
}

static uint32_t added; /* the engine has it, and has not said so */

static int
add(void *ctx, const struct sainstall_sa *sa)
{
	sas++;
	added = sa->pair;
	return 0;
}

static int
add_pair(void *ctx, const struct sainstall_sa *in,
	 const struct sainstall_sa *out)
{
	sas += 2;
	added = in->pair;
	return 0;
}

static int
take_out(void *ctx, uint32_t pair, enum sainstall_direction d, uint8_t protocol,
	 const struct ipaddr *local, const struct ipaddr *peer, uint32_t spi)
{
	sas--;
	return 0;
}

static void
give_up(void *ctx, const char *association, const struct ipaddr *peer,
	const char *why)
{
}

static const struct kink_ops ops = { .send = drop, .krb = ask };
static const struct sainstall_ops sa_ops = {
	.add = add, .add_pair = add_pair, .remove = take_out, .give_up = give_up
};

/* Kerberos has read the AP-REQ, or made one. */
static void
answer(struct kink *k, uint64_t now_ms)
{
	static struct krbans a;

	if (added != 0)
		kink_sa_added(k, now_ms, added);
	added = 0;
	if (!is_asked)
		return;
	is_asked = false;
	memset(&a, 0, sizeof(a));
	a.type = asked.type;
	a.id = asked.id;
	a.etype = key.etype;
	a.ctime = now_ms;
	a.der_len = 4;
	strcpy(a.local, "kink/a@R");
	strcpy(a.peer, "kink/b@R");
	kink_krb_answer(k, now_ms, &a);
}

static size_t
seal(const uint8_t *octets, size_t len, uint32_t xid, uint8_t *out, size_t cap)
{
	struct kinkmsg_build m =
	    kinkmsg_build_make(out, cap, (uint8_t)(1 + octets[0] % 6), xid,
			       (octets[0] & 0x80) != 0);
	uint8_t cksum[ENCTYPE_CKSUM_MAX];
	int n;

	kinkmsg_put_ap(&m, KINK_PAYLOAD_AP_REQ, 1000, "\x6e\x00", 2);
	kinkmsg_begin(&m, KINK_PAYLOAD_ENCRYPT);
	n = enctype_encrypt(&key, ENCTYPE_USAGE_KINK_ENCRYPT, octets + 1,
			    len - 1, m.b.buf + m.b.len, m.b.cap - m.b.len);
	if (n < 0)
		return 0;
	m.b.len += (size_t)n;
	kinkmsg_end(&m);
	if (!kinkmsg_finish(&m))
		return 0;
	n = enctype_cksum(&key, ENCTYPE_USAGE_KINK_CKSUM, out, m.b.len, cksum);
	return kinkmsg_sign(&m, cksum, (size_t)n) ? m.b.len : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	static const struct kink_limits limits = { .exchanges = 16,
						   .octets = 1 << 20,
						   .pairs = 16,
						   .burst = 1000,
						   .per_second = 1000 };
	static uint8_t buf[16384];
	static struct kink k;
	struct keyconf_assoc a = { .name = "db",
				   .said = 0x100,
				   .local_principal = "kink/a@R",
				   .peer_pattern = "kink/b@R",
				   .enc = ALGO_AES128_GCM,
				   .esn = 1 };
	struct keyconf conf = { .assoc = &a, .assocs = 1 };
	struct exchange_path path = { .local_port = 910, .peer_port = 910 };
	size_t n;

	if (len < 1 || len > 4096)
		return 0;
	gcry_check_version(NULL);
	ipaddr_parse("10.77.0.2", &path.local);
	ipaddr_parse("10.77.0.1", &path.peer);
	sas = 0;
	added = 0;
	is_asked = false;
	if (kink_init(&k, &ops, NULL, &sa_ops, NULL, &conf, 1, &limits) != 0)
		abort();
	/* Twice with one XID, then again with another. */
	for (uint32_t i = 0; i < 3; i++) {
		n = seal(octets, len, 7 + i / 2, buf, sizeof(buf));
		if (n == 0)
			break;
		kink_receive(&k, 1000 + i, &path, buf, n);
		answer(&k, 1000 + i);
		answer(&k, 1000 + i);
	}
	for (uint64_t now = 2000; now < 200000; now += 1000) {
		kink_run_timers(&k, now);
		answer(&k, now);
	}
	kink_run_timers(&k, UINT64_MAX / 2);
	answer(&k, UINT64_MAX / 2);
	if (k.exchanges.items > 16 || k.checking != 0)
		abort();
	for (struct sapair *p = k.pairs.first; p != NULL; p = k.pairs.first)
		kink_hard_limit(&k, 0, p->id);
	if (sas != 0)
		abort(); /* an SA without a pair, or the reverse */
	kink_fini(&k);
	return 0;
}
