/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * noisegen KIND OCTETS: sources of known min-entropy, for the estimators, and
 * broken generators, for rngtest.  The same octets every time.
 *   uniform   8 bits a sample, independent
 *   half      one of 16 values, one of them half of the time: 1 bit
 *   bias      one bit, 1 with 3/4: 0.4150 bits
 *   coin      one bit, 1 with 1/2: 1 bit
 *   sticky    one bit, the same as before with 9/10: 0.1520 bits
 *   counter   0, 1, 2, ... as octets: none
 *   broken-bias    each bit is 1 with 0.51
 *   broken-period  a uniform piece of 1000 octets again and again
 *   broken-poker   no octet has a high nibble of 15
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* splitmix64 */
static uint64_t state = 20261124;

static uint64_t
word(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static double
chance(void)
{
	return (double)(word() >> 11) / 9007199254740992.0;
}

static uint8_t
sample(const char *kind, uint64_t i, uint8_t before, const uint8_t *piece)
{
	uint8_t octet = (uint8_t)word();

	if (strcmp(kind, "uniform") == 0)
		return octet;
	if (strcmp(kind, "half") == 0)
		return chance() < 0.5 ? 0 : (uint8_t)(1 + octet % 15);
	if (strcmp(kind, "bias") == 0)
		return chance() < 0.75;
	if (strcmp(kind, "coin") == 0)
		return chance() < 0.5;
	if (strcmp(kind, "sticky") == 0)
		return chance() < 0.9 ? before : !before;
	if (strcmp(kind, "counter") == 0)
		return (uint8_t)i;
	if (strcmp(kind, "broken-bias") == 0) {
		octet = 0;
		for (int bit = 0; bit < 8; bit++)
			octet = (uint8_t)(octet << 1 | (chance() < 0.51));
		return octet;
	}
	if (strcmp(kind, "broken-period") == 0)
		return piece[i % 1000];
	if (strcmp(kind, "broken-poker") == 0) {
		while (octet >> 4 == 15)
			octet = (uint8_t)word();
		return octet;
	}
	fprintf(stderr, "noisegen: no kind %s\n", kind);
	exit(2);
}

int
main(int argc, char **argv)
{
	uint8_t piece[1000], before = 0;
	uint64_t n;

	if (argc != 3)
		return 2;
	n = strtoull(argv[2], NULL, 10);
	for (size_t i = 0; i < sizeof(piece); i++)
		piece[i] = (uint8_t)word();
	for (uint64_t i = 0; i < n; i++) {
		before = sample(argv[1], i, before, piece);
		if (putchar_unlocked(before) == EOF)
			return 1;
	}
	return fflush(stdout) != 0;
}
