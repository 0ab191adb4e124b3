/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "engine/cli/cli.h"
#include "engine/cli/cmd_check.h"

/* How Wireshark's preferences name what it can decrypt; epan/dissectors'
 * packet-ipsec of 4.0 knows no other. */
static const struct {
	enum algo algo;
	const char *name;
} wireshark_names[] = {
	{ ALGO_AES128_GCM, "AES-GCM with 16 octet ICV [RFC4106]" },
	{ ALGO_AES192_GCM, "AES-GCM with 16 octet ICV [RFC4106]" },
	{ ALGO_AES256_GCM, "AES-GCM with 16 octet ICV [RFC4106]" },
	{ ALGO_AES128_GCM12, "AES-GCM with 12 octet ICV [RFC4106]" },
	{ ALGO_AES192_GCM12, "AES-GCM with 12 octet ICV [RFC4106]" },
	{ ALGO_AES256_GCM12, "AES-GCM with 12 octet ICV [RFC4106]" },
	{ ALGO_AES128_GCM8, "AES-GCM with 8 octet ICV [RFC4106]" },
	{ ALGO_AES192_GCM8, "AES-GCM with 8 octet ICV [RFC4106]" },
	{ ALGO_AES256_GCM8, "AES-GCM with 8 octet ICV [RFC4106]" },
	{ ALGO_AES128_CBC, "AES-CBC [RFC3602]" },
	{ ALGO_AES192_CBC, "AES-CBC [RFC3602]" },
	{ ALGO_AES256_CBC, "AES-CBC [RFC3602]" },
	{ ALGO_AES128_CTR, "AES-CTR [RFC3686]" },
	{ ALGO_AES256_CTR, "AES-CTR [RFC3686]" },
	{ ALGO_NULL, "NULL" },
	{ ALGO_HMAC_SHA1, "HMAC-SHA-1-96 [RFC2404]" },
	{ ALGO_HMAC_SHA256, "HMAC-SHA-256-128 [RFC4868]" },
	{ ALGO_HMAC_SHA384, "HMAC-SHA-384-192 [RFC4868]" },
	{ ALGO_HMAC_SHA512, "HMAC-SHA-512-256 [RFC4868]" },
	{ ALGO_AES_CMAC, "ANY 96 bit authentication [no checking]" },
};

/* NULL: it has no name there.  "" is no algorithm. */
static const char *
wireshark_name(const char *ours)
{
	enum algo a = algo_by_name(ours);

	if (ours[0] == '\0')
		return "NULL";
	for (size_t i = 0;
	     i < sizeof(wireshark_names) / sizeof(wireshark_names[0]); i++)
		if (wireshark_names[i].algo == a)
			return wireshark_names[i].name;
	return NULL;
}

static void
print_key(const struct proto_octets *key)
{
	(void)printf(",\"%s", key->len == 0 ? "" : "0x");
	for (unsigned i = 0; i < key->len; i++)
		(void)printf("%02x", key->at[i]);
	(void)fputc('"', stdout);
}

/* A line of esp_sa: protocol, source, destination, SPI, encryption, its key,
 * authentication, its key.  What Wireshark lacks is a comment. */
static void
print_esp_sa(const struct proto_sa *sa)
{
	const char *enc = wireshark_name(sa->encryption);
	const char *auth = wireshark_name(sa->integrity);
	const struct ipaddr *from = &sa->local, *to = &sa->peer;
	char source[IPADDR_TEXT], destination[IPADDR_TEXT];

	if (sa->direction == PROTO_IN)
		from = &sa->peer, to = &sa->local;
	if (enc == NULL || auth == NULL) {
		(void)printf(
		    "# SPI 0x%08" PRIx32 ": Wireshark has no %s for ESP\n",
		    sa->spi, enc == NULL ? sa->encryption : sa->integrity);
		return;
	}
	(void)printf("\"%s\",\"%s\",\"%s\",\"0x%08" PRIx32 "\",\"%s\"",
		     from->family == IP_FAMILY_6 ? "IPv6" : "IPv4",
		     ipaddr_format(from, source),
		     ipaddr_format(to, destination), sa->spi, enc);
	print_key(&sa->key);
	(void)printf(",\"%s\"", auth);
	print_key(&sa->auth_key);
	(void)fputc('\n', stdout);
}

static int
export_wireshark(struct client *c)
{
	struct proto_show show = { .flags = PROTO_SHOW_KEYS };
	struct proto_sa sa;
	int err;

	err = client_ask(c, PROTO_SAS, PROTO_SHAPE(&show), &show);
	while (err >= 0 && (err = client_next(c, &proto_shape_sa, &sa)) > 0) {
		if (sa.protocol == 50)
			print_esp_sa(&sa);
		secret_wipe(&sa, sizeof(sa));
	}
	return err;
}

static int
export_text(struct client *c, enum proto_export_which which)
{
	struct proto_export request = { .which = which };
	struct proto_text piece;
	int err;

	err = client_ask(c, PROTO_EXPORT, PROTO_SHAPE(&request), &request);
	while (err >= 0 &&
	       (err = client_next(c, &proto_shape_text, &piece)) > 0)
		(void)fputs(piece.text, stdout);
	return err;
}

int
cmd_export_run(int argc, char **argv, const struct cli *cli)
{
	bool wireshark;
	struct client c;
	int status;

	if (argc == 3 && strcmp(argv[1], "conf") == 0 && !cli->json)
		return cmd_check_export(argv[2], cli);
	if (argc != 2)
		return cli_usage("export", "export conf, nft or wireshark");
	if (cli->show_keys)
		return cli_usage("export", "--show-keys goes with a FILE");
	wireshark = strcmp(argv[1], "wireshark") == 0;
	if (!wireshark && strcmp(argv[1], "conf") != 0 &&
	    strcmp(argv[1], "nft") != 0)
		return cli_usage("export", "%s: conf, nft or wireshark",
				 argv[1]);
	if (cli->json)
		return cli_usage("export", "%s has a form of its own", argv[1]);
	if (wireshark && geteuid() != 0) {
		cli_complain("keys are for root");
		return CLI_FORBIDDEN;
	}
	status = cli_connect(&c, cli);
	if (status == CLI_DONE)
		status = cli_fail(
		    &c, wireshark ? export_wireshark(&c)
				  : export_text(&c, strcmp(argv[1], "conf") == 0
							? PROTO_EXPORT_CONF
							: PROTO_EXPORT_NFT));
	client_close(&c);
	return status;
}
