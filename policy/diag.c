/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "policy/diag.h"

/* A shown line is cut to a window: a file may be one line of megabytes. */
#define SHOWN_BEFORE 100
#define SHOWN_BEHIND 60
#define MASK_SLACK   300 /* more than any key has hexadecimal digits */

struct source {
	const char *file;
	char *text;
	size_t len;
	/* Where line `line` starts; errors mostly come in order. */
	size_t line_at;
	unsigned line;
};

struct diag {
	struct source *sources;
	size_t n_sources;
	struct diag_item *items;
	size_t n_items;
	size_t errors, warnings;
};

struct diag *
diag_new(void)
{
	return calloc(1, sizeof(struct diag));
}

void
diag_free(struct diag *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n_sources; i++) {
		secret_wipe(d->sources[i].text, d->sources[i].len);
		free(d->sources[i].text);
	}
	free(d->sources);
	for (size_t i = 0; i < d->n_items; i++) {
		free(d->items[i].file);
		free(d->items[i].what);
		free(d->items[i].shown);
		free(d->items[i].caret);
	}
	free(d->items);
	free(d);
}

int
diag_add_source(struct diag *d, const char *file, char *text, size_t len)
{
	struct source *grown;

	grown = reallocarray(d->sources, d->n_sources + 1, sizeof(*grown));
	if (grown == NULL) {
		secret_wipe(text, len);
		free(text);
		return -ENOMEM;
	}
	d->sources = grown;
	grown[d->n_sources++] = (struct source){
		.file = file, .text = text, .len = len, .line = 1
	};
	return 0;
}

static struct source *
source_of(struct diag *d, const char *file)
{
	for (size_t i = 0; i < d->n_sources; i++)
		if (d->sources[i].file == file)
			return &d->sources[i];
	return NULL;
}

/* The line that a place names, without its end. */
static bool
find_line(struct diag *d, const struct policy_place *at, const char **line,
	  size_t *len)
{
	struct source *s = source_of(d, at->file);
	const char *end;

	if (s == NULL)
		return false;
	if (at->line < s->line) {
		s->line = 1;
		s->line_at = 0;
	}
	while (s->line < at->line) {
		end = memchr(s->text + s->line_at, '\n', s->len - s->line_at);
		if (end == NULL)
			return false;
		s->line_at = (size_t)(end - s->text) + 1;
		s->line++;
	}
	*line = s->text + s->line_at;
	end = memchr(*line, '\n', s->len - s->line_at);
	*len = end == NULL ? s->len - s->line_at : (size_t)(end - *line);
	return true;
}

/* Is the `key` at c the whole word `key`, `auth-key` or `ah-key`? */
static bool
is_key_word(const char *text, const char *c)
{
	static const char *const before[] = { "auth-", "ah-" };

	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		size_t n = strlen(before[i]);

		if ((size_t)(c - text) >= n &&
		    memcmp(c - n, before[i], n) == 0) {
			c -= n;
			break;
		}
	}
	return c == text || strchr(" \t;{", c[-1]) != NULL;
}

/* Stars over runs of 16 and more hexadecimal digits: a log is no place for
 * keys. */
static void
mask_hex(char *text)
{
	for (char *c = text; *c != '\0';) {
		size_t run = strspn(c, "0123456789abcdefABCDEF");

		if (run >= 16)
			memset(c, '*', run);
		c += run == 0 ? 1 : run;
	}
}

/* The same, and over the word behind `key`, `auth-key` or `ah-key`. */
static void
mask_keys(char *text)
{
	mask_hex(text);
	for (char *c = text; (c = strstr(c, "key")) != NULL;) {
		bool word = is_key_word(text, c);

		c += 3;
		if (!word || (*c != ' ' && *c != '\t'))
			continue;
		c += strspn(c, " \t");
		for (; *c != '\0' && strchr(" \t;}", *c) == NULL; c++)
			*c = '*';
	}
}

/* Length of the printable UTF-8 sequence at c, 0 if it is none. */
static size_t
utf8_len(const char *c, size_t left)
{
	const unsigned char *u = (const unsigned char *)c;
	size_t n = u[0] >= 0xc3 && u[0] < 0xe0                ? 2
		   : u[0] == 0xc2 && left > 1 && u[1] >= 0xa0 ? 2
		   : (u[0] & 0xf0) == 0xe0                    ? 3
		   : u[0] >= 0xf0 && u[0] < 0xf5              ? 4
							      : 0;

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Replaces control characters and broken UTF-8 by '?', in place. */
static void
mask_controls(char *text)
{
	size_t left = strlen(text), n;

	for (char *c = text; left > 0; c += n, left -= n) {
		n = 1;
		if ((unsigned char)*c >= 0x80) {
			n = utf8_len(c, left);
			if (n != 0)
				continue;
			n = 1;
			*c = '?';
		} else if (*c != '\t' && !isprint((unsigned char)*c))
			*c = '?';
	}
}

/* Blanks as wide as text, tabs kept, then a caret. */
static char *
make_caret(const char *text, size_t n)
{
	char *caret = malloc(n + 2), *to = caret;

	if (caret == NULL)
		return NULL;
	for (size_t i = 0; i < n && text[i] != '\0'; i++)
		if (text[i] == '\t')
			*to++ = '\t';
		else if (((unsigned char)text[i] & 0xc0) != 0x80)
			*to++ = ' ';
	*to++ = '^';
	*to = '\0';
	return caret;
}

/* A copy of line[from..to), keys, NULs and controls masked. */
static char *
copy_masked(const char *line, size_t from, size_t to)
{
	char *text = malloc(to - from + 1);

	if (text == NULL)
		return NULL;
	for (size_t i = from; i < to; i++)
		text[i - from] = line[i] == '\0' ? '?' : line[i];
	text[to - from] = '\0';
	mask_keys(text);
	mask_controls(text);
	return text;
}

static void
show_line(struct diag *d, const struct policy_place *at, struct diag_item *item)
{
	const char *line;
	size_t len, from = 0, to, slack, column = at->column - 1;
	char *text;

	if (at->column == 0 || !find_line(d, at, &line, &len))
		return;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (column > len)
		column = len;
	to = len;
	if (column > SHOWN_BEFORE)
		from = column - SHOWN_BEFORE;
	if (len - column > SHOWN_BEHIND)
		to = column + SHOWN_BEHIND;
	/* Masked with what stands before: a window may start in a key. */
	slack = from < MASK_SLACK ? from : MASK_SLACK;
	text = copy_masked(line, from - slack,
			   len - to < MASK_SLACK ? len : to + MASK_SLACK);
	if (text == NULL)
		return;
	if (asprintf(&item->shown, "%s%.*s%s", from > 0 ? "..." : "",
		     (int)(to - from), text + slack, to < len ? "..." : "") < 0)
		item->shown = NULL;
	else
		item->caret =
		    make_caret(item->shown, (from > 0 ? 3 : 0) + column - from);
	free(text);
}

/* Which of two comes first in the order of reading. */
static bool
is_before(const struct diag_item *a, const struct diag_item *b)
{
	if (a->source != b->source)
		return a->source < b->source;
	if (a->line != b->line)
		return a->line < b->line;
	return a->column < b->column;
}

/* There is room.  Behind all that do not come after it. */
static void
insert_item(struct diag *d, struct diag_item item)
{
	size_t i = d->n_items++;

	for (; i > 0 && is_before(&item, &d->items[i - 1]); i--)
		d->items[i] = d->items[i - 1];
	d->items[i] = item;
}

static void __attribute__((format(printf, 4, 0)))
add_item(struct diag *d, bool warning, const struct policy_place *at,
	 const char *fmt, va_list ap)
{
	size_t n = warning ? ++d->warnings : ++d->errors;
	struct diag_item item = { .warning = warning, .source = SIZE_MAX },
			 *grown;

	if (n > DIAG_KEPT)
		return;
	grown = reallocarray(d->items, d->n_items + 1, sizeof(*grown));
	if (grown == NULL)
		return;
	d->items = grown;
	if (vasprintf(&item.what, fmt, ap) < 0) {
		item.what = NULL;
		return;
	}
	mask_hex(item.what);
	mask_controls(item.what);
	if (at != NULL && at->file != NULL && at->line != 0) {
		struct source *s = source_of(d, at->file);

		item.source = s == NULL ? SIZE_MAX : (size_t)(s - d->sources);
		item.file = strdup(at->file);
		item.line = at->line;
		item.column = at->column;
		show_line(d, at, &item);
	}
	insert_item(d, item);
}

void
diag_error(struct diag *d, const struct policy_place *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_item(d, false, at, fmt, ap);
	va_end(ap);
}

void
diag_warn(struct diag *d, const struct policy_place *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_item(d, true, at, fmt, ap);
	va_end(ap);
}

size_t
diag_errors(const struct diag *d)
{
	return d->errors;
}

size_t
diag_warnings(const struct diag *d)
{
	return d->warnings;
}

const struct diag_item *
diag_item(const struct diag *d, size_t i)
{
	return i < d->n_items ? &d->items[i] : NULL;
}

void
diag_print(const struct diag *d, FILE *out)
{
	for (size_t i = 0; i < d->n_items; i++) {
		const struct diag_item *item = &d->items[i];

		if (item->file != NULL)
			fprintf(out, "%s:%u:%u: ", item->file, item->line,
				item->column);
		fprintf(out, "%s%s\n", item->warning ? "warning: " : "",
			item->what);
		if (item->shown != NULL && item->caret != NULL)
			fprintf(out, "%s\n%s\n", item->shown, item->caret);
	}
	if (d->errors > DIAG_KEPT)
		fprintf(out, "%zu more errors, %zu in all\n",
			d->errors - DIAG_KEPT, d->errors);
	if (d->warnings > DIAG_KEPT)
		fprintf(out, "%zu more warnings, %zu in all\n",
			d->warnings - DIAG_KEPT, d->warnings);
}
