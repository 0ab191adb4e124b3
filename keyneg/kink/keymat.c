/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/builder.h"
#include "base/secret.h"
#include "keyneg/kink/keymat.h"

/* K | g^xy (512) | protocol | SPI | Ni (256) | Nr (256) */
enum { SEED_MAX = ENCTYPE_PRF_MAX + 512 + 5 + 256 + 256 };

int
keymat_derive(const struct enctype_key *k, struct cursor shared,
	      uint8_t protocol, uint32_t spi, struct cursor ni,
	      struct cursor nr, uint8_t *out, size_t n)
{
	uint8_t seed[SEED_MAX], block[ENCTYPE_PRF_MAX];
	int len = 0;

	if (n > KEYMAT_MAX)
		return -EMSGSIZE;
	for (size_t at = 0; at < n; at += (size_t)len) {
		struct builder b = builder_make(seed, sizeof(seed));
		size_t part;

		builder_octets(&b, block, (size_t)len);
		builder_octets(&b, shared.at, shared.left);
		builder_u8(&b, protocol);
		builder_u32(&b, spi);
		builder_octets(&b, ni.at, ni.left);
		builder_octets(&b, nr.at, nr.left);
		len =
		    b.overflow ? -EMSGSIZE : enctype_prf(k, seed, b.len, block);
		if (len < 0)
			break;
		part = n - at < (size_t)len ? n - at : (size_t)len;
		memcpy(out + at, block, part);
	}
	secret_wipe(seed, sizeof(seed));
	secret_wipe(block, sizeof(block));
	return len < 0 ? len : 0;
}
