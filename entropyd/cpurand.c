/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpurand: rdseed, or else rdrand, where the processor has them.  Mixed
 * always, credited little and once a round: what happens inside cannot be
 * seen, and it must not fill a round's block by itself.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "entropyd/noise.h"

#define TRIES 128 /* rdseed may be empty while others draw from it */

#if defined(__x86_64__)
/* The processor has it and the kernel trusts it: it takes the flag away where
 * an erratum says that the instruction gives zeros as success.  Asked once,
 * before the source's process can no longer open files. */
static bool rdseed_trusted;

static void
ask_kernel(void)
{
	unsigned a, b, c, d;
	char line[8192];
	FILE *f;

	rdseed_trusted = false;
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_RDSEED))
		return;
	f = fopen("/proc/cpuinfo", "re");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "flags", 5) == 0 &&
		    strstr(line, " rdseed") != NULL)
			rdseed_trusted = true;
	fclose(f);
}

static bool
has_rdseed(void)
{
	return rdseed_trusted;
}

static bool
has_rdrand(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_RDRND);
}

__attribute__((target("rdseed"))) static bool
draw_seed(unsigned long long *word)
{
	for (int i = 0; i < TRIES; i++) {
		if (_rdseed64_step(word))
			return true;
		_mm_pause();
	}
	return false;
}

__attribute__((target("rdrnd"))) static bool
draw_rand(unsigned long long *word)
{
	for (int i = 0; i < TRIES; i++)
		if (_rdrand64_step(word))
			return true;
	return false;
}
#else
static void
ask_kernel(void)
{
}

static bool
has_rdseed(void)
{
	return false;
}

static bool
has_rdrand(void)
{
	return false;
}

static bool
draw_seed(unsigned long long *word)
{
	(void)word;
	return false;
}

static bool
draw_rand(unsigned long long *word)
{
	(void)word;
	return false;
}
#endif

static int
cpurand_open(struct noise *noise)
{
	(void)noise;
	return has_rdseed() || has_rdrand() ? 0 : -EOPNOTSUPP;
}

static ssize_t
cpurand_read(struct noise *noise, uint8_t *samples, size_t n)
{
	bool seed = has_rdseed();
	size_t have = 0;

	(void)noise;
	while (have < n) {
		unsigned long long word = 0;
		size_t part = n - have < 8 ? n - have : 8;

		if (!(seed ? draw_seed(&word) : draw_rand(&word)))
			return have != 0 ? (ssize_t)have : -EIO;
		memcpy(samples + have, &word, part);
		have += part;
	}
	return (ssize_t)have;
}

static void
cpurand_close(struct noise *noise)
{
	(void)noise;
}

const struct source_kind cpurand_kind = {
	.open = cpurand_open,
	.read = cpurand_read,
	.close = cpurand_close,
};

void
noise_cpu(struct source *s)
{
	ask_kernel();
	memset(s, 0, sizeof(*s));
	memcpy(s->name, "cpu", 4);
	s->kind = &cpurand_kind;
	/* 1 bit of every 64 from rdseed; rdrand alone is a generator. */
	s->ceiling_mbits = has_rdseed() ? 125 : 0;
	s->assessed_mbits = has_rdseed() ? 125 : NOISE_MBITS_MAX;
	s->startup = 1024;
	s->batch = 64;
	s->paced = true;
}
