/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * entropy: where entropyd is found, what it says, and what of its pool is at
 * hand in this process.
 *
 * Owns the process's reserve: up to ENTROPY_REQUEST_MAX octets of the pool,
 * fetched ahead, in pages that are locked, left out of core dumps and empty
 * in a forked child.  secret_random mixes them with the kernel's.  Any thread
 * may draw; the rest belongs to the main thread.  Never waits but in
 * entropy_settle, never gives an octet twice, and never is the only source of
 * anything: who owns the pool's end of the socket learns and decides nothing.
 *
 * entropy.sock (SOCK_STREAM, anybody): a request is a length n of 2 octets,
 * big endian, 1..ENTROPY_REQUEST_MAX; the answer is n random octets.  Requests
 * may follow each other without waiting.  Any other length closes.
 *
 * egd.sock: the protocol of the Entropy Gathering Daemon (entropyd(8)).
 *
 * entropy-status.sock (SOCK_STREAM, anybody): whoever connects gets the
 * status as text and the end of file; nothing is read.  A line is a word and
 * then KEY=VALUE pairs, separated by one space; no value holds a space.  New
 * keys and lines may come; readers skip what they do not know.
 *   entropyd version= pid= up_secs=
 *   source name= state= assessed_bits= credit_bits= samples= credited_bits=
 *          fault= error= retry_secs= errors= stalls= failures_repetition=
 *          failures_proportion= failures_lag= failures_block=
 *   pool ready= kernel_ready= credited_bits= reseeds= requests= octets=
 *        locked=
 *   kernel credits= credited_bits= error= last_secs=
 *   clients now= refused= evicted=
 *   seed saved= error=
 * assessed_bits and credit_bits are per sample (an octet), with three
 * decimals; *_bits elsewhere are whole; last_secs and retry_secs count from
 * now; error is 0 or an errno; ready, saved and locked are 0 or 1.
 */
#ifndef BASE_ENTROPY_H
#define BASE_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENTROPY_RUN_DIR       "/run/nfipsec"
#define ENTROPY_SOCKET        "entropy.sock"
#define ENTROPY_EGD_SOCKET    "egd.sock"
#define ENTROPY_STATUS_SOCKET "entropy-status.sock"
#define ENTROPY_REQUEST_MAX   4096
#define ENTROPY_STATUS_MAX    8192 /* octets of a status text */

/* For who may open sockets: connects to run_dir's pool now, and again when
 * the connection is lost.  0, also without a pool; -errno. */
int entropy_use(const char *run_dir);
/* For who is confined: connections come over supply_fd, which it takes over
 * (see entropy_supply).  0 or -errno. */
int entropy_use_supply(int supply_fd);
/* Waits until the pool has answered once, at most so long, and not at all
 * where there is no pool. */
void entropy_settle(int wait_ms);
/* Wipes and closes; from then on the kernel alone. */
void entropy_leave(void);

/* Mixes octets of the reserve into out, as far as it lasts; how many.  A
 * thread that meets another one here mixes none. */
size_t entropy_mix(void *out, size_t n);
/* Is the pool there, and does it answer? */
bool entropy_mixes(void);
/* "kernel" or "kernel and entropyd": what secret_random draws from. */
const char *entropy_sources(void);
/* Now and then, each second say: follows the pool's coming and going; logs
 * entropy_sources when it is another one than last time. */
void entropy_watch(void);

/* The other end of entropy_use_supply, in a process that may open sockets.
 * The supplied one asks by an octet, at most one connection a second is made.
 */
struct entropy_supply {
	int fd;
	const char *run_dir; /* lives as long */
	bool wanted;
	uint64_t tried_ms;
};
/* Makes the pair and puts a connection into it, if there is a pool.  The end
 * for the supplied process, which the caller closes; -errno. */
int entropy_supply_open(struct entropy_supply *s, const char *run_dir);
void entropy_supply_tick(struct entropy_supply *s, uint64_t now_ms);
void entropy_supply_close(struct entropy_supply *s);

#endif
