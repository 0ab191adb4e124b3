/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "engine/client/run_dir.h"

const char *
run_dir_get(void)
{
	const char *dir = secure_getenv("NFIPSEC_RUN_DIR");

	return dir == NULL || dir[0] == '\0' ? "/run/nfipsec" : dir;
}
