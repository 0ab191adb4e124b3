/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answers: does one flow's expression match what answers another's packets?
 *
 * One thread, that reads configurations.  For warnings alone: nft's language is
 * not parsed here, but the words of its common matches are compared, sources
 * for destinations.  A "no" means that it is not seen.
 */
#ifndef POLICY_ANSWERS_H
#define POLICY_ANSWERS_H

#include <stdbool.h>

/* Does the inbound expression match every answer to what `out` matches? */
bool answers_are_caught(const char *out, const char *in);
/* Is it TCP alone?  Then an answer carries the number of a SYN that, while it
 * waits for keys, nobody has seen. */
bool answers_are_numbered(const char *out);

#endif
