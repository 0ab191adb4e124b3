/* SPDX-License-Identifier: GPL-2.0-or-later */
/* half_policy FD: leaves the SA store as a supervisor does that is killed while
 * it writes its associations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sa/store.h"

int
main(int argc, char **argv)
{
	struct store s;
	uint32_t n;

	if (argc != 2 || store_map(&s, atoi(argv[1])) < 0) {
		fprintf(stderr, "usage: half_policy FD (of a store)\n");
		return 2;
	}
	store_policy_begin(&s);
	n = atomic_load(&s.head->n_assocs);
	for (uint32_t i = n / 2; i < n; i++)
		memset((char *)&s.head->assocs[i] +
			   sizeof(s.head->assocs[i]) / 2,
		       0, sizeof(s.head->assocs[i]) / 2);
	return 0;
}
