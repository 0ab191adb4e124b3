/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sainstall: what key negotiation wants done in the engine, as an interface.
 *
 * An implementation speaks the engine's control protocol; the tests have one
 * that records.  Calls are made in order and must take effect in order; none
 * may block.  An outbound SA takes the place of the association's other ones to
 * that peer, which are gone then.  An implementation says by the pair's id when
 * an addition has taken effect, and when it failed after all (the owner's added
 * and failed call-backs).  The octets of keys are the
 * caller's, and are copied before the call returns.
 */
#ifndef KEYNEG_CORE_SAINSTALL_H
#define KEYNEG_CORE_SAINSTALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/algo.h"
#include "base/ipaddr.h"
#include "keyneg/core/keyconf.h"

enum sainstall_direction { SAINSTALL_IN = 0, SAINSTALL_OUT = 1 };

struct sainstall_sa {
	uint32_t pair; /* both halves carry it */
	const char *association;
	uint32_t said;
	enum sainstall_direction direction;
	uint8_t protocol; /* 50 ESP, 51 AH */
	uint32_t spi;
	uint8_t enc, auth; /* enum algo */
	bool esn;
	uint32_t replay_window;
	struct ipaddr local, peer;
	const char *principal; /* the peer's */
	const uint8_t *key;    /* cipher key and salt, RFC order */
	unsigned key_octets;
	const uint8_t *auth_key;
	unsigned auth_key_octets;
	struct keyconf_limits limits;
};

struct sainstall_ops {
	/* Adds one SA.  0 or -errno. */
	int (*add)(void *ctx, const struct sainstall_sa *sa);
	/* Both at once, inbound first, so that no packet leaves by an SA
	 * whose answer could not be read. */
	int (*add_pair)(void *ctx, const struct sainstall_sa *in,
			const struct sainstall_sa *out);
	int (*remove)(void *ctx, uint32_t pair,
		      enum sainstall_direction direction, uint8_t protocol,
		      const struct ipaddr *local, const struct ipaddr *peer,
		      uint32_t spi);
	/* A negotiation ended without SAs: parked packets may go. */
	void (*give_up)(void *ctx, const char *association,
			const struct ipaddr *peer, const char *why);
};

#endif
