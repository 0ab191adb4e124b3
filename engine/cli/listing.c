/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cli/jsonout.h"
#include "engine/cli/listing.h"

struct listing {
	const struct columns *cols;
	const struct cli *cli;
	unsigned where;
	char **cells; /* cols->n each row, for people */
	size_t n, cap;
	size_t rows;
};

/* One line, and no tab in it. */
static void
cell(const struct listing *t, const struct column *c, const void *row,
     bool exact, char out[CELL_MAX])
{
	cell_text(c, row, t->cli->show_keys, exact, out, CELL_MAX);
	for (; *out != '\0'; out++)
		if (*out == '\n' || *out == '\t')
			*out = ' ';
}

struct listing *
listing_new(const struct columns *cols, const struct cli *cli)
{
	struct listing *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->cols = cols;
	t->cli = cli;
	t->where = cli->brief  ? COLUMN_BRIEF
		   : cli->dump ? COLUMN_DATA
			       : COLUMN_PEOPLE;
	if (cli->json)
		jsonout_begin();
	return t;
}

/* At once: nothing has to line up. */
static void
print_row(const struct listing *t, const void *row)
{
	char text[CELL_MAX];
	bool first = true;

	for (size_t i = 0; i < t->cols->n; i++) {
		const struct column *c = &t->cols->column[i];

		if (!(c->where & t->where))
			continue;
		cell(t, c, row, true, text);
		(void)printf("%s%s",
			     first          ? ""
			     : t->cli->dump ? "\t"
					    : " ",
			     text[0] == '\0' && !t->cli->dump ? "-" : text);
		first = false;
	}
	(void)fputc('\n', stdout);
}

static bool
keep_row(struct listing *t, const void *row)
{
	char text[CELL_MAX];

	if (t->n + t->cols->n > t->cap) {
		size_t cap = t->cap == 0 ? 64 * t->cols->n : 2 * t->cap;
		char **more = realloc(t->cells, cap * sizeof(*more));

		if (more == NULL)
			return false;
		t->cells = more;
		t->cap = cap;
	}
	for (size_t i = 0; i < t->cols->n; i++) {
		cell(t, &t->cols->column[i], row, false, text);
		t->cells[t->n] = strdup(text);
		if (t->cells[t->n] == NULL)
			return false;
		t->n++;
	}
	return true;
}

bool
listing_add(struct listing *t, const void *row)
{
	t->rows++;
	if (t->cli->json) {
		jsonout_put(t->cols->object,
			    jsonout_row(t->cols, row, t->cli->show_keys));
		return true;
	}
	if (t->where != COLUMN_PEOPLE) {
		print_row(t, row);
		return true;
	}
	return keep_row(t, row);
}

static bool
is_number(enum column_kind kind)
{
	return kind == COLUMN_U32 || kind == COLUMN_U64 ||
	       kind == COLUMN_COUNT || kind == COLUMN_MS ||
	       kind == COLUMN_SECS;
}

/* Row r of the kept ones, or the headings for SIZE_MAX. */
static const char *
kept(const struct listing *t, size_t r, size_t column)
{
	return r == SIZE_MAX ? t->cols->column[column].title
			     : t->cells[r * t->cols->n + column];
}

static void
print_aligned(const struct listing *t, size_t r, const size_t *width)
{
	size_t last = 0, blanks = 0;

	for (size_t i = 0; i < t->cols->n; i++)
		if (t->cols->column[i].where & COLUMN_PEOPLE)
			last = i;
	for (size_t i = 0; i <= last; i++) {
		const struct column *c = &t->cols->column[i];
		const char *text = kept(t, r, i);
		size_t pad = width[i] - strlen(text);

		if (!(c->where & COLUMN_PEOPLE))
			continue;
		if (is_number(c->kind))
			blanks += pad, pad = 0;
		(void)printf("%*s%s", (int)blanks, "", text);
		blanks = pad + 2;
	}
	(void)fputc('\n', stdout);
}

static void
print_kept(const struct listing *t)
{
	size_t width[40] = { 0 };
	size_t rows = t->n / t->cols->n;

	for (size_t i = 0; i < t->cols->n; i++) {
		width[i] = strlen(t->cols->column[i].title);
		for (size_t r = 0; r < rows; r++)
			if (strlen(kept(t, r, i)) > width[i])
				width[i] = strlen(kept(t, r, i));
	}
	print_aligned(t, SIZE_MAX, width);
	for (size_t r = 0; r < rows; r++)
		print_aligned(t, r, width);
}

void
listing_end(struct listing *t)
{
	if (t->cli->json)
		jsonout_end();
	else if (t->where == COLUMN_PEOPLE && t->rows == 0)
		(void)printf("%s\n", t->cols->none);
	else if (t->where == COLUMN_PEOPLE)
		print_kept(t);
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}
