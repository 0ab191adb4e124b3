/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/path/pmtu.h"
#include "engine/wire/esp.h"
#include "engine/wire/ip.h"
#include "engine/wire/tcpopt.h"

uint32_t
pmtu_sealed(struct pmtu_cost c, uint32_t header, uint32_t payload)
{
	uint32_t n = header + c.ah_octets;

	if (c.esp.block == 0)
		return n + payload;
	return n + ESP_SPI_OCTETS + c.esp.seq_octets + c.esp.iv_octets +
	       (uint32_t)esp_text_len(payload, c.esp.block) + c.esp.icv_octets;
}

uint32_t
pmtu_inner(struct pmtu_cost c, uint32_t header, uint32_t mtu)
{
	uint32_t fixed = pmtu_sealed(c, header, 0), payload;

	/* pmtu_sealed with no payload already counts one aligned step. */
	if (mtu < fixed)
		return header;
	payload = mtu - fixed;
	while (pmtu_sealed(c, header, payload + 1) <= mtu)
		payload++;
	while (payload > 0 && pmtu_sealed(c, header, payload) > mtu)
		payload--;
	return header + payload;
}

uint32_t
pmtu_effective(const struct sa *sa, uint32_t device, uint64_t now_ms)
{
	uint32_t mtu =
	    atomic_load_explicit(&sa->path_mtu, memory_order_relaxed);

	if (device == 0)
		device = PMTU_DEFAULT;
	if (mtu == 0 || mtu >= device)
		return device;
	if (now_ms -
		atomic_load_explicit(&sa->path_mtu_ms, memory_order_relaxed) >=
	    PMTU_AGE_MS)
		return device;
	return mtu;
}

bool
pmtu_learn(struct sa *sa, uint32_t mtu, uint32_t device, uint64_t now_ms)
{
	if (mtu < PMTU_FLOOR)
		mtu = PMTU_FLOOR;
	if (mtu >= pmtu_effective(sa, device, now_ms))
		return false;
	atomic_store_explicit(&sa->path_mtu_ms, now_ms, memory_order_relaxed);
	atomic_store_explicit(&sa->path_mtu, mtu, memory_order_relaxed);
	return true;
}

void
pmtu_lower_mss(uint8_t *tcp, size_t len, struct pmtu_cost c, uint32_t mtu)
{
	uint32_t inner = pmtu_inner(c, IP_HEADER_MIN, mtu);

	/* The MSS counts neither side's options (RFC 6691). */
	if (inner > IP_TOTAL_MAX)
		inner = IP_TOTAL_MAX;
	tcpopt_lower_mss(
	    tcp, len,
	    inner < IP_HEADER_MIN + TCPOPT_HEADER_MIN
		? 0
		: (uint16_t)(inner - IP_HEADER_MIN - TCPOPT_HEADER_MIN));
}

void
pmtu_inherit(struct sa *sa, struct sa *before)
{
	atomic_store(&sa->peer_mss, atomic_load(&before->peer_mss));
	atomic_store(&sa->path_mtu_ms, atomic_load(&before->path_mtu_ms));
	atomic_store(&sa->path_mtu, atomic_load(&before->path_mtu));
	atomic_store(&sa->told_ms, atomic_load(&before->told_ms));
}

void
pmtu_tell(struct sa *sa, uint64_t now_ms)
{
	/* 0 means never, and a clock may start there. */
	atomic_store_explicit(&sa->told_ms, now_ms == 0 ? 1 : now_ms,
			      memory_order_relaxed);
}

bool
pmtu_told(const struct sa *sa, uint64_t now_ms)
{
	uint64_t told =
	    atomic_load_explicit(&sa->told_ms, memory_order_relaxed);

	return told != 0 && now_ms - told < PMTU_TOLD_MS;
}
