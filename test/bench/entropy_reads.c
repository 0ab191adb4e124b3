/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entropy_reads SOCKET|- OCTETS SECONDS: reads of OCTETS a second from
 * entropyd's pool socket, or (-) from getrandom(2).  A read of more than 4096
 * octets is as many requests in one write as it takes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/entropy.h"

#define OCTETS_MAX (1u << 20)

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static void
read_pool(int fd, uint8_t *out, size_t n)
{
	uint8_t requests[2 * (OCTETS_MAX / ENTROPY_REQUEST_MAX + 1)];
	size_t len = 0, have = 0;

	for (size_t left = n; left != 0;) {
		size_t part =
		    left < ENTROPY_REQUEST_MAX ? left : ENTROPY_REQUEST_MAX;

		requests[len++] = (uint8_t)(part >> 8);
		requests[len++] = (uint8_t)part;
		left -= part;
	}
	if (write(fd, requests, len) != (ssize_t)len)
		exit(1);
	while (have < n) {
		ssize_t got = read(fd, out + have, n - have);

		if (got <= 0)
			exit(1);
		have += (size_t)got;
	}
}

static void
read_kernel(uint8_t *out, size_t n)
{
	for (size_t have = 0; have < n;) {
		ssize_t got = getrandom(out + have, n - have, 0);

		if (got < 0)
			exit(1);
		have += (size_t)got;
	}
}

int
main(int argc, char **argv)
{
	static uint8_t out[OCTETS_MAX];
	double start, end;
	uint64_t reads = 0;
	size_t n;
	int fd = -1;

	if (argc != 4)
		return 2;
	n = strtoul(argv[2], NULL, 10);
	if (n == 0 || n > sizeof(out))
		return 2;
	if (strcmp(argv[1], "-") != 0)
		fd = connect_to(argv[1]);
	start = now();
	end = start + strtod(argv[3], NULL);
	while (now() < end) {
		if (fd >= 0)
			read_pool(fd, out, n);
		else
			read_kernel(out, n);
		reads++;
	}
	printf("%.0f\n", (double)reads / (now() - start));
	return 0;
}
