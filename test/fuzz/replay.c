/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay: runs a fuzz target over the files of folders or over single files,
 * then over every prefix of each, without libFuzzer.  Prints TAP.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

static unsigned count;

static void
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *octets;
	size_t len, step;

	if (f == NULL || fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
		if (f != NULL)
			fclose(f);
		return;
	}
	octets = malloc((size_t)st.st_size + 1);
	if (octets == NULL)
		abort();
	len = fread(octets, 1, (size_t)st.st_size, f);
	fclose(f);
	LLVMFuzzerTestOneInput(octets, len);
	step = len / 256 + 1;
	for (size_t n = 0; n < len; n += step) {
		/* A copy of its own, so that a read past it is seen. */
		uint8_t *part = malloc(n + !n);

		if (part == NULL)
			abort();
		memcpy(part, octets, n);
		LLVMFuzzerTestOneInput(part, n);
		free(part);
	}
	free(octets);
	count++;
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		struct dirent *e;
		char path[4096];

		if (d == NULL) {
			replay_file(argv[i]);
			continue;
		}
		while ((e = readdir(d)) != NULL) {
			if (e->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i],
			    e->d_name);
			replay_file(path);
		}
		closedir(d);
	}
	printf("%sok 1 - %u corpus files replayed\n1..1\n",
	    count == 0 ? "not " : "", count);
	return count == 0;
}
