/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftdiff: from one text of nftgen's to another, as nft commands.
 *
 * Pure; any thread.  Reads only the regular form that nftgen writes.  The
 * commands are for one transaction.  They never delete a base chain, and
 * leave alone what is the same in both: counters go on counting.
 */
#ifndef POLICY_NFTDIFF_H
#define POLICY_NFTDIFF_H

/* What leads from `from` (loaded) to `to`; *out is "" when nothing does, and
 * is freed by the caller.  0; -ENOMEM; -EPROTO: not our form; -ENOTSUP: a base
 * chain or a set would have to be of another type, or come or go. */
int nftdiff_update(const char *from, const char *to, char **out);

/* What makes a table that holds anything or nothing into `text`: missing
 * chains, sets and counters are added, all rules and elements replaced. */
int nftdiff_replace(const char *text, char **out);

#endif
