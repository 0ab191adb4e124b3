/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * advice: for each reason why a packet is dropped, what to do about it.
 *
 * Constant text.  The reasons are those of the rules (policy/nftgen) and of
 * the engine (engine/path/reason.def); a test compares.
 */
#ifndef ENGINE_TRACE_ADVICE_H
#define ENGINE_TRACE_ADVICE_H

/* NULL: no such reason. */
const char *advice_for(const char *reason);

#endif
