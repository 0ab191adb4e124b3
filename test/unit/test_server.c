/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/ctl/server.h"

static char dir[64];
static struct store store;
static struct server *server;
static struct server_config config;
static struct server_ticket ticket; /* of the last call */
static unsigned calls;

static int
keep(struct server_ticket t)
{
	ticket = t;
	calls++;
	return 0;
}

static int
keep_export(void *ctx, struct server_ticket t, enum proto_export_which which)
{
	return keep(t);
}

static int
keep_drops(void *ctx, struct server_ticket t)
{
	return keep(t);
}

static int
refuse_flows(void *ctx, struct server_ticket t)
{
	return -EIO;
}

static const struct ctl_ops ops = {
	.export = keep_export,
	.rule_drops = keep_drops,
	.flows = refuse_flows,
};

static void
begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_server.XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(store_create(&store, 8, 2), 0);
	calls = 0;
	config = (struct server_config){ .store = &store,
					 .nfqueue_fd = -1,
					 .ops = &ops };
	config.listen_fd = server_listen(dir);
	cr_assert_geq(config.listen_fd, 0);
	cr_assert_eq(server_new(&server, &config), 0);
}

static void
end(void)
{
	char path[96];

	server_free(server);
	close(config.listen_fd);
	store_unmap(&store);
	snprintf(path, sizeof(path), "%s/control.sock", dir);
	unlink(path);
	rmdir(dir);
}

TestSuite(server, .init = begin, .fini = end);

static void
work(void)
{
	for (unsigned i = 0; i < 8; i++)
		cr_assert_eq(server_step(server, 0), 0);
}

static int
dial(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/control.sock", dir);
	cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	work();
	return fd;
}

static void
say(int fd, enum proto_type type, const struct proto_shape *shape,
    const void *record)
{
	struct proto_head head = { .type = (uint16_t)type, .serial = 77 };
	uint8_t msg[PROTO_MESSAGE_MAX];
	size_t n = proto_build(msg, sizeof(msg), &head, shape, record);

	cr_assert_neq(n, 0);
	cr_assert_eq(send(fd, msg, n, 0), (ssize_t)n);
	work();
}

static uint8_t heard[PROTO_MESSAGE_MAX];

/* The next message's head; type 0 when there is none. */
static struct proto_head
hear(int fd)
{
	struct proto_head head = { 0 };
	ssize_t n = recv(fd, heard, sizeof(heard), 0);

	if (n > 0)
		cr_assert_eq(proto_read_head(heard, (size_t)n, &head), 0);
	return head;
}

static int
dial_and_greet(void)
{
	struct proto_hello hello = { .version = PROTO_VERSION };
	int fd = dial();

	cr_assert_eq(hear(fd).type, PROTO_HELLO);
	say(fd, PROTO_HELLO, PROTO_SHAPE(&hello), &hello);
	cr_assert_eq(hear(fd).error, 0);
	return fd;
}

static void
ask_export(int fd)
{
	struct proto_export e = { .which = PROTO_EXPORT_CONF };

	say(fd, PROTO_EXPORT, PROTO_SHAPE(&e), &e);
}

Test(server, an_answer_may_come_later)
{
	int fd = dial_and_greet(), other = dial_and_greet();
	struct proto_head h;
	struct proto_text text;

	ask_export(fd);
	cr_assert_eq(calls, 1);
	cr_assert_eq(hear(fd).type, 0, "nothing yet");
	say(other, PROTO_STATUS, NULL, NULL);
	cr_assert_eq(hear(other).type, PROTO_STATUS, "others go on");
	cr_assert_eq(server_answer_text(server, ticket, "abc\n", 4), 0);
	cr_assert_eq(server_answer_end(server, ticket, -EPERM, "why"), 0);
	work();
	h = hear(fd);
	cr_assert(h.type == PROTO_EXPORT && h.serial == 77 &&
		  h.flags == (PROTO_FLAG_REPLY | PROTO_FLAG_MORE));
	cr_assert_eq(
	    proto_read(heard, h.length, &proto_shape_text, PROTO_STRICT, &text),
	    0);
	cr_assert_str_eq(text.text, "abc\n");
	h = hear(fd);
	cr_assert(h.flags == PROTO_FLAG_REPLY && h.error == EPERM);
	cr_assert_eq(
	    proto_read(heard, h.length, &proto_shape_text, PROTO_STRICT, &text),
	    0);
	cr_assert_str_eq(text.text, "why");
	close(fd);
	close(other);
}

Test(server, a_stale_ticket_answers_nobody)
{
	int fd = dial_and_greet(), next;
	struct server_ticket old;

	ask_export(fd);
	old = ticket;
	close(fd);
	work();
	next = dial_and_greet(); /* takes the same place */
	ask_export(next);
	cr_assert_eq(ticket.client, old.client);
	cr_assert_eq(server_answer_text(server, old, "secret", 6), 0);
	cr_assert_eq(server_answer_end(server, old, 0, NULL), 0);
	work();
	cr_assert_eq(hear(next).type, 0);
	cr_assert_eq(server_answer_end(server, ticket, 0, NULL), 0);
	cr_assert_eq(hear(next).type, PROTO_EXPORT);
	/* Answered: the same ticket says nothing more. */
	cr_assert_eq(server_answer_end(server, ticket, 0, NULL), 0);
	work();
	cr_assert_eq(hear(next).type, 0);
	close(next);
}

Test(server, no_second_request_before_the_first_is_answered)
{
	int fd = dial_and_greet();

	ask_export(fd);
	say(fd, PROTO_STATUS, NULL, NULL);
	cr_assert_eq(hear(fd).type, 0);
	server_answer_end(server, ticket, 0, NULL);
	work();
	cr_assert_eq(hear(fd).type, PROTO_EXPORT);
	cr_assert_eq(hear(fd).type, PROTO_STATUS);
	close(fd);
}

Test(server, what_waits_for_slow_readers_is_bounded)
{
	static char text[1 << 20];
	unsigned n = 0;
	int fds[20], err = 0;
	struct server_ticket first = { 0 };

	memset(text, 'x', sizeof(text));
	while (n < 20 && err == 0) {
		fds[n] = dial_and_greet();
		ask_export(fds[n]);
		if (n++ == 0)
			first = ticket;
		err = server_answer_text(server, ticket, text, sizeof(text));
	}
	cr_assert(n > 2, "%u", n);
	cr_assert_eq(err, -ENOBUFS);
	/* The one that did not fit is told, and what waited is kept. */
	for (struct proto_head h = { .flags = PROTO_FLAG_MORE };
	     h.flags & PROTO_FLAG_MORE || h.type == 0;) {
		work();
		h = hear(fds[n - 1]);
		if (h.type != 0 && !(h.flags & PROTO_FLAG_MORE))
			cr_assert_eq(h.error, ENOBUFS);
	}
	cr_assert_eq(server_answer_end(server, first, 0, NULL), 0);
	for (size_t got = 0; got < sizeof(text);) {
		struct proto_head h = hear(fds[0]);
		struct proto_text piece;

		work();
		if (h.type == 0)
			continue;
		cr_assert_eq(h.error, 0);
		cr_assert_eq(proto_read(heard, h.length, &proto_shape_text,
					PROTO_STRICT, &piece),
			     0);
		got += strlen(piece.text);
	}
	/* Its memory is free again: the next one fits. */
	for (unsigned i = 1; i < n; i++)
		close(fds[i]);
	work();
	fds[1] = dial_and_greet();
	ask_export(fds[1]);
	cr_assert_eq(server_answer_text(server, ticket, text, sizeof(text)), 0);
	close(fds[0]);
	close(fds[1]);
}

Test(server, long_texts_are_cut_between_characters)
{
	static char text[30001], joined[40000];
	size_t len = 0;
	int fd = dial_and_greet();
	struct proto_text piece;
	struct proto_head h;

	for (unsigned i = 0; i < 10000; i++)
		memcpy(text + 3 * i, "\xe2\x82\xac", 3);
	text[3] = '\xff'; /* what may not be sent, in the middle of one */
	ask_export(fd);
	cr_assert_eq(server_answer_text(server, ticket, text, 30000), 0);
	server_answer_end(server, ticket, 0, NULL);
	for (;;) {
		work();
		h = hear(fd);
		if (!(h.flags & PROTO_FLAG_MORE))
			break;
		cr_assert_eq(proto_read(heard, h.length, &proto_shape_text,
					PROTO_STRICT, &piece),
			     0);
		len += (size_t)snprintf(joined + len, sizeof(joined) - len,
					"%s", piece.text);
	}
	cr_assert_eq(strlen(joined), 30000);
	memcpy(text + 3, "???", 3);
	cr_assert_str_eq(joined, text);
	close(fd);
}

Test(server, drops_come_whatever_the_rules_counters_do)
{
	struct proto_drop d = { .reason = "latch", .packets = 3 };
	unsigned with = 0, without = 0;
	int fd = dial_and_greet();
	struct proto_head h;

	for (unsigned round = 0; round < 2; round++) {
		unsigned *n = round == 0 ? &with : &without;

		say(fd, PROTO_DROPS, NULL, NULL);
		if (round == 0)
			server_answer_drop(server, ticket, &d);
		server_answer_end(server, ticket, round == 0 ? 0 : -EIO, NULL);
		for (;;) {
			work();
			h = hear(fd);
			if (!(h.flags & PROTO_FLAG_MORE))
				break;
			++*n;
		}
		cr_assert_eq(h.error, 0);
		cr_assert_eq(h.length > PROTO_HEAD_OCTETS, round == 1,
			     "it says that some are missing");
	}
	cr_assert(without > 20 && with == without + 1);
	close(fd);
}

Test(server, refusals_of_others_reach_the_client)
{
	int fd = dial_and_greet();

	say(fd, PROTO_FLOWS, NULL, NULL);
	cr_assert_eq(hear(fd).error, EIO);
	say(fd, PROTO_DISABLE, NULL, NULL);
	cr_assert_eq(hear(fd).error, ENOSYS);
	close(fd);
}

static unsigned seen;

static void
see(void *arg)
{
	uint64_t v;

	cr_assert_eq(read(*(int *)arg, &v, sizeof(v)), sizeof(v));
	seen++;
}

Test(server, watches_what_it_is_told_to)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t one = 1;

	cr_assert_eq(server_watch(server, fd, see, &fd), 0);
	cr_assert_eq(write(fd, &one, sizeof(one)), sizeof(one));
	work();
	cr_assert_eq(seen, 1);
	work();
	cr_assert_eq(seen, 1);
	close(fd);
}

Test(server, events_reach_who_asked_for_them)
{
	struct proto_subscribe s = {
		.mask = PROTO_EVENT_BIT(PROTO_EVENT_ACQUIRE),
	};
	struct proto_event e = { .kind = PROTO_EVENT_ACQUIRE, .said = 0x100 },
			   got;
	int fd = dial_and_greet(), other = dial_and_greet();
	struct proto_head h;

	cr_assert_eq(server_publish(server, &e), 0);
	say(fd, PROTO_SUBSCRIBE, PROTO_SHAPE(&s), &s);
	cr_assert_eq(hear(fd).type, PROTO_SUBSCRIBE);
	cr_assert_eq(server_listeners(server, PROTO_EVENT_ACQUIRE), 1);
	cr_assert_eq(server_listeners(server, PROTO_EVENT_SA_SOFT), 0);
	cr_assert_eq(server_publish(server, &e), 1);
	e.kind = PROTO_EVENT_SA_SOFT;
	cr_assert_eq(server_publish(server, &e), 0);
	h = hear(fd);
	cr_assert(h.type == PROTO_EVENT && h.serial == 0);
	cr_assert_eq(
	    proto_read(heard, h.length, &proto_shape_event, PROTO_STRICT, &got),
	    0);
	cr_assert(got.said == 0x100 && got.wall_ms > 1000000000000);
	cr_assert(hear(fd).type == 0 && hear(other).type == 0);
	/* In the middle of a request too. */
	ask_export(fd);
	e.kind = PROTO_EVENT_ACQUIRE;
	cr_assert_eq(server_publish(server, &e), 1);
	cr_assert_eq(hear(fd).type, PROTO_EVENT);
	close(fd);
	work();
	cr_assert_eq(server_listeners(server, PROTO_EVENT_ACQUIRE), 0);
	close(other);
}

Test(server, listens_once_and_where_a_dead_one_was)
{
	char path[96];
	struct stat st;
	int fd;

	cr_assert_eq(server_listen(dir), -EADDRINUSE);
	server_free(server);
	server = NULL;
	close(config.listen_fd);
	fd = server_listen(dir);
	cr_assert_geq(fd, 0, "a stale socket is replaced");
	snprintf(path, sizeof(path), "%s/control.sock", dir);
	cr_assert(stat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
		  (st.st_mode & 0777) == 0666);
	cr_assert_eq(server_listen("/nonexistent"), -ENOENT);
	config.listen_fd = fd;
}

Test(server, an_engines_successor_serves_the_same_listener)
{
	int fd = dial_and_greet(), next;

	server_free(server);
	cr_assert_eq(recv(fd, heard, sizeof(heard), 0), 0, "closed");
	cr_assert_eq(server_new(&server, &config), 0);
	next = dial_and_greet();
	say(next, PROTO_STATUS, NULL, NULL);
	cr_assert_eq(hear(next).type, PROTO_STATUS);
	close(fd);
	close(next);
}
