/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * skeleton: fills in the embedded text nft-rules/skeleton.nft.
 *
 * Pure.  Knows lines that begin with %, and %{values}; what they mean is the
 * caller's (nftgen).  The text is ours and known at build: a name that the
 * caller does not know is our mistake, reported as -EPROTO.
 */
#ifndef POLICY_SKELETON_H
#define POLICY_SKELETON_H

#include <stddef.h>
#include <stdio.h>

struct skeleton_ops {
	/* Makes element i of the list the current one.  1; 0: there is none;
	 * -EPROTO: no such list. */
	int (*step)(void *arg, const char *list, size_t i);
	/* 1, 0, -EPROTO. */
	int (*test)(void *arg, const char *condition);
	/* 0, -EPROTO. */
	int (*value)(void *arg, const char *name, FILE *out);
};

/* Writes the part of this name.  0, -EPROTO, -EIO (out). */
int skeleton_fill(const char *part, const struct skeleton_ops *ops, void *arg,
		  FILE *out);

#endif
