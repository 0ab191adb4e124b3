/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockread: all that another daemon's status socket says.
 *
 * entropyd's and keynegd's sockets write their state to whoever connects, and
 * close.  One thread.  Never waits longer than ten seconds in all.
 */
#ifndef ENGINE_CLI_SOCKREAD_H
#define ENGINE_CLI_SOCKREAD_H

#include <stddef.h>

/*
 * Reads run_dir/name to its end, at most max octets.
 *
 * Returns 0, or -errno: -ENOENT or -ECONNREFUSED where no daemon runs,
 * -ETIMEDOUT, -EMSGSIZE when there is more than max.  After 0, *text is *len
 * octets and a final 0, and the caller's to free.
 */
int sockread_all(const char *run_dir, const char *name, size_t max, char **text,
		 size_t *len);

#endif
