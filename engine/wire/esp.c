/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/builder.h"
#include "engine/wire/esp.h"

enum { TRAILER_MIN = 2, WORD = 4 };

bool
esp_parse_head(struct cursor *c, struct esp *out)
{
	return cursor_u32(c, &out->spi) && cursor_u32(c, &out->seq);
}

size_t
esp_alignment(unsigned block)
{
	return block > WORD ? block : WORD;
}

enum esp_answer
esp_parse_body(struct cursor *c, unsigned iv_octets, unsigned icv_octets,
	       unsigned block, struct esp *out)
{
	struct cursor iv, text;

	if (!cursor_take(c, iv_octets, &iv) ||
	    c->left < icv_octets + (size_t)TRAILER_MIN ||
	    !cursor_take(c, c->left - icv_octets, &text))
		return ESP_TRUNCATED;
	if (text.left % esp_alignment(block) != 0)
		return ESP_UNALIGNED;
	out->iv = iv.at;
	out->text = text.at;
	out->text_len = text.left;
	out->icv = c->at;
	return ESP_OK;
}

size_t
esp_text_len(size_t payload, unsigned block)
{
	size_t a = esp_alignment(block);

	return (payload + TRAILER_MIN + a - 1) / a * a;
}

void
esp_build_head(uint8_t *at, uint32_t spi, uint64_t seq)
{
	struct builder b = builder_make(at, ESP_HEAD_OCTETS);

	builder_u32(&b, spi);
	builder_u32(&b, (uint32_t)seq);
}

void
esp_build_trailer(uint8_t *at, size_t payload, size_t text_len,
		  uint8_t next_header)
{
	size_t pad = text_len - payload - TRAILER_MIN;

	for (size_t i = 0; i < pad; i++)
		at[i] = (uint8_t)(i + 1);
	at[pad] = (uint8_t)pad;
	at[pad + 1] = next_header;
}

enum esp_answer
esp_trim(const uint8_t *text, size_t text_len, bool any_padding,
	 size_t *payload, uint8_t *next_header)
{
	struct cursor c = cursor_make(text, text_len), tail;
	uint8_t pad_len;

	if (text_len < TRAILER_MIN)
		return ESP_TRUNCATED;
	tail = cursor_make(text + text_len - TRAILER_MIN, TRAILER_MIN);
	cursor_u8(&tail, &pad_len);
	cursor_u8(&tail, next_header);
	if (text_len - TRAILER_MIN < pad_len)
		return ESP_PADDING;
	*payload = text_len - TRAILER_MIN - pad_len;
	cursor_skip(&c, *payload);
	for (unsigned i = 1; !any_padding && i <= pad_len; i++) {
		uint8_t octet;

		if (!cursor_u8(&c, &octet) || octet != i)
			return ESP_PADDING;
	}
	return ESP_OK;
}
