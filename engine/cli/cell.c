/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/cli/cell.h"

static const char *const directions[] = { "in", "out" };
static const char *const modes[] = { "?", "transport", "tunnel" };
static const char *const keyings[] = { "none", "manual", "kerberos",
				       "photuris" };
static const char *const queue_kinds[] = { "seal-tcp", "seal", "decap" };

#define NAME(list, n) ((n) < sizeof(list) / sizeof((list)[0]) ? (list)[n] : "?")

const char *
cell_direction(uint32_t direction)
{
	return NAME(directions, direction);
}

const char *
cell_protocol(uint32_t protocol, char out[16])
{
	static const struct {
		uint32_t number;
		const char *name;
	} names[] = { { 1, "icmp" },  { 6, "tcp" }, { 17, "udp" },
		      { 50, "esp" },  { 51, "ah" }, { 58, "icmpv6" },
		      { 132, "sctp" }, { 255, "raw" }, { 262, "mptcp" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == protocol)
			return names[i].name;
	(void)snprintf(out, 16, "%" PRIu32, protocol);
	return out;
}

const char *
cell_time(uint64_t wall_ms, char out[32])
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

	/* Whether there is one is not told: none is sent unasked. */
	(void)snprintf(out, cap, "%s",
		       !show         ? "(hidden)"
		       : k->len == 0 ? ""
				     : "0x");
	if (!show)
		return;
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

static int64_t
seconds(const void *at)
{
	return (int64_t)number64(at);
}

static void
algorithms(const struct proto_sa *sa, char *out, size_t cap)
{
	bool both = sa->encryption[0] != '\0' && sa->integrity[0] != '\0';

	(void)snprintf(out, cap, "%s%s%s", sa->encryption, both ? " " : "",
		       sa->integrity);
}

/* A number that stands for a word. */
static const char *
word(const struct column *c, const void *row, char buf[16])
{
	const struct proto_sa *sa = row;
	uint32_t n = number32((const uint8_t *)row + c->offset);

	switch (c->kind) {
	case COLUMN_DIRECTION:
		return NAME(directions, n);
	case COLUMN_PROTOCOL:
		return cell_protocol(n, buf);
	case COLUMN_MODE:
		return NAME(modes, n);
	case COLUMN_STATE:
		return sa->state != PROTO_LIVE     ? "dead"
		       : sa->flags & PROTO_SA_SOFT ? "soft"
						   : "live";
	case COLUMN_KEYING:
		return NAME(keyings, n);
	case COLUMN_QUEUE_KIND:
		return NAME(queue_kinds, n);
	case COLUMN_FLAG:
		return n & c->bit ? "true" : "false";
	case COLUMN_U32:
	case COLUMN_U64:
	case COLUMN_COUNT:
	case COLUMN_MS:
	case COLUMN_SECS:
	case COLUMN_SPI:
	case COLUMN_TEXT:
	case COLUMN_ADDRESS:
	case COLUMN_HEX:
	case COLUMN_PROTECT:
	case COLUMN_ALGORITHMS:
	case COLUMN_KEY:
		break;
	}
	return "?";
}

void
cell_text(const struct column *c, const void *row, bool show_keys, bool exact,
	  char *out, size_t cap)
{
	const uint8_t *at = (const uint8_t *)row + c->offset;
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
	case COLUMN_SECS:
		out[0] = '\0';
		if (seconds(at) >= 0)
			(void)snprintf(out, cap, "%" PRId64 "%s", seconds(at),
				       exact ? "" : "s");
		break;
	case COLUMN_SPI:
		out[0] = '\0';
		if (number32(at) != 0)
			(void)snprintf(out, cap, "0x%08" PRIx32, number32(at));
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
	case COLUMN_PROTECT:
		protect(row, out, cap);
		break;
	case COLUMN_ALGORITHMS:
		algorithms(row, out, cap);
		break;
	case COLUMN_KEY:
		hex((const struct proto_octets *)at, show_keys, out, cap);
		break;
	case COLUMN_DIRECTION:
	case COLUMN_PROTOCOL:
	case COLUMN_MODE:
	case COLUMN_STATE:
	case COLUMN_KEYING:
	case COLUMN_QUEUE_KIND:
	case COLUMN_FLAG:
		(void)snprintf(out, cap, "%s", word(c, row, name));
		break;
	}
}

json_t *
cell_json(const struct column *c, const void *row, bool show_keys)
{
	const uint8_t *at = (const uint8_t *)row + c->offset;
	char text[CELL_MAX];

	switch (c->kind) {
	case COLUMN_U32:
	case COLUMN_HEX:
		return cell_json_count(number32(at));
	case COLUMN_U64:
	case COLUMN_COUNT:
		return cell_json_count(number64(at));
	case COLUMN_MS:
		return cell_json_count(number64(at) / 1000);
	case COLUMN_SECS:
		return seconds(at) < 0 ? json_null()
				       : json_integer(seconds(at));
	case COLUMN_SPI:
		return number32(at) == 0 ? json_null()
					 : json_integer(number32(at));
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
	cell_text(c, row, show_keys, true, text, sizeof(text));
	return json_string(text);
}

json_t *
cell_json_count(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}
