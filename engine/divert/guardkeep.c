/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/divert/guardkeep.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/wholefile.h"
#include "engine/divert/nftctx.h"
#include "engine/divert/tabledump.h"
#include "policy/nftgen.h"

#define TEXT_MAX (64u << 20) /* octets */

int
guardkeep_save(const char *dir, const char *text)
{
	return wholefile_save(dir, GUARDKEEP_FILE, text);
}

int
guardkeep_forget(const char *dir)
{
	return wholefile_forget(dir, GUARDKEEP_FILE);
}

/* Is there a guard table in this network namespace? */
static bool
is_present(void)
{
	uint32_t owner;

	return tabledump_owner(NFTGEN_GUARD, &owner) == 0;
}

int
guardkeep_load(const char *text, struct table_why *why)
{
	struct nftctx nft;
	int err;

	if (is_present())
		return 0;
	err = nftctx_open(&nft, -1, why);
	if (err < 0)
		return err;
	err = nftctx_run(&nft, text, why);
	nftctx_close(&nft);
	return err < 0 ? err : 1;
}

int
guardkeep_restore(const char *dir, struct table_why *why)
{
	char *text = NULL;
	int err;

	if (is_present())
		return 0;
	err = wholefile_read(dir, GUARDKEEP_FILE, TEXT_MAX, &text);
	if (err < 0) {
		table_why_set(why, "%s/" GUARDKEEP_FILE ": %s", dir,
			      strerror(-err));
		return err;
	}
	err = guardkeep_load(text, why);
	free(text);
	return err;
}
