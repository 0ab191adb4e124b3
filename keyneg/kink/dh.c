/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include <gcrypt.h>

#include "base/secret.h"
#include "keyneg/kink/dh.h"

/* RFC 3526 sections 3 to 5; the generator is 2. */
static const char modp2048[] =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF";

static const char modp3072[] =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33"
    "A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864"
    "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2"
    "08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";

static const char modp4096[] =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33"
    "A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864"
    "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2"
    "08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A92108011A723C12A787E6D7"
    "88719A10BDBA5B2699C327186AF4E23C1A946834B6150BDA2583E9CA2AD44CE8"
    "DBBBC2DB04DE8EF92E8EFC141FBECAA6287C59474E6BC05D99B2964FA090C3A2"
    "233BA186515BE7ED1F612970CEE2D7AFB81BDD762170481CD0069127D5B05AA9"
    "93B4EA988D8FDDC186FFB7DC90A6C08F4DF435C934063199FFFFFFFFFFFFFFFF";

enum {
	CURVE_OCTETS = 32,
	/* Twice the strength that RFC 3526 section 8 gives group 16. */
	EXPONENT_OCTETS = 64,
};

struct dh {
	uint16_t group;
	uint8_t secret[EXPONENT_OCTETS];
};

static const struct {
	uint16_t group;
	size_t octets;
	const char *name, *prime;
} groups[] = {
	{ DH_GROUP_MODP2048, 256, "modp2048", modp2048 },
	{ DH_GROUP_MODP3072, 384, "modp3072", modp3072 },
	{ DH_GROUP_MODP4096, 512, "modp4096", modp4096 },
	{ DH_GROUP_CURVE25519, CURVE_OCTETS, "curve25519", NULL },
};

static int
find(uint16_t group)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i].group == group)
			return (int)i;
	return -1;
}

bool
dh_group_known(uint16_t group)
{
	return find(group) >= 0;
}

const char *
dh_group_name(uint16_t group)
{
	int i = find(group);

	return group == DH_GROUP_NONE ? "none" : i < 0 ? "?" : groups[i].name;
}

size_t
dh_octets(uint16_t group)
{
	int i = find(group);

	return i < 0 ? 0 : groups[i].octets;
}

/* v as exactly n octets. */
static int
print_padded(gcry_mpi_t v, size_t n, uint8_t *out)
{
	uint8_t raw[DH_OCTETS_MAX];
	size_t len = 0;

	if (gcry_mpi_print(GCRYMPI_FMT_USG, raw, sizeof(raw), &len, v) != 0 ||
	    len > n)
		return -EIO;
	memset(out, 0, n - len);
	memcpy(out + n - len, raw, len);
	secret_wipe(raw, sizeof(raw));
	return 0;
}

/* base ^ secret mod p; base NULL is the generator.  -EBADMSG when base is
 * outside 2 .. p - 2: what is left lies in the large subgroup or its coset,
 * for the primes are safe ones. */
static int
modp_power(const struct dh *d, const void *base, size_t n, uint8_t *out)
{
	gcry_mpi_t p = NULL, b = NULL, x = NULL, r = NULL, top = NULL;
	int i = find(d->group), ret = -ENOMEM;

	r = gcry_mpi_snew(0);
	if (gcry_mpi_scan(&p, GCRYMPI_FMT_HEX, groups[i].prime, 0, NULL) != 0 ||
	    gcry_mpi_scan(&x, GCRYMPI_FMT_USG, d->secret, sizeof(d->secret),
			  NULL) != 0)
		goto out;
	if (base == NULL)
		b = gcry_mpi_set_ui(NULL, 2);
	else if (gcry_mpi_scan(&b, GCRYMPI_FMT_USG, base, n, NULL) != 0)
		goto out;
	top = gcry_mpi_copy(p);
	gcry_mpi_sub_ui(top, top, 1);
	ret = -EBADMSG;
	if (gcry_mpi_cmp_ui(b, 1) <= 0 || gcry_mpi_cmp(b, top) >= 0)
		goto out;
	gcry_mpi_powm(r, b, x, p);
	ret = print_padded(r, groups[i].octets, out);
out:
	gcry_mpi_release(top);
	gcry_mpi_release(r);
	gcry_mpi_release(x);
	gcry_mpi_release(b);
	gcry_mpi_release(p);
	return ret;
}

/* X25519; an all-zero result is a low-order point (RFC 7748 section 6.1). */
static int
curve_multiply(const struct dh *d, const uint8_t *point, uint8_t *out)
{
	static const uint8_t base[CURVE_OCTETS] = { 9 };
	static const uint8_t zero[CURVE_OCTETS];

	if (gcry_ecc_mul_point(GCRY_ECC_CURVE25519, out, d->secret,
			       point == NULL ? base : point) != 0)
		return -EBADMSG;
	return secret_equal(out, zero, CURVE_OCTETS) ? -EBADMSG : 0;
}

struct dh *
dh_new(uint16_t group, uint8_t public[DH_OCTETS_MAX])
{
	struct dh *d;
	int ret;

	if (!dh_group_known(group))
		return NULL;
	d = secret_alloc(sizeof(*d));
	if (d == NULL)
		return NULL;
	d->group = group;
	ret = secret_random(d->secret, sizeof(d->secret));
	if (ret == 0)
		ret = group == DH_GROUP_CURVE25519
			  ? curve_multiply(d, NULL, public)
			  : modp_power(d, NULL, 0, public);
	if (ret != 0) {
		dh_free(d);
		return NULL;
	}
	return d;
}

int
dh_shared(const struct dh *d, const void *peer, size_t n,
	  uint8_t out[DH_OCTETS_MAX])
{
	if (n != dh_octets(d->group))
		return -EBADMSG;
	if (d->group == DH_GROUP_CURVE25519)
		return curve_multiply(d, peer, out);
	return modp_power(d, peer, n, out);
}

void
dh_free(struct dh *d)
{
	if (d != NULL)
		secret_free(d, sizeof(*d));
}
