/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_engine: the least that can stand behind the queues, to test the rules.
 *
 * A thread of its own.  What leaves under a SAID becomes "ESP" that hides
 * nothing (SPI 0x10000 + the mark, the packet's protocol behind the sequence
 * number), what arrives as such becomes the packet again, with the mark.  IPv4
 * without options, IPv6 without extension headers.  An ESP of another SPI is
 * accepted as it is, as unknown ones are by the real engine.
 */
#ifndef TEST_NET_FAKE_ENGINE_H
#define TEST_NET_FAKE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/nftgen.h"

struct fake_engine_config {
	struct nftgen_params params;
	uint32_t mask, done, probe;
	uint8_t token[16];
};

/* Binds the queues and starts the thread. */
void fake_engine_start(const struct fake_engine_config *config);
/* Paused, packets wait in the kernel. */
void fake_engine_pause(bool pause);
uint64_t fake_engine_probes(enum nftgen_queue kind);
uint64_t fake_engine_packets(enum nftgen_queue kind);

#endif
