/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two hosts under every sort of transform: AH, AH around ESP, those of 1995,
 * TFC padding, GMAC, CBC.  ROW (1) MODE (1), then
 *   raw      an IP packet as it arrives at b
 *   trip     PROTOCOL (1), payload: sealed by a, opened by b to the same
 *   mangle   PROTOCOL (1), offset (2), mask (1), payload: as trip, with one
 *            octet changed on the way; nothing may come through
 */
#include "test/lib/pair.h"

#include "engine/wire/esp.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

enum { RAW, TRIP, MANGLE, MODES };

static const struct row {
	enum algo enc, auth, ah;
	uint32_t tfc;
	bool has_icv;
} rows[] = {
	{ ALGO_NONE, ALGO_NONE, ALGO_HMAC_SHA256, 0, true },
	{ ALGO_NONE, ALGO_NONE, ALGO_AES128_GMAC, 0, true },
	{ ALGO_NONE, ALGO_NONE, ALGO_KEYED_MD5, 0, true },
	{ ALGO_AES128_GCM, ALGO_NONE, ALGO_HMAC_SHA1, 0, true },
	{ ALGO_AES128_CBC, ALGO_NONE, ALGO_AES_CMAC, 700, true },
	{ ALGO_DES_CBC_1829_IV32, ALGO_NONE, ALGO_NONE, 0, false },
	{ ALGO_DES_CBC_1829_IV64, ALGO_NONE, ALGO_KEYED_MD5, 0, true },
	{ ALGO_AES256_CBC, ALGO_HMAC_SHA512, ALGO_NONE, SA_TFC_PAD_MTU, true },
	{ ALGO_NULL, ALGO_AES256_GMAC, ALGO_NONE, 300, true },
	{ ALGO_AES128_CCM8_IIV, ALGO_NONE, ALGO_NONE, 0, true },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct pair pairs[ROWS];
static bool ready[ROWS];

/* The slot as the row wants it; nobody has looked at it yet. */
static void
turn_into(struct pair_host *h, uint32_t slot, const struct row *row,
	  enum sa_protocol protocol)
{
	struct sa *sa = store_sa(&h->store, slot);
	bool old = row->ah == ALGO_KEYED_MD5 || algo_info(row->enc)->historic;

	sa->protocol = (uint8_t)protocol;
	sa->enc = (uint8_t)(protocol == SA_AH ? ALGO_NONE : row->enc);
	sa->auth = (uint8_t)(protocol == SA_AH ? row->ah : row->auth);
	sa->key_octets = (uint8_t)algo_keymat_octets((enum algo)sa->enc);
	sa->auth_key_octets = (uint8_t)algo_keymat_octets((enum algo)sa->auth);
	if (sa->auth == ALGO_KEYED_MD5)
		sa->auth_key_octets = 16;
	memset(sa->key, 0x5b, sizeof(sa->key));
	memset(sa->auth_key, 0x3c, sizeof(sa->auth_key));
	sa->flags = old ? 0 : SA_FLAG_ESN;
	if (row->ah != ALGO_NONE && row->enc != ALGO_NONE)
		sa->flags |= SA_FLAG_BUNDLE;
	if (old)
		sa->replay_window = 0;
	sa->tfc_pad = row->tfc;
}

static void
start_host(struct pair_host *h, const struct row *row, uint32_t local,
	   uint32_t peer, uint32_t spi_out, uint32_t spi_in)
{
	static const struct pair_options gcm = { .enc = ALGO_AES128_GCM };

	pair_host_init(h, &gcm, local, peer, spi_out, spi_in);
	turn_into(h, h->out_slot, row, row->enc == ALGO_NONE ? SA_AH : SA_ESP);
	turn_into(h, h->in_slot, row, row->enc == ALGO_NONE ? SA_AH : SA_ESP);
	if (row->enc == ALGO_NONE || row->ah == ALGO_NONE)
		return;
	turn_into(h, pair_claim(h, &gcm, SA_OUT, spi_out, local, peer), row,
		  SA_AH);
	turn_into(h, pair_claim(h, &gcm, SA_IN, spi_in, local, peer), row,
		  SA_AH);
}

static void
start(unsigned n)
{
	const char *failed;

	PAIR_CHECK(suite_init(&failed) == 0);
	start_host(&pairs[n].a, &rows[n], PAIR_A, PAIR_B, PAIR_SPI_AB,
		   PAIR_SPI_BA);
	start_host(&pairs[n].b, &rows[n], PAIR_B, PAIR_A, PAIR_SPI_BA,
		   PAIR_SPI_AB);
	ready[n] = true;
}

static struct path_result
arrive(struct pair_host *h, uint8_t *packet, size_t len, uint8_t *dst)
{
	struct pkt pkt = {
		.octets = packet, .len = len, .whole = len, .in = 2, .mtu = 1500
	};
	struct path_result r = pair_in(h, &pkt, dst, len);
	struct ip4 ip;

	if (r.action == PATH_REPLACE) {
		PAIR_CHECK(r.len <= len && r.mark == PAIR_SAID);
		PAIR_CHECK(ip_parse(dst, r.len, &ip) == IP_OK);
		PAIR_CHECK(ip.total == r.len);
		PAIR_CHECK(csum_of(dst, ip.header) == 0);
		PAIR_CHECK(ip.protocol != IP_ESP && ip.protocol != IP_AH);
	}
	return r;
}

static void
run_raw(const struct row *row, struct pair_host *h, struct cursor c)
{
	uint8_t *packet = malloc(c.left + !c.left);
	uint8_t *dst = malloc(c.left + !c.left);
	size_t n = c.left;

	cursor_copy(&c, packet, n);
	/* what has no ICV anybody can make */
	PAIR_CHECK(arrive(h, packet, n, dst).action != PATH_REPLACE ||
		   !row->has_icv);
	free(packet);
	free(dst);
}

/* a's sealed packet of this payload, 0 when a would not. */
static size_t
seal(struct pair_host *h, uint8_t protocol, struct cursor c, uint8_t *sealed,
     size_t cap)
{
	uint8_t packet[2048 + 64];
	struct pkt pkt = { .octets = packet,
			   .mark = PAIR_SAID,
			   .room = 16,
			   .out = 2,
			   .mtu = 1500 };
	struct path_result r;

	pkt.len = pkt.whole = pair_packet(packet, sizeof(packet) - 16, PAIR_A,
					  PAIR_B, protocol, 0, c.at, c.left);
	r = pair_out(h, &pkt, sealed, cap);
	return r.action == PATH_REPLACE ? r.len : 0;
}

static void
run_trip(struct pair *p, uint8_t protocol, struct cursor c)
{
	uint8_t sealed[4096], dst[4096];
	size_t n = seal(&p->a, protocol, c, sealed, sizeof(sealed));
	struct path_result r;

	if (n == 0)
		return;
	r = arrive(&p->b, sealed, n, dst);
	if (r.action == PATH_DROP) {
		PAIR_CHECK(r.reason == REASON_inner ||
			   r.reason == REASON_dummy);
		return;
	}
	PAIR_CHECK(r.action == PATH_REPLACE);
	PAIR_CHECK(dst[9] == protocol && r.len <= 20 + c.left);
	/* the length of a datagram may say less; an MSS may go down */
	PAIR_CHECK(r.len == 20 + c.left || protocol == IP_UDP);
	PAIR_CHECK(protocol == IP_TCP ||
		   memcmp(dst + 20, c.at, r.len - 20) == 0);
}

static void
run_mangle(const struct row *row, struct pair *p, uint8_t protocol, uint16_t at,
	   uint8_t mask, struct cursor c)
{
	uint8_t sealed[4096], dst[4096];
	size_t n = seal(&p->a, protocol, c, sealed, sizeof(sealed));

	if (n == 0 || mask == 0)
		return;
	at = (uint16_t)(at % n);
	sealed[at] ^= mask;
	/* The IP header is not ESP's to guard, nor all of it AH's. */
	PAIR_CHECK(arrive(&p->b, sealed, n, dst).action != PATH_REPLACE ||
		   at < 20 || !row->has_icv);
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	struct cursor c = cursor_make(octets, len);
	uint8_t row, mode, protocol, mask;
	uint16_t at;

	if (!cursor_u8(&c, &row) || !cursor_u8(&c, &mode) || c.left > 2000)
		return 0;
	row %= ROWS;
	if (!ready[row])
		start(row);
	if (mode % MODES == RAW)
		run_raw(&rows[row], &pairs[row].b, c);
	else if (!cursor_u8(&c, &protocol))
		return 0;
	else if (mode % MODES == TRIP)
		run_trip(&pairs[row], protocol, c);
	else if (cursor_u16(&c, &at) && cursor_u8(&c, &mask))
		run_mangle(&rows[row], &pairs[row], protocol, at, mask, c);
	return 0;
}
