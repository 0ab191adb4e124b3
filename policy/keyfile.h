/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyfile: the keys that stand in files of their own.
 *
 * One thread.  Never leaves a key in memory but in the policy.
 */
#ifndef POLICY_KEYFILE_H
#define POLICY_KEYFILE_H

#include "policy/diag.h"
#include "policy/policy.h"

/* Reads every key file that the policy names: raw octets, or hexadecimal
 * digits with blanks, newlines and an 0x before them.  A file that others
 * than its owner and group can read or write is refused. */
void keyfile_load(struct policy *p, struct diag *d);

#endif
