/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alarms SOURCE FILE [SAMPLES]: what entropyd itself says of raw samples of
 * hwrng, jitter or cpu: the same start-up test, cut-offs and health tests, as
 * if the source were opened anew every SAMPLES (default: never).  Healthy
 * samples have no alarm.  Exit status 1 when there was one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entropyd/feeder.h"

static struct feeder f;
static uint64_t now_ms, credited_mbits;
static size_t openings, fed;

static void
open_source(void)
{
	openings++;
	feeder_opening(&f, now_ms);
	feeder_opened(&f, now_ms);
}

static void
show_cutoffs(void)
{
	const struct health *h = &f.health;

	printf("opening %zu: %u.%03u bits a sample seen, %u.%03u credited; "
	       "cut-offs: repetition %u, proportion %u, lag %u; pieces of %u\n",
	       openings, f.estimate_mbits / 1000, f.estimate_mbits % 1000,
	       f.credit_mbits / 1000, f.credit_mbits % 1000,
	       h->repetition_cutoff, h->proportion_cutoff, h->lag_cutoff,
	       h->block_len);
}

/* One reading; -1 when the samples are at their end. */
static int
feed(FILE *in)
{
	uint8_t samples[NOISE_BATCH_MAX];
	size_t n = fread(samples, 1, feeder_want(&f), in);
	enum feeder_state before = f.state;
	enum feeder_fault fault;
	uint64_t mbits;

	if (n != feeder_want(&f))
		return -1;
	fed += n;
	feeder_asked(&f, now_ms);
	fault = feeder_take(&f, samples, n, now_ms, &mbits);
	credited_mbits += mbits;
	if (fault != FEEDER_NONE) {
		feeder_failed(&f, fault, 0, now_ms);
		printf("alarm within %zu samples: %s\n", fed,
		       feeder_fault_name(&f));
		open_source();
		return 1;
	}
	if (before == FEEDER_STARTING && openings == 1)
		show_cutoffs();
	return 0;
}

int
main(int argc, char **argv)
{
	FILE *in = argc == 3 || argc == 4 ? fopen(argv[2], "rb") : NULL;
	size_t a_row = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	size_t opened_at = 0, alarms = 0;
	struct source source;
	int alarm;

	if (in == NULL) {
		fprintf(stderr, "usage: alarms SOURCE FILE [SAMPLES]\n");
		return 2;
	}
	if (strcmp(argv[1], "jitter") == 0)
		noise_jitter(&source);
	else if (strcmp(argv[1], "cpu") == 0)
		noise_cpu(&source);
	else
		noise_hwrng(&source, argv[2]);
	feeder_init(&f, &source);
	open_source();
	while ((alarm = feed(in)) >= 0) {
		alarms += alarm == 1;
		if (alarm == 1 || (a_row != 0 && fed - opened_at >= a_row)) {
			opened_at = fed;
			if (alarm == 0)
				open_source();
		}
	}
	fclose(in);
	printf("%zu samples, %zu openings, %zu alarms, %llu bits credited\n",
	       fed, openings, alarms,
	       (unsigned long long)credited_mbits / 1000);
	return alarms != 0;
}
