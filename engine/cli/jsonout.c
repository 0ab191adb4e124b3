/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "engine/cli/jsonout.h"

void
jsonout_text(json_t *o, const char *key, const char *value)
{
	(void)json_object_set_new(o, key, json_string(value));
}

void
jsonout_count(json_t *o, const char *key, uint64_t n)
{
	(void)json_object_set_new(o, key, cell_json_count(n));
}

json_t *
jsonout_row(const struct columns *cols, const void *row, bool show_keys)
{
	json_t *o = json_object();

	for (size_t i = 0; i < cols->n; i++)
		if (cols->column[i].where & COLUMN_DATA)
			(void)json_object_set_new(
			    o, cols->column[i].key,
			    cell_json(&cols->column[i], row, show_keys));
	return o;
}

static void
write_object(const char *object, json_t *value)
{
	json_t *o = json_object();

	if (json_object_set_new(o, object, value) < 0 ||
	    json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(10)) < 0)
		cli_complain("no memory for JSON");
	json_decref(o);
}

void
jsonout_begin(void)
{
	json_t *meta = json_object();

	(void)json_object_set_new(meta, "version",
				  json_string(NFIPSEC_VERSION));
	(void)json_object_set_new(meta, "json_schema_version", json_integer(1));
	(void)fputs("{\"nfipsec\":[", stdout);
	write_object("metainfo", meta);
}

void
jsonout_put(const char *object, json_t *value)
{
	(void)fputc(',', stdout);
	write_object(object, value);
}

void
jsonout_end(void)
{
	(void)fputs("]}\n", stdout);
}

void
jsonout_line(const char *object, json_t *value)
{
	write_object(object, value);
	(void)fputc('\n', stdout);
}
