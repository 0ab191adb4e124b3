/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jsonout: JSON on stdout, an object at a time.
 *
 * {"nfipsec":[{"metainfo":{...}},{"sa":{...}},...]}, as nft does.  Nothing is
 * gathered: a list of any length needs the memory of one row.  One thread.
 */
#ifndef ENGINE_CLI_JSONOUT_H
#define ENGINE_CLI_JSONOUT_H

#include "engine/cli/cell.h"
#include "engine/cli/cli.h"

void jsonout_begin(void);
/* Takes the reference; complains of NULL. */
void jsonout_put(const char *object, json_t *value);
void jsonout_end(void);
/* One object a line, without the frame; for monitor. */
void jsonout_line(const char *object, json_t *value);
/* A field of an object. */
void jsonout_text(json_t *o, const char *key, const char *value);
void jsonout_count(json_t *o, const char *key, uint64_t n);
/* The columns that are data.  A new reference. */
json_t *jsonout_row(const struct columns *cols, const void *row,
		    bool show_keys);

#endif
