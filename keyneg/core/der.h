/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * der: just enough ASN.1 DER to read a Kerberos message.
 *
 * A walk over the caller's cursor; owns nothing.  Any thread.  Never accepts
 * an indefinite, over-long or non-minimal length.
 */
#ifndef KEYNEG_CORE_DER_H
#define KEYNEG_CORE_DER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"

#define DER_SEQUENCE       0x30
#define DER_INTEGER        0x02
#define DER_OCTETS         0x04
#define DER_TIME           0x18 /* GeneralizedTime */
#define DER_STRING         0x1b /* GeneralString */
#define DER_CONTEXT(n)     (0xa0 | (n))
#define DER_APPLICATION(n) (0x60 | (n))

/* Is the next element of this tag? */
bool der_is(const struct cursor *c, uint8_t tag);
/* Splits the next element off if it has this tag; else moves nothing. */
bool der_take(struct cursor *c, uint8_t tag, struct cursor *out);
/* An element whatever its tag. */
bool der_skip(struct cursor *c);
/* [n] INTEGER, within 64 bits. */
bool der_take_int(struct cursor *c, uint8_t context, int64_t *out);
/* [n] KerberosTime, "20260131235959Z", as seconds since 1970. */
bool der_take_time(struct cursor *c, uint8_t context, uint64_t *out);

#endif
