/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vectorbox: answers questions about engine/crypto, a line each on stdin.
 *
 *   seal ALGO KEY NONCE AAD TEXT                 -> TEXT TAG
 *   open ALGO KEY NONCE AAD TEXT TAG             -> TEXT
 *   encrypt|decrypt ALGO KEY IV TEXT             -> TEXT
 *   mac ALGO KEY NONCE DATA OCTETS               -> ICV
 *   esp-seal ENC AUTH ESN KEY AUTHKEY SPI SEQ IV TEXT      -> TEXT ICV
 *   esp-open ENC AUTH ESN KEY AUTHKEY SPI SEQ IV TEXT ICV  -> TEXT
 *   ah-sign AUTH ESN AUTHKEY SEQ IV DATA         -> ICV
 *   ah-verify AUTH ESN AUTHKEY SEQ IV DATA ICV   -> good
 *
 * All octets hex, "-" for none; SPI hex, SEQ decimal, ESN 0 or 1.  `bad` is a
 * wrong ICV, `error` anything else that was refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/crypto/aead.h"
#include "engine/crypto/cipher.h"
#include "engine/crypto/mac.h"
#include "engine/crypto/suite.h"

#define WORDS      12
#define OCTETS_MAX 70000

struct octets {
	uint8_t *at;
	size_t len;
};

static struct octets
parse_hex(const char *hex)
{
	struct octets o = { calloc(1, strlen(hex) / 2 + 64), 0 };

	if (o.at == NULL)
		abort();
	if (strcmp(hex, "-") == 0)
		return o;
	for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2)
		if (sscanf(hex, "%2hhx", &o.at[o.len++]) != 1)
			abort();
	return o;
}

static void
print_hex(const uint8_t *octets, size_t len)
{
	if (len == 0)
		putchar('-');
	for (size_t i = 0; i < len; i++)
		printf("%02x", octets[i]);
}

static void
print_error(int error)
{
	printf("%s", error == -EBADMSG ? "bad" : "error");
}

static void
run_aead(char **w, bool seal)
{
	struct octets key = parse_hex(w[2]), nonce = parse_hex(w[3]);
	struct octets aad = parse_hex(w[4]), text = parse_hex(w[5]);
	struct octets tag = parse_hex(seal ? "-" : w[6]);
	struct aead_job job = {
		.nonce = nonce.at,
		.nonce_octets = nonce.len,
		.aad = aad.at,
		.aad_octets = aad.len,
		.src = text.at,
		.dst = text.at,
		.len = text.len,
		.tag = tag.at,
	};
	struct aead a;
	int error = aead_init(&a, algo_by_name(w[1]), key.at, key.len);

	if (error == 0 && !seal && tag.len != a.tag_octets)
		error = -EBADMSG;
	if (error == 0)
		error = seal ? aead_seal(&a, &job) : aead_open(&a, &job);
	if (error != 0)
		print_error(error);
	else
		print_hex(text.at, text.len);
	if (error == 0 && seal) {
		putchar(' ');
		print_hex(tag.at, a.tag_octets);
	}
	aead_fini(&a);
	free(key.at);
	free(nonce.at);
	free(aad.at);
	free(text.at);
	free(tag.at);
}

static void
run_cipher(char **w, bool encrypt)
{
	struct octets key = parse_hex(w[2]), iv = parse_hex(w[3]);
	struct octets text = parse_hex(w[4]);
	struct cipher c;
	int error = cipher_init(&c, algo_by_name(w[1]), key.at, key.len);

	if (error == 0)
		error = (encrypt ? cipher_encrypt : cipher_decrypt)(
		    &c, iv.at, text.at, text.at, text.len);
	if (error != 0)
		print_error(error);
	else
		print_hex(text.at, text.len);
	cipher_fini(&c);
	free(key.at);
	free(iv.at);
	free(text.at);
}

static void
run_mac(char **w)
{
	struct octets key = parse_hex(w[2]), nonce = parse_hex(w[3]);
	struct octets data = parse_hex(w[4]);
	size_t n = strtoul(w[5], NULL, 10);
	uint8_t icv[MAC_ICV_MAX];
	struct mac m;
	int error = mac_init(&m, algo_by_name(w[1]), key.at, key.len);

	if (error == 0) {
		mac_begin(&m, nonce.at);
		mac_add(&m, data.at, data.len);
		error = mac_end(&m, icv, n);
	}
	if (error != 0)
		print_error(error);
	else
		print_hex(icv, n);
	mac_fini(&m);
	free(key.at);
	free(nonce.at);
	free(data.at);
}

static struct suite *
make_suite(const char *enc, const char *auth, const char *esn,
	   struct octets key, struct octets auth_key)
{
	struct suite_params params = {
		.enc = algo_by_name(enc),
		.auth = algo_by_name(auth),
		.esn = esn[0] == '1',
		.key = key.at,
		.key_octets = (unsigned)key.len,
		.auth_key = auth_key.at,
		.auth_key_octets = (unsigned)auth_key.len,
	};

	return suite_new(&params);
}

static void
run_esp(char **w, bool seal)
{
	struct octets key = parse_hex(w[4]), auth_key = parse_hex(w[5]);
	struct octets iv = parse_hex(w[8]), text = parse_hex(w[9]);
	struct octets icv = parse_hex(seal ? "-" : w[10]);
	struct suite *s = make_suite(w[1], w[2], w[3], key, auth_key);
	struct suite_sizes z =
	    suite_sizes(algo_by_name(w[1]), algo_by_name(w[2]));
	struct suite_job job = {
		.spi = (uint32_t)strtoul(w[6], NULL, 16),
		.seq = strtoull(w[7], NULL, 10),
		.iv = iv.at,
		.src = text.at,
		.dst = text.at,
		.len = text.len,
		.icv = icv.at,
	};
	int error = s == NULL || iv.len != z.iv_octets ? -EINVAL : 0;

	if (error == 0 && !seal && icv.len != z.icv_octets)
		error = -EBADMSG;
	if (error == 0)
		error = seal ? suite_seal(s, &job) : suite_open(s, &job);
	if (error != 0)
		print_error(error);
	else
		print_hex(text.at, text.len);
	if (error == 0 && seal) {
		putchar(' ');
		print_hex(icv.at, z.icv_octets);
	}
	suite_free(s);
	free(key.at);
	free(auth_key.at);
	free(iv.at);
	free(text.at);
	free(icv.at);
}

static void
run_ah(char **w, bool sign)
{
	struct octets none = { NULL, 0 }, key = parse_hex(w[3]);
	struct octets iv = parse_hex(w[5]), data = parse_hex(w[6]);
	struct octets icv = parse_hex(sign ? "-" : w[7]);
	struct suite *s = make_suite("none", w[1], w[2], none, key);
	struct suite_sizes z = suite_sizes(ALGO_NONE, algo_by_name(w[1]));
	struct suite_piece pieces[2] = {
		{ data.at, data.len / 2 },
		{ data.at + data.len / 2, data.len - data.len / 2 },
	};
	struct suite_scatter what = {
		.seq = strtoull(w[4], NULL, 10),
		.iv = iv.at,
		.pieces = pieces,
		.n_pieces = 2,
		.icv = icv.at,
	};
	int error = s == NULL || iv.len != z.iv_octets ? -EINVAL : 0;

	if (error == 0 && !sign && icv.len != z.icv_octets)
		error = -EBADMSG;
	if (error == 0)
		error = sign ? suite_sign(s, &what) : suite_verify(s, &what);
	if (error != 0)
		print_error(error);
	else if (sign)
		print_hex(icv.at, z.icv_octets);
	else
		printf("good");
	suite_free(s);
	free(key.at);
	free(iv.at);
	free(data.at);
	free(icv.at);
}

static void
answer(char **w, unsigned n)
{
	if (n == 6 && strcmp(w[0], "seal") == 0)
		run_aead(w, true);
	else if (n == 7 && strcmp(w[0], "open") == 0)
		run_aead(w, false);
	else if (n == 5 && strcmp(w[0], "encrypt") == 0)
		run_cipher(w, true);
	else if (n == 5 && strcmp(w[0], "decrypt") == 0)
		run_cipher(w, false);
	else if (n == 6 && strcmp(w[0], "mac") == 0)
		run_mac(w);
	else if (n == 10 && strcmp(w[0], "esp-seal") == 0)
		run_esp(w, true);
	else if (n == 11 && strcmp(w[0], "esp-open") == 0)
		run_esp(w, false);
	else if (n == 7 && strcmp(w[0], "ah-sign") == 0)
		run_ah(w, true);
	else if (n == 8 && strcmp(w[0], "ah-verify") == 0)
		run_ah(w, false);
	else
		printf("unknown question");
	putchar('\n');
}

int
main(void)
{
	static char line[4 * OCTETS_MAX];
	const char *failed;

	if (suite_init(&failed) != 0) {
		fprintf(stderr, "known-answer test: %s\n", failed);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		char *words[WORDS], *at = line, *word;
		unsigned n = 0;

		while (n < WORDS && (word = strsep(&at, " \n")) != NULL)
			if (*word != '\0')
				words[n++] = word;
		answer(words, n);
		fflush(stdout);
	}
	return 0;
}
