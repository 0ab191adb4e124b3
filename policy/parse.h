/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parse: configuration text into a struct policy.
 *
 * One thread.  Reads the file, those it includes and the key files it names;
 * never anything else, never the network.  Says everything that is wrong, not
 * just the first, and gives a policy even then, so that check_policy can go
 * on; such a policy must not be used.
 *
 *	struct diag *d = diag_new();
 *	struct policy *p = parse_file(path, d);
 *
 *	if (p == NULL || check_policy(p, d) != 0)
 *		diag_print(d, stderr);
 */
#ifndef POLICY_PARSE_H
#define POLICY_PARSE_H

#include <stddef.h>

#include "policy/diag.h"
#include "policy/policy.h"

#define PARSE_OCTETS_MAX (8u << 20) /* all files together */
#define PARSE_FILES_MAX  1000
#define PARSE_DEPTH_MAX  16 /* include in include */

/* Never NULL but for want of memory; diag_errors(d) says whether the policy
 * is good so far.  The places in it and in d stay valid with the policy. */
struct policy *parse_file(const char *path, struct diag *d);
/* The same for text in memory, which opens no file: include and key-file are
 * refused.  `name` stands in the messages. */
struct policy *parse_text(const char *name, const char *text, size_t len,
			  struct diag *d);

#endif
