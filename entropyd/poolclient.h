/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * poolclient: the asking side of entropyd's sockets.
 *
 * Owns nothing but the descriptor it returns.  Any thread, each with its own.
 * Never waits longer than it is told, and never gives back half an answer.
 */
#ifndef ENTROPYD_POOLCLIENT_H
#define ENTROPYD_POOLCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Connects to a socket (base/entropy.h) in run_dir.  Descriptor or -errno. */
int poolclient_connect(const char *run_dir, const char *name);
/* Asks entropy.sock for n octets (1..ENTROPY_REQUEST_MAX); poolclient_wait
 * fetches them.  0 or -errno. */
int poolclient_ask(int fd, size_t n);
/* Octets of the answer that came within wait_ms, 1..left; 0: none yet;
 * -EPIPE: entropyd is gone; -errno. */
int poolclient_wait(int fd, uint8_t *out, size_t left, int wait_ms);
/* Is there a pool, and is it ready? */
bool poolclient_ready(const char *run_dir);

#endif
