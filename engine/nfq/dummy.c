/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "engine/nfq/dummy.h"
#include "engine/path/pmtu.h"
#include "engine/wire/ip.h"

#define PACKET_OCTETS (65536 + PATH_GROWTH)
#define CREDIT        1000u /* of one packet */
#define TTL           64

int
dummy_init(struct dummy *d, struct store *s)
{
	memset(d, 0, sizeof(*d));
	d->store = s;
	d->sas = calloc(s->head->max_sa, sizeof(*d->sas));
	d->octets = malloc(PACKET_OCTETS);
	d->sealed = malloc(PACKET_OCTETS);
	if (d->sas == NULL || d->octets == NULL || d->sealed == NULL) {
		dummy_fini(d);
		return -ENOMEM;
	}
	return 0;
}

void
dummy_fini(struct dummy *d)
{
	free(d->sas);
	free(d->octets);
	free(d->sealed);
	memset(d, 0, sizeof(*d));
}

static bool
is_wanted(const struct sa *sa)
{
	/* The kernel fills in a source that is not known, but AH covers it. */
	return atomic_load(&sa->state) == SA_LIVE && sa->direction == SA_OUT &&
	       sa->dummy_rate != 0 &&
	       ((sa->flags & SA_FLAG_BUNDLE) == 0 ||
		ipaddr_is_host(&sa->local));
}

/* Anew when SAs came or went; the list's slots stay as long as the table. */
static void
refresh(struct dummy *d, const struct path *p)
{
	uint32_t generation = sad_table_generation(p->table);

	if (generation == d->table)
		return;
	d->table = generation;
	d->n = 0;
	for (uint32_t i = 0; i < store_slots(d->store); i++) {
		const struct sa *sa = store_sa(d->store, i);

		if (is_wanted(sa) && d->n < d->store->head->max_sa)
			d->sas[d->n++] = (struct dummy_sa){
				.slot = i,
				.generation = atomic_load(&sa->generation),
				.mtu = PMTU_DEFAULT,
			};
	}
}

void
dummy_build(const struct sa *sa, size_t len, uint8_t *octets)
{
	struct ip4 ip = {
		.header = IP_HEADER_MIN,
		.protocol = IP_NONE,
		.total = (uint16_t)len,
	};

	memset(octets, 0, len);
	octets[0] = 0x40 | IP_HEADER_MIN / 4;
	octets[8] = TTL;
	if (ipaddr_is_host(&sa->local))
		memcpy(octets + 12, sa->local.octets, 4);
	memcpy(octets + 16, sa->peer.octets, 4);
	ip_finish(octets, &ip);
}

/* Of every length that fits when sealed; TFC padding makes them alike. */
static size_t
draw_length(uint32_t mtu)
{
	uint32_t room = mtu - IP_HEADER_MIN - PATH_GROWTH, random = 0;

	if (secret_random(&random, sizeof(random)) != 0)
		return IP_HEADER_MIN;
	return IP_HEADER_MIN + random % room;
}

static void
send_one(struct dummy *d, struct inject *out, struct path *p,
	 struct dummy_sa *one, const struct sa *sa, uint64_t now_ms)
{
	struct pkt pkt = {
		.octets = d->octets,
		.mark = store_mark_of(d->store->head, sa->said),
		.mtu = one->mtu,
		.out = PKT_LOOPBACK + 1,
	};
	struct path_result r;

	pkt.len = pkt.whole = draw_length(one->mtu);
	pkt.room = PACKET_OCTETS - pkt.len;
	dummy_build(sa, pkt.len, d->octets);
	path_out(p, STORE_QUEUE_SEAL, &pkt, now_ms, d->sealed, PACKET_OCTETS,
		 &r);
	if (r.action != PATH_REPLACE)
		return;
	/* Lost like any other packet if it can't be sent; too long for the
	 * device, the next ones are shorter. */
	inject_add(out, d->sealed, r.len, r.mark, 0);
	if (inject_flush(out) != 0 && out->error == EMSGSIZE)
		one->mtu =
		    one->mtu > 2 * PMTU_FLOOR ? one->mtu - 100 : PMTU_FLOOR;
}

static bool
run_one(struct dummy *d, struct inject *out, struct path *p,
	struct dummy_sa *one, uint64_t now_ms, uint64_t elapsed_ms)
{
	const struct sa *sa = store_sa(d->store, one->slot);
	uint64_t credit;

	if (!is_wanted(sa) || atomic_load(&sa->generation) != one->generation)
		return false;
	credit = one->credit + elapsed_ms * sa->dummy_rate;
	if (credit > DUMMY_BURST * CREDIT)
		credit = DUMMY_BURST * CREDIT;
	for (; credit >= CREDIT; credit -= CREDIT)
		send_one(d, out, p, one, sa, now_ms);
	one->credit = (uint32_t)credit;
	return true;
}

int
dummy_run(struct dummy *d, struct inject *out, struct path *p, uint64_t now_ms,
	  int at_most)
{
	uint64_t elapsed = d->last_ms == 0 ? 0 : now_ms - d->last_ms;
	int next = at_most;

	d->last_ms = now_ms;
	path_begin(p, now_ms);
	refresh(d, p);
	for (uint32_t i = 0; i < d->n; i++) {
		uint32_t rate;

		if (!run_one(d, out, p, &d->sas[i], now_ms, elapsed))
			continue;
		rate = store_sa(d->store, d->sas[i].slot)->dummy_rate;
		if (rate >= CREDIT)
			next = 1;
		else if (rate != 0 &&
			 (int)((CREDIT - d->sas[i].credit) / rate) < next)
			next = (int)((CREDIT - d->sas[i].credit) / rate) + 1;
	}
	path_end(p);
	return next;
}
