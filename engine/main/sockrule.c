/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/divert/nftctx.h"
#include "engine/divert/tabledump.h"
#include "engine/main/sockrule.h"

#define TRIES 4 /* others may be changing theirs */
#define TABLE "nfipsec-runs"
#define CHAIN "inet " TABLE " out"
#define NFT   "/sys/fs/cgroup/" /* where nft looks for cgroups */
/* Behind everybody's mangling, before `classify`. */
#define PRIORITY "-141"
/* Elsewhere than in the first cgroup namespace kernels do not agree what a
 * level is. */
#define FIRST_CGROUP_NS 0xEFFFFFFB

/* nft's strings have no escapes, and users may name cgroups of theirs. */
static bool
can_be_quoted(const char *path)
{
	for (; *path != '\0'; path++)
		if (!isprint((unsigned char)*path) || *path == '"')
			return false;
	return true;
}

static unsigned
level_of(const char *path)
{
	unsigned n = 1;

	for (; *path != '\0'; path++)
		n += *path == '/';
	return n;
}

int
sockrule_make(char rule[LEAVES_RULE], const char *mount, const char *path,
	      const struct sockprog *what)
{
	char peer[IPADDR_TEXT], to[IPADDR_TEXT + 16] = "";
	const char *below = "";
	struct stat ns;
	int len;

	if (strncmp(mount, NFT, strlen(NFT)) == 0)
		below = mount + strlen(NFT);
	else if (strncmp(mount, NFT, strlen(NFT) - 1) != 0 ||
		 mount[strlen(NFT) - 1] != '\0')
		return -ENOTSUP;
	if (stat("/proc/self/ns/cgroup", &ns) < 0 ||
	    ns.st_ino != FIRST_CGROUP_NS || !can_be_quoted(path))
		return -ENOTSUP;
	if (what->others_clear && what->peer.family != IP_FAMILY_NONE)
		(void)snprintf(to, sizeof(to), "%s daddr %s ",
			       what->peer.family == IP_FAMILY_4 ? "ip" : "ip6",
			       ipaddr_format(&what->peer, peer));
	len = snprintf(rule, LEAVES_RULE,
		       "socket cgroupv2 level %u \"%s%s%s\" oif != \"lo\" %s"
		       "meta mark set meta mark & 0x%08x | 0x%08x",
		       level_of(path), below, *below == '\0' ? "" : "/", path,
		       to, ~what->mask, what->mark);
	return len < LEAVES_RULE ? 0 : -ENOTSUP;
}

/* What the table was when these rules had been loaded; 0: that is not known. */
static uint32_t loaded;

/* Loads it, and notes what it is then.  False: somebody has changed something
 * in between, so that it may not be what was loaded. */
static bool
load(struct nftctx *nft, const char *text, size_t n, struct table_why *why,
     int *err)
{
	uint32_t before, after;
	unsigned rules;

	loaded = 0;
	*err = tabledump_generation(&before);
	if (*err == 0)
		*err = nftctx_run(nft, text, why);
	if (*err < 0)
		return true;
	if (tabledump_print(TABLE, &loaded, &rules) == 0 && rules == n &&
	    tabledump_generation(&after) == 0 && after == before + 1)
		return true;
	loaded = 0;
	return false;
}

int
sockrule_load(const char *const *rules, size_t n, struct table_why *why)
{
	struct nftctx nft;
	char *text = NULL;
	size_t octets;
	FILE *f = open_memstream(&text, &octets);
	int err;

	if (f == NULL)
		return -ENOMEM;
	fprintf(f, "add table inet " TABLE "\n"
		   "add chain " CHAIN
		   " { type filter hook output priority " PRIORITY
		   "; policy accept; }\n"
		   "flush chain " CHAIN "\n");
	for (size_t i = 0; i < n; i++)
		fprintf(f, "add rule " CHAIN " %s\n", rules[i]);
	if (fclose(f) != 0) {
		free(text);
		return -ENOMEM;
	}
	err = nftctx_open(&nft, -1, why);
	if (err == 0) {
		for (unsigned i = 0; i < TRIES; i++)
			if (load(&nft, text, n, why, &err))
				break;
		nftctx_close(&nft);
	}
	free(text);
	return err;
}

bool
sockrule_is_whole(void)
{
	uint32_t print;
	unsigned rules;
	int err = tabledump_print(TABLE, &print, &rules);

	return err == 0 ? print == loaded : err != -ENOENT;
}
