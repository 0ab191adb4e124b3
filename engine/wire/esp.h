/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * esp: the Encapsulating Security Payload (RFC 4303 2) as it is on the wire.
 *
 *   +---------------------------------------------------------------+ -
 *   |                Security Parameters Index (SPI)                | head
 *   |                 Sequence Number (low 32 bits)                 |
 *   +---------------------------------------------------------------+ -
 *   |                  IV (by the cipher, 0 to 16)                  |
 *   +---------------------------------------------------------------+ - text
 *   |                       Payload (variable)                      |
 *   |               +-----------------------------------------------+
 *   |               |     Padding (1, 2, 3, ...; 0 to 255 octets)   |
 *   +---------------+---------------+---------------+---------------+
 *   |                               |  Pad Length   |  Next Header  |
 *   +---------------------------------------------------------------+ -
 *   |       ICV (by the integrity algorithm or combined mode)       |
 *   +---------------------------------------------------------------+
 *
 * Pure; any thread.  Knows sizes, no algorithm.
 */
#ifndef ENGINE_WIRE_ESP_H
#define ENGINE_WIRE_ESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

#define ESP_HEAD_OCTETS 8
#define ESP_SPI_OCTETS  4 /* the whole head by RFC 1829: no number */
/* The longest padding made for a cipher block of 16, with its two octets. */
#define ESP_TRAILER_MAX 17

/* Padding is 255 octets at most; pad length and next header behind it. */
#define ESP_PADDED_MAX 257

struct esp {
	uint32_t spi;
	uint32_t seq; /* the low half */
	const uint8_t *iv;
	const uint8_t *text;
	size_t text_len; /* 2 or more */
	const uint8_t *icv;
};

enum esp_answer {
	ESP_OK,
	ESP_TRUNCATED, /* no room for what must be there */
	ESP_UNALIGNED, /* text of a length that no sender makes */
	ESP_PADDING,   /* not 1, 2, 3, ..., or longer than the text */
};

/* SPI and sequence number; leaves the cursor behind them. */
bool esp_parse_head(struct cursor *c, struct esp *out);
/* The rest, when the SA told the sizes. */
enum esp_answer esp_parse_body(struct cursor *c, unsigned iv_octets,
			       unsigned icv_octets, unsigned block,
			       struct esp *out);
/* What text is a multiple of: the block, or 4 (RFC 4303 2.4). */
size_t esp_alignment(unsigned block);
/* Octets of text for so much payload: with trailer, a multiple of 4 and of
 * block. */
size_t esp_text_len(size_t payload, unsigned block);
/* Writes SPI and the low half of seq: ESP_HEAD_OCTETS. */
void esp_build_head(uint8_t *at, uint32_t spi, uint64_t seq);
/* Writes what follows `payload` octets to make up text_len: padding, its
 * length, next header. */
void esp_build_trailer(uint8_t *at, size_t payload, size_t text_len,
		       uint8_t next_header);
/* Opened text -> payload length and next header (RFC 4303 2.4).  any_padding:
 * what the padding holds is ignored (RFC 1829 2). */
enum esp_answer esp_trim(const uint8_t *text, size_t text_len, bool any_padding,
			 size_t *payload, uint8_t *next_header);

#endif
