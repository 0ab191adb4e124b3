/* SPDX-License-Identifier: GPL-2.0-or-later */
/* confbox check|export|parse ARGS...: what the golden tests of the
 * configuration run, without the rest of the command line. */
#include <stdio.h>
#include <string.h>

#include "engine/cli/cmd_check.h"

int
main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "check") == 0)
		return cmd_check_run(argc - 1, argv + 1, false);
	if (strcmp(argv[1], "export") == 0)
		return cmd_check_export(argc - 1, argv + 1);
	return 2;
}
