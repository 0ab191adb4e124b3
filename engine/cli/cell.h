/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell: one value of a row, as people, scripts and JSON read it.
 *
 * Columns say where a value lies in a record of the control protocol and what
 * kind it is.  Pure; any thread.  Keys are "(hidden)" unless shown on purpose.
 */
#ifndef ENGINE_CLI_CELL_H
#define ENGINE_CLI_CELL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/client/proto.h"

#define CELL_MAX (PROTO_EXPRESSION_MAX + 8) /* octets of any value as text */

enum column_kind {
	COLUMN_U32,
	COLUMN_U64,
	COLUMN_COUNT, /* uint64_t; for people shortened from 100000 on */
	COLUMN_MS,    /* uint64_t milliseconds, shown as seconds */
	COLUMN_SECS,  /* int64_t; -1: there is no such time */
	COLUMN_SPI,   /* uint32_t as HEX; 0: there is none */
	COLUMN_TEXT,
	COLUMN_ADDRESS,
	COLUMN_HEX, /* uint32_t, 0x...; a number in JSON */
	COLUMN_DIRECTION,
	COLUMN_PROTOCOL, /* esp, ah, tcp, ... */
	COLUMN_MODE,
	COLUMN_STATE, /* of a struct proto_sa */
	COLUMN_KEYING,
	COLUMN_QUEUE_KIND,
	COLUMN_PROTECT,    /* of a struct proto_assoc */
	COLUMN_ALGORITHMS, /* of a struct proto_sa */
	COLUMN_FLAG,       /* uint32_t, bit in `bit`: true or false */
	COLUMN_KEY,        /* struct proto_octets */
};

enum {
	COLUMN_PEOPLE = 1 << 0, /* in the table */
	COLUMN_BRIEF = 1 << 1,  /* in --brief */
	COLUMN_DATA = 1 << 2,   /* in -j and --dump */
};

struct column {
	const char *title, *key;
	enum column_kind kind;
	unsigned where;
	size_t offset;
	uint32_t bit;
};

struct columns {
	const char *object; /* its name in JSON */
	const struct column *column;
	size_t n;
	const char *none; /* what people read when there is no row */
};

/* `exact`: for scripts, nothing shortened. */
void cell_text(const struct column *c, const void *row, bool show_keys,
	       bool exact, char *out, size_t cap);
/* A new reference, NULL without memory. */
json_t *cell_json(const struct column *c, const void *row, bool show_keys);
json_t *cell_json_count(uint64_t n);
/* "2026-01-31T12:00:00.250Z" */
const char *cell_time(uint64_t wall_ms, char out[32]);
/* "tcp", "esp", or the number. */
const char *cell_protocol(uint32_t protocol, char out[16]);
const char *cell_direction(uint32_t direction);

#endif
