/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite: one SA's keyed algorithms; seals and opens one packet's payload.
 *
 * Owns its cipher and MAC handles.  Not thread safe: each worker opens a
 * suite of its own from the SA's keys.  Knows SPI and sequence number, the
 * things that RFC 4303 puts under the ICV, but no IP.  Never writes a
 * plaintext octet before the ICV was found good in encrypt-then-MAC modes,
 * and wipes what a combined mode wrote when it was not.
 *
 * Two kinds of suite, told apart by `enc`:
 *   an ESP suite has an encryption (null counts): suite_seal, suite_open;
 *   an AH suite has ALGO_NONE there: suite_sign, suite_verify.
 */
#ifndef ENGINE_CRYPTO_SUITE_H
#define ENGINE_CRYPTO_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/algo.h"

struct suite;

struct suite_params {
	enum algo enc;      /* AEAD or ENC kind; ALGO_NONE for AH */
	enum algo auth;     /* AUTH kind with an ENC, ALGO_NONE with AEAD */
	bool esn;           /* the high half of seq goes under the ICV */
	bool inside_ah;     /* integrity is AH's: encryption alone is fine */
	const uint8_t *key; /* cipher key, then its salt */
	unsigned key_octets;
	const uint8_t *auth_key; /* then its salt, for GMAC */
	unsigned auth_key_octets;
};

/* One ESP payload.  src and dst may be the same buffer, else they do not
 * overlap.  len counts payload, padding, pad length and next header: a
 * multiple of the suite's block.  RFC 1829 has no sequence number and no ICV:
 * seq and icv are not looked at then. */
struct suite_job {
	uint32_t spi;      /* host order */
	uint64_t seq;      /* all 64 bits; the wire carries the low 32 */
	const uint8_t *iv; /* iv_octets, as on the wire behind seq */
	const uint8_t *src;
	uint8_t *dst;
	size_t len;
	uint8_t *icv; /* icv_octets: seal writes, open reads */
};

struct suite_piece {
	const uint8_t *at;
	size_t len;
};

/*
 * One AH packet: what is authenticated, in order, as the caller prepared it.
 * The pieces hold the IP header with its mutable fields zero, the AH header
 * with its sequence number's low half (and the IV, for GMAC) and icv_octets
 * zeros, ICV padding, then the payload (RFC 4302 3.3.3).  The high half of the
 * sequence number is added here, when the suite has ESN.  The Authentication
 * Data of AH is iv_octets of IV (GMAC's 8, else none), then the ICV.
 */
struct suite_scatter {
	uint64_t seq;
	const uint8_t *iv; /* iv_octets, or NULL when there are none */
	const struct suite_piece *pieces;
	unsigned n_pieces;
	uint8_t *icv; /* sign writes, verify reads */
};

struct suite_sizes {
	unsigned iv_octets, icv_octets, block;
	unsigned seq_octets; /* on the wire; 0 by RFC 1826 and 1829 */
};

/* Once per process, before any other call of libgcrypt, here or elsewhere:
 * checks its version.  0, or -EPROTO with what is wrong. */
int suite_library_init(const char **failed);
/* The same, and the known-answer tests, before any other call of these.  0, or
 * -EPROTO with the failed one's name. */
int suite_init(const char **failed);
/* NULL with errno: EINVAL for a wrong combination (algo_refuse_esp and _ah
 * say why) or key length, ENOMEM. */
struct suite *suite_new(const struct suite_params *params);
void suite_free(struct suite *s);
/* Zeros for a combination that there is not, inside AH or alone. */
struct suite_sizes suite_sizes(enum algo enc, enum algo auth);
/* The IV for the counter's value, never the same for two values: the value
 * itself in counter modes (RFC 4106 3.1), encrypted where it has to be
 * unpredictable (RFC 3602 2), its low half for a 32-bit IV (RFC 1829), nothing
 * where it is implicit (RFC 8750).  Should the library fail, the next
 * suite_seal does. */
void suite_make_iv(struct suite *s, uint64_t counter, uint8_t *iv);
/* 0, or -EIO when the library failed (nothing usable in dst then). */
int suite_seal(struct suite *s, const struct suite_job *job);
/* 0, -EBADMSG (ICV wrong, or len no multiple of the block), or -EIO. */
int suite_open(struct suite *s, const struct suite_job *job);
/* 0 or -EIO */
int suite_sign(struct suite *s, const struct suite_scatter *what);
/* 0, -EBADMSG, or -EIO */
int suite_verify(struct suite *s, const struct suite_scatter *what);

#endif
