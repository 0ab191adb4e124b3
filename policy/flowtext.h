/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flowtext: what a flow's expression may not hold, before nft sees it.
 *
 * Pure; any thread.  These rules keep an expression inside its place in a
 * rule: nothing here knows nft's language, engine/vet asks nft itself.
 */
#ifndef POLICY_FLOWTEXT_H
#define POLICY_FLOWTEXT_H

#include <stddef.h>

#define FLOWTEXT_MAX 4096 /* octets */

/* NULL if it is good, else what is wrong, and in *at where. */
const char *flowtext_check(const char *text, size_t *at);

#endif
