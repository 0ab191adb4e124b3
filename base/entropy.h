/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entropy: where entropyd is found, and what it says, for those who ask.
 *
 * Constants only: the sockets in the run directory and their limits.
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
 *   kernel credits= credited_bits= error= last_secs=
 *   clients now= refused= evicted=
 *   seed saved= error=
 * assessed_bits and credit_bits are per sample (an octet), with three
 * decimals; *_bits elsewhere are whole; last_secs and retry_secs count from
 * now; error is 0 or an errno; ready and saved are 0 or 1.
 */
#ifndef BASE_ENTROPY_H
#define BASE_ENTROPY_H

#define ENTROPY_RUN_DIR       "/run/nfipsec"
#define ENTROPY_SOCKET        "entropy.sock"
#define ENTROPY_EGD_SOCKET    "egd.sock"
#define ENTROPY_STATUS_SOCKET "entropy-status.sock"
#define ENTROPY_REQUEST_MAX   4096
#define ENTROPY_STATUS_MAX    8192 /* octets of a status text */

#endif
