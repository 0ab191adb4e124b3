/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets sent whole, over lo of a network namespace of the test's own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/nfq/inject.h"
#include "engine/wire/ip.h"
#include "test/lib/pair.h"

#define LOCAL   0x7f000001u
#define ANOTHER 0x7f000002u
#define MARK    0xab003fffu
#define LO      1

static struct inject inject;

/* lo, up, with this MTU; a socket that receives ESP there. */
static int
begin(int mtu)
{
	struct ifreq r = { .ifr_name = "lo" };
	struct timeval patience = { .tv_sec = 2 };
	int fd, one = 1, room = 8 << 20;

	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("needs root for a network namespace");
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IP_ESP);
	cr_assert_geq(fd, 0);
	cr_assert_eq(
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), 0);
	r.ifr_mtu = mtu;
	cr_assert_eq(ioctl(fd, SIOCSIFMTU, &r), 0);
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	cr_assert_eq(ioctl(fd, SIOCSIFFLAGS, &r), 0);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
				sizeof(patience)),
		     0);
	cr_assert_eq(setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one)),
		     0);
	cr_assert_eq(inject_init(&inject), 0);
	return fd;
}

/* Octet 20 says which one it is. */
static size_t
make(uint8_t *out, size_t cap, uint32_t src, uint8_t n, size_t len)
{
	static uint8_t payload[2000];

	memset(payload, n, sizeof(payload));
	return pair_packet(out, cap, src, LOCAL, IP_ESP, IP_DF, payload,
			   len - IP_HEADER_MIN);
}

Test(inject, arrives_in_order)
{
	enum { COUNT = 3 * INJECT_BATCH + 7 };
	static uint8_t octets[COUNT][1000], got[2000];
	int fd = begin(65536);

	for (unsigned i = 0; i < COUNT; i++) {
		size_t len =
		    make(octets[i], sizeof(octets[i]),
			 i % 2 == 0 ? LOCAL : ANOTHER, (uint8_t)i, 60 + 4 * i);

		octets[i][1] = i % 3 == 0 ? 0xb8 : 0;
		inject_add(&inject, octets[i], len, MARK, i % 2 == 0 ? LO : 0);
	}
	cr_assert_eq(inject_flush(&inject), 0u, "%s", strerror(inject.error));
	cr_assert_eq(inject.n, 0u);
	for (unsigned i = 0; i < COUNT; i++) {
		ssize_t len = recv(fd, got, sizeof(got), 0);

		cr_assert_eq(len, (ssize_t)(60 + 4 * i), "number %u", i);
		cr_assert_eq(got[20], (uint8_t)i);
		/* source, TOS, DF as given */
		cr_assert_eq(memcmp(got + 12, octets[i] + 12, 8), 0);
		cr_assert_eq(got[1], octets[i][1]);
		cr_assert_eq(got[6], 0x40);
	}
	cr_assert_eq(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
	inject_fini(&inject);
	close(fd);
}

/* The mark is the packet's own, all 32 bits of it. */
Test(inject, marks)
{
#ifdef SO_RCVMARK
	static uint8_t octets[2][100], got[200];
	int fd = begin(65536), one = 1;
	uint8_t control[CMSG_SPACE(sizeof(uint32_t)) * 2];
	struct iovec iov = { got, sizeof(got) };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVMARK, &one, sizeof(one)) < 0)
		cr_skip_test("this kernel has no SO_RCVMARK");
	for (uint32_t i = 0; i < 2; i++)
		inject_add(&inject, octets[i],
			   make(octets[i], 100, LOCAL, 1, 60), MARK + i, LO);
	cr_assert_eq(inject_flush(&inject), 0u);
	for (uint32_t i = 0; i < 2; i++) {
		struct msghdr h = { .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof(control) };
		uint32_t mark = 0;

		cr_assert_eq(recvmsg(fd, &h, 0), 60);
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c != NULL;
		     c = CMSG_NXTHDR(&h, c))
			if (c->cmsg_level == SOL_SOCKET &&
			    c->cmsg_type == SO_MARK)
				memcpy(&mark, CMSG_DATA(c), sizeof(mark));
		cr_assert_eq(mark, MARK + i);
	}
	inject_fini(&inject);
	close(fd);
#endif
}

/* One that is refused is told of and stops none of the others. */
Test(inject, refusals)
{
	static uint8_t octets[INJECT_BATCH][1200], got[2000];
	int fd = begin(1000);
	size_t len;

	for (unsigned i = 0; i < 5; i++) {
		len = make(octets[i], sizeof(octets[i]), LOCAL, (uint8_t)i,
			   i % 2 == 0 ? 100 : 1001);
		inject_add(&inject, octets[i], len, MARK + i, LO);
	}
	cr_assert_eq(inject_flush(&inject), 2u);
	cr_assert_eq(inject.error, EMSGSIZE);
	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(recv(fd, got, sizeof(got), 0), 100);
		cr_assert_eq(got[20], 2 * i);
	}
	/* said once */
	cr_assert_eq(inject_flush(&inject), 0u);
	/* no such device; the destination is on no other one */
	len = make(octets[0], sizeof(octets[0]), LOCAL, 0, 100);
	inject_add(&inject, octets[0], len, MARK, 4711);
	cr_assert_eq(inject_flush(&inject), 1u);
	cr_assert(inject.error == ENODEV || inject.error == ENETUNREACH, "%s",
		  strerror(inject.error));
	/* not IPv4, or no header at all */
	octets[0][0] = 0x60;
	inject_add(&inject, octets[0], len, MARK, LO);
	octets[0][0] = 0x45;
	inject_add(&inject, octets[0], IP_HEADER_MIN - 1, MARK + 9, LO);
	cr_assert_eq(inject_flush(&inject), 2u);
	cr_assert_eq(inject.error, EAFNOSUPPORT);
	/* more refusals than a batch holds: all are counted */
	for (unsigned i = 0; i < INJECT_BATCH; i++) {
		len = make(octets[i], sizeof(octets[i]), LOCAL, 0, 1001);
		inject_add(&inject, octets[i], len, MARK, LO);
	}
	inject_add(&inject, octets[0], len, MARK, LO);
	cr_assert_eq(inject_flush(&inject), INJECT_BATCH + 1u);
	cr_assert_eq(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
	inject_fini(&inject);
	close(fd);
}
