/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_cost ENC AUTH LEN COUNT seal|open: seals (signs), or opens (verifies),
 * one payload of LEN octets COUNT times, for test/bench/instructions to count.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/crypto/suite.h"

#define LEN_MAX 4096

static uint8_t key[2][ALGO_KEYMAT_MAX];
static uint8_t text[LEN_MAX], sealed[LEN_MAX], iv[16], icv[64];

static int
turn_esp(struct suite *s, size_t len, unsigned long count, bool seal)
{
	struct suite_job job = { .spi = 0x1001,
				 .iv = iv,
				 .src = text,
				 .dst = sealed,
				 .len = len,
				 .icv = icv };
	int error = 0;

	suite_make_iv(s, 1, iv);
	if (!seal) {
		error = suite_seal(s, &job);
		job.src = sealed;
		job.dst = text;
	}
	for (unsigned long i = 0; i < count && error == 0; i++) {
		if (!seal) {
			error = suite_open(s, &job);
			continue;
		}
		job.seq = i + 1;
		suite_make_iv(s, job.seq, iv);
		error = suite_seal(s, &job);
	}
	return error;
}

/* As AH has it: IP header, AH, payload. */
static int
turn_ah(struct suite *s, size_t len, unsigned long count, bool sign)
{
	struct suite_piece pieces[3] = { { sealed, 20 },
					 { sealed, 28 },
					 { text, len } };
	struct suite_scatter what = {
		.iv = iv, .pieces = pieces, .n_pieces = 3, .icv = icv
	};
	int error = suite_sign(s, &what);

	for (unsigned long i = 0; i < count && error == 0; i++)
		error = sign ? suite_sign(s, &what) : suite_verify(s, &what);
	return error;
}

int
main(int argc, char **argv)
{
	struct suite_params params = { .key = key[0], .auth_key = key[1] };
	const char *failed;
	struct suite *s;
	size_t len;

	if (argc != 6)
		return 2;
	params.enc = algo_by_name(argv[1]);
	params.auth = algo_by_name(argv[2]);
	len = strtoul(argv[3], NULL, 10);
	params.key_octets = algo_keymat_octets(params.enc);
	params.auth_key_octets = params.auth == ALGO_KEYED_MD5
				     ? 16
				     : algo_keymat_octets(params.auth);
	memset(key[0], 0x5b, sizeof(key[0])); /* weak for no cipher */
	memset(key[1], 0x3c, sizeof(key[1]));
	if (len > LEN_MAX || suite_init(&failed) != 0)
		return 1;
	s = suite_new(&params);
	if (s == NULL)
		return 1;
	return (params.enc == ALGO_NONE ? turn_ah : turn_esp)(
		   s, len, strtoul(argv[4], NULL, 10), argv[5][0] == 's') != 0;
}
