/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockets: which socket of which process has which SAID, live.
 *
 * The kernel's list of sockets (sockdiag.h), what the engine says of marks,
 * and /proc for who holds them.  Root sees all; others see their own, each of
 * which is passed to the engine to be asked for its SAID.  One thread.
 */
#ifndef ENGINE_CLI_SOCKETS_H
#define ENGINE_CLI_SOCKETS_H

#include "engine/cli/cell.h"
#include "engine/cli/cli.h"

struct socket_row {
	uint32_t pid; /* 0: no process holds it */
	uint32_t fd;
	char command[32];
	uint32_t uid; /* of who made it */
	char user[PROTO_NAME_MAX];
	uint32_t protocol;
	struct ipaddr local, peer;
	uint32_t lport, pport;
	uint32_t said;
	char association[PROTO_NAME_MAX]; /* "": no such SAID */
	uint32_t listens;                 /* 1: it does */
	uint32_t count;                   /* for `who`: such sockets */
};

struct socket_list {
	struct socket_row *at; /* by process, SAID, descriptor */
	size_t n, cap;
};

/* 0 or -errno; c->broken or c->text say more if the engine failed. */
int sockets_find(struct socket_list *l, struct client *c);
void sockets_free(struct socket_list *l);
/* A duplicate of another process's descriptor, if the kernel lets us.  The
 * descriptor or -errno. */
int sockets_take(int pid, int fd);

/* The sockets, a row each, for `show sockets`: an exit status. */
int sockets_show(const struct cli *cli);

#endif
