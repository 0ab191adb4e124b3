/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transform: our algorithms as Quick Mode transforms, offers, and choices
 * (RFC 2407 section 4.4, RFC 4430 sections 3.2 and 5.1).
 *
 * Pure; any thread.  Never offers or accepts what the association does not
 * say: one suite, transport mode, the configured ESN.
 */
#ifndef KEYNEG_KINK_TRANSFORM_H
#define KEYNEG_KINK_TRANSFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "keyneg/core/keyconf.h"
#include "keyneg/kink/isakmp.h"

enum { /* RFC 2407 section 4.5, RFC 3947 section 5.1 */
       TRANSFORM_ENCAP_TUNNEL = 1,
       TRANSFORM_ENCAP_TRANSPORT = 2,
       TRANSFORM_ENCAP_UDP_TUNNEL = 3,
       TRANSFORM_ENCAP_UDP_TRANSPORT = 4,
};
enum { TRANSFORM_LIFE_SECS = 28800 };

/* Can this association be offered at all?  NULL, or why not. */
const char *transform_refusal(const struct keyconf_assoc *a);
/* One proposal with one transform: the association's suite, with a group or
 * without (0).  The default lifetime is RFC 2407's 8 hours. */
void transform_offer(const struct keyconf_assoc *a, uint32_t spi,
		     uint16_t group, struct isakmp_proposal *out);
/* The first proposal and transform of an offer that the association accepts
 * with this group; in *out, as it goes into the answer: our SPI, lifetimes
 * lowered to ours.  False: none.  *first: it was the offer's first. */
bool transform_choose(const struct keyconf_assoc *a,
		      const struct isakmp_op *offer, uint16_t group,
		      uint32_t spi, struct isakmp_proposal *out,
		      uint32_t *peer_spi, bool *first);
/* Why transform_choose takes nothing of it, for people: of the transform that
 * came closest. */
const char *transform_why_not(const struct keyconf_assoc *a,
			      const struct isakmp_op *offer, uint16_t group);
/* What groups the offer names; 0xffff: more than one, or some without. */
uint16_t transform_offered_group(const struct isakmp_op *offer);
/* Is `answer` the transform that we offered, lifetimes no longer? */
bool transform_same(const struct isakmp_proposal *offered,
		    const struct isakmp_proposal *answer);
/* 50 or 51. */
uint8_t transform_ip_protocol(const struct keyconf_assoc *a);

#endif
