/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queuerule: one queue rule at the head of each queue chain.
 *
 * nft's own queue statement where the kernel has it; elsewhere the xt NFQUEUE
 * target, which nft's text can't express, through the owner's socket.  The
 * supervisor's, one thread.
 */
#ifndef ENGINE_DIVERT_QUEUERULE_H
#define ENGINE_DIVERT_QUEUERULE_H

#include "engine/divert/nftctx.h"

/* Tries `wanted`, or with NONE first one form and then the other; *got says
 * which it was.  All chains in one transaction.  -EOPNOTSUPP: neither. */
int queuerule_add(struct nftctx *c, const struct nftgen_params *params,
		  enum table_variant wanted, enum table_variant *got,
		  struct table_why *why);

#endif
