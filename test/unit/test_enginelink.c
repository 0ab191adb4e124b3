/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine's control socket as keynegd uses it, with a server of the test's
 * own at the other end. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keyneg/core/enginelink.h"

static struct enginelink l;
static int server;
static uint8_t msg[PROTO_MESSAGE_MAX];
static struct {
	unsigned added, failed, known, listed;
	uint32_t last;
	int err;
	uint32_t known_spi; /* which SA is one of ours */
	int again;          /* what an addition out of `failed` gives */
} saw;

static int add(uint32_t pair, uint32_t spi);

static void
on_acquire(void *ctx, const char *association, const struct ipaddr *local,
	   const struct ipaddr *peer)
{
	cr_assert(false, "nobody asks");
}

static void
on_limit(void *ctx, enum sainstall_direction d, uint8_t protocol,
	 const struct ipaddr *peer, uint32_t spi, bool hard)
{
	cr_assert(false, "no limit is near");
}

static void
on_added(void *ctx, uint32_t pair)
{
	saw.added++;
	saw.last = pair;
}

static void
on_failed(void *ctx, uint32_t pair, int err)
{
	saw.failed++;
	saw.last = pair;
	saw.err = err;
	saw.again = add(99, 0x9999);
}

static bool
on_known(void *ctx, const struct proto_sa *sa)
{
	cr_assert_eq(saw.listed, 0);
	saw.known++;
	return sa->spi == saw.known_spi;
}

static void
on_listed(void *ctx)
{
	saw.listed++;
}

static void
on_seen(void *ctx, const struct proto_sa *sa)
{
}

static const struct enginelink_ops ops = { .acquire = on_acquire,
					   .limit = on_limit,
					   .added = on_added,
					   .failed = on_failed,
					   .known = on_known,
					   .listed = on_listed,
					   .seen = on_seen };

static int
add(uint32_t pair, uint32_t spi)
{
	static const uint8_t key[20] = { 1 };
	struct sainstall_sa sa = { .pair = pair,
				   .association = "link",
				   .direction = SAINSTALL_IN,
				   .protocol = 50,
				   .spi = spi,
				   .enc = ALGO_AES128_GCM,
				   .auth = ALGO_NONE,
				   .principal = "kink/b.test@TEST",
				   .key = key,
				   .key_octets = sizeof(key) };

	ipaddr_parse("192.0.2.1", &sa.local);
	ipaddr_parse("192.0.2.2", &sa.peer);
	return enginelink_sa_ops.add(&l, &sa);
}

static void
reply(const struct proto_head *asked, uint16_t flags, int error,
      const struct proto_shape *shape, const void *record)
{
	struct proto_head head = { .type = asked->type,
				   .flags = PROTO_FLAG_REPLY | flags,
				   .serial = asked->serial,
				   .error = error };
	size_t n = proto_build(msg, sizeof(msg), &head, shape, record);

	cr_assert_neq(n, 0);
	cr_assert_eq(send(server, msg, n, 0), (ssize_t)n);
}

static struct proto_head
next_request(uint16_t type)
{
	struct proto_head head;
	ssize_t n = recv(server, msg, sizeof(msg), MSG_DONTWAIT);

	cr_assert_gt(n, 0, "type %u is not asked", type);
	cr_assert_eq(proto_read_head(msg, (size_t)n, &head), 0);
	cr_assert_eq(head.type, type, "%u in place of %u", head.type, type);
	return head;
}

static void
finish(uint16_t type, int error)
{
	struct proto_text text = { "" };
	struct proto_head asked = next_request(type);

	reply(&asked, 0, error, PROTO_SHAPE(&text), &text);
	cr_assert(enginelink_read(&l));
}

static void
list(const struct proto_head *asked, uint32_t spi)
{
	struct proto_sa sa = { .association = "link",
			       .protocol = 50,
			       .spi = spi };

	ipaddr_parse("192.0.2.1", &sa.local);
	ipaddr_parse("192.0.2.2", &sa.peer);
	reply(asked, PROTO_FLAG_MORE, 0, PROTO_SHAPE(&sa), &sa);
}

/* A connection, up to the list of SAs, which is asked for. */
static void
connect_to_engine(void)
{
	struct proto_hello hello = { .version = PROTO_VERSION,
				     .rights = PROTO_RIGHTS_ALL,
				     .software = "test" };
	struct proto_head head = { .type = PROTO_HELLO };
	int fd[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	server = fd[1];
	enginelink_attach(&l, fd[0]);
	reply(&head, 0, 0, PROTO_SHAPE(&hello), &hello);
	cr_assert(enginelink_read(&l));
	finish(PROTO_HELLO, 0);
	finish(PROTO_SUBSCRIBE, 0);
}

static void
start(void)
{
	memset(&saw, 0, sizeof(saw));
	enginelink_init(&l, &ops, NULL);
	connect_to_engine();
}

static void
end(void)
{
	enginelink_fini(&l);
	close(server);
}

Test(enginelink, what_the_engine_has_is_told_before_anything_else)
{
	struct proto_head asked;

	start();
	saw.known_spi = 0x1000;
	cr_assert_eq(add(7, 0x3000), 0);
	asked = next_request(PROTO_SAS);
	list(&asked, 0x1000);
	list(&asked, 0x2000);
	cr_assert(enginelink_read(&l));
	cr_assert_eq(saw.known, 2);
	cr_assert_eq(saw.listed, 0, "there may be more");
	{
		struct proto_text text = { "" };

		reply(&asked, 0, 0, PROTO_SHAPE(&text), &text);
	}
	cr_assert(enginelink_read(&l));
	cr_assert_eq(saw.listed, 1);
	finish(PROTO_ADD_PAIR, 0);
	cr_assert_eq(saw.added, 1);
	cr_assert_eq(saw.last, 7);
	finish(PROTO_DELETE_SA, ENOENT); /* 0x2000, gone by itself */
	/* A survey is no such list. */
	cr_assert_eq(enginelink_survey(&l), 0);
	finish(PROTO_SAS, 0);
	cr_assert_eq(saw.listed, 1);
	end();
}

/* Half a list is none: what is not in it may be there all the same. */
Test(enginelink, a_list_that_breaks_off_ends_nothing)
{
	struct proto_head asked;

	start();
	asked = next_request(PROTO_SAS);
	list(&asked, 0x1000);
	cr_assert(enginelink_read(&l));
	close(server);
	cr_assert_not(enginelink_read(&l));
	cr_assert_eq(saw.listed, 0);
	connect_to_engine();
	finish(PROTO_SAS, EAGAIN);
	cr_assert_eq(saw.listed, 0);
	end();
}

/* An addition that was on its way, and one that waited. */
Test(enginelink, additions_end_with_the_connection)
{
	struct ipaddr local, peer;

	start();
	finish(PROTO_SAS, 0);
	ipaddr_parse("192.0.2.1", &local);
	ipaddr_parse("192.0.2.2", &peer);
	cr_assert_eq(add(7, 0x3000), 0);
	cr_assert_eq(enginelink_sa_ops.remove(&l, 6, SAINSTALL_IN, 50, &local,
					      &peer, 0x1000),
		     0);
	cr_assert_eq(add(8, 0x4000), 0);
	cr_assert_eq(enginelink_survey(&l), 0);
	(void)next_request(PROTO_ADD_PAIR);
	close(server);
	cr_assert_not(enginelink_read(&l));
	cr_assert_eq(saw.failed, 2);
	cr_assert_eq(saw.last, 8);
	cr_assert_eq(saw.err, -ENOTCONN);
	cr_assert_eq(saw.again, -ENOTCONN, "nothing can be asked meanwhile");
	cr_assert_eq(l.waiting, 0);
	cr_assert_eq(add(9, 0x5000), -ENOTCONN);
	/* and with one that is put in its place */
	connect_to_engine();
	finish(PROTO_SAS, 0);
	cr_assert_eq(add(10, 0x6000), 0);
	connect_to_engine();
	cr_assert_eq(saw.failed, 3);
	cr_assert_eq(saw.last, 10);
	finish(PROTO_SAS, 0);
	end();
}

Test(enginelink, an_addition_that_is_refused)
{
	start();
	finish(PROTO_SAS, 0);
	cr_assert_eq(add(7, 0x3000), 0);
	finish(PROTO_ADD_PAIR, ENOSPC);
	cr_assert_eq(saw.failed, 1);
	cr_assert_eq(saw.last, 7);
	cr_assert_eq(saw.err, -ENOSPC);
	/* the one out of `failed` */
	cr_assert_eq(saw.again, 0);
	finish(PROTO_ADD_PAIR, 0);
	cr_assert_eq(saw.last, 99);
	end();
}
