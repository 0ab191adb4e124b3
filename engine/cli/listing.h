/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listing: rows of the control protocol, in the style the options ask for.
 *
 * A table for people, whose widths need all rows: they are kept.  --brief,
 * --dump and JSON are written row by row.  One thread.
 */
#ifndef ENGINE_CLI_LISTING_H
#define ENGINE_CLI_LISTING_H

#include "engine/cli/cell.h"
#include "engine/cli/cli.h"

struct listing;
/* NULL: no memory. */
struct listing *listing_new(const struct columns *cols, const struct cli *cli);
/* False: no memory. */
bool listing_add(struct listing *t, const void *row);
/* Prints what is left to print, and frees. */
void listing_end(struct listing *t);

#endif
