/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nfipsec top: rates of SAs and drops, on a terminal or one block after
 * the other.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/cli/jsonout.h"
#include "engine/cli/toprate.h"

#define CLEAR          "\033[H\033[J" /* ECMA-48: home, erase to the end */
#define INTERRUPT      3              /* ^C */
#define DELAY_MAX      86400.0
#define RECONNECT_SECS 0.1
#define ROWS           24 /* of a terminal that does not say */

struct top {
	const struct cli *cli;
	struct toprate before, now;
	unsigned long blocks, wanted; /* wanted 0: without end */
	double delay_secs;
	bool screen; /* a terminal, to be drawn over */
	struct termios was;
};

/* ---- a look at the counters ----- */

static int
look(struct client *c, struct toprate *t)
{
	struct proto_show all = { 0 };
	struct proto_sa sa;
	struct proto_drop drop;
	bool memory = true;
	int err;

	t->n = 0;
	t->at_ms = clock_now_ms();
	err = client_ask(c, PROTO_SAS, PROTO_SHAPE(&all), &all);
	while (err >= 0 && (err = client_next(c, &proto_shape_sa, &sa)) > 0)
		memory = memory && toprate_add_sa(t, &sa);
	if (err == 0)
		err = client_ask(c, PROTO_DROPS, NULL, NULL);
	while (err >= 0 && (err = client_next(c, &proto_shape_drop, &drop)) > 0)
		memory = memory && toprate_add_drop(t, &drop);
	return err == 0 && !memory ? -ENOMEM : err;
}

/* ---- for people ----- */

static void
number(double n, char out[16])
{
	static const char *const units[] = { "", "k", "M", "G", "T" };
	size_t unit = 0;

	while (n >= 1000 && unit < 4) {
		n /= 1000;
		unit++;
	}
	(void)snprintf(out, 16, unit == 0 && n >= 10 ? "%.0f%s" : "%.3g%s", n,
		       units[unit]);
}

static bool
is_shown(const struct top *t, const struct toprate_row *row)
{
	return t->cli->all || row->packet_rate > 0;
}

static void
print_sum(const struct top *t, double secs)
{
	double packets[2] = { 0 }, octets[2] = { 0 }, drops = 0;
	char time[32], text[5][16];
	size_t sas = 0;

	for (size_t i = 0; i < t->now.n; i++) {
		const struct toprate_row *row = &t->now.rows[i];
		bool out = row->direction == PROTO_OUT;

		if (row->reason[0] != '\0') {
			drops += row->packet_rate;
			continue;
		}
		sas++;
		packets[out] += row->packet_rate;
		octets[out] += row->octet_rate;
	}
	for (int d = 0; d < 2; d++) {
		number(packets[d], text[2 * d]);
		number(octets[d] * 8, text[2 * d + 1]);
	}
	number(drops, text[4]);
	(void)printf("%s  %zu SAs, %.1f s\n", cell_time(clock_wall_ms(), time),
		     sas, secs);
	(void)printf("in %s packets/s, %sbit/s; out %s packets/s, %sbit/s; "
		     "dropped %s/s\n",
		     text[0], text[1], text[2], text[3], text[4]);
}

static void
print_row(const struct toprate_row *row)
{
	char protocol[16], peer[IPADDR_TEXT], text[4][16];

	number(row->packet_rate, text[0]);
	number((double)row->packets, text[2]);
	if (row->reason[0] != '\0') {
		(void)printf("%9s %9s  %-3s  %s\n", text[0], text[2],
			     cell_direction(row->direction), row->reason);
		return;
	}
	number(row->octet_rate * 8, text[1]);
	number((double)row->octets, text[3]);
	(void)printf("%9s %9s %9s %9s  %-3s  %-3s  0x%08" PRIx32 "  %-15s  "
		     "%s\n",
		     text[0], text[1], text[2], text[3],
		     cell_direction(row->direction),
		     cell_protocol(row->protocol, protocol), row->spi,
		     ipaddr_format(&row->peer, peer), row->association);
}

/* The rows of one kind, at most `room` of them; how many lines it took. */
static size_t
print_rows(const struct top *t, bool drops, const char *heading, size_t room)
{
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < t->now.n; i++) {
		const struct toprate_row *row = &t->now.rows[i];

		if ((row->reason[0] != '\0') != drops || !is_shown(t, row))
			continue;
		if (shown == room) {
			more++;
			continue;
		}
		if (shown++ == 0)
			(void)printf("\n%s\n", heading);
		print_row(row);
	}
	if (more > 0)
		(void)printf("  ... %zu more\n", more);
	return shown;
}

static void
print_text(struct top *t, double secs)
{
	struct winsize size = { .ws_row = ROWS };
	size_t room = SIZE_MAX, shown;

	if (t->screen) {
		(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
		room = size.ws_row > 12 ? size.ws_row - 8u : 4;
		(void)printf(CLEAR);
	}
	print_sum(t, secs);
	shown = print_rows(t, true, "  DROPS/S     TOTAL  DIR  REASON",
			   t->screen ? room / 3 : room);
	shown += print_rows(t, false,
			    "PACKETS/S     BIT/S   PACKETS     BYTES  DIR  "
			    "PROTO  SPI       PEER             ASSOCIATION",
			    t->screen ? room - shown : room);
	if (shown == 0)
		(void)printf("\nNothing moved.\n");
	if (!t->screen)
		(void)putchar('\n');
	(void)fflush(stdout);
}

/* ---- JSON ----- */

static json_t *
rows_json(const struct top *t, bool drops)
{
	json_t *list = json_array();
	char text[IPADDR_TEXT];

	for (size_t i = 0; i < t->now.n; i++) {
		const struct toprate_row *row = &t->now.rows[i];
		json_t *o;

		if ((row->reason[0] != '\0') != drops || !is_shown(t, row))
			continue;
		o = json_pack("{s:s, s:f, s:o}", "direction",
			      cell_direction(row->direction),
			      "packets_per_second", row->packet_rate, "packets",
			      cell_json_count(row->packets));
		if (drops) {
			json_object_set_new(o, "reason",
					    json_string(row->reason));
		} else {
			char protocol[16];

			json_object_set_new(o, "bits_per_second",
					    json_real(row->octet_rate * 8));
			json_object_set_new(o, "bytes",
					    cell_json_count(row->octets));
			json_object_set_new(o, "association",
					    json_string(row->association));
			json_object_set_new(o, "said",
					    cell_json_count(row->said));
			json_object_set_new(o, "protocol",
					    json_string(cell_protocol(
						row->protocol, protocol)));
			json_object_set_new(o, "spi",
					    cell_json_count(row->spi));
			json_object_set_new(
			    o, "peer",
			    json_string(ipaddr_format(&row->peer, text)));
		}
		json_array_append_new(list, o);
	}
	return list;
}

static void
print_json(const struct top *t, double secs)
{
	char time[32];

	jsonout_line("top", json_pack("{s:s, s:f, s:o, s:o}", "time",
				      cell_time(clock_wall_ms(), time),
				      "interval_seconds", secs, "sas",
				      rows_json(t, false), "drops",
				      rows_json(t, true)));
}

/* ---- the loop ----- */

/* Until `secs` are over; true: q was typed, or nobody is there any more. */
static bool
wait_or_quit(const struct top *t, double secs)
{
	struct pollfd key = { .fd = t->screen ? STDIN_FILENO : -1,
			      .events = POLLIN };
	uint64_t until = clock_now_ms() + (uint64_t)(secs * 1000), now;
	char c;

	while ((now = clock_now_ms()) < until) {
		if (poll(&key, 1, (int)(until - now)) <= 0)
			continue;
		if (read(STDIN_FILENO, &c, 1) != 1 || c == 'q' ||
		    c == INTERRUPT)
			return true;
	}
	return false;
}

static int
run(struct top *t, struct client *c)
{
	/* The counters outlive an engine: go on from those before it. */
	int err = t->before.n == 0 ? look(c, &t->before) : 0;

	while (err == 0 && (t->wanted == 0 || t->blocks < t->wanted)) {
		struct toprate spare = t->before;
		double secs;

		if (wait_or_quit(t, t->delay_secs))
			break;
		err = look(c, &t->now);
		if (err < 0)
			break;
		secs = (double)(t->now.at_ms - t->before.at_ms) / 1000;
		toprate_compare(&t->now, &t->before);
		if (t->cli->json)
			print_json(t, secs);
		else
			print_text(t, secs);
		t->blocks++;
		if (ferror(stdout))
			break;
		t->before = t->now;
		t->now = spare;
	}
	return err;
}

/* Keys as they are typed, while it runs. */
static void
open_screen(struct top *t)
{
	struct termios raw;

	t->screen = !t->cli->batch && !t->cli->json && isatty(STDOUT_FILENO) &&
		    isatty(STDIN_FILENO) &&
		    tcgetattr(STDIN_FILENO, &t->was) == 0;
	if (!t->screen)
		return;
	raw = t->was;
	/* ^C comes as a key: the terminal is put back whatever ends it. */
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

static int
read_numbers(struct top *t)
{
	const char *count = t->cli->count, *delay = t->cli->delay;
	char *end;

	t->delay_secs = 2;
	if (count != NULL) {
		t->wanted = strtoul(count, &end, 10);
		if (*count < '0' || *count > '9' || *end != '\0' ||
		    t->wanted == 0)
			return cli_usage("top", "%s: no number of blocks",
					 count);
	}
	if (delay != NULL) {
		t->delay_secs = strtod(delay, &end);
		if (*delay < '0' || *delay > '9' || *end != '\0' ||
		    t->delay_secs < 0.1 || t->delay_secs > DELAY_MAX)
			return cli_usage("top", "%s: seconds are 0.1 to 86400",
					 delay);
	}
	return CLI_DONE;
}

int
cmd_top_run(int argc, char **argv, const struct cli *cli)
{
	struct top t = { .cli = cli };
	struct client c;
	int status = read_numbers(&t);

	if (status == CLI_DONE && argc > 1)
		status = cli_usage("top", "%s: one word too many", argv[1]);
	if (status != CLI_DONE)
		return status;
	status = cli_connect(&c, cli);
	if (status == CLI_DONE)
		open_screen(&t);
	while (status == CLI_DONE) {
		int err = run(&t, &c);

		status = c.broken ? CLI_DONE : cli_fail(&c, err);
		if (err == 0 || !c.broken)
			break;
		/* The listener outlives an engine: the next one answers. */
		client_close(&c);
		(void)wait_or_quit(&t, RECONNECT_SECS);
		status = cli_connect(&c, cli);
	}
	if (t.screen)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &t.was);
	client_close(&c);
	toprate_free(&t.before);
	toprate_free(&t.now);
	return status;
}
