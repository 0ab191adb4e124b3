/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet from outside is opened by any suite: never a plaintext octet when
 * it is refused, and what was sealed opens again to the same.
 *
 *   ENC (1) AUTH (1) ESN and overlap (1) key length (1) SPI (4) SEQ (8)
 *   IV (16) ICV (32) text
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "engine/crypto/suite.h"

#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

struct packet {
	uint8_t enc, auth, flags, keys;
	uint32_t spi;
	uint64_t seq;
	uint8_t iv[16], icv[32];
};

static bool
read_packet(struct cursor *c, struct packet *p)
{
	return cursor_u8(c, &p->enc) && cursor_u8(c, &p->auth) &&
	       cursor_u8(c, &p->flags) && cursor_u8(c, &p->keys) &&
	       cursor_u32(c, &p->spi) && cursor_u64(c, &p->seq) &&
	       cursor_copy(c, p->iv, sizeof(p->iv)) &&
	       cursor_copy(c, p->icv, sizeof(p->icv));
}

/* The usual lengths, but for some inputs whatever they say. */
static struct suite *
make_suite(const struct packet *p)
{
	static const uint8_t key[256] = { 1, 2, 4, 8, 16, 32, 64, 128 };
	struct suite_params params = {
		.enc = (enum algo)(p->enc % (ALGO_COUNT + 2)),
		.auth = (enum algo)(p->auth % (ALGO_COUNT + 2)),
		.esn = p->flags & 1,
		.key = key,
		.auth_key = key,
	};

	params.key_octets =
	    p->keys < 128 ? algo_keymat_octets(params.enc) : p->keys;
	params.auth_key_octets =
	    p->keys < 192 ? algo_keymat_octets(params.auth) : p->keys - 192u;
	return suite_new(&params);
}

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
try_ah(struct suite *s, struct packet *p, const uint8_t *text, size_t len)
{
	struct suite_piece pieces[2] = { { text, len / 3 },
					 { text + len / 3, len - len / 3 } };
	struct suite_scatter what = { p->seq, p->iv, pieces, 2, p->icv };

	check(suite_verify(s, &what) == -EBADMSG);
	check(suite_sign(s, &what) == 0);
	check(suite_verify(s, &what) == 0);
}

static void
try_esp(struct suite *s, struct packet *p, const uint8_t *text, size_t len,
	bool has_icv)
{
	static const uint8_t zeros[TEXT_MAX];
	uint8_t out[TEXT_MAX] = { 0 }, again[TEXT_MAX];
	struct suite_job job = {
		p->spi, p->seq, p->iv, text, out, len, p->icv
	};
	int error = suite_open(s, &job);

	check(error == 0 || error == -EBADMSG);
	check(error == 0 || memcmp(out, zeros, len) == 0);
	check(error != 0 || !has_icv);
	if (p->flags & 2) {
		memcpy(out, text, len);
		job.src = out;
	}
	error = suite_seal(s, &job);
	if (error != 0) { /* no multiple of the block */
		check(memcmp(out, zeros, len) == 0);
		return;
	}
	job.src = out;
	job.dst = p->flags & 4 ? out : again;
	check(suite_open(s, &job) == 0);
	check(memcmp(job.dst, text, len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	static bool ready;
	struct cursor c = cursor_make(octets, len);
	struct packet p;
	struct suite_sizes z;
	const char *failed;
	struct suite *s;

	if (!ready)
		check(suite_init(&failed) == 0);
	ready = true;
	if (!read_packet(&c, &p) || c.left > TEXT_MAX)
		return 0;
	s = make_suite(&p);
	if (s == NULL)
		return 0;
	z = suite_sizes((enum algo)(p.enc % (ALGO_COUNT + 2)),
			(enum algo)(p.auth % (ALGO_COUNT + 2)));
	if (p.enc % (ALGO_COUNT + 2) == ALGO_NONE)
		try_ah(s, &p, c.at, c.left);
	else
		try_esp(s, &p, c.at, c.left, z.icv_octets != 0);
	suite_free(s);
	return 0;
}
