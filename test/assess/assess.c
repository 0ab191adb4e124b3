/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * assess FILE: min-entropy of the octets in FILE by SP 800-90B 6.3.
 * assess --restart ROWS COLUMNS BITS FILE: a restart matrix by 3.1.4, where
 * BITS is what assess found for a long run.  Exit 1 when the matrix fails.
 *
 * One line an estimator: name, bits a sample of the octets, bits a sample of
 * the octets as a string of bits (eight times the estimate a bit); "-" where
 * an estimator is not defined.  Last line: "lowest" and the lower of all.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/assess/estimate.h"

enum {
	MCV,
	COLLISION,
	MARKOV,
	T_TUPLE,
	LRS,
	MULTI_MCW,
	LAG,
	MULTI_MMC,
	LZ78Y,
	ESTIMATORS
};

static const char *const names[ESTIMATORS] = {
	"mcv",       "collision", "markov",    "t-tuple", "lrs",
	"multi-mcw", "lag",       "multi-mmc", "lz78y"
};

static void
estimate_all(const struct samples *x, double h[ESTIMATORS])
{
	h[MCV] = estimate_mcv(x);
	h[COLLISION] = x->k == 2 ? estimate_collision(x) : NAN;
	h[MARKOV] = x->k == 2 ? estimate_markov(x) : NAN;
	estimate_tuples(x, &h[T_TUPLE], &h[LRS]);
	h[MULTI_MCW] = estimate_multi_mcw(x);
	h[LAG] = estimate_lag(x);
	h[MULTI_MMC] = estimate_multi_mmc(x);
	h[LZ78Y] = estimate_lz78y(x);
}

static uint8_t *
read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	size_t room = 1 << 20;
	uint8_t *all = malloc(room);

	*n = 0;
	if (f == NULL || all == NULL) {
		perror(path);
		exit(1);
	}
	for (;;) {
		size_t got = fread(all + *n, 1, room - *n, f);

		*n += got;
		if (got == 0)
			break;
		if (*n == room) {
			room *= 2;
			all = realloc(all, room);
			if (all == NULL)
				exit(1);
		}
	}
	fclose(f);
	return all;
}

/* Values are renumbered 0..k-1 (3.1.3: k is the size of the alphabet). */
static struct samples
compact(uint8_t *s, size_t n)
{
	int number[256];
	unsigned k = 0;

	memset(number, -1, sizeof(number));
	for (size_t i = 0; i < n; i++)
		number[s[i]] = 0;
	for (int v = 0; v < 256; v++)
		if (number[v] == 0)
			number[v] = (int)k++;
	for (size_t i = 0; i < n; i++)
		s[i] = (uint8_t)number[s[i]];
	return (struct samples){ s, n, k };
}

/* The samples as bits, the highest first; as many as the alphabet needs. */
static struct samples
to_bits(const struct samples *x, unsigned *width)
{
	uint8_t *bits;

	for (*width = 1; 1u << *width < x->k; ++*width)
		;
	bits = malloc(x->n * *width);
	if (bits == NULL)
		exit(1);
	for (size_t i = 0; i < x->n; i++)
		for (unsigned b = 0; b < *width; b++)
			bits[i * *width + b] = x->s[i] >> (*width - 1 - b) & 1;
	return (struct samples){ bits, x->n * *width, 2 };
}

static void
print_one(double h)
{
	if (isnan(h))
		printf(" %8s", "-");
	else
		printf(" %8.4f", h);
}

static double
assess(uint8_t *octets, size_t n, bool print)
{
	struct samples x = compact(octets, n);
	double h[ESTIMATORS], b[ESTIMATORS], lowest = 8;
	unsigned width = 1;

	if (x.n < 1000 || x.k < 2) {
		if (print)
			printf("lowest %8.4f\n", 0.0);
		return 0;
	}
	estimate_all(&x, h);
	if (x.k > 2) {
		struct samples bits = to_bits(&x, &width);

		estimate_all(&bits, b);
		free((void *)(uintptr_t)bits.s);
	}
	for (int e = 0; e < ESTIMATORS; e++) {
		double as_bits = x.k > 2 ? b[e] * width : NAN;

		if (!isnan(h[e]) && h[e] < lowest)
			lowest = h[e];
		if (!isnan(as_bits) && as_bits < lowest)
			lowest = as_bits;
		if (print) {
			printf("%-10s", names[e]);
			print_one(h[e]);
			print_one(as_bits);
			putchar('\n');
		}
	}
	if (print)
		printf("lowest %8.4f\n", lowest);
	return lowest;
}

/* log of P(Binomial(n, p) >= k) by its largest terms */
static double
tail(double n, double p, double k)
{
	double sum = 0;

	for (double i = k; i <= n && i < k + 200; i++)
		sum += exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) +
			   i * log(p) + (n - i) * log1p(-p));
	return sum;
}

/* 3.1.4.3: does some value come too often in one row or column? */
static bool
restart_sane(const uint8_t *m, size_t rows, size_t columns, double h)
{
	double alpha = 0.01 / (double)(rows + columns);
	bool sane = true;

	for (int by_row = 0; by_row < 2; by_row++) {
		size_t lines = by_row ? rows : columns;
		size_t length = by_row ? columns : rows;
		size_t most = 0;

		for (size_t i = 0; i < lines; i++) {
			size_t counts[256] = { 0 };

			for (size_t j = 0; j < length; j++) {
				uint8_t v = by_row ? m[i * columns + j]
						   : m[j * columns + i];

				if (++counts[v] > most)
					most = counts[v];
			}
		}
		printf("%s: a value comes %zu times of %zu at most\n",
		       by_row ? "rows" : "columns", most, length);
		if (tail((double)length, exp2(-h), (double)most) < alpha)
			sane = false;
	}
	return sane;
}

static int
restart(size_t rows, size_t columns, double initial, const char *path)
{
	size_t n;
	uint8_t *m = read_file(path, &n), *row_order, *column_order;
	double by_row, by_column, h;
	bool sane;

	if (rows * columns != n || n == 0) {
		fprintf(stderr, "assess: %s: %zu octets, not %zu x %zu\n", path,
			n, rows, columns);
		return 2;
	}
	row_order = malloc(n);
	column_order = malloc(n);
	if (row_order == NULL || column_order == NULL)
		return 1;
	memcpy(row_order, m, n);
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < columns; j++)
			column_order[j * rows + i] = m[i * columns + j];
	by_row = assess(row_order, n, false);
	by_column = assess(column_order, n, false);
	h = by_row < by_column ? by_row : by_column;
	sane = restart_sane(m, rows, columns, initial) && h >= initial / 2;
	printf("row order    %8.4f\ncolumn order %8.4f\n", by_row, by_column);
	printf("sanity %s\nlowest %8.4f\n", sane ? "passed" : "FAILED", h);
	free(m);
	free(row_order);
	free(column_order);
	return sane ? 0 : 1;
}

int
main(int argc, char **argv)
{
	size_t n;
	uint8_t *octets;

	if (argc == 6 && strcmp(argv[1], "--restart") == 0)
		return restart(strtoul(argv[2], NULL, 10),
			       strtoul(argv[3], NULL, 10),
			       strtod(argv[4], NULL), argv[5]);
	if (argc != 2) {
		fprintf(stderr, "usage: assess [--restart ROWS COLUMNS BITS] "
				"FILE\n");
		return 2;
	}
	octets = read_file(argv[1], &n);
	(void)assess(octets, n, true);
	free(octets);
	return 0;
}
