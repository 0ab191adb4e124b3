/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table: rows of the control protocol for people, scripts and JSON.
 *
 * One list of columns says it all: the heading for people, the key in JSON,
 * where the value lies in the row and what kind it is.  A struct table owns
 * what it has to remember (widths need all rows); JSON and dump are written
 * row by row.  One thread.  Keys are "(hidden)" unless shown on purpose.
 */
#ifndef ENGINE_CLI_TABLE_H
#define ENGINE_CLI_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/cli/cli.h"

enum column_kind {
	COLUMN_U32,
	COLUMN_U64,
	COLUMN_COUNT, /* uint64_t; for people shortened from 100000 on */
	COLUMN_MS,    /* uint64_t milliseconds, shown as seconds */
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

/* ---- JSON -----------------------------------------------------------------
 */
/* {"nfipsec":[{"metainfo":{...}} ... ]}, an object at a time. */
void table_json_begin(void);
/* Takes the reference; NULL is a failure that is remembered. */
void table_json_put(const char *object, json_t *value);
void table_json_end(void);
/* One object a line, without the frame; for monitor. */
void table_json_line(const char *object, json_t *value);
json_t *table_json_row(const struct columns *cols, const void *row,
		       bool show_keys);
json_t *table_json_count(uint64_t n);
/* "2026-01-31T12:00:00.250Z" */
const char *table_time(uint64_t wall_ms, char out[32]);
/* "tcp", "esp", or the number; as JSON and people read it. */
const char *table_protocol(uint32_t protocol, char out[16]);
const char *table_direction(uint32_t direction);

/* ---- tables ---------------------------------------------------------------
 */
struct table;
/* In the style the options ask for; NULL: no memory. */
struct table *table_new(const struct columns *cols, const struct cli *cli);
/* False: no memory. */
bool table_add(struct table *t, const void *row);
/* Prints what is left to print, and frees. */
void table_end(struct table *t);

#endif
