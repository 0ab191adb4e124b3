/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * initconf: the configuration that `init` makes, as text.
 *
 * One association between two addresses and the two flows that put everything
 * between them under it.  Pure; the keys are the caller's to wipe.
 */
#ifndef ENGINE_CLI_INITCONF_H
#define ENGINE_CLI_INITCONF_H

#include <stdio.h>

#include "policy/policy.h"

#define INITCONF_CIPHER ALGO_AES128_GCM /* manual; both ends count apart */

/* From one end's view. */
struct initconf {
	struct ipaddr local, peer; /* host addresses */
	char name[POLICY_NAME_MAX + 1];
	uint32_t said;
	enum algo cipher;
	const char *local_principal, *peer_principal; /* NULL: manual keys */
	uint32_t out_spi, in_spi;
	uint8_t out_key[ALGO_KEYMAT_MAX], in_key[ALGO_KEYMAT_MAX];
};

/* "host-10-77-0-2": what an association with this peer is called. */
void initconf_name(struct initconf *c);
/* The other end's view of the same: SAID 0x100, which it changes as it
 * likes. */
struct initconf initconf_turn(const struct initconf *c);
void initconf_print(const struct initconf *c, FILE *out);
/* From what the other end has printed; NULL, or what is wrong with it. */
const char *initconf_take(struct initconf *c, const struct policy *p);
/* The lowest SAID that no association has; 0: there is none. */
uint32_t initconf_said(const struct policy *p);

#endif
