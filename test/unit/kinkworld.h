/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinkworld: the hosts of kinksim.h, what has happened to them and what will.
 */
#ifndef TEST_UNIT_KINKWORLD_H
#define TEST_UNIT_KINKWORLD_H

#include <criterion/criterion.h>
#include <gcrypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/builder.h"
#include "base/secret.h"
#include "keyneg/kink/enctype.h"
#include "keyneg/kink/kink.h"
#include "keyneg/kink/kinkmsg.h"

#define SIM_WALL 1700000000u /* the wall clock when the simulation starts */
enum { SIM_SAS = 512, SIM_HOSTS = 202, SIM_TICKETS = 4096, SIM_SEEN = 65536 };

struct sim_sa {
	bool there;
	uint32_t spi;
	enum sainstall_direction direction;
	struct ipaddr peer;
	uint8_t key[64];
	unsigned key_octets;
};

struct sim_host {
	int number;
	struct ipaddr address;
	char principal[KEYCONF_PRINCIPAL_MAX];
	struct kink k;
	struct keyconf conf;
	struct sim_sa *sa;
	unsigned adds, removes, give_ups;
	char why[300];
	/* Kerberos of this host */
	int64_t clock_off_secs;
	uint64_t engine_ms; /* until an SA is in force */
	/* the engine takes no SA of these directions (1 << direction); has no
	 * connection; has once lost SAs */
	unsigned refuses;
	bool engine_away, engine_forgot;
	bool kdc_down, tickets_expired, unprotected_errors;
	uint64_t ticket_life_ms; /* 0: for ever */
	uint64_t krb_ms;
	bool up;
};

enum sim_event_kind { SIM_DATAGRAM, SIM_ANSWER, SIM_ADDED, SIM_FAILED };
struct sim_event {
	uint64_t at_ms, order;
	enum sim_event_kind kind;
	struct sim_host *to;
	struct exchange_path path;
	void *octets;
	size_t n;
	struct sim_event *next;
};

static struct {
	uint64_t now_ms, order;
	struct sim_host host[SIM_HOSTS];
	int hosts;
	struct sim_event *events;
	unsigned loss, dup, delay; /* percent, percent, most ms */
	unsigned datagrams;
	size_t octets_sent;
	/* the datagrams of a run, kept for those who replay them */
	struct {
		uint8_t at[4096];
		size_t n;
		struct exchange_path path;
	} trace[64];
	unsigned traced;
	struct {
		char client[KEYCONF_PRINCIPAL_MAX];
		char server[KEYCONF_PRINCIPAL_MAX];
		uint8_t key[32];
		bool expired;
		uint64_t made_ms;
	} ticket[SIM_TICKETS];
	uint64_t tickets;
	uint64_t seen[SIM_SEEN];
	unsigned n_seen;
	uint32_t cusec;
	int32_t etype;
	/* A look at every datagram before it goes; false: it is lost. */
	bool (*tap)(struct sim_host *from, uint8_t *octets, size_t n);
} sim;

/* ---- events ------------------------------------------------------------- */

__attribute__((unused)) static void
sim_post(uint64_t at_ms, enum sim_event_kind kind, struct sim_host *to,
	 const struct exchange_path *path, const void *octets, size_t n)
{
	struct sim_event *e = calloc(1, sizeof(*e)), **at = &sim.events;

	e->at_ms = at_ms;
	e->order = sim.order++;
	e->kind = kind;
	e->to = to;
	if (path != NULL)
		e->path = *path;
	e->octets = malloc(n + 1);
	memcpy(e->octets, octets, n);
	e->n = n;
	while (*at != NULL && (*at)->at_ms <= at_ms)
		at = &(*at)->next;
	e->next = *at;
	*at = e;
}

#endif
