/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ipaddr.h"

static uint8_t
host_bits(uint8_t family)
{
	return family == IP_FAMILY_4 ? 32 : 128;
}

/* Are the first `bits` bits of a and b the same? */
static bool
same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) & mask) == 0;
}

int
ipaddr_parse(const char *text, struct ipaddr *out)
{
	char buf[IPADDR_TEXT], *slash, *end;
	struct ipaddr a = { 0 };

	if (strcmp(text, "any") == 0) {
		*out = a;
		return 0;
	}
	if (strlen(text) >= sizeof(buf))
		return -EINVAL;
	strcpy(buf, text);
	slash = strchr(buf, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (inet_pton(AF_INET, buf, a.octets) == 1)
		a.family = IP_FAMILY_4;
	else if (inet_pton(AF_INET6, buf, a.octets) == 1)
		a.family = IP_FAMILY_6;
	else
		return -EINVAL;
	a.prefix = host_bits(a.family);
	if (slash != NULL) {
		unsigned long n;

		if (*slash < '0' || *slash > '9')
			return -EINVAL;
		n = strtoul(slash, &end, 10);
		if (*end != '\0' || n > a.prefix)
			return -EINVAL;
		a.prefix = (uint8_t)n;
		for (unsigned bit = a.prefix; bit < host_bits(a.family); bit++)
			if (a.octets[bit / 8] & 0x80u >> bit % 8)
				return -EINVAL;
	}
	*out = a;
	return 0;
}

const char *
ipaddr_format(const struct ipaddr *a, char out[IPADDR_TEXT])
{
	size_t n;

	if (a->family == IP_FAMILY_NONE) {
		strcpy(out, "any");
		return out;
	}
	if (inet_ntop(a->family == IP_FAMILY_4 ? AF_INET : AF_INET6, a->octets,
		      out, IPADDR_TEXT) == NULL) {
		strcpy(out, "?");
		return out;
	}
	n = strlen(out);
	if (!ipaddr_is_host(a))
		snprintf(out + n, IPADDR_TEXT - n, "/%u", a->prefix);
	return out;
}

struct ipaddr
ipaddr_from_be32(uint32_t be)
{
	struct ipaddr a = { .family = IP_FAMILY_4, .prefix = 32 };

	memcpy(a.octets, &be, sizeof(be));
	return a;
}

bool
ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b)
{
	return a->family == b->family && a->prefix == b->prefix &&
	       memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

bool
ipaddr_is_host(const struct ipaddr *a)
{
	return a->family != IP_FAMILY_NONE && a->prefix == host_bits(a->family);
}

bool
ipaddr_contains(const struct ipaddr *p, const struct ipaddr *a)
{
	if (p->family == IP_FAMILY_NONE)
		return true;
	return p->family == a->family &&
	       same_bits(p->octets, a->octets, p->prefix);
}

void
ipaddr_unmap(struct ipaddr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->family != IP_FAMILY_6 || a->prefix < 96 ||
	    memcmp(a->octets, mapped, sizeof(mapped)) != 0)
		return;
	a->family = IP_FAMILY_4;
	a->prefix -= 96;
	memmove(a->octets, a->octets + sizeof(mapped), 4);
	memset(a->octets + 4, 0, sizeof(a->octets) - 4);
}
