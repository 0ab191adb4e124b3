/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag: what is wrong with a configuration, and the lines that show it.
 *
 * Owns the text of every file read (wiped when it is freed, for it may hold
 * keys) and the messages made so far.  One thread.  Keeps the first 100
 * errors and the first 100 warnings, and counts the rest.  Never prints a key
 * or a control character: both are masked in the line that is shown.
 */
#ifndef POLICY_DIAG_H
#define POLICY_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "policy/policy.h"

#define DIAG_KEPT 100

struct diag;

struct diag_item {
	bool warning;
	size_t source; /* the how manyth file it is about */
	char *file;    /* NULL: the message has no place */
	unsigned line, column;
	char *what;
	char *shown; /* the line, or NULL */
	char *caret; /* blanks and a ^ to print under it */
};

/* NULL: no memory. */
struct diag *diag_new(void);
void diag_free(struct diag *d);
/* Takes `text` (malloc'd, len octets), also when it fails.  `file` must be
 * the string that the places of this file point to: it is compared as a
 * pointer and only until the policy is freed.  0, -ENOMEM. */
int diag_add_source(struct diag *d, const char *file, char *text, size_t len);
/* `at` may be NULL, and its line 0: then only the text is shown. */
void diag_error(struct diag *d, const struct policy_place *at, const char *fmt,
		...) __attribute__((format(printf, 3, 4)));
void diag_warn(struct diag *d, const struct policy_place *at, const char *fmt,
	       ...) __attribute__((format(printf, 3, 4)));
size_t diag_errors(const struct diag *d);
size_t diag_warnings(const struct diag *d);
/* In the order in which the files are read, then those without a place.  NULL
 * behind the last. */
const struct diag_item *diag_item(const struct diag *d, size_t i);
/* FILE:LINE:COLUMN: WHAT, the line, a caret; then what was not kept. */
void diag_print(const struct diag *d, FILE *out);

#endif
