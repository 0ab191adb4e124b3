/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path_cost out|in LEN COUNT [ENC [AUTH]]: seals, or opens, COUNT packets of
 * LEN octets (of UDP or so), in batches of 64 as a worker has them, without a
 * kernel around.  Prints nanoseconds of processor time a packet.  Under
 * callgrind a run with many less one with few tells the instructions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "test/lib/pair.h"

enum { BATCH = 64, STRIDE = 4096 };

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* n packets at `from`, STRIDE apart, each through the path to `to`. */
static void
turn(struct pair_host *h, bool out, uint8_t *from, const size_t *lens,
     uint8_t *to, size_t *to_lens, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++) {
		struct path_result r;
		struct pkt pkt = { .octets = from + i * STRIDE,
				   .len = lens[i],
				   .whole = lens[i],
				   .room = STRIDE - lens[i],
				   .mark = out ? PAIR_SAID : 0,
				   .in = 2,
				   .out = 2,
				   .mtu = 9000 };

		if (i % BATCH == 0)
			path_begin(&h->path, PAIR_NOW);
		if (out)
			path_out(&h->path, STORE_QUEUE_SEAL, &pkt, PAIR_NOW,
				 to + i * STRIDE, STRIDE, &r);
		else
			path_in(&h->path, &pkt, PAIR_NOW, to + i * STRIDE,
				STRIDE, &r);
		if (i % BATCH == BATCH - 1 || i == n - 1)
			path_end(&h->path);
		if (r.action != PATH_REPLACE) {
			fprintf(stderr, "dropped: %d\n", (int)r.reason);
			exit(1);
		}
		to_lens[i] = r.len;
	}
}

int
main(int argc, char **argv)
{
	struct pair_options o = { .enc = ALGO_AES128_GCM };
	static const uint8_t payload[STRIDE];
	uint8_t *clear, *sealed;
	size_t *lens[2], len;
	unsigned long count;
	struct pair p;
	uint64_t ns;

	if (argc < 4)
		return 2;
	len = strtoul(argv[2], NULL, 10);
	count = strtoul(argv[3], NULL, 10);
	if (argc > 4)
		o.enc = algo_by_name(argv[4]);
	if (argc > 5)
		o.auth = algo_by_name(argv[5]);
	if (len < IP_HEADER_MIN || len > STRIDE - PATH_GROWTH || count == 0)
		return 2;
	pair_init(&p, &o);
	clear = calloc(count, STRIDE);
	sealed = calloc(count, STRIDE);
	lens[0] = calloc(count, sizeof(size_t));
	lens[1] = calloc(count, sizeof(size_t));
	for (unsigned long i = 0; i < count; i++)
		lens[0][i] =
		    pair_packet(clear + i * STRIDE, STRIDE, PAIR_A, PAIR_B, 99,
				0, payload, len - IP_HEADER_MIN);
	ns = cpu_ns();
	turn(&p.a, true, clear, lens[0], sealed, lens[1], count);
	if (argv[1][0] == 'i') {
		ns = cpu_ns();
		turn(&p.b, false, sealed, lens[1], clear, lens[0], count);
	}
	printf("%s %zu: %.0f ns\n", argv[1], len,
	       (double)(cpu_ns() - ns) / (double)count);
	pair_fini(&p);
	free(clear);
	free(sealed);
	free(lens[0]);
	free(lens[1]);
	return 0;
}
