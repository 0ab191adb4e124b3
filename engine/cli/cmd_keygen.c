/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/entropy.h"
#include "base/secret.h"
#include "engine/cli/jsonout.h"

/* keyed-md5 takes keys of any length; RFC 1828 section 1.1 wants 128 bits. */
#define ANY_LENGTH_OCTETS 16
/* For entropyd's pool, where it is there: a person waits. */
#define SETTLE_MS 250

static unsigned
octets_for(const char *name)
{
	enum algo a = algo_by_name(name);
	const struct algo_info *info = algo_info(a);

	if (a == ALGO_NONE || a == ALGO_NULL || info == NULL)
		return 0;
	return info->key_octets == 0 ? ANY_LENGTH_OCTETS
				     : algo_keymat_octets(a);
}

static int
print_key(const char *name, const struct cli *cli)
{
	char hex[2 + 2 * ALGO_KEYMAT_MAX + 1];
	uint8_t key[ALGO_KEYMAT_MAX];
	unsigned n = octets_for(name);

	if (secret_random(key, n) < 0) {
		cli_complain("no random numbers from the kernel");
		return CLI_FAILED;
	}
	(void)snprintf(hex, sizeof(hex), "0x");
	for (unsigned i = 0; i < n; i++)
		(void)snprintf(hex + 2 + 2 * i, 3, "%02x", key[i]);
	if (cli->json)
		jsonout_put("key",
			    json_pack("{s:s,s:s,s:s}", "algorithm", name, "key",
				      hex, "randomness", entropy_sources()));
	else
		(void)printf("%s\n", hex);
	secret_wipe(key, sizeof(key));
	secret_wipe(hex, sizeof(hex));
	return CLI_DONE;
}

int
cmd_keygen_run(int argc, char **argv, const struct cli *cli)
{
	int status = CLI_DONE;

	if (argc < 2)
		return cli_usage("keygen", "a key for which algorithm?");
	for (int i = 1; i < argc; i++)
		if (octets_for(argv[i]) == 0)
			return cli_usage("keygen",
					 "%s: no algorithm that has a key",
					 argv[i]);
	/* Without it, or with a run-dir that can't be, there is the kernel. */
	(void)entropy_use(cli->run_dir);
	entropy_settle(SETTLE_MS);
	if (cli->json)
		jsonout_begin();
	for (int i = 1; i < argc && status == CLI_DONE; i++)
		status = print_key(argv[i], cli);
	if (cli->json)
		jsonout_end();
	return status;
}
