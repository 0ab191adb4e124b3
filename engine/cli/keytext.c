/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "engine/cli/keytext.h"
#include "policy/number.h"

static bool
parse_key(const char *word, struct proto_octets *key)
{
	size_t n = sizeof(key->at);

	if (!number_parse_hex(word, strlen(word), key->at, &n))
		return false;
	key->len = (uint16_t)n;
	return true;
}

static bool
parse_spi(const char *word, uint32_t *spi)
{
	uint64_t v;

	if (!number_parse(word, strlen(word), &v) || v < 256 || v > UINT32_MAX)
		return false;
	*spi = (uint32_t)v;
	return true;
}

/* The words behind `out` or `in`. */
static const char *
parse_half(char **save, struct proto_half *half)
{
	char *word, *value;

	while ((word = strtok_r(NULL, " \t\r", save)) != NULL) {
		value = strtok_r(NULL, " \t\r", save);
		if (value == NULL)
			return "a word without its value";
		if (strcmp(word, "spi") == 0) {
			if (half->spi != 0 || !parse_spi(value, &half->spi))
				return "no SPI of 256 to 2^32-1";
		} else if (strcmp(word, "key") == 0) {
			if (half->key.len != 0 || !parse_key(value, &half->key))
				return "no key in hexadecimal";
		} else if (strcmp(word, "auth-key") == 0) {
			if (half->auth_key.len != 0 ||
			    !parse_key(value, &half->auth_key))
				return "no auth-key in hexadecimal";
		} else {
			return "neither spi, key nor auth-key";
		}
	}
	if (half->spi == 0)
		return "the spi is missing";
	if (half->key.len == 0 && half->auth_key.len == 0)
		return "the key is missing";
	return NULL;
}

const char *
keytext_parse(char *text, struct proto_half *out, struct proto_half *in,
	      unsigned *line)
{
	char *next = text, *save, *row, *word;
	const char *wrong;

	memset(out, 0, sizeof(*out));
	memset(in, 0, sizeof(*in));
	*line = 0;
	while ((row = strsep(&next, "\n")) != NULL) {
		struct proto_half *half;

		++*line;
		row[strcspn(row, "#")] = '\0';
		word = strtok_r(row, " \t\r", &save);
		if (word == NULL)
			continue;
		if (strcmp(word, "out") == 0)
			half = out;
		else if (strcmp(word, "in") == 0)
			half = in;
		else
			return "neither out nor in";
		if (half->spi != 0)
			return "the same direction twice";
		wrong = parse_half(&save, half);
		if (wrong != NULL)
			return wrong;
	}
	/* One alone: a daemon may be ready to receive before its peer is. */
	if (out->spi == 0 && in->spi == 0)
		return "a line of out or in is needed";
	return NULL;
}
