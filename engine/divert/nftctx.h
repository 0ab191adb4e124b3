/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftctx: one libnftables context whose netlink socket we know by number.
 *
 * The socket is the owner of the main table: the table lives as long as some
 * process holds a descriptor of it.  libnftables does not tell the number, so
 * it is found by looking which netlink descriptor is new.  The supervisor's,
 * one thread.
 */
#ifndef ENGINE_DIVERT_NFTCTX_H
#define ENGINE_DIVERT_NFTCTX_H

#include <stdint.h>

#include "engine/divert/table.h"

struct nft_ctx;

struct nftctx {
	struct nft_ctx *ctx;
	int fd; /* close-on-exec */
};

/* inherited >= 0: that socket takes the place of the context's own, and the
 * number is closed.  -errno. */
int nftctx_open(struct nftctx *c, int inherited, struct table_why *why);
void nftctx_close(struct nftctx *c);
/* The socket's netlink address: who sent what nftables' events tell of.  0
 * until the first transaction. */
uint32_t nftctx_portid(const struct nftctx *c);

/* Would the kernel take this text?  Asked in a forked child on the same
 * socket, because the library can crash.  0; -EINVAL: refused, or the child
 * died; -EPERM: a table in it is another process's. */
int nftctx_try(struct nftctx *c, const char *text, struct table_why *why);
/* Tries, then runs: one transaction. */
int nftctx_run(struct nftctx *c, const char *text, struct table_why *why);
/* Runs without trying: for text without a word of the user's. */
int nftctx_run_trusted(struct nftctx *c, const char *text,
		       struct table_why *why);

#endif
