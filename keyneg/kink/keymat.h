/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keymat: the keys of one SA from the session key and the exchange
 * (RFC 4430 section 7, RFC 2409 section 5.5).
 *
 * Owns nothing.  Any thread.  Never keeps a copy.
 */
#ifndef KEYNEG_KINK_KEYMAT_H
#define KEYNEG_KINK_KEYMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "keyneg/kink/enctype.h"

#define KEYMAT_MAX 256

/* KEYMAT = K1 | K2 | ..., K1 = prf(key, [g^xy |] protocol | SPI | Ni [| Nr]),
 * Kn = prf(key, Kn-1 | the same).  `protocol` is ISAKMP's; `spi` is the one
 * its receiver chose; shared and nr may be empty.  0 or -errno. */
int keymat_derive(const struct enctype_key *k, struct cursor shared,
		  uint8_t protocol, uint32_t spi, struct cursor ni,
		  struct cursor nr, uint8_t *out, size_t n);

#endif
