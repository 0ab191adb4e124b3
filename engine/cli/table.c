/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/cli/table.h"

#define CELL_MAX (PROTO_EXPRESSION_MAX + 8)
#define HIDDEN   "(hidden)"

struct table {
	const struct columns *cols;
	const struct cli *cli;
	unsigned where;
	char **cells; /* cols->n each row, for people */
	size_t n, cap;
	size_t rows;
};

static const char *const directions[] = { "in", "out" };
static const char *const modes[] = { "?", "transport", "tunnel" };
static const char *const keyings[] = { "none", "manual", "kerberos",
				       "photuris" };
static const char *const queue_kinds[] = { "seal-tcp", "seal", "decap" };

#define NAME(list, n) ((n) < sizeof(list) / sizeof((list)[0]) ? (list)[n] : "?")

const char *
table_direction(uint32_t direction)
{
	return NAME(directions, direction);
}

const char *
table_protocol(uint32_t protocol, char out[16])
{
	static const struct {
		uint32_t number;
		const char *name;
	} names[] = { { 1, "icmp" },  { 6, "tcp" }, { 17, "udp" },
		      { 50, "esp" },  { 51, "ah" }, { 58, "icmpv6" },
		      { 132, "sctp" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == protocol)
			return names[i].name;
	(void)snprintf(out, 16, "%" PRIu32, protocol);
	return out;
}

const char *
table_time(uint64_t wall_ms, char out[32])
{
	char secs[21];

	clock_rfc3339(wall_ms / 1000, secs);
	(void)snprintf(out, 32, "%.19s.%03uZ", secs,
		       (unsigned)(wall_ms % 1000));
	return out;
}

/* Three digits that count: 123456 -> 123k, 1572864 -> 1.57M. */
static void
shorten(uint64_t n, char *out, size_t cap)
{
	static const char units[] = "kMGTPE";
	double v = (double)n;
	int u = -1;

	if (n < 100000) {
		(void)snprintf(out, cap, "%" PRIu64, n);
		return;
	}
	while (v >= 999.5) {
		v /= 1000;
		u++;
	}
	(void)snprintf(out, cap, "%.*f%c",
		       v < 9.995   ? 2
		       : v < 99.95 ? 1
				   : 0,
		       v, units[u]);
}

static void
protect(const struct proto_assoc *a, char *out, size_t cap)
{
	(void)snprintf(
	    out, cap, "%s%s%s%s%s%s%s", a->ah_integrity[0] != '\0' ? "ah " : "",
	    a->ah_integrity,
	    a->ah_integrity[0] != '\0' && a->encryption[0] != '\0' ? " " : "",
	    a->encryption[0] != '\0' ? "esp " : "", a->encryption,
	    a->integrity[0] != '\0' ? " " : "", a->integrity);
}

static void
hex(const struct proto_octets *k, bool show, char *out, size_t cap)
{
	size_t at = 2;

	if (k->len == 0 || !show) {
		/* Not told apart: the server sends no keys unasked. */
		(void)snprintf(out, cap, HIDDEN);
		return;
	}
	(void)snprintf(out, cap, "0x");
	for (unsigned i = 0; i < k->len && at + 3 <= cap; i++, at += 2)
		(void)snprintf(out + at, cap - at, "%02x", k->at[i]);
}

static uint32_t
number32(const void *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static uint64_t
number64(const void *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static void
value(const struct column *c, const void *row, bool show_keys, bool exact,
      char *out, size_t cap)
{
	const uint8_t *at = (const uint8_t *)row + c->offset;
	const struct proto_sa *sa = row;
	char buf[IPADDR_TEXT], name[16];

	switch (c->kind) {
	case COLUMN_U32:
		(void)snprintf(out, cap, "%" PRIu32, number32(at));
		break;
	case COLUMN_COUNT:
		if (!exact) {
			shorten(number64(at), out, cap);
			break;
		}
		/* fall through */
	case COLUMN_U64:
		(void)snprintf(out, cap, "%" PRIu64, number64(at));
		break;
	case COLUMN_MS:
		(void)snprintf(out, cap, "%" PRIu64 "%s", number64(at) / 1000,
			       exact ? "" : "s");
		break;
	case COLUMN_TEXT:
		(void)snprintf(out, cap, "%s", (const char *)at);
		break;
	case COLUMN_ADDRESS:
		(void)snprintf(out, cap, "%s",
			       ipaddr_format((const struct ipaddr *)at, buf));
		break;
	case COLUMN_HEX:
		(void)snprintf(out, cap, "0x%0*" PRIx32, (int)c->bit,
			       number32(at));
		break;
	case COLUMN_DIRECTION:
		(void)snprintf(out, cap, "%s", NAME(directions, number32(at)));
		break;
	case COLUMN_PROTOCOL:
		(void)snprintf(out, cap, "%s",
			       table_protocol(number32(at), name));
		break;
	case COLUMN_MODE:
		(void)snprintf(out, cap, "%s", NAME(modes, number32(at)));
		break;
	case COLUMN_STATE:
		(void)snprintf(out, cap, "%s",
			       sa->state != PROTO_LIVE     ? "dead"
			       : sa->flags & PROTO_SA_SOFT ? "soft"
							   : "live");
		break;
	case COLUMN_KEYING:
		(void)snprintf(out, cap, "%s", NAME(keyings, number32(at)));
		break;
	case COLUMN_QUEUE_KIND:
		(void)snprintf(out, cap, "%s", NAME(queue_kinds, number32(at)));
		break;
	case COLUMN_PROTECT:
		protect(row, out, cap);
		break;
	case COLUMN_ALGORITHMS:
		(void)snprintf(
		    out, cap, "%s%s%s", sa->encryption,
		    sa->encryption[0] != '\0' && sa->integrity[0] != '\0' ? " "
									  : "",
		    sa->integrity);
		break;
	case COLUMN_FLAG:
		(void)snprintf(out, cap, "%s",
			       number32(at) & c->bit ? "true" : "false");
		break;
	case COLUMN_KEY:
		hex((const struct proto_octets *)at, show_keys, out, cap);
		break;
	}
}

/* The value as text; `exact` for scripts.  One line, and no tab in it. */
static void
cell(const struct column *c, const void *row, bool show_keys, bool exact,
     char *out, size_t cap)
{
	value(c, row, show_keys, exact, out, cap);
	for (; *out != '\0'; out++)
		if (*out == '\n' || *out == '\t')
			*out = ' ';
}

/* ---- JSON -----------------------------------------------------------------
 */

json_t *
table_json_count(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *
json_cell(const struct column *c, const void *row, bool show_keys)
{
	const uint8_t *at = (const uint8_t *)row + c->offset;
	char text[CELL_MAX];

	switch (c->kind) {
	case COLUMN_U32:
	case COLUMN_HEX:
		return table_json_count(number32(at));
	case COLUMN_U64:
	case COLUMN_COUNT:
		return table_json_count(number64(at));
	case COLUMN_MS:
		return table_json_count(number64(at) / 1000);
	case COLUMN_FLAG:
		return json_boolean(number32(at) & c->bit);
	case COLUMN_TEXT:
	case COLUMN_ADDRESS:
	case COLUMN_DIRECTION:
	case COLUMN_PROTOCOL:
	case COLUMN_MODE:
	case COLUMN_STATE:
	case COLUMN_KEYING:
	case COLUMN_QUEUE_KIND:
	case COLUMN_PROTECT:
	case COLUMN_ALGORITHMS:
	case COLUMN_KEY:
		break;
	}
	value(c, row, show_keys, true, text, sizeof(text));
	return json_string(text);
}

json_t *
table_json_row(const struct columns *cols, const void *row, bool show_keys)
{
	json_t *o = json_object();

	for (size_t i = 0; i < cols->n; i++)
		if (cols->column[i].where & COLUMN_DATA)
			(void)json_object_set_new(
			    o, cols->column[i].key,
			    json_cell(&cols->column[i], row, show_keys));
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
table_json_begin(void)
{
	json_t *meta = json_object();

	(void)json_object_set_new(meta, "version",
				  json_string(NFIPSEC_VERSION));
	(void)json_object_set_new(meta, "json_schema_version", json_integer(1));
	(void)fputs("{\"nfipsec\":[", stdout);
	write_object("metainfo", meta);
}

void
table_json_put(const char *object, json_t *value)
{
	(void)fputc(',', stdout);
	write_object(object, value);
}

void
table_json_end(void)
{
	(void)fputs("]}\n", stdout);
}

void
table_json_line(const char *object, json_t *value)
{
	write_object(object, value);
	(void)fputc('\n', stdout);
}

/* ---- tables ---------------------------------------------------------------
 */

struct table *
table_new(const struct columns *cols, const struct cli *cli)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->cols = cols;
	t->cli = cli;
	t->where = cli->brief  ? COLUMN_BRIEF
		   : cli->dump ? COLUMN_DATA
			       : COLUMN_PEOPLE;
	if (cli->json)
		table_json_begin();
	return t;
}

/* At once: nothing has to line up. */
static void
print_row(const struct table *t, const void *row)
{
	char text[CELL_MAX];
	bool first = true;

	for (size_t i = 0; i < t->cols->n; i++) {
		const struct column *c = &t->cols->column[i];

		if (!(c->where & t->where))
			continue;
		cell(c, row, t->cli->show_keys, true, text, sizeof(text));
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
keep_row(struct table *t, const void *row)
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
		cell(&t->cols->column[i], row, t->cli->show_keys, false, text,
		     sizeof(text));
		t->cells[t->n] = strdup(text);
		if (t->cells[t->n] == NULL)
			return false;
		t->n++;
	}
	return true;
}

bool
table_add(struct table *t, const void *row)
{
	t->rows++;
	if (t->cli->json) {
		table_json_put(t->cols->object,
			       table_json_row(t->cols, row, t->cli->show_keys));
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
	       kind == COLUMN_COUNT || kind == COLUMN_MS;
}

/* Row r of the kept ones, or the headings for SIZE_MAX. */
static const char *
kept(const struct table *t, size_t r, size_t column)
{
	return r == SIZE_MAX ? t->cols->column[column].title
			     : t->cells[r * t->cols->n + column];
}

static void
print_aligned(const struct table *t, size_t r, const size_t *width)
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
print_kept(const struct table *t)
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
table_end(struct table *t)
{
	if (t->cli->json)
		table_json_end();
	else if (t->where == COLUMN_PEOPLE && t->rows == 0)
		(void)printf("%s\n", t->cols->none);
	else if (t->where == COLUMN_PEOPLE)
		print_kept(t);
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}
