/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "engine/wire/frag.h"

#define UNIT 8u /* octets that an offset counts */

bool
frag_begin(struct frag *f, uint8_t *packet, size_t len, uint32_t mtu)
{
	memset(f, 0, sizeof(*f));
	if (ip_parse(packet, len, &f->ip) != IP_OK ||
	    f->ip.header != IP_HEADER_MIN || ip_is_fragment(&f->ip) ||
	    (f->ip.fragment & IP_DF) != 0 || mtu < IP_HEADER_MIN + UNIT)
		return false;
	/* The kernel would give each an identification of its own for 0. */
	if (f->ip.id == 0)
		f->ip.id = 1;
	memcpy(f->header, packet, sizeof(f->header));
	f->packet = packet;
	f->each = (mtu - IP_HEADER_MIN) / UNIT * UNIT;
	return true;
}

bool
frag_next(struct frag *f)
{
	size_t payload = (size_t)f->ip.total - IP_HEADER_MIN;
	size_t n = payload - f->at;
	struct ip4 ip = f->ip;

	if (n == 0)
		return false;
	if (n > f->each) {
		n = f->each;
		ip.fragment |= IP_MF;
	}
	ip.fragment |= (uint16_t)(f->at / UNIT);
	ip.total = (uint16_t)(IP_HEADER_MIN + n);
	f->octets = f->packet + f->at;
	f->len = ip.total;
	memcpy(f->octets, f->header, sizeof(f->header));
	ip_finish(f->octets, &ip);
	f->at += n;
	return true;
}
