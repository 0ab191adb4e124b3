/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * saidbook: whose each SAID was, over a stop and a start.
 *
 * A socket that is bound to a SAID outlives nfipsecd.  When the number is
 * another association's at the next start, or another principal's, the socket
 * would change its peer without knowing.  So the names are kept in the state
 * directory, for as long as sockets can be: until the next boot.  The
 * supervisor's thread.
 */
#ifndef ENGINE_MAIN_SAIDBOOK_H
#define ENGINE_MAIN_SAIDBOOK_H

#include <stddef.h>
#include <stdint.h>

#include "engine/sa/sa.h"
#include "policy/policy.h"

#define SAIDBOOK_FILE "saids"

struct saidbook_line {
	uint32_t said;
	char name[POLICY_NAME_MAX + 1];
	char principal[SA_PRINCIPAL_MAX]; /* an instance's, or "" */
};

/* What was saved since this boot, in that order (free *lines); none is no
 * error.  0 or -errno. */
int saidbook_load(const char *dir, struct saidbook_line **lines, size_t *n);
/* Whole or not at all.  0 or -errno. */
int saidbook_save(const char *dir, const struct saidbook_line *lines, size_t n);

#endif
